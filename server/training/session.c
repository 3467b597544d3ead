/* Trainings are opened and acted upon: read, judged, done, written down. */
#include <string.h>

#include "server/fleet/numbers.h"
#include "server/store/change.h"
#include "server/training/training_int.h"

#define DOC_MOST (64 * 1024)

const char *training_keep(struct office *office, const char *words)
{
    return words ? arena_text(office->arena, words, strlen(words)) : NULL;
}

int64_t training_find(struct sql *sql, const char *number)
{
    return sql_find_int(sql, -1, "SELECT id FROM training WHERE number = ?1", "t", number);
}

int64_t training_customer(struct sql *sql, const struct training *training)
{
    return sql_find_int(sql, 0, "SELECT customer FROM site WHERE id = ?1", "i", training->site);
}

enum err training_load(struct office *office, struct sql *sql, int64_t id, struct training *ret_training)
{
    struct training *training = ret_training;
    struct sql_rows rows;
    bool found;
    enum err err;

    *training = (struct training){.id = id};
    sql_find(sql, &rows,
             "SELECT site, contract, team, work_order, trainer, from_ms, to_ms, due_ms, created_ms, held_ms, number, state,"
             " reason, course, trainer_name FROM training WHERE id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        int64_t *const numbers[] = {&training->site,   &training->contract, &training->team,   &training->work_order,
                                    &training->trainer, &training->from_ms,  &training->to_ms, &training->due_ms,
                                    &training->created_ms, &training->held_ms};

        for (int i = 0; i < 10; i++) {
            *numbers[i] = sql_int(&rows, i);
        }
        training->number = training_keep(office, sql_text(&rows, 10));
        training->state = training_keep(office, sql_text(&rows, 11));
        training->reason = training_keep(office, sql_text(&rows, 12));
        training->course_id = training_keep(office, sql_text(&rows, 13));
        training->trainer_name = training_keep(office, sql_text(&rows, 14));
        training->course = training->course_id ? rules_course(office->options.rules, training->course_id) : NULL;
    }
    err = sql_end(&rows);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

const struct zone *training_zone(struct office *office, struct sql *sql, const struct training *training)
{
    const char *name = office->options.time_zone;
    const struct zone *zone;
    struct place place;

    if (training->site && !place_find(office, sql, 0, training->site, 0, &place) && place.time_zone) {
        name = place.time_zone;
    }
    zone = name ? rules_zone(office->options.rules, name) : NULL;
    return zone ? zone : zone_utc();
}

enum err training_changed(struct sql *sql, int64_t training, int64_t now_ms)
{
    TEXT(body, 200);
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows, "SELECT number, state FROM training WHERE id = ?1", "i", training);
    if (sql_next(&rows)) {
        text_addf(&body, "{\"number\":\"%s\",\"state\":\"%s\"}", sql_text(&rows, 0), sql_text(&rows, 1));
    }
    err = sql_end(&rows);
    return err ? err : change_put(sql, now_ms, "training", body.at);
}

enum err training_crew_changed(struct sql *sql)
{
    return sql_run(sql,
                   "INSERT INTO mark (name, value) VALUES ('fleet', 1) ON CONFLICT (name) DO UPDATE SET value = mark.value + 1",
                   "");
}

/* ------------------------------------------------------------------ written down */

static enum err write_event(struct lesson *lesson, const char *action)
{
    struct json_out out = json_out(DOC_MOST);
    enum err err;

    json_put_value(&out, lesson->action->body);
    err = out.err ? text_say(lesson->why, ERR_FORMAT, "expected at most %d bytes", DOC_MOST)
                  : sql_run(lesson->sql,
                            "INSERT INTO training_event (training, at_ms, stored_ms, who, action, state, action_id, note, data)"
                            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                            "iiitttttt", lesson->training.id, lesson->at_ms, lesson->now_ms, lesson->action->who, action,
                            lesson->state, lesson->action->action_id, lesson->action->note, out.bytes);
    json_out_free(&out);
    return err;
}

