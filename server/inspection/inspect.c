/* Inspections begin, are judged by the checklist, and are given up on. */
#include <string.h>

#include "host/log.h"
#include "server/case/duties.h"
#include "server/fleet/numbers.h"
#include "server/fleet/orders.h"
#include "server/inspection/inspection_int.h"
#include "server/store/change.h"

#define SLICE     20     /* of each kind in a turn */
#define ANSWER_MS 130000 /* the command ends after two minutes; the reply may be on its way */
#define SPEC_MOST 16384

/* ------------------------------------------------------------------ begun */

/* Nobody is there to be asked: what the server knows is judged at once. */
static enum err begin_silent(struct sql *sql, int64_t equipment, int64_t period_day, int64_t now_ms)
{
    char number[32];

    numbers_make('I', number, sizeof(number));
    return sql_run(sql,
                   "INSERT INTO inspection (number, equipment, state, verdict, reason, created_ms, done_ms, way, period_day)"
                   " VALUES (?1, ?2, 'failed', 'red', 'the equipment is not connected', ?3, ?3, 'month', ?4)",
                   "tiii", number, equipment, now_ms, period_day);
}

static enum err begin_one(struct office *office, struct sql *sql, int64_t equipment, int64_t period_day, int64_t now_ms)
{
    char number[32];
    bool wanted = sql_find_int(sql, 0,
                               "SELECT 1 FROM equipment e WHERE e.id = ?1 AND e.claimed = 1 AND NOT EXISTS (SELECT 1 FROM"
                               " inspection i WHERE i.equipment = e.id AND i.period_day = ?2)",
                               "ii", equipment, period_day) != 0;
    bool there = sql_find_int(sql, 0,
                              "SELECT a.online FROM equipment e JOIN agent a ON a.id = e.agent WHERE e.id = ?1", "i",
                              equipment) != 0;
    enum err err = sql_run(sql, "UPDATE inspection_due SET due_ms = NULL WHERE equipment = ?1", "i", equipment);

    if (err || !wanted || !rules_checklist(office->options.rules)) {
        return err;
    }
    return there ? orders_inspect(sql, equipment, "month", period_day, now_ms, number)
                 : begin_silent(sql, equipment, period_day, now_ms);
}

static enum err begin_some(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t ids[SLICE], periods[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT equipment, period_day FROM inspection_due WHERE due_ms <= ?1 ORDER BY due_ms LIMIT 20", "i", now_ms);
    while (count < SLICE && sql_next(&rows)) {
        ids[count] = sql_int(&rows, 0);
        periods[count++] = sql_int(&rows, 1);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = begin_one(office, sql, ids[i], periods[i], now_ms);
    }
    return err;
}

/* The month's, which nobody has answered (the server may have been down meanwhile). */
static enum err give_up(struct sql *sql, int64_t now_ms)
{
    return sql_run(sql,
                   "UPDATE inspection SET state = 'failed', verdict = 'red', reason = 'the equipment did not answer', done_ms ="
                   " ?1 WHERE state = 'waiting' AND way = 'month' AND created_ms <= ?2",
                   "ii", now_ms, now_ms - ANSWER_MS);
}

/* ------------------------------------------------------------------ judged */

static const char *keep(struct arena *arena, const char *words)
{
    return words ? arena_text(arena, words, strlen(words)) : NULL;
}

enum err inspected_read(struct arena *arena, struct sql *sql, int64_t id, struct inspected *ret_inspected)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT equipment, created_ms, done_ms, COALESCE(period_day, 0), version, number, state, way, verdict, result,"
             " points, checks, health FROM inspection WHERE id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        *ret_inspected = (struct inspected){
            .id = id,
            .equipment = sql_int(&rows, 0),
            .created_ms = sql_int(&rows, 1),
            .done_ms = sql_int(&rows, 2),
            .period_day = sql_int(&rows, 3),
            .version = sql_int(&rows, 4),
            .number = keep(arena, sql_text(&rows, 5)),
            .state = keep(arena, sql_text(&rows, 6)),
            .way = keep(arena, sql_text(&rows, 7)),
            .verdict = keep(arena, sql_text(&rows, 8)),
            .result = keep(arena, sql_text(&rows, 9)),
            .points = keep(arena, sql_text(&rows, 10)),
            .checks = keep(arena, sql_text(&rows, 11)),
            .health = keep(arena, sql_text(&rows, 12)),
        };
    }
    err = sql_end(&rows);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

static void put_words(struct json_out *out, const char *name, const struct words2 *words)
{
    json_key(out, name);
    json_open_object(out);
    json_text(out, "en", words->en);
    json_text(out, "zh", words->zh);
    json_close_object(out);
}

