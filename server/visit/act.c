/* What people do with visits, and what follows from the moves of their orders. */
#include "server/visit/visit_int.h"

#include <string.h>

#include "server/case/duties.h"

struct act {
    struct office *office;
    struct sql *sql;
    const struct action *action;
    struct visit_row_now visit;
    struct place place;
    int32_t today;
    int64_t now_ms;
    struct text *why;
};

static const char *reason_of(const struct action *action)
{
    const char *reason = json_text_or(action->body, "reason", action->note);

    return reason && reason[0] ? reason : NULL;
}

static enum err line(struct act *act, const char *note)
{
    return visit_line(act->sql, act->visit.id, act->now_ms, act->action->who, act->action->action, act->action->action_id,
                      note, NULL);
}

/* One at a time: two visits to one piece of equipment would be one visit too many. */
static enum err judge_alone(struct act *act)
{
    int64_t other = act->visit.state == VISIT_PLANNED
                        ? sql_find_int(act->sql, 0,
                                       "SELECT MIN(sequence) FROM visit WHERE equipment = ?1 AND id <> ?2 AND state IN"
                                       " ('released', 'attached')",
                                       "ii", act->visit.equipment, act->visit.id)
                        : 0;

    return other ? text_say(act->why, ERR_STATE, "visit %lld is not made yet. Legal: that one; skip of it; move note",
                            (long long)other)
                 : ERR_OK;
}

static enum err do_release(struct act *act)
{
    const char *reason = reason_of(act->action);
    int64_t order;

    if (act->visit.from > act->today && !reason) {
        return text_say(act->why, ERR_FORMAT, "reason: expected words, since its window has not begun");
    }
    enum err err = judge_alone(act);

    return err ? err
               : visit_release(act->office, act->sql, &act->place, act->visit.id, act->action->who, act->action->action_id,
                               reason, act->now_ms, &order);
}

/* The order is assigned as any order is; the visit's dates stay. */
static enum err do_appoint(struct act *act)
{
    struct action assign = *act->action;
    int64_t order = act->visit.order;
    enum err err = judge_alone(act);

    if (!json_field(act->action->body, "appointment")) {
        return text_say(act->why, ERR_FORMAT, "appointment: expected {from, to}");
    }
    if (!err && act->visit.state == VISIT_PLANNED) {
        err = visit_release(act->office, act->sql, &act->place, act->visit.id, act->action->who, NULL,
                            "an appointment is made", act->now_ms, &order);
    }
    if (!err) {
        err = line(act, act->action->note);
    }
    assign.action = "assign";
    assign.action_id = NULL;
    if (!err) {
        err = work_action(act->office, act->sql, order, &assign, act->now_ms, act->why);
    }
    return err ? err : visit_touched(act->sql, act->visit.id, act->now_ms);
}

static enum err do_move(struct act *act)
{
    const char *words = json_text_or(act->action->body, "on", ""), *reason = reason_of(act->action);
    int32_t day;
    TEXT(note, 300);

    if (civil_read_date(words, &day)) {
        return text_say(act->why, ERR_FORMAT, "on: expected a date such as 2027-04-01, found '%.40s'", words);
    }
    if (!reason) {
        return text_say(act->why, ERR_FORMAT, "reason: expected words");
    }
    if (day < act->today) {
        return text_say(act->why, ERR_FORMAT, "on: expected a day that is not past, found %s", words);
    }
    text_addf(&note, "%s%s: %.200s", words, day < act->visit.from || day > act->visit.until ? " (outside its window)" : "",
              reason);
    enum err err = sql_run(act->sql, "UPDATE visit SET target_day = ?2, target_why = ?3, target_by = ?4 WHERE id = ?1",
                           "iitt", act->visit.id, (int64_t)day, reason, act->action->who);

    err = err ? err : line(act, note.at);
    return err ? err : visit_touched(act->sql, act->visit.id, act->now_ms);
}

/* A code of the company's list; one that knows no codes says it in words alone. */
static enum err read_code(struct act *act, const char **ret_code)
{
    const struct codes *codes = rules_codes(act->office->options.rules);
    const char *code = json_text_or(act->action->body, "code", "other"), *reason = reason_of(act->action);
    const struct code *known = codes ? codes_find(&codes->skips, code) : NULL;
    TEXT(names, 800);

    *ret_code = code;
    if (codes && codes->skips.count > 0 && !known) {
        codes_name(&codes->skips, &names);
        return text_say(act->why, ERR_FORMAT, "code: expected one of %s, found '%.40s'", names.at, code);
    }
    if ((!known || known->note) && !reason) {
        return text_say(act->why, ERR_FORMAT, "reason: expected words with the code %s", code);
    }
    return ERR_OK;
}

