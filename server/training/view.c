/* Courses, trainings, certificates as objects. */
#include <string.h>

#include "models/base/civil.h"
#include "server/training/training_int.h"
#include "server/store/cell.h"

static void put_both(struct json_out *out, const char *name, const struct words2 *words)
{
    json_key(out, name);
    json_open_object(out);
    json_text(out, "en", words->en);
    json_text(out, "zh", words->zh);
    json_close_object(out);
}

static void put_texts(struct json_out *out, const char *name, const char *const *words)
{
    json_key(out, name);
    json_open_list(out);
    for (; *words; words++) {
        json_put_text(out, *words);
    }
    json_close_list(out);
}

static void put_duration(struct json_out *out, const char *name, struct duration lasts)
{
    TEXT(words, 24);

    text_addf(&words, "%lld%s", (long long)lasts.count, duration_unit_text(lasts.unit));
    json_text(out, name, lasts.count ? words.at : NULL);
}

static void put_word(struct json_out *out, const char *name, const struct sql_rows *rows, int column)
{
    json_text(out, name, sql_null(rows, column) ? NULL : sql_text(rows, column));
}

/* ------------------------------------------------------------------ courses */

static void put_topics(const struct training_course *course, struct json_out *out)
{
    json_key(out, "topics");
    json_open_list(out);
    for (size_t i = 0; i < course->topic_count; i++) {
        json_open_object(out);
        json_text(out, "id", course->topics[i].id);
        put_both(out, "title", &course->topics[i].title);
        json_bool(out, "required", course->topics[i].required);
        json_bool(out, "faults", course->topics[i].faults);
        json_close_object(out);
    }
    json_close_list(out);
    json_key(out, "goals");
    json_open_list(out);
    for (size_t i = 0; i < course->goal_count; i++) {
        json_open_object(out);
        json_text(out, "en", course->goals[i].en);
        json_text(out, "zh", course->goals[i].zh);
        json_close_object(out);
    }
    json_close_list(out);
    json_key(out, "material");
    json_open_list(out);
    for (size_t i = 0; i < course->material_count; i++) {
        json_open_object(out);
        json_text(out, "id", course->material[i].id);
        put_both(out, "title", &course->material[i].title);
        json_text(out, "form", course->material[i].form);
        json_close_object(out);
    }
    json_close_list(out);
}

static void put_question(const struct course_question *question, bool with, struct json_out *out)
{
    json_open_object(out);
    json_text(out, "id", question->id);
    put_both(out, "title", &question->title);
    json_bool(out, "practical", question->practical);
    json_bool(out, "must", question->must);
    json_key(out, "choices");
    json_open_list(out);
    for (size_t i = 0; i < question->choice_count; i++) {
        json_open_object(out);
        json_text(out, "id", question->choices[i].id);
        put_both(out, "title", &question->choices[i].title);
        if (with) {
            json_bool(out, "right", question->choices[i].right);
        }
        json_close_object(out);
    }
    json_close_list(out);
    json_close_object(out);
}

static void put_gives(const struct training_course *course, struct json_out *out)
{
    json_text(out, "level", course->level);
    json_text(out, "certificate", course->certificate);
    if (course->skill_level) {
        json_int(out, "skill_level", course->skill_level);
    } else {
        json_null(out, "skill_level");
    }
    put_duration(out, "valid", course->valid);
    json_int(out, "warn_days", course->warn_days);
    json_bool(out, "exam", course->exam);
}

void course_view(const struct training_course *course, bool with, struct json_out *out)
{
    json_open_object(out);
    json_text(out, "course", course->id);
    json_int(out, "version", course->version);
    json_text(out, "hash", course->hash);
    put_both(out, "title", &course->title);
    json_text(out, "kind", course_kind_names[course->kind]);
    json_key(out, "occasions");
    json_open_list(out);
    for (int i = 0; i < COURSE_OCCASIONS; i++) {
        if (course->occasions >> i & 1) {
            json_put_text(out, course_occasion_names[i]);
        }
    }
    json_close_list(out);
    put_texts(out, "profiles", course->profiles);
    put_texts(out, "audience", course->audience);
    put_texts(out, "modes", course->modes);
    put_texts(out, "trainer", course->trainer);
    put_texts(out, "requires", course->before);
    json_int(out, "minutes", course->duration_ms / 60000);
    put_duration(out, "every", course->every);
    put_topics(course, out);
    json_number(out, "pass", course->pass);
    json_key(out, "questions");
    json_open_list(out);
    for (size_t i = 0; i < course->question_count; i++) {
        put_question(&course->questions[i], with, out);
    }
    json_close_list(out);
    put_gives(course, out);
    json_close_object(out);
}

/* ------------------------------------------------------------------ trainings */

