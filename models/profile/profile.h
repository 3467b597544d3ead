/*
 * One kind of equipment: its points, how they are read, what is a fault and what to do then.
 * Plain data, made by profile_read() in an arena and never changed afterwards, so that threads may
 * share it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/base/yaml.h"
#include "models/profile/expr.h"
#include "models/profile/register.h"

#define PROFILE_POINTS_MOST 512
#define PROFILE_FAULTS_MOST 256

struct words2 { /* the same in two languages; either may be NULL */
    const char *en, *zh;
};

struct point_enum {
    int64_t value;
    const char *name;
};

struct point {
    const char *name;
    struct words2 title;
    const char *unit; /* "" when it has none */
    const char *role; /* NULL when it has none */
    struct register_spec reg;
    const int64_t *invalid; /* raw values that mean "no sensor" */
    size_t invalid_count;
    bool has_range;
    double least, most; /* in unit */
    double step;        /* more than that in step_ms is not possible; 0: anything is */
    int64_t step_ms;
    const struct point_enum *names;
    size_t name_count;
    int64_t every_ms;
    double deadband;      /* 0: any change */
    int64_t heartbeat_ms; /* left out: the larger of 10 × every and 10 min */
    bool may_write;
    double write_least, write_most;
    int64_t write_budget;  /* writes in the point's life; 0: no limit */
    int64_t write_rate_ms; /* least time between two writes; 0: none */
};

struct derived {
    const char *name;
    struct words2 title;
    const char *unit;
    const struct expr *is; /* may name only points and derived points before it */
};

struct fault_rung {
    int64_t after_ms;        /* -1: this rung has a condition instead */
    const struct expr *when; /* NULL: this rung has a time instead; both may be set: both must hold */
    int grade;
};

struct fault_cause {
    const char *cause;
    double odds; /* 0 … 1 */
    const char *skill;
    const char *const *parts; /* NULL-ended; never NULL itself */
    const char *const *tools;
};

struct fault_rule {
    const char *id;
    struct words2 title;
    const struct expr *when;
    const char *when_text;
    int64_t for_ms;
    const struct expr *clear; /* NULL: not when */
    int64_t clear_for_ms;
    int grade; /* 1 2 3 */
    const struct fault_rung *ladder;
    size_t rung_count;
    const size_t *inhibited_by; /* indexes of faults of the same profile */
    size_t inhibited_count;
    const char *domain;    /* hardware software external */
    const char *component; /* warranty class */
    const char *service;   /* what it interrupts: circulation …; NULL: none */
    const struct fault_cause *causes;
    size_t cause_count;
    const struct words2 *remote;
    size_t remote_count;
    struct words2 advice;
    bool safety;   /* a danger to people: an emergency whatever its grade (G-16) */
    bool danger;   /* nothing is lost yet: a latent danger of an outage, grade 2 at least (S0-106) */
    bool latching; /* stays until a person resets it */
};

struct profile_identity {
    struct register_spec reg;
    int64_t least, most; /* the raw value must lie in here */
    bool canary; /* read along with the blocks near it */
};

struct profile_command {
    const char *name;
    struct words2 title;
    size_t point;
    double value;
};

struct inspection_line {
    const char *id;
    struct words2 title;
    const struct expr *is;
    bool has_green, has_amber;
    double green_least, green_most, amber_least, amber_most; /* outside both: red */
};

struct profile_part {
    const char *id;
    struct words2 title;
    const char *component;
};

struct profile {
    const char *id;
    int64_t version;
    const char *maker, *model;
    struct words2 title;
    char hash[17]; /* 16 hex digits over the file's bytes */
    int unit_id;
    uint16_t max_registers; /* in one read */
    uint16_t gap;           /* unused registers that may be read along */
    int64_t timeout_ms, pause_ms;
    const struct profile_identity *identity;
    size_t identity_count;
    bool has_firmware;
    struct register_spec firmware; /* names the device's program: what is learned holds for this one */
    const struct point *points;
    size_t point_count;
    const struct derived *derived;
    size_t derived_count;
    const struct fault_rule *faults;
    size_t fault_count;
    const struct profile_command *commands;
    size_t command_count;
    const struct inspection_line *inspection;
    size_t inspection_count;
    const struct profile_part *parts;
    size_t part_count;
};

/*
 * Reads a profile from YAML bytes into arena. Everything that is wrong is in complaints (positions
 * inside expressions included); then ERR_FORMAT and *ret_profile is untouched.
 */
enum err profile_read(struct arena *arena, const char *bytes, size_t size,
                      struct complaints *complaints, const struct profile **ret_profile) MUST_CHECK;

/* Index by name, or -1. */
int profile_point(const struct profile *profile, const char *name);
int profile_role(const struct profile *profile, const char *role);
int profile_derived(const struct profile *profile, const char *name);
int profile_fault(const struct profile *profile, const char *id);
