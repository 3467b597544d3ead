/*
 * The inside of a device, for this room only: device.c (life and turns), poll.c (registers to
 * readings), report.c (what is said), orders.c (commands). All on the bus's thread.
 */
#pragma once

#include "agent/acquire/device.h"
#include "models/fault/judge.h"
#include "models/profile/sweep.h"
#include "models/telemetry/reading.h"

#define DEVICE_TEXT_SIZE (2 * REGISTER_STRING_MOST + 1)
#define GROUPS_MOST 16 /* different periods in a profile */

struct group { /* points of one period */
    int64_t every_ms, next_ms; /* boot clock */
    size_t *order;
    size_t count;
    struct sweep_read *reads;
    size_t read_count;
};

struct told { /* what was last reported of a point */
    bool any, has_value;
    enum quality quality;
    double value;
    char *text;
    int64_t t_ms;
};

struct apart { /* a point that the device refused by itself: it stays out of the blocks */
    bool set;
    int pause; /* polls of its group between two questions; doubles */
    int left;  /* polls until the next one */
};

struct device {
    struct device_options options;
    struct arena *arena;
    struct judge *judge;
    struct group groups[GROUPS_MOST];
    size_t group_count;
    struct told *told;
    struct reading *now; /* the newest reading of each point */
    char **now_text; /* of each point, DEVICE_TEXT_SIZE; NULL: it never was a text */
    struct apart *apart;
    struct open_fault *open; /* one a fault of the profile */
    uint16_t max_registers, gap; /* learned downwards from the profile's */
    struct verdict *verdicts;
    struct outgoing *batch;
    size_t batch_count;
    int64_t newest_ms; /* wall clock: of the newest reading */
    int silent_polls;
    bool lost, checked, fits, misfit_told;
    int64_t back_off_ms, retry_ms; /* boot clock */
    uint64_t random;
    int64_t polls, refusals;
};

/* device.c */
/* Tells the judge which faults are open. */
void device_restore(struct device *device);
struct group *device_group_of(struct device *device, int64_t every_ms);
/* poll.c: reads for the group's points, without those that stand apart. */
void device_plan(struct device *device, struct group *group);
/* One poll of the group. An error: the device does not answer. */
enum err device_poll(struct device *device, struct group *group) MUST_CHECK;
/* Reads one point now; the newest reading is in device->now then. */
enum err device_read_point(struct device *device, size_t index) MUST_CHECK;
struct master_request device_request(const struct device *device, enum register_table table,
                                     uint16_t address, uint16_t count);
/* Registers that prove that the profile fits; before that no value is believed. */
enum err device_check_identity(struct device *device) MUST_CHECK;

/* report.c */
void device_report(struct device *device, size_t point, const struct reading *reading);
void device_report_nothing(struct device *device, size_t point, enum quality quality,
                           int64_t t_ms);
/* Hands on what was reported. */
void device_send(struct device *device);
void device_drop_batch(struct device *device);
/* Judges the faults at the time of the newest reading. */
void device_decide(struct device *device);
void device_say_bus(struct device *device, bool lost, const char *en, const char *zh);