static enum err do_skip(struct act *act)
{
    struct visit_end end = {.who = act->action->who, .action = "skip", .action_id = act->action->action_id,
                            .reason = reason_of(act->action)};
    enum err err = read_code(act, &end.code);

    if (!err && act->visit.order &&
        sql_find_int(act->sql, 0,
                     "SELECT 1 FROM work_order WHERE id = ?1 AND state IN ('travelling', 'on_site', 'working', 'testing')",
                     "i", act->visit.order)) {
        return text_say(act->why, ERR_STATE, "somebody is on the way or at work. Legal: cancel of the work order, note");
    }
    end.reason = end.reason ? end.reason : end.code;
    return err ? err : visit_skip(act->office, act->sql, &act->visit, &end, act->now_ms);
}

/* Not once the next one is at hand: that would be two within one window; one that floats has taken its place, and is counted
 * from it, even when it was skipped as well. */
static enum err do_reinstate(struct act *act)
{
    struct visit_rule rule;
    enum err err = visit_rule_find(act->sql, &act->place, &rule);

    if (err) {
        return err;
    }
    if (text_same(act->visit.code, "plan") || text_same(act->visit.code, "contract")) {
        return text_say(act->why, ERR_STATE, "%s: it comes back by itself when that changes. Legal: note", act->visit.reason);
    }
    if (sql_find_int(act->sql, 0,
                     "SELECT 1 FROM visit WHERE equipment = ?1 AND sequence > ?2 AND (state IN ('released', 'attached',"
                     " 'done') OR window_start_day <= ?3 OR (?4 = 1 AND NOT (state = 'skipped' AND COALESCE(code, '') IN ('plan',"
                     " 'contract')))) LIMIT 1",
                     "iiii", act->visit.equipment, act->visit.sequence, (int64_t)act->today, (int64_t)rule.floating)) {
        return text_say(act->why, ERR_STATE, "a later visit is at hand or was made. Legal: note; appoint of the later one");
    }
    err = sql_run(act->sql,
                  "UPDATE visit SET state = 'planned', code = NULL, reason = NULL, target_day = NULL, target_why = NULL,"
                  " target_by = NULL WHERE id = ?1",
                  "i", act->visit.id);

    if (!err) { /* owed again: raised anew */
        err = sql_run(act->sql,
                      "DELETE FROM clock WHERE subject = 'visit' AND subject_id = ?1 AND ticket IS NULL AND cancelled_ms IS"
                      " NOT NULL AND breached_ms IS NULL",
                      "i", act->visit.id);
    }
    err = err ? err : line(act, reason_of(act->action));
    return err ? err : visit_touched(act->sql, act->visit.id, act->now_ms);
}

static enum err do_attach(struct act *act)
{
    const char *number = json_text_or(act->action->body, "work_order", "");
    int64_t host = sql_find_int(act->sql, 0, "SELECT id FROM work_order WHERE number = ?1", "t", number);
    int64_t order = 0;
    enum err err;

    if (!host) {
        return text_say(act->why, ERR_FORMAT, "work_order: expected a number that there is, found '%.40s'", number);
    }
    err = judge_alone(act);
    err = err ? err
              : visit_release(act->office, act->sql, &act->place, act->visit.id, act->action->who, NULL, NULL, act->now_ms,
                              &order);
    if (!err) {
        err = ride_begin(act->office, act->sql, order, host, act->action->who, act->now_ms, act->why);
    }
    return err ? err : line(act, number);
}

static enum err do_detach(struct act *act)
{
    const char *reason = reason_of(act->action);
    enum err err = ride_end(act->office, act->sql, act->visit.order, act->action->who,
                            reason ? reason : "taken off by hand", act->now_ms);

    return err ? err : line(act, reason);
}

static enum err do_note(struct act *act)
{
    const char *note = act->action->note;

    return note && note[0] ? line(act, note) : text_say(act->why, ERR_FORMAT, "note: expected words");
}

static enum err (*const doers[])(struct act *act) = {
    [VISIT_RELEASE] = do_release,     [VISIT_APPOINT] = do_appoint, [VISIT_MOVE] = do_move,     [VISIT_SKIP] = do_skip,
    [VISIT_REINSTATE] = do_reinstate, [VISIT_ATTACH] = do_attach,   [VISIT_DETACH] = do_detach, [VISIT_NOTE] = do_note,
};

enum err visit_act(struct office *office, struct sql *sql, int64_t visit, const struct action *action, int64_t now_ms,
                   struct text *why)
{
    struct act act = {.office = office, .sql = sql, .action = action, .now_ms = now_ms, .why = why};
    int kind = visit_action_read(action->action);
    enum visit_state next;
    enum err err;

