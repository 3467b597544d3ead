/* Maintenance visits in the calendar: every occurrence once, ahead of time, wherever the server was
 * meanwhile, and whatever becomes of the plan. */
#include <stdlib.h>

#include "server/alarm/alarm.h"
#include "server/case/duties.h"
#include "server/visit/visit_int.h"

#define AHEAD_MONTHS 16 /* at least 15 (interfaces.md 8) and a margin until the next look */
#define SLICE        2000
#define AT_ONCE      400 /* occurrences made in one look */

struct course { /* how the visits of one piece of equipment run */
    struct office *office;
    struct sql *sql;
    const struct place *place;
    struct visit_rule rule;
    int32_t anchor, today;
    int64_t now_ms;
    int64_t from_sequence, from_ordinal; /* of the series: sequence s is occurrence s - from_sequence + from_ordinal */
    int64_t kept; /* visits up to here stay as they are */
};

/* Visits that follow the plan when it changes: nobody has them in hand and their window has not begun. */
#define MOVABLE                                                                                    \
    "(window_start_day > ?2 AND (state = 'planned' OR (state = 'skipped' AND COALESCE(code, '') IN ('plan', 'contract'))))"

int32_t visit_anchor(const struct place *place)
{
    return place->dates.acceptance != WARRANTY_NO_DATE   ? place->dates.acceptance
           : place->dates.completion != WARRANTY_NO_DATE ? place->dates.completion
           : place->dates.invoice != WARRANTY_NO_DATE    ? place->dates.invoice
                                                         : place->dates.sale;
}

enum err visit_rule_find(struct sql *sql, const struct place *place, struct visit_rule *ret_rule)
{
    char climate[65] = "";
    bool south = false;
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT climate, lat FROM site WHERE id = ?1", "i", place->site);
    if (sql_next(&rows)) {
        const char *words = sql_text(&rows, 0);

        (void)!text_copy(climate, sizeof(climate), words ? words : "");
        south = !sql_null(&rows, 1) && sql_real(&rows, 1) < 0;
    }
    *ret_rule = visit_rule_of(place->plan, climate[0] ? climate : NULL, south);
    return sql_end(&rows);
}

/* ------------------------------------------------------------------ contracts */

/* The contracts of a visit's site; those of them that cover its date. */
#define CONTRACTS                                                                                  \
    "SELECT 1 FROM equipment e JOIN contract_site x ON x.site = e.site JOIN contract c ON c.id ="   \
    " x.contract WHERE e.id = visit.equipment"
#define COVERS                                                                                     \
    "(c.start_day IS NULL OR c.start_day <= visit.due_day) AND (c.end_day IS NULL OR c.end_day >="  \
    " visit.due_day)"
#define CALLED_OFF                                                                                 \
    "equipment = ?1 AND state = 'planned' AND EXISTS (" CONTRACTS ") AND NOT EXISTS (" CONTRACTS    \
    " AND " COVERS ")"
#define CALLED_BACK                                                                                \
    "equipment = ?1 AND window_end_day >= ?2 AND state = 'skipped' AND code = 'contract' AND EXISTS (" CONTRACTS " AND " \
    COVERS ")"

/* A visit that no contract covers any more is called off, and back in the plan when one does again before its window is
 * over. A site without any contract is looked after by the preset plan, without an end. */
static enum err judge_contracts(struct course *course)
{
    struct sql *sql = course->sql;
    int64_t equipment = course->place->equipment, now_ms = course->now_ms;
    enum err err = sql_run(sql,
                           "INSERT INTO visit_event (visit, at_ms, who, action, note) SELECT id, ?2, 'heliograph',"
                           " 'skip', 'no contract covers it' FROM visit WHERE " CALLED_OFF,
                           "ii", equipment, now_ms);

    if (!err && sql_changes(sql) > 0) {
        err = sql_run(sql,
                      "UPDATE visit SET state = 'skipped', code = 'contract', reason = 'no contract covers it', version ="
                      " version + 1, calendar_sequence = calendar_sequence + 1 WHERE " CALLED_OFF,
                      "i", equipment);
        err = err ? err : duties_of_visits(sql, equipment);
    }
    if (!err) {
        err = sql_run(sql,
                      "INSERT INTO visit_event (visit, at_ms, who, action, note) SELECT id, ?3, 'heliograph',"
                      " 'reinstate', 'a contract covers it again' FROM visit WHERE " CALLED_BACK,
                      "iii", equipment, (int64_t)course->today, now_ms);
    }
    if (!err && sql_changes(sql) > 0) {
        err = sql_run(sql,
                      "UPDATE visit SET state = 'planned', code = NULL, reason = NULL, version = version + 1,"
                      " calendar_sequence = calendar_sequence + 1 WHERE " CALLED_BACK,
                      "ii", equipment, (int64_t)course->today);
    }
    return err;
}

