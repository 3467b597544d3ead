/* What a training was: who was there, what was taught, who passed; the certificates that come of it. */
#include <string.h>

#include "models/base/civil.h"
#include "server/case/duties.h"
#include "server/fleet/numbers.h"
#include "server/training/training_int.h"

static const char *said(const struct lesson *lesson, const char *field)
{
    return json_text_or(lesson->action->body, field, NULL);
}

/* ------------------------------------------------------------------ certificates */

struct holder {
    int64_t technician, right, of;
    const char *name, *audience, *technician_name;
};

static enum err read_holder(struct lesson *lesson, int64_t trainee, struct holder *holder)
{
    struct sql_rows rows;

    sql_find(lesson->sql, &rows,
             "SELECT a.technician, a.right_count, a.of_count, a.name, a.audience, h.name FROM trainee a LEFT JOIN technician h ON"
             " h.id = a.technician WHERE a.id = ?1",
             "i", trainee);
    if (sql_next(&rows)) {
        *holder = (struct holder){sql_int(&rows, 0), sql_int(&rows, 1), sql_int(&rows, 2),
                                  training_keep(lesson->office, sql_text(&rows, 3)),
                                  training_keep(lesson->office, sql_text(&rows, 4)),
                                  training_keep(lesson->office, sql_text(&rows, 5))};
    }
    return sql_end(&rows);
}

static void put_date(struct json_out *out, const char *name, int32_t day)
{
    char words[11];

    if (day != INT32_MAX) {
        civil_write_date(day, words);
        json_text(out, name, words);
    }
}

/* The form of the fleet file, so that an export imports as the same. */
static enum err put_doc(struct lesson *lesson, const char *number, const struct holder *holder, int32_t day, int32_t valid,
                        int32_t exam_due, struct json_out *out)
{
    const struct training_course *course = lesson->training.course;
    struct sql_rows rows;
    enum err err;

    json_open_object(out);
    json_text(out, "id", number);
    json_text(out, "course", course->id);
    json_text(out, "holder", holder->name);
    if (holder->technician_name) {
        json_text(out, "technician", holder->technician_name);
    }
    if (holder->audience) {
        json_text(out, "audience", holder->audience);
    }
    sql_find(lesson->sql, &rows, "SELECT s.name, g.name FROM training t LEFT JOIN site s ON s.id = t.site LEFT JOIN team g ON"
                                 " g.id = t.team WHERE t.id = ?1",
             "i", lesson->training.id);
    if (sql_next(&rows)) {
        if (!sql_null(&rows, 0)) {
            json_text(out, "site", sql_text(&rows, 0));
        }
        if (!sql_null(&rows, 1)) {
            json_text(out, "team", sql_text(&rows, 1));
        }
    }
    err = sql_end(&rows);
    json_text(out, "level", course->level);
    if (course->certificate) {
        json_text(out, "certificate", course->certificate);
    }
    if (course->skill_level) {
        TEXT(level, 8);

        text_addf(&level, "%d", course->skill_level);
        json_text(out, "skill_level", level.at);
    }
    put_date(out, "day", day);
    put_date(out, "valid_to", valid);
    put_date(out, "exam_due", exam_due);
    json_close_object(out);
    return err ? err : out->err;
}

static enum err insert(struct lesson *lesson, int64_t trainee, const char *number, const struct holder *holder, int32_t day,
                       int32_t valid, int32_t exam_due, const char *doc)
{
    const struct training_course *course = lesson->training.course;

    return sql_run(lesson->sql,
                   "INSERT INTO course_taken (name, course, training, trainee, technician, site, team, holder, audience, level,"
                   " type, skill_level, exam_due_day, day, valid_day, warn_days, right_count, of_count, issued_by, doc) VALUES"
                   " (?1, ?2, ?3, ?4, NULLIF(?5, 0), NULLIF(?6, 0), NULLIF(?7, 0), ?8, ?9, ?10, ?11, NULLIF(?12, 0), NULLIF(?13,"
                   " 2147483647), ?14, NULLIF(?15, 2147483647), ?16, ?17, ?18, ?19, ?20) ON CONFLICT DO NOTHING",
                   "ttiiiiittttiiiiiiitt", number, course->id, lesson->training.id, trainee, holder->technician,
                   lesson->training.site, lesson->training.team, holder->name, holder->audience, course->level,
                   course->certificate, (int64_t)course->skill_level, (int64_t)exam_due, (int64_t)day, (int64_t)valid,
                   course->warn_days, holder->right, holder->of, lesson->action->who, doc);
}