/* The line as the list has it now: the inspection keeps it. */
static void put_spec(const struct check_line *line, struct json_out *out)
{
    json_open_object(out);
    put_words(out, "title", &line->title);
    json_text(out, "look", look_names[line->look]);
    json_text(out, "unit", look_units[line->look]);
    json_int(out, "over_ms", line->over_ms);
    json_key(out, "limit");
    json_open_list(out);
    json_put_number(out, line->least);
    json_put_number(out, line->most);
    json_close_list(out);
    if (line->ask.en) {
        put_words(out, "ask", &line->ask);
    }
    if (line->advice.en) {
        put_words(out, "advice", &line->advice);
    }
    json_close_object(out);
}

static enum err put_line(struct facts *facts, int64_t inspection, const struct check_line *line, int64_t position)
{
    struct json_out evidence = json_out(SPEC_MOST), spec = json_out(SPEC_MOST);
    struct check_value value;
    TEXT(number, 64);
    enum check_verdict verdict;
    enum err err = facts_find(facts, line, &value, &evidence);

    if (err == ERR_NOT_FOUND) {
        err = ERR_OK; /* it is not for this equipment */
    } else if (!err) {
        verdict = check_judge(line, &value);
        put_spec(line, &spec);
        if (value.known) {
            text_add_number(&number, value.number);
        }
        err = spec.err ? spec.err
                       : sql_run(facts->sql,
                                 "INSERT INTO inspection_line (inspection, line, position, spec, verdict, value, evidence,"
                                 " grade, answered, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, CASE WHEN ?6 = '' THEN NULL ELSE"
                                 " CAST(?6 AS DOUBLE PRECISION) END, ?7, NULLIF(?8, 0), CASE WHEN ?5 = 'unknown' THEN NULL"
                                 " ELSE 'auto' END, ?9)",
                                 "ititttt" "ii", inspection, line->id, position, spec.bytes, check_verdict_names[verdict],
                                 number.at, evidence.bytes, (int64_t)line->grade, facts->now_ms);
    }
    json_out_free(&evidence);
    json_out_free(&spec);
    return err;
}

enum err inspection_grade(struct sql *sql, int64_t inspection)
{
    struct sql_rows rows;
    enum check_light worst = LIGHT_GREEN;
    enum err err;

    sql_find(sql, &rows, "SELECT verdict, COALESCE(grade, 0) FROM inspection_line WHERE inspection = ?1", "i", inspection);
    while (sql_next(&rows)) {
        const char *words = sql_text(&rows, 0);
        enum check_verdict verdict = strcmp(words, "pass") == 0   ? CHECK_PASS
                                     : strcmp(words, "fail") == 0 ? CHECK_FAIL
                                                                  : CHECK_UNKNOWN;
        enum check_light light = check_light(verdict, (int)sql_int(&rows, 1));

        worst = light > worst ? light : worst;
    }
    err = sql_end(&rows);
    return err ? err
               : sql_run(sql, "UPDATE inspection SET result = ?2 WHERE id = ?1", "it", inspection,
                         check_light_names[worst]);
}

/* The list's name, and with what it is compared: the inspection of a month before. */
static enum err mark_judged(struct sql *sql, const struct inspected *inspected, const struct checklist *checklist,
                            int64_t now_ms)
{
    int64_t before = sql_find_int(sql, 0,
                                  "SELECT MAX(id) FROM inspection WHERE equipment = ?1 AND way = 'month' AND id < ?2 AND"
                                  " judged_ms IS NOT NULL",
                                  "ii", inspected->equipment, inspected->id);

    return sql_run(sql,
                   "UPDATE inspection SET judged_ms = ?2, checklist = ?3, checklist_version = NULLIF(?4, 0), checklist_hash ="
                   " ?5, previous = NULLIF(?6, 0), version = version + 1 WHERE id = ?1",
                   "iititi", inspected->id, now_ms, checklist ? checklist->id : NULL, checklist ? checklist->version : 0,
                   checklist ? checklist->hash : NULL, before);
}

enum err inspection_changed(struct sql *sql, int64_t inspection, int64_t now_ms)
{
    struct json_out out = json_out(1024);
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows,
             "SELECT i.number, i.state, i.result, e.name FROM inspection i JOIN equipment e ON e.id = i.equipment WHERE i.id"
             " = ?1",
             "i", inspection);
    json_open_object(&out);
    if (sql_next(&rows)) {
        json_text(&out, "number", sql_text(&rows, 0));
        json_text(&out, "state", sql_text(&rows, 1));
        json_text(&out, "result", sql_text(&rows, 2));
        json_text(&out, "equipment", sql_text(&rows, 3));
    }
    json_close_object(&out);
    err = sql_end(&rows);
    err = err ? err : out.err ? out.err : change_put(sql, now_ms, "inspection", out.bytes);
    json_out_free(&out);
    return err;
}

