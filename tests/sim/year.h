/* A year of the company: what breaks, what people do, when the server is away. */
#pragma once

#include "ledger.h"

#define FAULTS 12

enum what {
    RAISE,   /* a fault begins; a: heater, b: fault */
    LADDER,  /* it becomes more severe, or less; a: episode, b: grade */
    CLEAR,   /* it goes; a: episode, b: 1 when it comes back soon */
    TELL,    /* the message of one of these arrives; a: message */
    LOSE,    /* a gateway falls silent; a: gateway */
    MISS,    /* and somebody notices; a: gateway */
    FIND,    /* it is back; a: gateway */
    STEP,    /* somebody does the next thing with a ticket; a: row, b: step */
    RESUME,  /* a: row */
    CONSENT, /* a: row */
    REOPEN,  /* a: row */
    REPORT,  /* a caller; a: heater */
    ROUND,   /* visits are driven to, once a day */
    BEAT,    /* everybody is heard, four times a day */
    AUDIT,   /* what must hold at any time is looked at, once a week */
    RESTOCK, /* goods come in, once a week */
    STOP,    /* the server is stopped */
};

struct event {
    int64_t at_ms, order, said_ms; /* said: when it really was */
    enum what what;
    int64_t a, b;
};

struct episode { /* one occurrence of a fault, as it was */
    int heater, fault, grade;
    int64_t onset_ms, cleared_ms; /* 0: still there */
    bool told; /* its raising has arrived … */
    bool late; /* … so late that it was history */
    int again; /* how often it will come back at once: chattering */
};

struct message {
    int64_t episode, t_ms;
    enum fault_state state;
    int grade;
};

struct loss { /* of a link, until the server knew that it was back */
    int gateway;
    int64_t from_ms, to_ms;
};

struct books { /* what the storekeeper knows */
    int64_t there[PARTS][PLACES], used, refused, billed_minor;
};

struct year {
    uint64_t seed;
    struct books books;
    struct dice dice;
    struct company company;
    struct ledger ledger;
    char url[200];
    struct rules *rules;
    struct sql *sql;   /* NULL while the server is away */
    struct desk *desk;
    int64_t now_ms, begin_ms, end_ms, turn_ms, up_ms;
    struct event *events; /* a heap */
    int64_t event_count, event_room, orders;
    struct episode *episodes;
    int64_t episode_count, episode_room;
    struct message *messages;
    int64_t message_count, message_room;
    struct loss *lost;
    int64_t loss_count, loss_room;
    int32_t *open; /* heater × fault: the open episode + 1 */
    int64_t actions, refused, repeated, turns, stops, losses, reports;
    struct arena *arena;
    int steps; /* of the transaction that is open */
};

extern const struct sim_fault {
    const char *id;
    int grade, ladder; /* ladder: the grade that it may come to; 0: none */
} sim_faults[FAULTS];

/* faults: of a heater and year. */
void year_begin(struct year *year, const char *url, int heaters, int days, int faults);
void year_run(struct year *year);
/* Everything at the end. */
void year_check(struct year *year);
/* Spoils what the desk has stored, in one way after the other, and looks whether the check sees it. How often it did not. */
int year_doubt(struct year *year);
void year_end(struct year *year);

/* For the files of the year among themselves. */
void year_at(struct year *year, int64_t at_ms, enum what what, int64_t a, int64_t b);
void year_fault_event(struct year *year, const struct event *event);
void year_people_event(struct year *year, const struct event *event);
void year_opened(void *context, struct case_ *one);
void year_audit(struct year *year);
/* Rows of a query that must have none. */
void year_none(struct year *year, const char *words, const char *statement);
/* Parts and money (books.c). */
void books_begin(struct books *books);
void books_restock(struct year *year);
void books_reserve(struct year *year, int64_t order);
void books_use(struct year *year, int64_t order);
bool books_quote(struct year *year, struct case_ *one);
void books_bill(struct year *year, int64_t row);
void books_check(struct year *year);
/* Every notice about a ticket that must be there, once; and every decision not to tell. */
void told_ticket(struct year *year, struct case_ *one);
void told_check(struct year *year);
/* An action on a ticket or a work order as a step of its own; false: it was refused. */
bool year_do(struct year *year, bool work, int64_t row, const char *action, const char *more, int64_t said_ms);
/* A step of a transaction begins. */
enum err year_step(struct year *year);
/* The end of a step: ERR_OK, or a refusal, or an error which is the server's fault. */
enum err year_commit(struct year *year, enum err err, const char *what);