enum err certificate_issue(struct lesson *lesson, int64_t trainee)
{
    const struct training_course *course = lesson->training.course;
    const struct zone *zone = training_zone(lesson->office, lesson->sql, &lesson->training);
    int32_t day = zone_day(zone, lesson->training.held_ms ? lesson->training.held_ms : lesson->at_ms);
    int32_t valid = course_last_day(day, course->valid);
    int32_t exam_due = course->exam ? course_next_day(day, course->every.count ? course->every : course->valid) : INT32_MAX;
    struct json_out doc = json_out(8192);
    struct holder holder = {.name = ""};
    char number[NUMBERS_ROOM];
    enum err err = read_holder(lesson, trainee, &holder);

    numbers_make('K', number, sizeof(number));
    err = err ? err : put_doc(lesson, number, &holder, day, valid, exam_due, &doc);
    err = err ? err : insert(lesson, trainee, number, &holder, day, valid, exam_due, doc.bytes);
    json_out_free(&doc);
    return err || !holder.technician ? err : training_crew_changed(lesson->sql);
}

enum err certificate_act(struct office *office, struct sql *sql, int64_t id, const struct action *action, int64_t now_ms,
                         struct text *why)
{
    enum err err;

    (void)office;
    if (!text_same(action->action, "revoke")) {
        return text_say(why, ERR_FORMAT, "action: a certificate has none called '%.40s'. Legal: revoke", action->action);
    }
    if (action->role != ROLE_MANAGER && action->role != ROLE_ADMIN) {
        return text_say(why, ERR_FORBIDDEN, "a certificate is revoked by a manager");
    }
    if (!action->note || !action->note[0]) {
        return text_say(why, ERR_FORMAT, "note: expected why it is revoked");
    }
    if (sql_find_int(sql, 0, "SELECT 1 FROM course_taken WHERE id = ?1 AND revoked_ms IS NOT NULL", "i", id)) {
        return text_say(why, ERR_STATE, "it is revoked already. Legal: nothing");
    }
    err = sql_run(sql,
                  "UPDATE course_taken SET revoked_ms = ?2, revoked_by = ?3, revoked_for = ?4, version = version + 1 WHERE id ="
                  " ?1",
                  "iitt", id, now_ms, action->who, action->note);
    return err ? err : training_crew_changed(sql);
}

/* ------------------------------------------------------------------ attendance */

/* What was taught: ids of topics. Every one that is required, or it is said that it was not all. */
static enum err read_covered(struct lesson *lesson, struct json_out *covered, struct text *missed)
{
    const struct cJSON *list = json_field(lesson->action->body, "covered");
    const struct training_course *course = lesson->training.course;

    for (const struct cJSON *item = json_first(list); item; item = json_next(item)) {
        bool known = false;

        for (size_t i = 0; i < course->topic_count; i++) {
            known = known || text_same(course->topics[i].id, json_as_text(item));
        }
        if (!known) {
            return text_say(lesson->why, ERR_FORMAT, "covered: the course %s has no topic '%.64s'", course->id,
                            json_as_text(item) ? json_as_text(item) : "");
        }
    }
    json_open_list(covered);
    for (size_t i = 0; i < course->topic_count; i++) {
        bool taught = false;

        for (const struct cJSON *item = json_first(list); item; item = json_next(item)) {
            taught = taught || text_same(course->topics[i].id, json_as_text(item));
        }
        if (taught) {
            json_put_text(covered, course->topics[i].id);
        } else if (course->topics[i].required) {
            text_addf(missed, "%s%s", missed->length ? " " : "", course->topics[i].id);
        }
    }
    json_close_list(covered);
    return covered->err;
}

static enum err note_presence(struct lesson *lesson, const struct cJSON *item)
{
    const char *name = json_as_text(item) ? json_as_text(item) : json_text_or(item, "name", NULL);
    const char *technician = name ? NULL : json_text_or(item, "technician", NULL);
    int64_t minutes = json_int_or(item, "minutes", (lesson->training.to_ms - lesson->training.from_ms) / 60000);
    bool present = json_bool_or(item, "present", true);

    if (minutes < 0 || minutes > 100000) {
        return text_say(lesson->why, ERR_FORMAT, "attendees: minutes: expected 0 to 100000");
    }
    return sql_run(lesson->sql,
                   "UPDATE trainee SET present = ?4, minutes = CASE WHEN ?4 = 1 THEN ?5 END WHERE training = ?1 AND (name = ?2 OR"
                   " (?2 IS NULL AND technician = (SELECT id FROM technician WHERE name = ?3)))",
                   "ittii", lesson->training.id, name, technician, (int64_t)present, minutes);
}

