/*
 * Who is told next when something does not go on: a rule per condition, with steps that go up to leadership.
 * The state is the ledger of what has happened; what is to be done now and when to look again are computed
 * from it, so that no step is taken twice and none is lost when nobody looked for a while.
 *
 * A rule's time begins when its condition begins. Step i is due `wait` after that (waits rise); it is repeated
 * every `repeat`, at most `times`, until the next step has been taken. An acknowledgement holds the time for
 * `ack` (0: for good); whoever acknowledges and forgets is reminded. Looking late: every step that has become
 * due is taken once, and of the repeats that were missed only the last one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/service/workdays.h"

enum escalation_on {
    ESCALATION_EMERGENCY,       /* grade 1 or a safety hazard: leadership and dispatch at once (S0-145) */
    ESCALATION_UNACKNOWLEDGED,  /* nobody has taken notice of the ticket */
    ESCALATION_NOT_DISPATCHED,  /* no team has it */
    ESCALATION_NOT_ACCEPTED,    /* a team was asked and says nothing */
    ESCALATION_REFUSED,         /* a team refused and no other one has accepted (S0-141) */
    ESCALATION_NOT_DEPARTED,    /* the appointment has come and nobody is on the way */
    ESCALATION_PART_MISSING,    /* it waits for a part */
    ESCALATION_WILL_BREACH,     /* a clock has been warned about */
    ESCALATION_BREACHED,        /* a clock was missed and is not met yet */
    ESCALATION_BOUNCED,         /* pushed on too often (S0-113) */
    ESCALATION_NOT_IMPLEMENTED, /* the supervision check failed (S0-148) */
    ESCALATION_NOT_CLEARED,     /* the crew limit has passed (S0-50) */
    ESCALATION_RCA_OVERDUE,     /* the fault analysis is not approved by its time, also of a closed ticket (S0-115) */
    ESCALATION_MANUAL,          /* somebody said so */
    ESCALATION_ONS,
};
extern const char *const escalation_on_names[];

/* Whom a step tells: a bit each. */
#define ESCALATION_TO_DISPATCHER (1U << 0)
#define ESCALATION_TO_ON_CALL    (1U << 1)
#define ESCALATION_TO_OWNER      (1U << 2) /* the technician or the team that has it */
#define ESCALATION_TO_TEAM_LEAD  (1U << 3)
#define ESCALATION_TO_SUPERVISOR (1U << 4)
#define ESCALATION_TO_TECHNICAL  (1U << 5) /* the technical department */
#define ESCALATION_TO_LEADERSHIP (1U << 6)
extern const char *const escalation_to_names[]; /* in the order of the bits */

extern const char *const escalation_channel_names[]; /* log webhook mail sms, in the order of the bits */

#define ESCALATION_STEPS_MOST 8

struct escalation_step {
    int64_t wait_ms;
    unsigned to, channels; /* channels 0: all there are */
    int64_t repeat_ms;     /* 0: once */
    int times;             /* repeats at most; 0: no end */
};

struct escalation_rule {
    enum escalation_on on;
    unsigned grades; /* a bit per grade: 1U << grade */
    int64_t ack_ms;
    bool working_hours; /* its time is the site's working time: waits, repeats and acknowledgements stand still outside */
    struct escalation_step steps[ESCALATION_STEPS_MOST];
    size_t step_count;
};

enum escalation_kind { ESCALATION_STEP, ESCALATION_ACKNOWLEDGE, ESCALATION_END };

struct escalation_event {
    enum escalation_kind kind;
    int64_t at_ms;
    int step;           /* of a step taken, from 0 */
    int64_t repetition; /* 0: the first time */
};

struct escalation_due { /* a step to take now */
    int step;
    int64_t repetition, due_ms;
};

/*
 * The steps to take at now_ms, after the events in the order of their times. *ret_next_ms: when to look again;
 * INT64_MAX: never, unless something happens.
 */
size_t escalation_look(const struct escalation_rule *rule, int64_t since_ms,
                       const struct escalation_event *events, size_t count, int64_t now_ms,
                       struct escalation_due due[ESCALATION_STEPS_MOST], int64_t *ret_next_ms);
/* The same in the working time of a calendar: a step that becomes due outside of it waits until work begins. The times of
 * events are changed. */
size_t escalation_look_in(const struct escalation_rule *rule, const struct workdays *workdays, int64_t since_ms,
                          struct escalation_event *events, size_t count, int64_t now_ms,
                          struct escalation_due due[ESCALATION_STEPS_MOST], int64_t *ret_next_ms);
int escalation_on_read(const char *name); /* -1: none */
