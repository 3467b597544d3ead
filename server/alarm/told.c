/*
 * What the positions of dispatchers are told, and floods. An item is one thing that somebody has to look at: an
 * alarm, a lost link, an outage, a clock, a worse grade, an area. No position gets more of them within a span than
 * the plan allows; what has no room is grouped, and its area is told instead, once a flood.
 */
#include <stdlib.h>
#include <string.h>

#include "server/alarm/alarm.h"

#define PAST_MS (5 * 60000) /* what ended longer ago than that is history, not news */

int told_count(struct sql *sql, const char *position, int64_t span_ms, int64_t now_ms)
{
    return (int)sql_find_int(sql, 0,
                             "SELECT COUNT(*) FROM announcement WHERE position = ?1 AND outcome = 'announced' AND at_ms >"
                             " ?2",
                             "ti", position, now_ms - span_ms);
}

static int64_t open_flood(struct sql *sql, const char *position)
{
    return sql_find_int(sql, 0, "SELECT id FROM flood WHERE position = ?1 AND ended_ms IS NULL", "t", position);
}

bool told_in_flood(struct sql *sql, const char *position)
{
    return open_flood(sql, position) != 0;
}

static enum err put(struct sql *sql, const struct told_item *item, const char *outcome, const char *reason,
                    int64_t flood, int64_t now_ms)
{
    return sql_run(sql,
                   "INSERT INTO announcement (position, area, at_ms, kind, outcome, reason, grade, alarm, ticket, flood)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULLIF(?8, 0), NULLIF(?9, 0), NULLIF(?10, 0))",
                   "ttitttiiii", item->position, item->area, now_ms, item->kind, outcome, reason, (int64_t)item->grade,
                   item->alarm, item->ticket, flood);
}

enum err told_put(struct sql *sql, const struct told_item *item, const char *outcome, const char *reason,
                  int64_t now_ms)
{
    return put(sql, item, outcome, reason, open_flood(sql, item->position), now_ms);
}

static enum err begin_flood(struct sql *sql, const struct alarm_rules *rules, const char *position, int64_t now_ms)
{
    return sql_run(sql,
                   "INSERT INTO flood (position, from_ms, most, fall, span_ms, gather_ms, next_ms) VALUES (?1, ?2, ?3, ?4,"
                   " ?5, ?6, ?2 + ?6)",
                   "tiiiii", position, now_ms, (int64_t)rules->flood_most, (int64_t)rules->flood_end,
                   rules->flood_span_ms, rules->gather_ms);
}

enum err told_group(struct sql *sql, const struct alarm_rules *rules, const struct told_item *item, int64_t now_ms)
{
    int64_t flood = open_flood(sql, item->position);
    int grade = item->grade;
    enum err err = flood ? ERR_OK : begin_flood(sql, rules, item->position, now_ms);

    if (err) {
        return err;
    }
    flood = flood ? flood : sql_last_id(sql);
    err = sql_run(sql,
                  "INSERT INTO flood_area (flood, area, first_ms, grade_1, grade_2, grade_3) VALUES (?1, ?2, ?3, ?4, ?5,"
                  " ?6) ON CONFLICT (flood, area) DO UPDATE SET grade_1 = flood_area.grade_1 + ?4, grade_2 ="
                  " flood_area.grade_2 + ?5, grade_3 = flood_area.grade_3 + ?6",
                  "itiiii", flood, item->area, now_ms, (int64_t)(grade == 1), (int64_t)(grade == 2),
                  (int64_t)(grade >= 3));
    return err ? err : put(sql, item, "grouped", "flood", flood, now_ms);
}

enum err told_room(struct sql *sql, const struct alarm_rules *rules, const struct told_item *item, int64_t now_ms,
                   bool *ret_room)
{
    int announced = told_count(sql, item->position, rules->flood_span_ms, now_ms);
    /* more about a ticket that is being looked at anyway */
    bool same = item->ticket &&
                sql_find_int(sql, 0,
                             "SELECT 1 FROM announcement WHERE ticket = ?1 AND outcome = 'announced' AND at_ms > ?2 LIMIT 1",
                             "ii", item->ticket, now_ms - rules->flood_span_ms);
    bool room = same || item->grade == 1 ? announced < rules->flood_most - 2
                                         : announced < rules->flood_single && !open_flood(sql, item->position);

    *ret_room = room;
    return room ? told_put(sql, item, "announced", NULL, now_ms) : told_group(sql, rules, item, now_ms);
}

/* ------------------------------------------------------------------ notices about tickets */

static bool begins(const char *words, const char *with)
{
    return strncmp(words, with, strlen(with)) == 0;
}

/* A backlog tells of that relapse: nobody knows yet how it went on. */
static bool is_past(struct sql *sql, const struct told_step *step)
{
    int64_t onset_ms = strtoll(step->step + strlen("relapsed."), NULL, 10);

    return step->fault && sql_find_int(sql, 0,
                                       "SELECT 1 FROM alarm WHERE equipment = ?1 AND fault = ?2 AND cleared_ms IS NULL AND late ="
                                       " 1 AND announced_ms IS NULL AND onset_ms = ?3",
                                       "iti", step->equipment, step->fault, onset_ms) != 0;
}