/* What was owed is met by the record. */
static enum err meet_duties(struct lesson *lesson)
{
    const struct training *training = &lesson->training;
    enum err err = ERR_OK;

    if (training->site && training->course->kind == COURSE_CUSTOMER &&
        (training->course->occasions >> COURSE_ON_ACCEPTANCE & 1)) {
        err = sql_run(lesson->sql,
                      "UPDATE clock SET met_ms = MAX(?2, started_ms), next_ms = NULL, version = version + 1 WHERE subject ="
                      " 'equipment' AND kind = 'training' AND ticket IS NULL AND met_ms IS NULL AND cancelled_ms IS NULL AND"
                      " subject_id IN (SELECT id FROM equipment WHERE site = ?1) AND started_ms <= ?2",
                      "ii", training->site, training->held_ms);
    }
    if (!err && training->course->kind == COURSE_EXCHANGE) {
        int64_t contract = training->contract
                               ? training->contract
                               : sql_find_int(lesson->sql, 0, "SELECT MAX(contract) FROM contract_site WHERE site = ?1", "i",
                                              training->site);

        err = duty_stop(lesson->sql, "contract", contract, plan_duty_names[PLAN_DUTY_EXCHANGE], training->held_ms);
    }
    return err;
}

/* A course without exam is passed by being there. */
static enum err issue_all(struct lesson *lesson)
{
    const struct training_course *course = lesson->training.course;
    struct sql_rows rows;
    int64_t *ids;
    size_t count = 0;
    int64_t most = sql_find_int(lesson->sql, 0, "SELECT COUNT(*) FROM trainee WHERE training = ?1 AND present = 1", "i",
                                lesson->training.id);
    enum err err;

    if (course->question_count || (strcmp(course->level, course_level_names[0]) == 0 && !course->certificate)) {
        return ERR_OK;
    }
    ids = arena_array(lesson->office->arena, (size_t)most + 1, sizeof(*ids));
    if (!ids) {
        return ERR_NOMEM;
    }
    sql_find(lesson->sql, &rows,
             "SELECT id FROM trainee a WHERE training = ?1 AND present = 1 AND NOT EXISTS (SELECT 1 FROM course_taken c WHERE"
             " c.trainee = a.id)",
             "i", lesson->training.id);
    while (count < (size_t)most && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = certificate_issue(lesson, ids[i]);
    }
    return err;
}

static enum err read_held(struct lesson *lesson)
{
    const char *held = said(lesson, "held");
    struct training *training = &lesson->training;

    if (held && (civil_read_instant(held, &training->held_ms) || training->held_ms > lesson->now_ms)) {
        return text_say(lesson->why, ERR_FORMAT, "held: expected an RFC 3339 time that is not in the future, found '%.40s'", held);
    }
    if (!held && !training->held_ms) {
        training->held_ms = lesson->action->at_ms || training->from_ms > lesson->at_ms ? lesson->at_ms : training->from_ms;
    }
    return lesson_check_trainer(lesson, training->held_ms);
}

enum err lesson_attend(struct lesson *lesson)
{
    const struct cJSON *list = json_field(lesson->action->body, "attendees");
    struct json_out covered = json_out(16 * 1024);
    TEXT(missed, 2000);
    enum err err = read_held(lesson);

    if (!err && !json_size(list)) {
        return text_say(lesson->why, ERR_FORMAT, "attendees: expected a list of who was there");
    }
    err = err ? err : read_covered(lesson, &covered, &missed);
    if (!err && missed.length && !json_bool_or(lesson->action->body, "incomplete", false)) {
        err = text_say(lesson->why, ERR_STATE,
                       "not covered: %s. Legal: attend with them covered, or incomplete: true (what is owed stays open)", missed.at);
    }
    err = err ? err : lesson_add(lesson);
    for (const struct cJSON *item = json_first(list); !err && item; item = json_next(item)) {
        err = note_presence(lesson, item);
    }
    if (!err && !sql_find_int(lesson->sql, 0, "SELECT 1 FROM trainee WHERE training = ?1 AND present = 1 LIMIT 1", "i",
                              lesson->training.id)) {
        err = text_say(lesson->why, ERR_FORMAT, "attendees: expected somebody who was present");
    }
    err = err ? err
              : sql_run(lesson->sql,
                        "UPDATE training SET held_ms = ?2, covered = ?3, missed = NULLIF(?4, ''), minutes = ?5 WHERE id = ?1",
                        "iitti", lesson->training.id, lesson->training.held_ms, covered.bytes, missed.at,
                        (lesson->training.to_ms - lesson->training.from_ms) / 60000);
    json_out_free(&covered);
    err = err || missed.length ? err : meet_duties(lesson);
    return err || missed.length ? err : issue_all(lesson);
}

