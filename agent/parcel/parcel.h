/* What goes from the wires (and from the server) to the spool's thread, by queue. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/telemetry/message.h"
#include "models/telemetry/ranges.h"

enum parcel_kind {
    PARCEL_READINGS,
    PARCEL_EVENT,  /* body: the object behind "event" */
    PARCEL_REPLY,  /* body: what stands behind the envelope: "command":…,"state":… */
    PARCEL_ACK,    /* epoch, have */
    PARCEL_LINK,   /* flag: 1 up, 0 down */
    PARCEL_ROOM,   /* the sending queue has room again */
    PARCEL_LEARNED, /* command: whose limits; body: their words */
    PARCEL_ASK,    /* body: the address of a question that waits for the disk */
};

/* What must be known of a fault after a restart, so that it is neither raised twice nor forgotten. */
struct open_fault {
    const char *equipment; /* NULL: the event is about no fault; names live as long as the program */
    const char *fault;     /* "": the equipment itself does not answer */
    bool is_open;
    int grade;
    int64_t onset_ms;
    bool reset; /* a person has allowed a latching fault to clear */
};

struct learned { /* what devices of a kind take, in words; both live as long as the program */
    const char *key, *words;
};

struct parcel {
    enum parcel_kind kind;
    struct outgoing *readings; /* names live as long as the program; texts are owned */
    size_t count;
    char *body;
    int64_t t_ms;
    int64_t given_ms; /* boot clock: when the spool got it */
    char epoch[EPOCH_SIZE];
    struct range *have;
    int flag;
    char *command; /* of a reply: its command's id, owned */
    struct open_fault open; /* of an event, or of the reply to a reset */
};

struct parcel *parcel_make(enum parcel_kind kind, int64_t t_ms); /* NULL: out of memory */
void parcel_free(void *parcel);
size_t parcel_bytes(const struct parcel *parcel);