/* ------------------------------------------------------------------ the series */

static struct visit occurrence(const struct course *course, int64_t sequence)
{
    int64_t ordinal = sequence - course->from_sequence + course->from_ordinal;
    struct visit visit = visit_rule_at(&course->rule, course->anchor, ordinal);

    visit.sequence = sequence;
    return visit;
}

/* A visit is dated anew: it stays the same visit, with the same number and the same event in calendars. */
static enum err redate(struct course *course, int64_t id, int32_t was, const struct visit *visit)
{
    char before[11];
    TEXT(note, 200);
    enum err err;

    civil_write_date(was, before);
    text_addf(&note, "was due on %s; the plan %s, its climate or the day it counts from has changed", before,
              course->place->plan->id);
    err = sql_run(course->sql,
                  "UPDATE visit SET window_start_day = ?2, due_day = ?3, window_end_day = ?4, plan = ?5, state ="
                  " 'planned', code = NULL, reason = NULL, target_day = NULL, target_why = NULL, target_by = NULL,"
                  " pull_day = NULL, pull_why = NULL, version = version + 1, calendar_sequence = calendar_sequence + 1"
                  " WHERE id = ?1",
                  "iiiit", id, (int64_t)visit->window_start, (int64_t)visit->due_on, (int64_t)visit->window_end,
                  course->place->plan->id);
    if (!err) { /* raised anew for the new window */
        err = sql_run(course->sql,
                      "DELETE FROM clock WHERE subject = 'visit' AND subject_id = ?1 AND ticket IS NULL AND met_ms IS NULL"
                      " AND breached_ms IS NULL",
                      "i", id);
    }
    return err ? err : visit_line(course->sql, id, course->now_ms, "heliograph", "redate", NULL, note.at, NULL);
}

static enum err call_off(struct course *course, int64_t id, const char *reason)
{
    enum err err = sql_run(course->sql,
                           "UPDATE visit SET state = 'skipped', code = 'plan', reason = ?2, version = version + 1,"
                           " calendar_sequence = calendar_sequence + 1 WHERE id = ?1 AND state = 'planned'",
                           "it", id, reason);

    if (!err && sql_changes(course->sql) > 0) {
        err = visit_line(course->sql, id, course->now_ms, "heliograph", "skip", NULL, reason, NULL);
        err = err ? err : duties_of_visit(course->sql, id);
    }
    return err;
}

struct moved {
    int64_t id, sequence;
    int32_t due;
};

/* The movable visits, in order. */
static enum err load_movable(struct course *course, struct moved moved[AT_ONCE], size_t *ret_count)
{
    struct sql_rows rows;
    size_t count = 0;

    sql_find(course->sql, &rows,
             "SELECT id, sequence, due_day FROM visit WHERE equipment = ?1 AND " MOVABLE " AND sequence > ?3 ORDER BY"
             " sequence LIMIT 400",
             "iii", course->place->equipment, (int64_t)course->today, course->kept);
    while (count < AT_ONCE && sql_next(&rows)) {
        moved[count++] = (struct moved){sql_int(&rows, 0), sql_int(&rows, 1), (int32_t)sql_int(&rows, 2)};
    }
    *ret_count = count;
    return sql_end(&rows);
}

/* Visits ahead follow the rule that holds now. One that floats has one visit ahead. */
static enum err redate_all(struct course *course)
{
    struct moved *moved = arena_array(course->office->arena, AT_ONCE, sizeof(*moved));
    size_t count = 0;
    enum err err = moved ? load_movable(course, moved, &count) : ERR_NOMEM;

    for (size_t i = 0; !err && i < count; i++) {
        struct visit visit;

        if (!visit_rule_repeats(&course->rule) || (course->rule.floating && i > 0)) {
            err = call_off(course, moved[i].id, "the plan has no such visit any more");
            continue;
        }
        visit = occurrence(course, moved[i].sequence);
        err = redate(course, moved[i].id, moved[i].due, &visit);
    }
    return err;
}

/* The first occurrence of a rule whose window lies behind what stays, and which is not past. */
static int64_t first_ordinal(const struct course *course, int32_t kept_end)
{
    int64_t ordinal;

    if (!visit_rule_repeats(&course->rule)) {
        return 1;
    }
    ordinal = visit_rule_from(&course->rule, course->anchor, course->today);
    while (visit_rule_at(&course->rule, course->anchor, ordinal).window_start <= kept_end) {
        ordinal++;
    }
    return ordinal;
}

