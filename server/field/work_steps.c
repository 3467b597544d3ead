/* The checklist of a work order: answers, ticked precautions. The answer that counts is that of the youngest check by its
 * own time; all of them stay in the time line. */
#include "server/field/work_int.h"

#include <string.h>

#define STEPS_MOST (2 * JOB_STEPS_MOST)
#define VALUE_MOST 8192

static struct words2 title_of(const struct cJSON *spec)
{
    return (struct words2){json_text_or(spec, "title_en", NULL), json_text_or(spec, "title_zh", NULL)};
}

/* A step as its order copied it. */
static enum err read_spec(struct office *office, const char *json, struct job_step *ret_step)
{
    const struct cJSON *spec, *limits, *list;
    struct job_step step = {.unit = ""};
    struct job_choice *choices;
    enum err err = json_parse(office->arena, json, strlen(json), &spec, NULL);
    const char *type;

    if (err) {
        return err;
    }
    type = json_text_or(spec, "type", "text");
    step.id = json_text_or(spec, "step", "");
    step.title = title_of(spec);
    for (int i = 0; job_type_names[i]; i++) {
        step.type = strcmp(type, job_type_names[i]) == 0 ? (enum job_type)i : step.type;
    }
    step.expect = json_bool_or(spec, "expect", true);
    step.unit = json_text_or(spec, "unit", "");
    step.point = json_text_or(spec, "point", NULL);
    step.part = json_text_or(spec, "part", NULL);
    step.tool = json_text_or(spec, "tool", NULL);
    step.grade = (int)json_int_or(spec, "grade", 0);
    limits = json_field(spec, "limits");
    step.has_limits = json_size(limits) == 2 && json_as_number(json_first(limits), &step.least) &&
                      json_as_number(json_next(json_first(limits)), &step.most);
    list = json_field(spec, "choices");
    choices = arena_array(office->arena, json_size(list) + 1, sizeof(*choices));
    for (const struct cJSON *item = choices ? json_first(list) : NULL; item; item = json_next(item)) {
        choices[step.choice_count++] = (struct job_choice){.id = json_text_or(item, "id", ""),
                                                           .fails = json_bool_or(item, "fails", false)};
    }
    step.choices = choices;
    *ret_step = step;
    return choices ? ERR_OK : ERR_NOMEM;
}

struct answer {
    const char *step, *value, *reading; /* JSON; reading: what telemetry said, or NULL */
    enum job_light light;
    int grade;
};

/* Once answered badly it stays a finding, whatever is answered later. */
static enum err write_answer(struct work *work, const struct answer *answer)
{
    const struct action *action = work->action;
    enum err err = sql_run(work->sql,
                           "UPDATE work_step SET value = ?3, light = ?4, answered_ms = ?5, who = ?6, action_id = ?7,"
                           " reading = ?8 WHERE work_order = ?1 AND step = ?2 AND (answered_ms IS NULL OR answered_ms"
                           " < ?5 OR (answered_ms = ?5 AND COALESCE(action_id, '') <= COALESCE(?7, '')))",
                           "ittti" "ttt", work->order.id, answer->step, answer->value,
                           job_light_names[answer->light], work->at_ms, action->who, action->action_id,
                           answer->reading);

    if (!err && answer->light == JOB_RED) {
        err = sql_run(work->sql,
                      "UPDATE work_step SET failed_ms = ?3 WHERE work_order = ?1 AND step = ?2 AND (failed_ms IS"
                      " NULL OR failed_ms > ?3)",
                      "iti", work->order.id, answer->step, work->at_ms);
    }
    return err;
}

/* A step that the list does not have is added: what was looked at is worth keeping. */
static enum err add_step(struct work *work, const char *step)
{
    struct json_out spec = json_out(4096);
    int64_t count =
        sql_find_int(work->sql, 0, "SELECT COUNT(*) FROM work_step WHERE work_order = ?1", "i", work->order.id);
    enum err err;

    if (strlen(step) > 200 || count >= STEPS_MOST) {
        return text_say(work->why, ERR_FORMAT, "step: expected at most 200 bytes, and %d steps", STEPS_MOST);
    }
    json_open_object(&spec);
    json_text(&spec, "step", step);
    json_text(&spec, "title_en", step);
    json_text(&spec, "title_zh", step);
    json_text(&spec, "type", "text");
    json_bool(&spec, "required", false);
    json_close_object(&spec);
    err = spec.err ? spec.err
                   : sql_run(work->sql,
                             "INSERT INTO work_step (work_order, step, position, section, spec) VALUES (?1, ?2, ?3,"
                             " 'extra', ?4)",
                             "itit", work->order.id, step, 1000 + count, spec.bytes);
    json_out_free(&spec);
    return err;
}