/* Somebody told us, or the alarm behind it is not ours to hold. */
static bool is_free(struct sql *sql, const struct told_step *step)
{
    bool ours = text_same(step->ticket_kind, "fault") || text_same(step->ticket_kind, "communication");

    if (!ours || !(text_same(step->step, "opened") || begins(step->step, "relapsed.") ||
                   begins(step->step, "cleared.") || begins(step->step, "regraded.") || begins(step->step, "warn.") ||
                   begins(step->step, "breach.") || text_same(step->step, "escalation"))) {
        return true;
    }
    if (begins(step->step, "relapsed.") && is_past(sql, step)) {
        return false; /* its announcement says it, if it stands when all of the past is known */
    }
    return sql_find_int(sql, 0,
                        "SELECT 1 FROM ticket_event WHERE ticket = ?1 AND action = 'register' AND who <> 'heliograph' LIMIT"
                        " 1",
                        "i", step->ticket) != 0;
}

/* The alarm that stands behind a ticket: the active one, when it is this ticket's (or this one's to be), else the last. A
 * ticket that was closed can still miss what it owes, while the next alarm of the same fault is another one's. 0: none. */
static int64_t alarm_behind(struct sql *sql, const struct told_step *step)
{
    int64_t active = step->fault ? alarm_active(sql, step->equipment, step->fault) : 0;
    bool own = active && sql_find_int(sql, 0,
                                      "SELECT 1 FROM alarm a JOIN ticket t ON t.id = ?2 WHERE a.id = ?1 AND (a.ticket = t.id OR"
                                      " (a.ticket IS NULL AND t.closed_ms IS NULL))",
                                      "ii", active, step->ticket) != 0;

    return own ? active
                  : sql_find_int(sql, 0, "SELECT id FROM alarm WHERE ticket = ?1 ORDER BY id DESC LIMIT 1", "i",
                                 step->ticket);
}

/* People know of it by its area. */
static bool is_grouped(struct sql *sql, int64_t alarm)
{
    return sql_find_int(sql, 0, "SELECT 1 FROM alarm WHERE id = ?1 AND reason = 'flood'", "i", alarm) != 0;
}

static enum err ask_for_room(struct sql *sql, const struct told_step *step, const struct alarm *alarm, int64_t now_ms,
                             bool *ret_tell)
{
    TEXT(area, ALARM_WORD * 2);
    TEXT(position, ALARM_WORD);
    int64_t equipment = step->equipment
                            ? step->equipment
                            : sql_find_int(sql, 0, "SELECT MIN(id) FROM equipment WHERE agent = ?1", "i", step->agent);
    enum err err = alarm_area(sql, equipment, &area, &position);
    struct told_item item = {.position = position.at, .area = area.at,
                             .kind = begins(step->step, "regraded.") ? "regrade" : "clock", .grade = step->grade,
                             .alarm = alarm ? alarm->id : 0, .ticket = step->ticket};

    return err ? err : told_room(sql, step->rules, &item, now_ms, ret_tell);
}

/* One that chattered fell silent long before that was called its end. */
static int64_t heard_of_end(struct sql *sql, const struct alarm *alarm, int64_t now_ms)
{
    return sql_find_int(sql, now_ms,
                        "SELECT MIN(stored_ms) FROM alarm_event WHERE alarm = ?1 AND at_ms = ?2 AND kind IN ('clear',"
                        " 'chattering')",
                        "ii", alarm->id, alarm->cleared_ms);
}

enum err told_step(struct sql *sql, const struct told_step *step, int64_t now_ms, bool *ret_tell)
{
    bool link = text_same(step->ticket_kind, "communication");
    int64_t id;
    struct alarm alarm;
    enum err err;

    *ret_tell = true;
    if (is_free(sql, step)) {
        return ERR_OK;
    }
    id = link ? 0 : alarm_behind(sql, step);
    if (link || !id) {
        *ret_tell = !link; /* the desk tells of a link itself, or does not; its return stands on the stream */
        return link && !begins(step->step, "opened") && !begins(step->step, "cleared.") &&
                       !begins(step->step, "relapsed.")
                   ? ask_for_room(sql, step, NULL, now_ms, ret_tell)
                   : ERR_OK;
    }
    err = alarm_load(sql, id, &alarm);
    if (err) {
        return err;
    }
    if (text_same(step->step, "opened") || begins(step->step, "relapsed.") || begins(step->step, "cleared.")) {
        bool over = begins(step->step, "cleared.");

        *ret_tell = alarm.announced_ms && (over ? alarm.cleared_ms >= heard_of_end(sql, &alarm, now_ms) - PAST_MS : !alarm.cleared_ms);
        return ERR_OK;
    }
    *ret_tell = false;
    /* what was over before anybody was told, and what is kept from people, owes nobody a warning */
    if (!alarm.announced_ms && (alarm.cleared_ms || begins(step->step, "regraded.") || !is_grouped(sql, id))) {
        return ERR_OK;
    }
    return ask_for_room(sql, step, &alarm, now_ms, ret_tell);
}