static enum err begin_series(struct course *course, const char *rule)
{
    int64_t equipment = course->place->equipment, kept_end, first;
    enum err err;

    course->kept = sql_find_int(course->sql, 0, "SELECT MAX(sequence) FROM visit WHERE equipment = ?1 AND NOT " MOVABLE,
                                "ii", equipment, (int64_t)course->today);
    kept_end = sql_find_int(course->sql, INT32_MIN,
                            "SELECT MAX(window_end_day) FROM visit WHERE equipment = ?1 AND sequence <= ?2 AND NOT (state ="
                            " 'skipped' AND COALESCE(code, '') = 'plan')",
                            "ii", equipment, course->kept);
    first = sql_find_int(course->sql, 0, "SELECT MIN(sequence) FROM visit WHERE equipment = ?1 AND sequence > ?2", "ii",
                         equipment, course->kept);
    course->from_ordinal = first_ordinal(course, (int32_t)kept_end);
    course->from_sequence = course->kept ? course->kept + 1 : first ? first : course->from_ordinal;
    err = sql_run(course->sql,
                  "INSERT INTO visit_series (equipment, from_sequence, from_ordinal, anchor_day, rule, plan, at_ms) VALUES"
                  " (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                  "iiiitti", equipment, course->from_sequence, course->from_ordinal, (int64_t)course->anchor, rule,
                  course->place->plan->id, course->now_ms);
    return err ? err : redate_all(course);
}

/* The series that holds; another one begins when the rule, the anchor or the climate has changed. */
static enum err find_series(struct course *course)
{
    struct sql_rows rows;
    TEXT(rule, 1200);
    bool same = false;
    enum err err;

    visit_rule_write(&course->rule, course->anchor, &rule);
    sql_find(course->sql, &rows,
             "SELECT from_sequence, from_ordinal, anchor_day, rule FROM visit_series WHERE equipment = ?1 ORDER BY id DESC"
             " LIMIT 1",
             "i", course->place->equipment);
    if (sql_next(&rows)) {
        course->from_sequence = sql_int(&rows, 0);
        course->from_ordinal = sql_int(&rows, 1);
        same = text_same(sql_text(&rows, 3), rule.at);
    }
    err = sql_end(&rows);
    return err || same ? err : begin_series(course, rule.at);
}

/* ------------------------------------------------------------------ ahead */

static enum err put_visit(struct course *course, const struct visit *visit)
{
    return sql_run(course->sql,
                   "INSERT INTO visit (equipment, sequence, window_start_day, due_day,"
                   " window_end_day, plan, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON"
                   " CONFLICT (equipment, sequence) DO NOTHING",
                   "iiiiiti", course->place->equipment, visit->sequence, (int64_t)visit->window_start,
                   (int64_t)visit->due_on, (int64_t)visit->window_end, course->place->plan->id, course->now_ms);
}

/* What follows the last one that is there: no downtime loses one. */
static enum err plan_fixed(struct course *course)
{
    int32_t until = civil_add_months(course->today, AHEAD_MONTHS);
    int64_t sequence = 1 + sql_find_int(course->sql, course->from_sequence - 1,
                                        "SELECT MAX(sequence) FROM visit WHERE equipment = ?1", "i",
                                        course->place->equipment);
    enum err err = ERR_OK;

    for (int i = 0; !err && i < AT_ONCE; i++) {
        struct visit visit = occurrence(course, sequence + i);

        if (visit.due_on > until) {
            break;
        }
        err = put_visit(course, &visit);
    }
    return err;
}

/* The day that the next floating visit is counted from, whatever was called off since; VISIT_NO_DAY: there is none. */
static enum err last_day(struct course *course, int64_t *ret_sequence, int32_t *ret_day)
{
    struct sql_rows rows;

    *ret_day = VISIT_NO_DAY;
    *ret_sequence = sql_find_int(course->sql, 0, "SELECT MAX(sequence) FROM visit WHERE equipment = ?1", "i",
                                 course->place->equipment);
    sql_find(course->sql, &rows,
             "SELECT done_ms, COALESCE(pull_day, due_day) FROM visit WHERE equipment = ?1 AND NOT (state = 'skipped' AND"
             " COALESCE(code, '') IN ('plan', 'contract')) ORDER BY sequence DESC LIMIT 1",
             "i", course->place->equipment);
    if (sql_next(&rows)) {
        *ret_day = sql_null(&rows, 0) ? (int32_t)sql_int(&rows, 1)
                                      : place_day(course->office, course->place, sql_int(&rows, 0));
    }
    return sql_end(&rows);
}

/* One ahead: the next follows when it is done, or when it is not made. */
static enum err plan_floating(struct course *course)
{
    struct visit visit;
    int64_t sequence;
    int32_t day;
    enum err err;