    arena_reset(office->arena);
    err = visit_load(office, sql, visit, &act.visit);
    if (err == ERR_NOT_FOUND) {
        return text_say(why, err, "no visit %lld", (long long)visit);
    }
    if (err || visit_did(sql, visit, action->action_id)) {
        return err;
    }
    if (kind < 0) {
        return text_say(why, ERR_FORMAT, "action: no action called '%.40s' for visits", action->action);
    }
    err = visit_move(act.visit.state, action->role, (enum visit_action)kind, &next, why);
    if (!err) {
        err = place_find(office, sql, act.visit.equipment, 0, now_ms, &act.place);
    }
    if (err) {
        return err;
    }
    act.today = place_day(office, &act.place, now_ms);
    return doers[kind](&act);
}

/* ------------------------------------------------------------------ what follows from its order */

static enum err say_when(struct sql *sql, const struct visit_row_now *visit, int32_t day, struct text *to)
{
    struct sql_rows rows;

    if (day < visit->from) {
        text_addf(to, "%d days before its window%s", (int)(visit->from - day),
                  visit->pull != VISIT_NO_DAY ? ", as a trigger asked" : "");
    } else if (day > visit->until) {
        text_addf(to, "%d days after its window", (int)(day - visit->until));
        sql_find(sql, &rows,
                 "SELECT note FROM visit_event WHERE visit = ?1 AND action = 'release' AND note IS NOT NULL ORDER BY id DESC"
                 " LIMIT 1",
                 "i", visit->id);
        if (sql_next(&rows)) {
            text_addf(to, ": %s", sql_text(&rows, 0));
        }
        return sql_end(&rows);
    } else {
        text_add(to, "in its window");
    }
    return ERR_OK;
}

static enum err made(struct office *office, struct sql *sql, const struct visit_row_now *visit, int64_t order,
                     const char *who, int64_t now_ms)
{
    int64_t at_ms = sql_find_int(sql, now_ms, "SELECT MAX(at_ms) FROM work_event WHERE work_order = ?1 AND action = 'finish'",
                                 "i", order);
    struct place place;
    TEXT(note, 300);
    enum err err = place_find(office, sql, visit->equipment, 0, now_ms, &place);

    if (err) {
        return err;
    }
    err = say_when(sql, visit, place_day(office, &place, at_ms), &note);
    if (!err) {
        err = charge_freeze(office, sql, visit->id, at_ms);
    }
    if (!err) {
        err = sql_run(sql, "UPDATE visit SET state = 'done', done_ms = ?2, done_day = ?3 WHERE id = ?1", "iii", visit->id, at_ms,
                      (int64_t)place_day(office, &place, at_ms));
    }
    if (!err) {
        err = visit_line(sql, visit->id, now_ms, who, "finish", NULL, note.at, NULL);
    }
    if (!err) {
        err = trigger_reset(sql, visit->equipment, at_ms);
    }
    if (!err) {
        err = duties_of_visit(sql, visit->id);
    }
    if (!err) {
        err = visit_touched(sql, visit->id, now_ms);
    }
    return err ? err : visits_plan(office, sql, visit->equipment, now_ms); /* one that floats: the next */
}

/* Called off with its order: it says why, and is not forgotten. */
static enum err called_off(struct office *office, struct sql *sql, const struct visit_row_now *visit,
                           const struct action *action, int64_t now_ms)
{
    struct visit_row_now bare = *visit;
    const char *reason = reason_of(action);
    struct visit_end end = {.who = action->who, .action = "skip", .code = json_text_or(action->body, "code", "cancelled"),
                            .reason = reason ? reason : "its work order was cancelled"};

    bare.order = 0;
    bare.state = VISIT_RELEASED;
    return visit_skip(office, sql, &bare, &end, now_ms);
}

enum err visits_follow_work(struct office *office, struct sql *sql, int64_t work_order, const struct action *action,
                            int64_t now_ms)
{
    int64_t id = sql_find_int(sql, 0, "SELECT visit FROM work_order WHERE id = ?1", "i", work_order);
    bool cancelled = sql_find_int(sql, 0, "SELECT 1 FROM work_order WHERE id = ?1 AND state = 'cancelled'", "i", work_order);
    struct visit_row_now visit;
    enum err err = id ? visit_load(office, sql, id, &visit) : ERR_OK;

    if (!err && id && visit.state < VISIT_DONE) {
        if (text_same(action->action, "finish") && !cancelled) {
            err = made(office, sql, &visit, work_order, action->who, now_ms);
        } else if (cancelled) {
            err = called_off(office, sql, &visit, action, now_ms);
        } else if (text_same(action->action, "assign") || text_same(action->action, "reschedule") ||
                   text_same(action->action, "dispatch")) {
            err = visit_touched(sql, id, now_ms);
        }
    }
    return err ? err : ride_follow(office, sql, work_order, action, now_ms);
}
