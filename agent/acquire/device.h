/*
 * One piece of equipment on a wire: sweeps to requests to readings to faults, and what of them is
 * reported. Belongs to its bus's thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/acquire/limits.h"
#include "agent/acquire/turns.h"
#include "agent/modbus/master.h"
#include "agent/parcel/parcel.h"
#include "models/base/err.h"
#include "models/base/json.h"
#include "models/profile/profile.h"

struct device;

/* Where what a device has to say goes; takes the parcel. */
typedef void (*device_give)(void *context, struct parcel *parcel);
/* false: readings are not wanted now. They are judged and not reported, so that what has changed
 * meanwhile is news when they are wanted again. */
typedef bool (*device_wants)(void *context);

struct device_options {
    const char *id, *bus;
    int unit_id;
    const struct profile *profile;
    struct master *master;
    device_give give;
    device_wants wants; /* NULL: always */
    void *context;
    uint64_t seed; /* of jitter */
    size_t index, count;      /* its place among the devices of the wire */
    int64_t anchor_ms, beat_ms; /* boot clock: when the wire's beat began, and how long it is */
    /* The limits of its kind, the same for all that are alike; valid as long as the device. NULL: out of room. */
    struct limits *(*limits_of)(void *bus, const char *key, uint16_t max_registers);
    void *bus_context; /* limits_of's */
    const struct open_fault *open; /* what was open when the program ended, of all equipment */
    size_t open_count;
    /* Puts the agent's own health (a JSON member's value); may be NULL. */
    void (*health)(void *context, struct json_out *out);
};

enum err device_open(const struct device_options *options, struct device **ret_device) MUST_CHECK;
void device_close(struct device *device);

/* What it wants of the wire next. */
struct turn device_wants_turn(const struct device *device);
/* One transaction of what it wants. Blocks for the answer. */
void device_step(struct device *device, int64_t boot_ms);
/* The wire was connected anew: who fell silent with it is asked at once. */
void device_wire_is_back(struct device *device, int64_t boot_ms);
bool device_is_silent(const struct device *device);
const char *device_id(const struct device *device);

/* Commands, on the bus's thread. result gets a JSON object; reason a sentence. */
enum device_outcome { DEVICE_DONE, DEVICE_REFUSED, DEVICE_FAILED, DEVICE_UNKNOWN };

/*
 * Reading (args: {"points": [name …]}, NULL: all) and inspecting go step by step, so that polls have their turns in
 * between: begin, then step until it says DEVICE_DONE or DEVICE_FAILED (with the result), then end.
 */
struct device_order;
enum device_outcome device_order_begin(struct device *device, const struct cJSON *args, bool inspect,
                                       struct device_order **ret_order, struct text *reason);
/* One transaction. true: it was the last one, and *ret_outcome, result and reason are set. */
bool device_order_step(struct device_order *order, enum device_outcome *ret_outcome,
                       struct json_out *result, struct text *reason);
void device_order_end(struct device_order *order); /* NULL is fine */

enum device_outcome device_write(struct device *device, const char *point, double value,
                                 struct json_out *result, struct text *reason);
/* args: {"fault": id}. A latching fault that is open may clear from now on; *ret_open is what has to be
 * known of it after a restart, and stays the device's. */
enum device_outcome device_reset(struct device *device, const struct cJSON *args,
                                 const struct open_fault **ret_open, struct text *reason);
/* The value is allowed by the whitelist and its range; else reason says why not. */
enum device_outcome device_may_write(struct device *device, const struct cJSON *args,
                                     const char **ret_point, double *ret_value,
                                     struct text *reason);