static enum err find_spec(struct work *work, const char *step, const char **ret_spec)
{
    struct sql_rows rows;

    *ret_spec = NULL;
    sql_find(work->sql, &rows, "SELECT spec FROM work_step WHERE work_order = ?1 AND step = ?2", "it",
             work->order.id, step);
    if (sql_next(&rows)) {
        const char *spec = sql_text(&rows, 0);

        *ret_spec = arena_text(work->office->arena, spec, strlen(spec));
    }
    return sql_end(&rows);
}

/* A measure without a value is answered by telemetry, as it was at the action's time. */
static enum err measure(struct work *work, const struct job_step *step, struct json_out *value,
                        struct json_out *reading, enum job_light *ret_light)
{
    int64_t fresh_ms = json_int_or(work->order.job, "fresh_ms", 900000), t_ms = 0;
    bool known = false;
    double number = 0;
    TEXT(time, 48);
    enum err err =
        tests_value(work->sql, work->order.equipment, step->point, work->at_ms, fresh_ms, &known, &number, &t_ms);

    if (err || !known) {
        return err ? err
                   : text_say(work->why, ERR_STATE,
                              "point %s has no value that is fresh enough. Legal: check with a value measured by hand",
                              step->point);
    }
    zone_write(zone_utc(), t_ms, &time);
    json_put_number(value, number);
    json_open_object(reading);
    json_text(reading, "point", step->point);
    json_number(reading, "value", number);
    json_text(reading, "time", time.at);
    json_int(reading, "age", (work->at_ms - t_ms) / 1000);
    json_close_object(reading);
    *ret_light = job_judge_number(step, number);
    return value->err ? value->err : reading->err;
}

static enum err judge(struct work *work, const struct job_step *step, struct json_out *value,
                      struct json_out *reading, enum job_light *ret_light)
{
    const struct cJSON *given = json_field(work->action->body, "value");

    if (step->type == JOB_MEASURE && (!given || json_is_null(given))) {
        return measure(work, step, value, reading, ret_light);
    }
    if (!given) {
        return text_say(work->why, ERR_FORMAT, "check needs step and value");
    }
    json_put_value(value, given);
    return value->err ? value->err : job_judge(step, given, ret_light, work->why);
}

enum err do_step(struct work *work)
{
    const char *step = json_text_or(work->action->body, "step", NULL), *spec = NULL;
    struct json_out value = json_out(VALUE_MOST), reading = json_out(1024);
    struct answer answer = {.step = step};
    struct job_step known = {.unit = ""};
    enum err err;

    if (!step || !step[0]) {
        return text_say(work->why, ERR_FORMAT, "check needs step and value");
    }
    err = find_spec(work, step, &spec);
    if (!err && !spec) {
        known = (struct job_step){.id = step, .type = JOB_TEXT, .unit = ""};
        err = json_field(work->action->body, "value")
                  ? add_step(work, step)
                  : text_say(work->why, ERR_FORMAT, "check needs step and value");
    } else if (!err) {
        err = read_spec(work->office, spec, &known);
    }
    if (!err) {
        err = judge(work, &known, &value, &reading, &answer.light);
    }
    err = err ? err : fit_cite(work, &known);
    if (!err) {
        answer.value = value.bytes;
        answer.reading = reading.bytes;
        answer.grade = known.grade;
        err = write_answer(work, &answer);
    }
    json_out_free(&value);
    json_out_free(&reading);
    return err;
}

enum err steps_tick(struct work *work)
{
    const struct cJSON *list = json_field(work->action->body, "precautions");
    enum err err = ERR_OK;

    for (const struct cJSON *item = json_first(list); !err && item; item = json_next(item)) {
        const char *id = json_as_text(item), *spec = NULL;
        TEXT(step, 80);

        text_addf(&step, "precaution-%.60s", id ? id : "");
        err = find_spec(work, step.at, &spec);
        if (!err && !spec) {
            return text_say(work->why, ERR_FORMAT, "precautions: this order has none called '%.60s'", id ? id : "");
        }
        if (!err) {
            struct answer answer = {step.at, "true", NULL, JOB_GREEN, 0};

            err = write_answer(work, &answer);
        }
    }
    return err;
}