/* The month's inspection that nobody answered goes on by telephone. */
static enum err end_judging(struct sql *sql, const struct inspected *inspected, bool listed, int64_t now_ms)
{
    enum err err = inspection_grade(sql, inspected->id);

    if (!err && listed && text_same(inspected->state, "failed") && text_same(inspected->way, "month")) {
        err = sql_run(sql, "UPDATE inspection SET state = 'phone', verdict = NULL, done_ms = NULL WHERE id = ?1", "i",
                      inspected->id);
    }
    if (!err && text_same(inspected->state, "done")) {
        err = inspection_kept(sql, inspected->equipment, inspected->done_ms);
    }
    return err ? err : inspection_changed(sql, inspected->id, now_ms);
}

enum err inspection_kept(struct sql *sql, int64_t equipment, int64_t at_ms)
{
    return duty_stop(sql, "equipment", equipment, plan_duty_names[PLAN_DUTY_REMOTE_INSPECTION], at_ms);
}

static enum err judge_one(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    const struct checklist *checklist = rules_checklist(office->options.rules);
    struct inspected inspected;
    struct place place;
    struct facts facts = {.office = office, .sql = sql, .place = &place, .now_ms = now_ms};
    enum err err = inspected_read(office->arena, sql, id, &inspected);

    err = err ? err : place_find(office, sql, inspected.equipment, 0, now_ms, &place);
    err = err ? err : mark_judged(sql, &inspected, checklist, now_ms);
    if (err || !checklist) {
        return err;
    }
    facts.phone = text_same(inspected.state, "failed");
    if (inspected.health && json_parse(office->arena, inspected.health, strlen(inspected.health), &facts.health, NULL)) {
        facts.health = NULL;
    }
    if (inspected.checks && json_parse(office->arena, inspected.checks, strlen(inspected.checks), &facts.checks, NULL)) {
        facts.checks = NULL;
    }
    for (size_t i = 0; !err && i < checklist->line_count; i++) {
        err = put_line(&facts, id, &checklist->lines[i], (int64_t)i);
    }
    return err ? err : end_judging(sql, &inspected, true, now_ms);
}

/* One that cannot be judged is put away without lines, so that it stops no other. */
static enum err judge_alone(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    enum err err = sql_save(sql), outcome;

    if (err) {
        return err;
    }
    outcome = judge_one(office, sql, id, now_ms);
    if (!outcome) {
        sql_release(sql);
        return ERR_OK;
    }
    log_error("an inspection could not be judged: %s (%s)", err_text(outcome), sql_why(sql));
    if (sql_is_broken(sql)) {
        return outcome;
    }
    sql_undo(sql);
    return sql_run(sql, "UPDATE inspection SET judged_ms = ?2 WHERE id = ?1", "ii", id, now_ms);
}

static enum err judge_some(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t ids[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT id FROM inspection WHERE judged_ms IS NULL AND done_ms IS NOT NULL AND way <> 'test' ORDER BY done_ms"
             " LIMIT 20",
             "");
    while (count < SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = judge_alone(office, sql, ids[i], now_ms);
    }
    return err;
}

enum err inspection_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    enum err err = begin_some(office, sql, now_ms);

    err = err ? err : give_up(sql, now_ms);
    return err ? err : judge_some(office, sql, now_ms);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t inspection_due(struct sql *sql)
{
    int64_t due_ms = sql_find_int(sql, OFFICE_NEVER, "SELECT MIN(due_ms) FROM inspection_due WHERE due_ms IS NOT NULL", "");
    int64_t waits_ms = sql_find_int(sql, OFFICE_NEVER,
                                    "SELECT MIN(created_ms) FROM inspection WHERE state = 'waiting' AND way = 'month'", "");
    int64_t done_ms = sql_find_int(sql, OFFICE_NEVER,
                                   "SELECT MIN(done_ms) FROM inspection WHERE judged_ms IS NULL AND done_ms IS NOT NULL AND"
                                   " way <> 'test'",
                                   "");

    int64_t found_ms = sql_find_int(sql, OFFICE_NEVER,
                                    "SELECT MIN(at_ms) FROM inspection_line WHERE verdict = 'fail' AND grade IS NOT NULL AND"
                                    " ticket IS NULL",
                                    "");
    int64_t draft_ms = sql_find_int(sql, OFFICE_NEVER,
                                    "SELECT MIN(done_ms) FROM inspection WHERE state = 'done' AND checklist IS NOT NULL AND"
                                    " reported_ms IS NULL",
                                    "");

    due_ms = least(due_ms, least(done_ms, waits_ms == OFFICE_NEVER ? waits_ms : waits_ms + ANSWER_MS));
    return least(due_ms, least(found_ms, draft_ms));
}
