/*
 * The witness. It reads the time line of every ticket as it grows, keeps what each clock must then be,
 * and works it out minute by minute from the plan's file and the calendar's text. What the server says is
 * compared with that; every difference is written down.
 */
#pragma once

#include "company.h"

#define CLOCKS_MOST 60
#define STOPS_MOST  24

struct clock_case {
    struct yaml_node *target;
    const char *kind, *start, *stop, *complexity;
    int occurrence; /* outages and escalations come one after another */
    bool exists, not_owed, working_hours;
    int64_t count; /* of the limit */
    char unit[4];
    int64_t started_ms, met_ms, cancelled_ms; /* -1: not */
    int64_t promised_ms; /* since when its limit holds, after a regrade; 0: from the start */
};

struct case_ {
    int64_t row, registered_ms, cleared_ms, clear_heard_ms, finished_ms, hold_until_ms, closed_ms; /* 0: not */
    int64_t claimed_ms, gone_ms; /* since when it is said to be repaired, and not proved yet; its last alarm cleared */
    int heater, gateway; /* indices; -1: none */
    int plan, grade;
    char level, number[32], kind[20], fault[40], cause[80];
    bool emergency, complex, remote_area, late, touched, restored;
    struct clock_case clocks[CLOCKS_MOST];
    int clock_count;
    struct stop stops[STOPS_MOST];
    int stop_count;
    char reasons[STOPS_MOST][24];
    bool paused, appointment, arranged, contact;
    int64_t quoted_minor, billed_minor, paid_minor; /* what it costs the customer, with tax */
    bool agreed;
    int regrades, clears, relapses, closes; /* lines seen that people are told of */
    bool rewritten; /* its limits changed on the way, or something was said with an earlier time */
};

struct ledger {
    struct company *company;
    struct case_ *cases; /* by row id */
    int64_t room, count, last_event, last_alarm_event;
    int64_t up_ms;       /* since when the server runs */
    int64_t wrong, compared, lines, notices;
    bool silent; /* differences are counted, not shown */
    void (*opened)(void *context, struct case_ *one); /* a ticket was registered */
    void *context;
};

void ledger_wrong(struct ledger *ledger, const char *format, ...) PRINTF_LIKE(2, 3);
/* A link is back: silence proves nothing, so holds are longer by the time that it lasted. */
void ledger_link_back(struct ledger *ledger, int gateway, int64_t from_ms, int64_t to_ms);
/* The new lines of all time lines. */
void ledger_read(struct ledger *ledger, struct sql *sql, int64_t now_ms);
struct case_ *ledger_case(struct ledger *ledger, int64_t row);
/* One ticket as the API shows it, against the witness. */
void ledger_compare(struct ledger *ledger, struct sql *sql, struct rules *rules, struct case_ *one,
                    int64_t now_ms);
void ledger_free(struct ledger *ledger);