/* ------------------------------------------------------------------ escalations */

/* A person has put it aside, or works on it. */
static enum err is_put_aside(struct sql *sql, const struct told_step *step, int64_t now_ms, bool *ret_aside)
{
    struct hiding hiding = {.window = false};
    enum err err = step->equipment && step->fault
                       ? hiding_find(sql, NULL, step->equipment, step->fault, now_ms, &hiding)
                       : ERR_OK;

    *ret_aside = hiding.shelved || hiding.suppressed || hiding.out_of_service || hiding.window;
    return err;
}

enum err told_way(struct sql *sql, const struct told_step *step, int64_t now_ms, enum told_way *ret_way,
                  int64_t *ret_known_ms)
{
    static const char alarms[] =
        "SELECT COUNT(*), MIN(announced_ms), MIN(CASE WHEN reason = 'flood' THEN decided_ms END) FROM alarm WHERE ticket = ?1";
    static const char links[] =
        "SELECT 1, MIN(CASE WHEN outcome = 'announced' THEN at_ms END), MIN(CASE WHEN outcome = 'grouped' THEN at_ms END)"
        " FROM announcement WHERE ticket = ?1 AND kind IN ('link', 'outage')";
    bool link = text_same(step->ticket_kind, "communication"), aside = false;
    int64_t single_ms = 0, grouped_ms = 0;
    bool any = false;
    struct sql_rows rows;
    enum err err;

    *ret_way = TOLD_SINGLE;
    *ret_known_ms = 0;
    if (is_free(sql, step)) {
        return ERR_OK;
    }
    sql_find(sql, &rows, link ? links : alarms, "i", step->ticket);
    if (sql_next(&rows)) {
        any = sql_int(&rows, 0) > 0;
        single_ms = sql_int(&rows, 1);
        grouped_ms = sql_int(&rows, 2);
    }
    err = sql_end(&rows);
    if (!err) {
        err = is_put_aside(sql, step, now_ms, &aside);
    }
    if (err || !any) {
        return err;
    }
    *ret_way = aside || (!single_ms && !grouped_ms) ? TOLD_HELD : single_ms ? TOLD_SINGLE : TOLD_GROUPED;
    *ret_known_ms = grouped_ms && (!single_ms || grouped_ms < single_ms) ? grouped_ms : single_ms;
    return ERR_OK;
}

static enum err note_up(struct sql *sql, const char *position, unsigned up, int grade, int64_t now_ms)
{
    return sql_run(sql,
                   "UPDATE flood SET up_from_ms = COALESCE(up_from_ms, ?2), up_to = up_to | ?3, up_steps = up_steps + 1,"
                   " up_grade_1 = up_grade_1 + ?4 WHERE position = ?1 AND ended_ms IS NULL AND up_told_ms IS NULL",
                   "tiii", position, now_ms, (int64_t)up, (int64_t)(grade == 1));
}

enum err told_escalation(struct sql *sql, const struct told_step *step, unsigned up, int64_t now_ms, bool *ret_single)
{
    TEXT(area, ALARM_WORD * 2);
    TEXT(position, ALARM_WORD);
    int64_t equipment = step->equipment
                            ? step->equipment
                            : sql_find_int(sql, 0, "SELECT MIN(id) FROM equipment WHERE agent = ?1", "i", step->agent);
    struct told_item item = {.position = position.at, .area = area.at, .kind = "escalation", .grade = step->grade,
                             .ticket = step->ticket};
    enum told_way way = TOLD_SINGLE;
    int64_t known_ms = 0;
    enum err err = alarm_area(sql, equipment, &area, &position);

    if (!err && !position.at[0]) { /* it stands nowhere */
        text_add(&position, "desk");
        text_add(&area, "desk");
    }
    if (!err) {
        err = told_way(sql, step, now_ms, &way, &known_ms);
    }
    if (err) {
        return err;
    }
    if (way == TOLD_GROUPED && open_flood(sql, item.position)) { /* its area counts it already */
        *ret_single = false;
        err = told_put(sql, &item, "grouped", "flood", now_ms);
    } else {
        err = told_room(sql, step->rules, &item, now_ms, ret_single);
    }
    return err || *ret_single || !up ? err : note_up(sql, item.position, up, step->grade, now_ms);
}

enum err told_wake(struct sql *sql, int64_t ticket, int64_t equipment, int64_t now_ms)
{
    return ticket ? sql_run(sql,
                            "UPDATE escalation SET next_ms = ?2 WHERE ticket = ?1 AND closed_ms IS NULL AND next_ms IS NULL",
                            "ii", ticket, now_ms)
                  : sql_run(sql,
                            "UPDATE escalation SET next_ms = ?2 WHERE ticket IN (SELECT id FROM ticket WHERE equipment = ?1"
                            " AND closed_ms IS NULL) AND closed_ms IS NULL AND next_ms IS NULL",
                            "ii", equipment, now_ms);
}