/* ------------------------------------------------------------------ exams */

static enum err find_examined(struct lesson *lesson, int64_t *ret_trainee)
{
    const char *name = said(lesson, "attendee");
    struct sql_rows rows;
    bool found, present = false, passed = false;
    enum err err;

    sql_find(lesson->sql, &rows,
             "SELECT id, present, result FROM trainee WHERE training = ?1 AND (name = ?2 OR technician = (SELECT id FROM"
             " technician WHERE name = ?2)) LIMIT 1",
             "it", lesson->training.id, name);
    found = sql_next(&rows);
    if (found) {
        *ret_trainee = sql_int(&rows, 0);
        present = sql_int(&rows, 1) == 1;
        passed = !sql_null(&rows, 2) && strcmp(sql_text(&rows, 2), "passed") == 0;
    }
    err = sql_end(&rows);
    if (!err && !found) {
        return text_say(lesson->why, ERR_FORMAT, "attendee: nobody called '%.64s' is enrolled", name ? name : "");
    }
    if (!err && !present) {
        return text_say(lesson->why, ERR_STATE, "%s was not there. Legal: attend", name);
    }
    return err || !passed ? err : text_say(lesson->why, ERR_STATE, "%s has passed already. Legal: exam of others, close", name);
}

static enum err write_exam(struct lesson *lesson, int64_t trainee, const struct course_mark *mark)
{
    const char *examiner = said(lesson, "examiner");
    struct json_out out = json_out(32 * 1024);
    enum err err;

    json_put_value(&out, json_field(lesson->action->body, "answers"));
    err = out.err ? text_say(lesson->why, ERR_FORMAT, "answers: expected at most 32 KiB")
                  : sql_run(lesson->sql,
                            "UPDATE trainee SET exam = ?2, right_count = ?3, of_count = ?4, result = ?5, examined_ms = ?6,"
                            " examiner = ?7 WHERE id = ?1",
                            "itiitit", trainee, out.bytes, (int64_t)mark->right, (int64_t)mark->of,
                            mark->passed ? "passed" : "failed", lesson->at_ms, examiner ? examiner : lesson->action->who);
    json_out_free(&out);
    return err;
}

/* Nobody examines himself. */
static enum err check_examiner(struct lesson *lesson, int64_t trainee)
{
    const char *examiner = said(lesson, "examiner");

    return sql_find_int(lesson->sql, 0,
                        "SELECT 1 FROM trainee a LEFT JOIN technician h ON h.id = a.technician WHERE a.id = ?1 AND (a.name = ?2 OR"
                        " h.name = ?2)",
                        "it", trainee, examiner ? examiner : lesson->action->who)
               ? text_say(lesson->why, ERR_STATE, "nobody examines himself. Legal: exam by somebody else")
               : ERR_OK;
}

enum err lesson_exam(struct lesson *lesson)
{
    struct course_mark mark;
    int64_t trainee = 0;
    enum err err = find_examined(lesson, &trainee);

    err = err ? err : check_examiner(lesson, trainee);
    err = err ? err : course_judge(lesson->training.course, json_field(lesson->action->body, "answers"), &mark, lesson->why);
    err = err ? err : write_exam(lesson, trainee, &mark);
    return err || !mark.passed ? err : certificate_issue(lesson, trainee);
}

/* Whoever was there has been examined, where there is an exam, or it is said why not. */
enum err lesson_close(struct lesson *lesson)
{
    struct sql_rows rows;
    TEXT(open, 600);
    enum err err;

    if (!lesson->training.course->question_count || (lesson->action->note && lesson->action->note[0])) {
        return ERR_OK;
    }
    sql_find(lesson->sql, &rows, "SELECT name FROM trainee WHERE training = ?1 AND present = 1 AND result IS NULL ORDER BY id"
                                 " LIMIT 10",
             "i", lesson->training.id);
    while (sql_next(&rows)) {
        text_addf(&open, "%s%.40s", open.length ? ", " : "", sql_text(&rows, 0));
    }
    err = sql_end(&rows);
    return err || !open.length
               ? err
               : text_say(lesson->why, ERR_STATE, "not examined yet: %s. Legal: exam, or close with a note that says why", open.at);
}