static enum err finish(struct lesson *lesson, const char *action)
{
    bool over = strcmp(lesson->state, "closed") == 0 || strcmp(lesson->state, "cancelled") == 0;
    enum err err = write_event(lesson, action);

    err = err ? err
              : sql_run(lesson->sql,
                        "UPDATE training SET state = ?2, closed_ms = CASE WHEN ?3 = 1 THEN ?4 END, version = version + 1 WHERE"
                        " id = ?1",
                        "itii", lesson->training.id, lesson->state, (int64_t)over, lesson->at_ms);
    return err ? err : training_changed(lesson->sql, lesson->training.id, lesson->now_ms);
}

/* ------------------------------------------------------------------ opened */

enum err training_propose(struct office *office, struct sql *sql, const struct proposal *proposal, int64_t now_ms,
                          int64_t *ret_id)
{
    const struct training_course *course = proposal->course;
    char number[NUMBERS_ROOM];
    enum err err;

    (void)office;
    numbers_make('L', number, sizeof(number));
    err = sql_run(sql,
                  "INSERT INTO training (number, course, course_version, course_hash, kind, state, reason, occurrence, site,"
                  " contract, team, work_order, due_ms, facts, asked_by, created_ms, client_id) VALUES (?1, ?2, ?3, ?4, ?5,"
                  " 'proposed', ?6, ?7, NULLIF(?8, 0), NULLIF(?9, 0), NULLIF(?10, 0), NULLIF(?11, 0), NULLIF(?12, 0), ?13, ?14,"
                  " ?15, ?16) ON CONFLICT DO NOTHING",
                  "ttitttiiiiii" "ttit", number, course->id, course->version, course->hash, course_kind_names[course->kind],
                  proposal->reason, proposal->occurrence, proposal->site, proposal->contract, proposal->team,
                  proposal->work_order, proposal->due_ms, proposal->facts, proposal->who, now_ms, proposal->client_id);
    *ret_id = !err && sql_changes(sql) > 0 ? training_find(sql, number) : 0;
    return err || !*ret_id ? err : training_changed(sql, *ret_id, now_ms);
}

static enum err find_named(struct lesson *lesson, const char *field, int64_t (*find)(struct sql *sql, const char *name),
                           int64_t *ret_id)
{
    const char *name = json_text_or(lesson->action->body, field, NULL);

    *ret_id = name ? find(lesson->sql, name) : 0;
    return !name || *ret_id ? ERR_OK : text_say(lesson->why, ERR_FORMAT, "%s: there is none called '%.64s'", field, name);
}

static int64_t site_named(struct sql *sql, const char *name)
{
    return sql_find_int(sql, 0, "SELECT id FROM site WHERE name = ?1", "t", name);
}

static int64_t contract_named(struct sql *sql, const char *name)
{
    return sql_find_int(sql, 0, "SELECT id FROM contract WHERE name = ?1", "t", name);
}

static int64_t team_named(struct sql *sql, const char *name)
{
    return sql_find_int(sql, 0, "SELECT id FROM team WHERE name = ?1", "t", name);
}

static int64_t order_named(struct sql *sql, const char *name)
{
    return sql_find_int(sql, 0, "SELECT id FROM work_order WHERE number = ?1", "t", name);
}

static enum err read_proposal(struct lesson *lesson, struct proposal *proposal)
{
    const char *name = json_text_or(lesson->action->body, "course", NULL);
    enum err err = find_named(lesson, "site", site_named, &proposal->site);

