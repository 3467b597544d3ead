/*
 * An alarm's row and its life: one occurrence of a fault on one piece of equipment. What happens to it is
 * a line of alarm_event, never changed afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/service/alarm.h"
#include "models/service/announce.h"
#include "server/store/sql.h"

#define ALARM_WORD 128 /* bytes of a fault, an area, a position: ids */

struct alarm {
    int64_t id, equipment, agent, site, ticket; /* 0: none */
    char fault[ALARM_WORD], area[ALARM_WORD], position[ALARM_WORD];
    int grade;
    int64_t onset_ms, detected_ms, registered_ms, cleared_ms, acked_ms; /* 0: not */
    int64_t announced_ms; /* people know since then */
    int64_t quiet_ms;     /* chattering, and quiet since */
    bool decided;         /* announced or held at least once */
};

/* ERR_NOT_FOUND. */
enum err alarm_load(struct sql *sql, int64_t id, struct alarm *ret_alarm) MUST_CHECK;
/* The open alarm of a fault: its id, or 0; the youngest one, open or not. */
int64_t alarm_open_of(struct sql *sql, int64_t equipment, const char *fault);
int64_t alarm_last_of(struct sql *sql, int64_t equipment, const char *fault);

struct alarm_new {
    int64_t equipment;
    const char *fault, *evidence; /* evidence may be NULL */
    int grade;
    int64_t onset_ms, detected_ms;
    bool late;
};
enum err alarm_insert(struct sql *sql, const struct alarm_new *what, int64_t now_ms, int64_t *ret_id) MUST_CHECK;
/* The same alarm goes on: it rose again while it was kept open. */
enum err alarm_again(struct sql *sql, int64_t id, int64_t onset_ms, int64_t now_ms) MUST_CHECK;
/* grade of the alarm; more severe than before: nobody has seen that yet. */
enum err alarm_regrade(struct sql *sql, int64_t id, int grade, int64_t t_ms, int64_t now_ms) MUST_CHECK;
/* *ret_kept: it chatters and is kept open until it has been quiet. */
enum err alarm_clear(struct sql *sql, const struct alarm_rules *rules, int64_t id, int64_t cleared_ms, int64_t now_ms,
                     bool *ret_kept) MUST_CHECK;
/* It has been quiet for long enough. */
enum err alarm_clear_quiet(struct sql *sql, const struct alarm *alarm, int64_t now_ms) MUST_CHECK;
/* All alarms of the ticket that nobody had seen. */
enum err alarm_acknowledge_ticket(struct sql *sql, int64_t ticket, const char *who, int64_t at_ms,
                                  int64_t now_ms) MUST_CHECK;
enum err alarm_acknowledge(struct sql *sql, int64_t id, const char *who, const char *action_id, const char *note,
                           int64_t at_ms, int64_t now_ms) MUST_CHECK;

/* A line of its life. outcome, reason, action_id, note, data (JSON): may be NULL. ERR_EXISTS: that action_id is
 * there. */
struct alarm_words {
    const char *who, *kind, *outcome, *reason, *action_id, *note, *data;
};
enum err alarm_line(struct sql *sql, int64_t id, int64_t at_ms, int64_t now_ms,
                    const struct alarm_words *words) MUST_CHECK;
/* Tells the stream. */
enum err alarm_changed(struct sql *sql, int64_t id, int64_t now_ms) MUST_CHECK;
/* true when the rises of this fault are chattering now (event times); the run may go over several alarms. */
bool alarm_is_chattering(struct sql *sql, const struct alarm_rules *rules, int64_t equipment, const char *fault);
