/*
 * The inside of a device, for this room only: device.c (life and turns), poll.c (rounds of reads), decode.c (registers
 * to readings), identity.c (who it is), report.c (what is said), orders.c (commands). All on the bus's thread.
 */
#pragma once

#include "agent/acquire/device.h"
#include "agent/acquire/hunt.h"
#include "agent/acquire/limits.h"
#include "models/fault/judge.h"
#include "models/profile/plausible.h"
#include "models/profile/sweep.h"
#include "models/telemetry/reading.h"

#define DEVICE_TEXT_SIZE (2 * REGISTER_STRING_MOST + 1)
#define GROUPS_MOST 16 /* different periods in a profile */

struct group { /* points of one period */
    int64_t every_ms, phase_ms, next_ms; /* boot clock */
    size_t *order;
    size_t count;
    bool proven; /* the device has given all of it, block by block as it is planned now */
};

/*
 * One way through the points of a group, a transaction a step, so that others have their turns in between. Blocks
 * are planned as it goes: what is learned on the way holds for the rest.
 */
struct round {
    struct group *group;  /* NULL: none is under way */
    const bool *wanted;   /* an order's: these points, those that stand apart too; NULL: what is due */
    size_t at;            /* of the group's order: done */
    size_t apart_at;      /* points that stand apart: done */
    struct hunt hunt;     /* at >= its first */
    int exception;        /* that the hunt is about */
    bool retried;         /* the step under way was silent once */
    bool refused;         /* some of it */
    size_t answers;
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
    bool known; /* its quality stands in device->now */
    int pause; /* polls of its group between two questions; doubles */
    int left;  /* polls until the next one */
};

struct device {
    struct device_options options;
    struct arena *arena;
    struct judge *judge;
    struct group groups[GROUPS_MOST];
    size_t group_count;
    struct round round;
    struct master_unit unit;
    struct limits *limits; /* of its kind; the bus's */
    uint32_t planned;      /* limits->version that stands in the plan */
    bool replan;           /* a point stands apart now, or does not any more */
    struct told *told;
    struct reading *now; /* the newest reading of each point */
    char **now_text; /* of each point, DEVICE_TEXT_SIZE; NULL: it never was a text */
    struct apart *apart;
    struct plausible *plausible; /* of each point; NULL: no point of the profile has a step */
    struct open_fault *open; /* one a fault of the profile */
    struct verdict *verdicts;
    struct outgoing *batch;
    size_t batch_count;
    int64_t newest_ms; /* wall clock: of the newest reading */
    int silent_polls;
    bool heard; /* it has answered since the start: silence is news */
    bool identified; /* its identity registers have been read for the poll under way */
    bool lost, checked, fits, misfit_told;
    size_t identity_at; /* identity registers read so far */
    bool identity_fits; /* … and all of them as they should be */
    char firmware[40];  /* as its register says, or the values of its identity; "": not known */
    enum quality silence; /* what its silence is called: timeout, or exception when a gateway says it */
    bool wire_gone;       /* it is silent because the wire is not there */
    int64_t silent_since_ms, back_off_ms, retry_ms; /* boot clock */
    uint64_t random;
    int64_t polls, refusals;
};

/* device.c */
/* Tells the judge which faults are open. */
void device_restore(struct device *device);
struct group *device_group_of(struct device *device, int64_t every_ms);
/* It answered: whatever was said of its silence is over. */
void device_answered(struct device *device);

/* poll.c */
void device_plan_all(struct device *device);
void device_round_begin(struct device *device, struct round *round, struct group *group,
                        const bool *wanted);
/* One transaction. round->group is NULL when that was the last. An error: no answer, nothing changed. */
enum err device_round_step(struct device *device, struct round *round) MUST_CHECK;
/* The block that begins with the group's point at. */
struct sweep_read device_block(const struct device *device, const struct group *group, size_t at);
/* Reads one point now; the newest reading is in device->now then. */
enum err device_read_point(struct device *device, size_t index) MUST_CHECK;
struct master_request device_request(struct device *device, enum register_table table,
                                     uint16_t address, uint16_t count);

/* decode.c: what a read has brought, to readings. */
void device_decode(struct device *device, const struct sweep_read *read, const size_t *order,
                   const uint16_t *words, int64_t t_ms);
/* A register that stands in it and whose value is known does not say so: this is not the answer, or not the device. */
bool device_disproves(const struct device *device, const struct sweep_read *read, const uint16_t *words);
void device_decode_point(struct device *device, size_t index, const uint16_t *words, int64_t t_ms);

/* identity.c: registers that prove that the profile fits; before that no value is believed. */
static inline bool device_has_identity(const struct device *device)
{
    return device->options.profile->identity_count > 0 || device->options.profile->has_firmware;
}
/* One transaction; device->checked or a misfit is settled when identity_at is back at 0. */
enum err device_identity_step(struct device *device) MUST_CHECK;
/* The limits of its kind: of its profile and firmware, or its own as long as that is not known. NULL: no room. */
struct limits *device_limits(const struct device *device);
/* All of it. */
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
