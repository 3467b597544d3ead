/*
 * One piece of equipment on a wire: sweeps to requests to readings to faults, and what of them is
 * reported. Belongs to its bus's thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

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
    uint64_t seed; /* of phases and jitter */
    const struct open_fault *open; /* what was open when the program ended, of all equipment */
    size_t open_count;
    /* Puts the agent's own health (a JSON member's value); may be NULL. */
    void (*health)(void *context, struct json_out *out);
};

enum err device_open(const struct device_options *options, struct device **ret_device) MUST_CHECK;
void device_close(struct device *device);

/* Does what is due at boot_ms; returns the boot ms at which something is due next. Blocks for the
 * answers of the device. */
int64_t device_turn(struct device *device, int64_t boot_ms);
bool device_is_silent(const struct device *device);
const char *device_id(const struct device *device);

/* Commands, on the bus's thread. result gets a JSON object; reason a sentence. */
enum device_outcome { DEVICE_DONE, DEVICE_REFUSED, DEVICE_FAILED, DEVICE_UNKNOWN };
enum device_outcome device_read(struct device *device, const struct cJSON *args,
                                struct json_out *result, struct text *reason);
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
enum device_outcome device_inspect(struct device *device, struct json_out *result,
                                   struct text *reason);