static void put_trainee(struct json_out *out, const struct zone *zone, const struct sql_rows *rows)
{
    json_open_object(out);
    put_word(out, "name", rows, 0);
    put_word(out, "audience", rows, 1);
    put_word(out, "technician", rows, 2);
    put_word(out, "customer", rows, 3);
    put_word(out, "phone", rows, 4);
    put_word(out, "email", rows, 5);
    cell_time(out, "invited_at", zone, rows, 6);
    put_word(out, "answer", rows, 7);
    cell_time(out, "answered_at", zone, rows, 8);
    if (sql_null(rows, 9)) {
        json_null(out, "present");
    } else {
        json_bool(out, "present", sql_int(rows, 9) == 1);
    }
    cell_int(out, "minutes", rows, 10);
    cell_int(out, "right", rows, 11);
    cell_int(out, "of", rows, 12);
    put_word(out, "result", rows, 13);
    cell_time(out, "examined_at", zone, rows, 14);
    put_word(out, "examiner", rows, 15);
    put_word(out, "certificate", rows, 16);
    json_close_object(out);
}

static enum err put_trainees(struct sql *sql, const struct zone *zone, int64_t training, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "attendees");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT a.name, a.audience, h.name, c.name, a.phone, a.email, a.invited_ms, a.answer, a.answered_ms, a.present,"
             " a.minutes, a.right_count, a.of_count, a.result, a.examined_ms, a.examiner, k.name FROM trainee a LEFT JOIN technician"
             " h ON h.id = a.technician LEFT JOIN customer c ON c.id = a.customer LEFT JOIN course_taken k ON k.trainee = a.id WHERE"
             " a.training = ?1 ORDER BY a.id LIMIT 1000",
             "i", training);
    while (sql_next(&rows)) {
        put_trainee(out, zone, &rows);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err put_events(struct sql *sql, const struct zone *zone, int64_t training, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "events");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT at_ms, who, action, state, note FROM training_event WHERE training = ?1 ORDER BY id LIMIT 1000", "i", training);
    while (sql_next(&rows)) {
        json_open_object(out);
        cell_time(out, "at", zone, &rows, 0);
        put_word(out, "who", &rows, 1);
        put_word(out, "action", &rows, 2);
        put_word(out, "state", &rows, 3);
        put_word(out, "note", &rows, 4);
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

/* S0-71: common faults and their remedies, of the equipment that stands there. */
static enum err put_faults(struct sql *sql, const struct rules *rules, int64_t site, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "common_faults");
    json_open_list(out);
    sql_find(sql, &rows, "SELECT DISTINCT profile FROM equipment WHERE site = ?1 AND profile IS NOT NULL ORDER BY profile LIMIT 8",
             "i", site);
    while (sql_next(&rows)) {
        const struct profile *profile = rules_profile(rules, sql_text(&rows, 0));

        for (size_t i = 0; profile && i < profile->fault_count; i++) {
            const struct fault_rule *fault = &profile->faults[i];

            json_open_object(out);
            json_text(out, "profile", profile->id);
            json_text(out, "fault", fault->id);
            put_both(out, "title", &fault->title);
            put_both(out, "advice", &fault->advice);
            json_close_object(out);
        }
    }
    json_close_list(out);
    return sql_end(&rows);
}

static bool has_fault_topic(const struct training_course *course)
{
    for (size_t i = 0; course && i < course->topic_count; i++) {
        if (course->topics[i].faults) {
            return true;
        }
    }
    return false;
}

static void put_course(struct json_out *out, const struct training_course *course, const char *id)
{
    static const struct words2 nothing = {NULL, NULL};

    json_text(out, "course", id);
    put_both(out, "title", course ? &course->title : &nothing);
    json_key(out, "plan");
    if (course) {
        course_view(course, false, out);
    } else {
        json_put_null(out);
    }
}

/* What the row itself says. *ret_site: for what else is shown. */
static enum err put_row(struct sql *sql, const struct rules *rules, const struct zone *zone, int64_t id, struct json_out *out,
                        int64_t *ret_site, const struct training_course **ret_course)
{
    static const char *const words[] = {"number", "state", "reason", "kind", "site", "site_title", "customer", "contract", "team",
                                        "work_order", "mode", "place", "named_by", "trainer", "trainer_name", "trainer_proof",
                                        "missed", "asked_by"};
    static const char *const times[] = {"from", "to", "due_at", "created_at", "held_at", "closed_at", "named_at"};
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT t.number, t.state, t.reason, t.kind, s.name, s.title, c.name, n.name, g.name, w.number, t.mode, t.place,"
             " t.named_by, h.name, COALESCE(h.title, t.trainer_name), t.trainer_proof, t.missed, t.asked_by, t.from_ms, t.to_ms,"
             " t.due_ms, t.created_ms, t.held_ms, t.closed_ms, t.named_ms, t.minutes, t.material, t.covered, t.facts, t.course,"
             " t.site, t.version, t.course_version, t.course_hash FROM training t LEFT JOIN site s ON s.id = t.site LEFT JOIN customer c ON c.id = s.customer LEFT"
             " JOIN contract n ON n.id = t.contract LEFT JOIN team g ON g.id = t.team LEFT JOIN work_order w ON w.id = t.work_order"
             " LEFT JOIN technician h ON h.id = t.trainer WHERE t.id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        for (int i = 0; i < 18; i++) {
            put_word(out, words[i], &rows, i);
        }
        for (int i = 0; i < 7; i++) {
            cell_time(out, times[i], zone, &rows, 18 + i);
        }
        cell_int(out, "minutes", &rows, 25);
        json_raw(out, "handed_out", sql_text(&rows, 26));
        json_raw(out, "covered", sql_text(&rows, 27));
        json_raw(out, "facts", sql_text(&rows, 28));
        *ret_course = rules_course(rules, sql_text(&rows, 29));
        put_course(out, *ret_course, sql_text(&rows, 29));
        *ret_site = sql_int(&rows, 30);
        json_int(out, "version", sql_int(&rows, 31));
        cell_int(out, "course_version", &rows, 32);
        put_word(out, "course_hash", &rows, 33);
    }
    err = sql_end(&rows);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