    proposal->course = name ? rules_course(lesson->office->options.rules, name) : NULL;
    if (!proposal->course) {
        return text_say(lesson->why, ERR_FORMAT, "course: expected one that GET /api/v1/courses lists, found '%.64s'",
                        name ? name : "");
    }
    err = err ? err : find_named(lesson, "contract", contract_named, &proposal->contract);
    err = err ? err : find_named(lesson, "team", team_named, &proposal->team);
    err = err ? err : find_named(lesson, "work_order", order_named, &proposal->work_order);
    if (!err && proposal->work_order && !proposal->site) { /* S0-124: on request, while somebody is there anyway */
        proposal->site = sql_find_int(lesson->sql, 0, "SELECT site FROM work_order WHERE id = ?1", "i", proposal->work_order);
    }
    if (!err && proposal->contract && !proposal->site) {
        proposal->site = sql_find_int(lesson->sql, 0, "SELECT MIN(site) FROM contract_site WHERE contract = ?1", "i",
                                      proposal->contract);
    }
    if (!err && !proposal->site && proposal->course->kind == COURSE_CUSTOMER) {
        return text_say(lesson->why, ERR_FORMAT, "site: the training of a customer needs a site (or a work_order)");
    }
    proposal->reason = proposal->work_order ? "inspection" : "request";
    return err;
}

enum err training_open(struct office *office, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                       struct text *why)
{
    struct lesson lesson = {.office = office, .sql = sql, .action = action, .now_ms = now_ms, .why = why};
    struct proposal proposal = {.who = action->who, .client_id = action->action_id};
    enum err err;

    *ret_id = sql_find_int(sql, 0, "SELECT id FROM training WHERE client_id = ?1", "t", action->action_id);
    if (*ret_id) {
        return ERR_OK; /* it is there */
    }
    err = action_time(action->at_ms, 0, now_ms, &lesson.at_ms, why);
    err = err ? err : read_proposal(&lesson, &proposal);
    err = err ? err : training_propose(office, sql, &proposal, now_ms, ret_id);
    err = err ? err : training_load(office, sql, *ret_id, &lesson.training);
    lesson.state = "proposed";
    if (!err && json_field(action->body, "from")) {
        lesson.state = "planned";
        err = lesson_plan(&lesson);
    } else if (!err && json_field(action->body, "attendees")) {
        err = lesson_add(&lesson);
    }
    return err ? err : finish(&lesson, "open");
}

/* ------------------------------------------------------------------ acted upon */

bool training_did(struct sql *sql, int64_t training, const char *action_id)
{
    return action_id && sql_find_int(sql, 0, "SELECT 1 FROM training_event WHERE training = ?1 AND action_id = ?2", "it",
                                     training, action_id);
}

static const struct {
    const char *action;
    enum err (*run)(struct lesson *lesson);
} doers[] = {
    {"plan", lesson_plan},     {"name", lesson_name},     {"enrol", lesson_enrol}, {"invite", lesson_invite}, {"answer", lesson_answer},
    {"reschedule", lesson_reschedule}, {"attend", lesson_attend}, {"exam", lesson_exam},   {"close", lesson_close},   {"cancel", lesson_cancel},
};

enum err training_act(struct office *office, struct sql *sql, int64_t id, const struct action *action, int64_t now_ms,
                      struct text *why)
{
    struct lesson lesson = {.office = office, .sql = sql, .action = action, .now_ms = now_ms, .why = why};
    const struct session_row *row = NULL;
    enum err err;

    if (training_did(sql, id, action->action_id)) {
        return ERR_OK;
    }
    err = training_load(office, sql, id, &lesson.training);
    err = err ? err : session_judge(lesson.training.state, action->action, action->role, &row, why);
    err = err ? err : action_time(action->at_ms, 0, now_ms, &lesson.at_ms, why);
    if (err) {
        return err;
    }
    if (!lesson.training.course) {
        return text_say(why, ERR_STATE, "the course %s is no longer among the courses. Legal: nothing", lesson.training.course_id);
    }
    lesson.state = row->to ? row->to : lesson.training.state;
    for (size_t i = 0; i < sizeof(doers) / sizeof(doers[0]); i++) {
        if (strcmp(doers[i].action, row->action) == 0) {
            err = doers[i].run(&lesson);
            return err ? err : finish(&lesson, row->action);
        }
    }
    return ERR_STATE; /* every row has a doer */
}
