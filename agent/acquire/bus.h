/*
 * One wire and its thread: whose turn it is (turns.h), one transaction at a time, commands as one-shot jobs between
 * them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/acquire/device.h"
#include "agent/modbus/link.h"
#include "models/base/err.h"

struct bus;

struct bus_job { /* a command for one device; owned by the bus once given */
    char id[65], name[33], equipment[65];
    char *args; /* JSON or NULL; owned */
    int64_t expires_ms; /* wall clock: not begun, and not gone on with, after it; 0: never */
};

struct bus_options {
    const char *name;
    struct link link; /* the bus closes it */
    const struct device_options *devices; /* master, give, wants and context are filled in by the bus */
    size_t device_count;
    device_give give;
    device_wants wants; /* as device_options */
    void *context;
    uint64_t seed;
    const struct open_fault *open; /* as device_options */
    size_t open_count;
    const struct learned *learned; /* what earlier runs learned of kinds of devices */
    size_t learned_count;
    void (*health)(void *context, struct json_out *out);
    /* Asked before a write: the intent is on disk when it returns ERR_OK. why says what speaks
     * against it (rate, budget). */
    enum err (*intend)(void *context, const char *command, const char *equipment,
                       const struct point *point, struct text *why);
};

enum err bus_open(const struct bus_options *options, struct bus **ret_bus) MUST_CHECK;
/* From another thread: the request under way is the last one. For all buses before the first close. */
void bus_stop(struct bus *bus);
/* Ends the thread: it finishes the request under way and no more. */
void bus_close(struct bus *bus);
/* ERR_FULL when too many wait. */
enum err bus_give(struct bus *bus, struct bus_job *job) MUST_CHECK;