enum err training_view(struct arena *arena, struct sql *sql, const struct rules *rules, const struct zone *zone, int64_t training,
                       struct json_out *out)
{
    const struct training_course *course = NULL;
    int64_t site = 0;
    enum err err;

    (void)arena;
    json_open_object(out);
    err = put_row(sql, rules, zone, training, out, &site, &course);
    err = err ? err : put_trainees(sql, zone, training, out);
    if (!err && site && has_fault_topic(course)) {
        err = put_faults(sql, rules, site, out);
    }
    err = err ? err : put_events(sql, zone, training, out);
    json_close_object(out);
    return err ? err : out->err;
}

enum err invitation_view(struct sql *sql, const struct rules *rules, const struct zone *zone, int64_t trainee,
                         struct json_out *out)
{
    static const struct words2 nothing = {NULL, NULL};
    const struct training_course *course;
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT t.number, a.name, t.state, t.place, COALESCE(h.title, t.trainer_name), a.answer, t.from_ms, t.to_ms, t.course"
             " FROM trainee a JOIN training t ON t.id = a.training LEFT JOIN technician h ON h.id = t.trainer WHERE a.id = ?1",
             "i", trainee);
    found = sql_next(&rows);
    json_open_object(out);
    if (found) {
        put_word(out, "number", &rows, 0);
        put_word(out, "name", &rows, 1);
        put_word(out, "state", &rows, 2);
        put_word(out, "place", &rows, 3);
        put_word(out, "trainer", &rows, 4);
        put_word(out, "answer", &rows, 5);
        cell_time(out, "from", zone, &rows, 6);
        cell_time(out, "to", zone, &rows, 7);
        course = rules_course(rules, sql_text(&rows, 8));
        put_both(out, "title", course ? &course->title : &nothing);
    }
    json_close_object(out);
    err = sql_end(&rows);
    return err ? err : found ? out->err : ERR_NOT_FOUND;
}

/* ------------------------------------------------------------------ certificates */

int64_t certificate_find(struct sql *sql, const char *number)
{
    return sql_find_int(sql, -1, "SELECT id FROM course_taken WHERE name = ?1", "t", number);
}

enum err certificate_view(struct sql *sql, const struct rules *rules, const struct zone *zone, int64_t certificate,
                          struct json_out *out, int32_t today)
{
    static const char *const words[] = {"number", "course", "training", "technician", "site", "team", "holder", "audience", "level",
                                        "certificate", "issued_by", "trainer", "revoked_by", "revoked_for"};
    static const struct words2 nothing = {NULL, NULL};
    const struct training_course *course;
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT k.name, k.course, t.number, h.name, s.name, g.name, k.holder, k.audience, k.level, k.type, k.issued_by,"
             " COALESCE(r.title, t.trainer_name), k.revoked_by, k.revoked_for, k.skill_level, k.right_count, k.of_count, k.day,"
             " k.valid_day, k.exam_due_day, k.revoked_ms, k.version FROM course_taken k LEFT JOIN training t ON t.id = k.training"
             " LEFT JOIN technician h ON h.id = k.technician LEFT JOIN site s ON s.id = k.site LEFT JOIN team g ON g.id = k.team LEFT"
             " JOIN technician r ON r.id = t.trainer WHERE k.id = ?1",
             "i", certificate);
    found = sql_next(&rows);
    json_open_object(out);
    if (found) {
        for (int i = 0; i < 14; i++) {
            put_word(out, words[i], &rows, i);
        }
        course = rules_course(rules, sql_text(&rows, 1));
        put_both(out, "title", course ? &course->title : &nothing);
        cell_int(out, "skill_level", &rows, 14);
        cell_int(out, "right", &rows, 15);
        cell_int(out, "of", &rows, 16);
        cell_day(out, "day", &rows, 17);
        cell_day(out, "valid_to", &rows, 18);
        cell_day(out, "exam_due", &rows, 19);
        cell_time(out, "revoked_at", zone, &rows, 20);
        json_bool(out, "valid", sql_null(&rows, 20) && (sql_null(&rows, 18) || sql_int(&rows, 18) >= today));
        json_int(out, "version", sql_int(&rows, 21));
    }
    json_close_object(out);
    err = sql_end(&rows);
    return err ? err : found ? out->err : ERR_NOT_FOUND;
}