    if (sql_find_int(course->sql, 0,
                     "SELECT 1 FROM visit WHERE equipment = ?1 AND (state IN ('planned', 'released', 'attached') OR (state ="
                     " 'skipped' AND code = 'contract' AND window_end_day >= ?2)) LIMIT 1",
                     "ii", course->place->equipment, (int64_t)course->today)) {
        return ERR_OK; /* one is ahead, or would be if a contract covered it */
    }
    err = last_day(course, &sequence, &day);
    if (err) {
        return err;
    }
    if (day == VISIT_NO_DAY) {
        visit = visit_rule_at(&course->rule, course->anchor,
                              visit_rule_from(&course->rule, course->anchor, course->today));
        visit.sequence = sequence + 1;
        return put_visit(course, &visit);
    }
    visit = visit_rule_after(&course->rule, day, sequence + 1);
    while (visit.window_end < course->today) { /* long after the last one: from when it would have been due */
        visit = visit_rule_after(&course->rule, visit.due_on, sequence + 1);
    }
    return put_visit(course, &visit);
}

enum err visits_plan(struct office *office, struct sql *sql, int64_t equipment, int64_t now_ms)
{
    struct place place;
    struct course course = {.office = office, .sql = sql, .place = &place, .now_ms = now_ms};
    enum err err = place_find(office, sql, equipment, 0, now_ms, &place);

    if (err || !place.plan) {
        return err;
    }
    course.anchor = visit_anchor(&place);
    if (course.anchor == WARRANTY_NO_DATE) {
        return ERR_OK; /* nothing to count from: the fleet file says no date */
    }
    course.today = place_day(office, &place, now_ms);
    err = visit_rule_find(sql, &place, &course.rule);
    visit_rule_age(&course.rule, place.plan, course.anchor, course.today);
    if (!err) {
        err = find_series(&course);
    }
    if (!err) { /* triggers are looked at daily where there are any */
        err = sql_run(sql,
                      "UPDATE visit_series SET triggers = ?2 WHERE id = (SELECT MAX(id) FROM visit_series WHERE equipment ="
                      " ?1) AND triggers <> ?2",
                      "ii", equipment, (int64_t)(place.plan->visits && place.plan->visits->trigger_count > 0));
    }
    if (!err && visit_rule_repeats(&course.rule)) {
        err = course.rule.floating ? plan_floating(&course) : plan_fixed(&course);
    }
    if (!err) {
        err = judge_contracts(&course);
    }
    return err ? err : charge_plan(office, sql, &place, course.anchor, now_ms);
}

/* ------------------------------------------------------------------ all of them */

static enum err plan_all(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t *ids = calloc(SLICE, sizeof(*ids)), last = 0;
    size_t count;
    enum err err = ids ? ERR_OK : ERR_NOMEM;

    do {
        struct sql_rows rows;

        count = 0;
        if (err) {
            break;
        }
        sql_find(sql, &rows,
                 "SELECT id FROM equipment WHERE id > ?1 AND claimed = 1 ORDER BY id LIMIT 2000", "i",
                 last);
        while (count < SLICE && sql_next(&rows)) {
            ids[count++] = sql_int(&rows, 0);
        }
        err = sql_end(&rows);
        for (size_t i = 0; !err && i < count; i++) {
            arena_reset(office->arena);
            err = visits_plan(office, sql, ids[i], now_ms);
            last = ids[i];
        }
    } while (!err && count == SLICE);
    free(ids);
    return err;
}

enum err visits_turn(struct office *office, struct sql *sql, bool plan, int64_t now_ms)
{
    enum err err = plan ? plan_all(office, sql, now_ms) : ERR_OK;

    if (!err) {
        err = trigger_turn(office, sql, now_ms);
    }
    if (!err) {
        err = release_turn(office, sql, now_ms);
    }
    return err ? err : spread_turn(office, sql, plan, now_ms);
}

enum err visits_anew(struct office *office, struct sql *sql, int64_t now_ms)
{
    enum err err = visits_turn(office, sql, true, now_ms);
    struct sql_rows rows;
    int64_t *ids = calloc(SLICE * 50, sizeof(*ids));
    size_t count = 0;

    if (!ids) {
        return ERR_NOMEM;
    }
    /* an import may have claimed what was unclaimed */
    sql_find(sql, &rows, "SELECT id FROM equipment WHERE claimed = 1 AND status = 'unclaimed'", "");
    while (count < SLICE * 50 && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    enum err end = sql_end(&rows);

    err = err ? err : end;
    for (size_t i = 0; !err && i < count; i++) {
        err = status_refresh(office, sql, ids[i], now_ms);
    }
    free(ids);
    return err;
}
