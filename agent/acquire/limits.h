/*
 * What a device has shown of its limits: the longest block and the registers that it does not give. Kept once per
 * profile and firmware for all devices of a wire that are alike, so that what one costs to learn the others know.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/profile/sweep.h"

#define LIMITS_HOLES_MOST 64
#define LIMITS_KEY_SIZE   96 /* profile:firmware */

struct limits {
    char key[LIMITS_KEY_SIZE];
    uint16_t max_registers; /* learned downwards from the profile's */
    uint16_t longest;       /* registers of the longest block that was given */
    uint16_t suspect;       /* length at which a block was cut for no visible reason; 0: none */
    struct sweep_hole holes[LIMITS_HOLES_MOST];
    size_t hole_count;
    uint32_t version; /* moves on with every change */
    uint32_t kept;    /* the version that was given to be kept */
};

void limits_init(struct limits *limits, const char *key, uint16_t max_registers);
/* A block of so many registers was given. */
void limits_given(struct limits *limits, uint16_t registers);
/* A hole, if it is not known yet and there is room. */
void limits_add_hole(struct limits *limits, const struct sweep_hole *hole);
/* Registers address … end − 1 have been given: what says otherwise is forgotten. */
void limits_drop_holes(struct limits *limits, enum register_table table, unsigned address, unsigned end);
/*
 * A block was given up to the register before `cut`, with `good` registers, and refused (exception) with what
 * follows at `next` (which the device gives by itself). It is the length when the device says so (exception 3), or cuts
 * a second block at the same one, and never gave more; else there is a hole from cut to next.
 */
void limits_cut(struct limits *limits, enum register_table table, uint16_t cut, uint16_t next,
                uint16_t good, int exception);

/* As text, for the next start: "16 holding:10+2 input:40+0"; and back. ERR_FORMAT leaves limits as they are. */
struct text;
void limits_write(const struct limits *limits, struct text *out);
enum err limits_read(struct limits *limits, const char *words) MUST_CHECK;
