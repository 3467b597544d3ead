/*
 * What travels from agent to server (interfaces.md 4): data, event, reply, status; made and read.
 * Decoding trusts nothing: every field is checked, a message that is wrong in one place is refused
 * whole with a sentence that says where.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/base/json.h"
#include "models/base/text.h"
#include "models/telemetry/reading.h"

#define MESSAGE_BYTES_MOST (64 * 1024)
#define EPOCH_SIZE         17 /* 16 hex digits and a NUL */

struct envelope {
    char epoch[EPOCH_SIZE];
    uint64_t seq; /* 1 … 2^53 - 1 */
    int64_t t0_ms;
    bool unsynced;
};

/* All readings of one point in one message. */
struct series {
    const char *equipment;
    const char *point;
    struct reading *readings; /* in the order of the message */
    size_t count;
};

struct data_message {
    struct envelope envelope;
    struct series *series;
    size_t count;
    size_t readings; /* in all */
    int64_t least_ms, most_ms; /* of all readings; both t0 when there are none */
};

enum event_kind {
    EVENT_FAULT,
    EVENT_BUS,
    EVENT_CAPTURE,
    EVENT_TOMBSTONE,
    EVENT_CLOCKFIX,
    EVENT_CONFIG,
    EVENT_OTHER, /* a kind this version does not know: stored, otherwise ignored */
};

enum fault_state {
    FAULT_RAISED,
    FAULT_REGRADED,
    FAULT_CLEARED,
};

extern const char *const fault_state_names[]; /* raised regraded cleared */

struct event_message {
    struct envelope envelope;
    enum event_kind kind;
    const struct cJSON *event; /* the whole object, for what is not below */
    /* fault */
    const char *equipment, *fault;
    enum fault_state state;
    int grade;         /* 1-3; may be 0 when cleared */
    int64_t onset_ms;  /* t0 when left out */
    int64_t detected_ms; /* "detected" when given (an added field), else t0 */
    const struct cJSON *evidence;
    /* tombstone: sequence numbers of this or another epoch given up for good */
    char of_epoch[EPOCH_SIZE];
    uint64_t from, to, lost;
    const char *reason;
    /* clockfix */
    int64_t offset_ms;
};

struct reply_message {
    struct envelope envelope;
    const char *command, *state, *reason; /* reason may be NULL */
    const struct cJSON *result;           /* may be NULL */
};

struct status_message {
    bool online;
    char epoch[EPOCH_SIZE]; /* "" when left out */
    const char *version;
    bool edge;
    int64_t t_ms; /* 0 when left out */
    const struct cJSON *equipment, *spool; /* may be NULL */
    const struct cJSON *all;
};

/*
 * Decoders: everything in the result lives in arena. why (may be NULL) gets what was expected and
 * found. envelope_peek finds epoch and seq even in a message that is otherwise unreadable, as far
 * as that is possible; ERR_FORMAT when it is not.
 */
enum err data_decode(struct arena *arena, const char *bytes, size_t size,
                     struct data_message *ret_message, struct text *why) MUST_CHECK;
/* The usual form of data, read in one pass without a tree (data_scan.c); data_decode begins with it.
 * false: nothing was decided. It takes nothing that the rest of data_decode would not take alike. */
bool data_scan(struct arena *arena, const char *bytes, size_t size,
               struct data_message *ret_message) MUST_CHECK;
enum err event_decode(struct arena *arena, const char *bytes, size_t size,
                      struct event_message *ret_message, struct text *why) MUST_CHECK;
enum err reply_decode(struct arena *arena, const char *bytes, size_t size,
                      struct reply_message *ret_message, struct text *why) MUST_CHECK;
enum err status_decode(struct arena *arena, const char *bytes, size_t size,
                       struct status_message *ret_message, struct text *why) MUST_CHECK;
enum err envelope_peek(struct arena *arena, const char *bytes, size_t size,
                       struct envelope *ret_envelope) MUST_CHECK;

/* One reading to be sent, before it is grouped. */
struct outgoing {
    const char *equipment, *point;
    struct reading reading;
};

/*
 * Encodes as many of list[0..count) as fit into bytes_most, grouped by equipment and point in the
 * order of their first appearance, with t0 = the first reading's time. *ret_used says how many.
 * out is reset first.
 */
enum err data_encode(struct json_out *out, const struct envelope *envelope,
                     const struct outgoing *list, size_t count, size_t bytes_most,
                     size_t *ret_used) MUST_CHECK;
/* {"v":1,"epoch":…,"seq":…,"t0":…[,"clock":"unsynced"] and stays open for the message's own key. */
void envelope_open(struct json_out *out, const struct envelope *envelope);
