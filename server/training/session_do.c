/* What people do with a training before it is held: when, where and by whom; who comes; who was told, and answers. */
#include <string.h>

#include "models/base/civil.h"
#include "models/service/notice.h"
#include "server/case/duties.h"
#include "server/case/word.h"
#include "server/fleet/numbers.h"
#include "server/notice/outbox.h"
#include "server/training/training_int.h"

#define TRAINEES_MOST  500
#define INVITE_SLICE   100
#define CUSTOMERS_MOST 20000

static const char *said(const struct lesson *lesson, const char *field)
{
    return json_text_or(lesson->action->body, field, NULL);
}

/* ------------------------------------------------------------------ who comes */

static bool has_passed(struct lesson *lesson, const char *course, int64_t technician, const char *name)
{
    int32_t today = zone_day(training_zone(lesson->office, lesson->sql, &lesson->training), lesson->now_ms);

    return sql_find_int(lesson->sql, 0,
                        "SELECT 1 FROM course_taken WHERE course = ?1 AND revoked_ms IS NULL AND COALESCE(valid_day, ?2) >= ?2"
                        " AND ((?3 > 0 AND technician = ?3) OR (?3 = 0 AND holder = ?4 AND (site = ?5 OR site IS NULL))) LIMIT 1",
                        "tiiti", course, (int64_t)today, technician, name, lesson->training.site) != 0;
}

/* Who comes has passed what the course builds on. */
static enum err check_before(struct lesson *lesson, int64_t technician, const char *name)
{
    for (const char *const *course = lesson->training.course->before; *course; course++) {
        if (!has_passed(lesson, *course, technician, name)) {
            return text_say(lesson->why, ERR_STATE, "%s has not passed %s, which %s builds on. Legal: enrol of others", name,
                            *course, lesson->training.course->id);
        }
    }
    return ERR_OK;
}

struct coming {
    const char *name, *audience, *phone, *email;
    int64_t technician, customer;
};

static const char *known_audience(const char *word)
{
    for (int i = 0; word && course_audience_names[i]; i++) {
        if (strcmp(course_audience_names[i], word) == 0) {
            return course_audience_names[i];
        }
    }
    return NULL;
}

static enum err read_technician(struct lesson *lesson, const char *name, struct coming *coming)
{
    const struct crew_person *person;
    const struct crew *crew;
    enum err err = office_crew(lesson->office, lesson->sql, &crew);

    person = err ? NULL : crew_person_named(crew, name);
    if (err || !person) {
        return err ? err : text_say(lesson->why, ERR_FORMAT, "technician: there is none called '%.64s'", name);
    }
    coming->technician = person->id;
    coming->name = coming->name ? coming->name : person->title ? person->title : person->name;
    coming->phone = coming->phone ? coming->phone : person->phone;
    coming->email = coming->email ? coming->email : person->email;
    return ERR_OK;
}

/* A name alone, or {name, audience?, technician?, phone?, email?}. */
static enum err read_coming(struct lesson *lesson, const struct cJSON *item, struct coming *coming)
{
    const char *name = json_as_text(item), *technician = json_text_or(item, "technician", NULL);
    const char *audience = json_text_or(item, "audience", NULL);
    enum err err = ERR_OK;

    *coming = (struct coming){.name = name ? name : json_text_or(item, "name", NULL), .audience = known_audience(audience),
                              .phone = json_text_or(item, "phone", NULL), .email = json_text_or(item, "email", NULL)};
    if (audience && !coming->audience) {
        return text_say(lesson->why, ERR_FORMAT, "attendees: audience '%.40s' is none of those of courses", audience);
    }
    if (technician) {
        err = read_technician(lesson, technician, coming);
    }
    if (!err && (!coming->name || !coming->name[0] || strlen(coming->name) > 200)) {
        return text_say(lesson->why, ERR_FORMAT, "attendees: expected a name of at most 200 bytes for each");
    }
    return err;
}

static enum err add_trainee(struct lesson *lesson, const struct coming *coming)
{
    char code[25];
    enum err err;

    numbers_secret(code, 24);
    err = sql_run(lesson->sql,
                  "INSERT INTO trainee (training, name, audience, technician, customer, phone, email, code) VALUES (?1, ?2, ?3,"
                  " NULLIF(?4, 0), NULLIF(?5, 0), ?6, ?7, ?8) ON CONFLICT (training, name) DO UPDATE SET audience ="
                  " COALESCE(excluded.audience, trainee.audience), technician = COALESCE(excluded.technician,"
                  " trainee.technician), phone = COALESCE(excluded.phone, trainee.phone), email = COALESCE(excluded.email,"
                  " trainee.email)",
                  "ittiittt", lesson->training.id, coming->name, coming->audience, coming->technician, coming->customer,
                  coming->phone, coming->email, code);
    if (!err && sql_find_int(lesson->sql, 0, "SELECT COUNT(*) FROM trainee WHERE training = ?1", "i", lesson->training.id) >
                    CUSTOMERS_MOST) {
        err = text_say(lesson->why, ERR_FORMAT, "attendees: expected at most %d", CUSTOMERS_MOST);
    }
    return err;
}

/* S0-18: a show is for many: every customer with an agreement, or those named. Who wants to hear of none is left out. */
static enum err add_customers(struct lesson *lesson, const struct cJSON *from)
{
    bool all = json_as_text(from) && strcmp(json_as_text(from), "all") == 0;
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    if (!all && !json_is_list(from)) {
        return text_say(lesson->why, ERR_FORMAT, "customers: expected all, or a list of ids");
    }
    for (const struct cJSON *item = all ? NULL : json_first(from); item; item = json_next(item)) {
        if (!sql_find_int(lesson->sql, 0, "SELECT 1 FROM customer WHERE name = ?1", "t", json_as_text(item))) {
            return text_say(lesson->why, ERR_FORMAT, "customers: there is none called '%.64s'",
                            json_as_text(item) ? json_as_text(item) : "");
        }
    }
    sql_find(lesson->sql, &rows,
             "SELECT c.id, c.name, COALESCE(c.title, c.name) FROM customer c WHERE NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.customer = c.id AND"
             " o.topic = 'events') ORDER BY c.id LIMIT ?1",
             "i", (int64_t)CUSTOMERS_MOST);
    while (!err && sql_next(&rows)) {
        const char *id = sql_text(&rows, 1);
        bool wanted = all;

        for (const struct cJSON *item = all ? NULL : json_first(from); item; item = json_next(item)) {
            wanted = wanted || text_same(json_as_text(item), id);
        }
        if (wanted) {
            TEXT(name, 300);

            text_addf(&name, "%.150s (%s)", sql_text(&rows, 2), id);
            struct coming coming = {.name = name.at, .customer = sql_int(&rows, 0)};

            err = add_trainee(lesson, &coming);
        }
    }
    end = sql_end(&rows);
    return err ? err : end;
}

enum err lesson_add(struct lesson *lesson)
{
    const struct cJSON *list = json_field(lesson->action->body, "attendees"), *customers = json_field(lesson->action->body,
                                                                                                        "customers");
    enum err err = ERR_OK;

    if (list && (!json_is_list(list) || json_size(list) > TRAINEES_MOST)) {
        return text_say(lesson->why, ERR_FORMAT, "attendees: expected a list of at most %d", TRAINEES_MOST);
    }
    for (const struct cJSON *item = json_first(list); !err && item; item = json_next(item)) {
        struct coming coming;

        err = read_coming(lesson, item, &coming);
        err = err ? err : check_before(lesson, coming.technician, coming.name);
        err = err ? err : add_trainee(lesson, &coming);
    }
    return err || !customers ? err : add_customers(lesson, customers);
}

enum err lesson_enrol(struct lesson *lesson)
{
    if (!json_size(json_field(lesson->action->body, "attendees")) && !json_field(lesson->action->body, "customers")) {
        return text_say(lesson->why, ERR_FORMAT, "attendees: expected a list of who comes");
    }
    return lesson_add(lesson);
}

/* ------------------------------------------------------------------ when, where, by whom */

/* The type's certificate that lasts longest, on that day. */
static bool is_certified(const struct crew_person *person, const char *type, int32_t day)
{
    for (size_t i = 0; i < person->certificate_count; i++) {
        if (text_same(person->certificates[i].type, type) && person->certificates[i].valid_to >= day) {
            return true;
        }
    }
    return false;
}

enum err lesson_check_trainer(struct lesson *lesson, int64_t at_ms)
{
    const char *const *type = lesson->training.course->trainer;
    const struct crew_person *person = NULL;
    const struct crew *crew = NULL;
    int32_t day = zone_day(training_zone(lesson->office, lesson->sql, &lesson->training), at_ms);
    enum err err = lesson->training.trainer ? office_crew(lesson->office, lesson->sql, &crew) : ERR_OK;

    for (size_t i = 0; !err && crew && i < crew->person_count; i++) {
        person = crew->people[i].id == lesson->training.trainer ? &crew->people[i] : person;
    }
    for (; !err && person && *type; type++) {
        if (!is_certified(person, *type, day)) {
            char words[11];

            civil_write_date(day, words);
            return text_say(lesson->why, ERR_STATE,
                            "%s has no certificate %s that is valid on %s, which a trainer of %s needs. Legal: another trainer",
                            person->name, *type, words, lesson->training.course->id);
        }
    }
    return err;
}

/* A technician by id, or an expert from outside by name, with what proves that he may teach it. */
static enum err read_trainer(struct lesson *lesson)
{
    const char *name = said(lesson, "trainer"), *outside = said(lesson, "trainer_name"), *proof = said(lesson, "trainer_proof");
    struct training *training = &lesson->training;

    if (name) {
        training->trainer = sql_find_int(lesson->sql, 0, "SELECT id FROM technician WHERE name = ?1", "t", name);
        if (!training->trainer) {
            return text_say(lesson->why, ERR_FORMAT, "trainer: there is no technician called '%.64s'", name);
        }
        training->trainer_name = NULL;
    } else if (outside) {
        if (training->course->trainer[0] && !(proof && proof[0])) {
            return text_say(lesson->why, ERR_FORMAT,
                            "trainer_proof: expected what shows that %.60s may teach %s (%s): a number or a document", outside,
                            training->course->id, training->course->trainer[0]);
        }
        training->trainer = 0;
        training->trainer_name = outside;
    }
    if (!training->trainer && !training->trainer_name) {
        return text_say(lesson->why, ERR_FORMAT, "trainer: expected a technician, or trainer_name and trainer_proof");
    }
    return lesson_check_trainer(lesson, training->from_ms);
}

static enum err read_times(struct lesson *lesson, bool needed)
{
    const char *from = said(lesson, "from"), *to = said(lesson, "to");
    struct training *training = &lesson->training;
    int64_t from_ms = 0, to_ms = 0;

    if (!from && !needed) {
        return ERR_OK;
    }
    if (!from || civil_read_instant(from, &from_ms)) {
        return text_say(lesson->why, ERR_FORMAT, "from: expected an RFC 3339 time, found '%.40s'", from ? from : "");
    }
    if (to && (civil_read_instant(to, &to_ms) || to_ms < from_ms)) {
        return text_say(lesson->why, ERR_FORMAT, "to: expected an RFC 3339 time after from, found '%.40s'", to);
    }
    training->from_ms = from_ms;
    training->to_ms = to ? to_ms : from_ms + training->course->duration_ms;
    return ERR_OK;
}

static enum err read_mode(struct lesson *lesson, const char **ret_mode)
{
    const struct training_course *course = lesson->training.course;
    const char *mode = said(lesson, "mode");

    *ret_mode = mode ? mode : course->modes[0];
    return !mode || course_has_word(course->modes[0] ? course->modes : course_mode_names, mode)
               ? ERR_OK
               : text_say(lesson->why, ERR_FORMAT, "mode: %s is not held '%.40s'", course->id, mode);
}

/* What is handed out: ids of the course's material; left out: all of it. */
static enum err read_material(struct lesson *lesson, struct json_out *out)
{
    const struct cJSON *list = json_field(lesson->action->body, "material");
    const struct training_course *course = lesson->training.course;

    json_open_list(out);
    for (size_t i = 0; !list && i < course->material_count; i++) {
        json_put_text(out, course->material[i].id);
    }
    for (const struct cJSON *item = json_first(list); item; item = json_next(item)) {
        bool known = false;

        for (size_t i = 0; i < course->material_count; i++) {
            known = known || text_same(course->material[i].id, json_as_text(item));
        }
        if (!known) {
            return text_say(lesson->why, ERR_FORMAT, "material: the course %s has no '%.64s'", course->id,
                            json_as_text(item) ? json_as_text(item) : "");
        }
        json_put_text(out, json_as_text(item));
    }
    json_close_list(out);
    return out->err;
}

static enum err write_plan(struct lesson *lesson, const char *mode, const char *material)
{
    const struct training *training = &lesson->training;

    return sql_run(lesson->sql,
                   "UPDATE training SET from_ms = ?2, to_ms = ?3, place = COALESCE(?4, place), mode = ?5, trainer = NULLIF(?6, 0),"
                   " trainer_name = ?7, trainer_proof = COALESCE(?8, trainer_proof), material = ?9 WHERE id = ?1",
                   "iiittit" "tt", training->id, training->from_ms, training->to_ms, said(lesson, "place"), mode,
                   training->trainer, training->trainer_name, said(lesson, "trainer_proof"), material);
}

enum err lesson_plan(struct lesson *lesson)
{
    struct json_out material = json_out(16 * 1024);
    const char *mode = NULL;
    enum err err = read_times(lesson, true);

    err = err ? err : read_trainer(lesson);
    err = err ? err : read_mode(lesson, &mode);
    err = err ? err : read_material(lesson, &material);
    err = err ? err : write_plan(lesson, mode, material.bytes);
    err = err ? err : lesson_add(lesson);
    if (!err) { /* who was invited to another time is invited again */
        err = sql_run(lesson->sql, "UPDATE trainee SET invited_ms = NULL, answer = NULL, answered_ms = NULL WHERE training = ?1",
                      "i", lesson->training.id);
    }
    json_out_free(&material);
    return err;
}

/* The customer names place and attendees, and says who named them (S0-26, S0-69). */
enum err lesson_name(struct lesson *lesson)
{
    const char *place = said(lesson, "place"), *by = said(lesson, "by");
    enum err err;

    if (!by || !by[0] || (!place && !json_field(lesson->action->body, "attendees"))) {
        return text_say(lesson->why, ERR_FORMAT, "name needs by, and place or attendees");
    }
    err = lesson_add(lesson);
    return err ? err
               : sql_run(lesson->sql,
                         "UPDATE training SET place = COALESCE(?2, place), named_by = ?3, named_ms = ?4 WHERE id = ?1", "itti",
                         lesson->training.id, place, by, lesson->at_ms);
}

/* C-23: what the customer moves beyond its time is owed by the day that was agreed then, and the record says why. */
static enum err move_duties(struct lesson *lesson)
{
    const struct training *training = &lesson->training;
    const struct zone *zone = training_zone(lesson->office, lesson->sql, training);
    int64_t until_ms = zone_instant(zone, zone_day(zone, training->from_ms) + 1, 0);
    int64_t ids[64];
    struct sql_rows rows;
    size_t count = 0;
    TEXT(note, 200);
    enum err err;

    text_addf(&note, "moved by the customer (%.100s)", said(lesson, "by"));
    sql_find(lesson->sql, &rows,
             "SELECT k.id FROM clock k JOIN equipment e ON e.id = k.subject_id WHERE k.subject = 'equipment' AND k.kind ="
             " 'training' AND k.ticket IS NULL AND k.met_ms IS NULL AND k.cancelled_ms IS NULL AND e.site = ?1 LIMIT 64",
             "i", training->site);
    while (count < 64 && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = duty_move(lesson->sql, ids[i], until_ms, note.at, lesson->at_ms);
    }
    return err;
}

enum err lesson_reschedule(struct lesson *lesson)
{
    const char *by = said(lesson, "by"), *reason = json_text_or(lesson->action->body, "reason", lesson->action->note);
    bool customer = text_same(said(lesson, "side"), "customer");
    enum err err;

    if (!by || !by[0] || !reason || !reason[0]) {
        return text_say(lesson->why, ERR_FORMAT, "reschedule needs by (who moves it) and a reason");
    }
    err = lesson_plan(lesson);
    return err || !customer || !lesson->training.site || lesson->training.from_ms <= lesson->training.due_ms
               ? err
               : move_duties(lesson);
}

enum err lesson_cancel(struct lesson *lesson)
{
    return lesson->action->note && lesson->action->note[0] ? ERR_OK
                                                           : text_say(lesson->why, ERR_FORMAT, "cancel needs a note that says why");
}

/* ------------------------------------------------------------------ invited, answered */

enum err lesson_invite(struct lesson *lesson)
{
    bool more = false;
    enum err err = lesson_add(lesson);

    if (!err && !sql_find_int(lesson->sql, 0, "SELECT 1 FROM trainee WHERE training = ?1 LIMIT 1", "i", lesson->training.id)) {
        return text_say(lesson->why, ERR_STATE, "nobody is enrolled. Legal: enrol, name");
    }
    err = err ? err : sql_run(lesson->sql, "UPDATE training SET state = 'invited' WHERE id = ?1", "i", lesson->training.id);
    return err ? err : training_invitations(lesson->office, lesson->sql, lesson->now_ms, &more);
}

bool training_invites(struct sql *sql)
{
    return sql_find_int(sql, 0,
                        "SELECT 1 FROM training t WHERE t.state = 'invited' AND EXISTS (SELECT 1 FROM trainee a WHERE a.training ="
                        " t.id AND a.invited_ms IS NULL) LIMIT 1",
                        "") != 0;
}

struct invited {
    int64_t trainee, training, customer, technician;
    const char *name, *email, *code, *place;
};

static void put_fields(struct office *office, const struct training *training, const struct zone *zone,
                       const struct invited *who, const char *link, const char *en[NOTICE_FIELDS], const char *zh[NOTICE_FIELDS])
{
    en[NOTICE_NUMBER] = training->number;
    en[NOTICE_TITLE] = training->course ? training->course->title.en : training->course_id;
    zh[NOTICE_TITLE] = training->course ? training->course->title.zh : NULL;
    en[NOTICE_FROM] = word_time(office, zone, training->from_ms);
    en[NOTICE_TO] = word_time(office, zone, training->to_ms);
    en[NOTICE_NOTE] = who->place;
    en[NOTICE_TECHNICIAN] = training->trainer_name;
    en[NOTICE_LINK] = link;
}

/* Somebody whose address is known, but who is no customer of the fleet file. */
static enum err mail(struct office *office, struct sql *sql, const struct invited *who, const char *key,
                     const char *const en[NOTICE_FIELDS], int64_t now_ms)
{
    TEXT(subject, 400);
    TEXT(body, 2000);
    bool reach = office->options.has_smtp && who->email;
    struct notice notice = {.key = key, .channel = reach ? "smtp" : "none", .target = reach ? who->email : NULL,
                            .subject = subject.at, .body = body.at, .due_ms = now_ms, .rule = "training_invite"};

    text_addf(&subject, "Invitation / 培训邀请: %s", en[NOTICE_TITLE] ? en[NOTICE_TITLE] : "");
    text_addf(&body, "%s\n%s – %s\n%s\n%s\n", en[NOTICE_TITLE] ? en[NOTICE_TITLE] : "", en[NOTICE_FROM] ? en[NOTICE_FROM] : "",
              en[NOTICE_TO] ? en[NOTICE_TO] : "", who->place ? who->place : "", en[NOTICE_LINK] ? en[NOTICE_LINK] : "");
    return notify_put(sql, now_ms, &notice);
}

static enum err invite_one(struct office *office, struct sql *sql, const struct invited *who, int64_t now_ms)
{
    struct training training;
    enum err err = training_load(office, sql, who->training, &training);
    const struct zone *zone = err ? zone_utc() : training_zone(office, sql, &training);
    struct customer_word word = {.customer = who->customer, .zone = zone, .step = "training_invite"};
    TEXT(link, 600);
    TEXT(key, 200);

    if (err) {
        return err;
    }
    if (office->options.public_url) {
        text_addf(&link, "%s/invitation/%lld?code=%s", office->options.public_url, (long long)who->trainee, who->code);
    }
    text_addf(&key, "training:%s:%lld:%lld", training.number, (long long)who->trainee, (long long)training.from_ms);
    word.key = key.at;
    put_fields(office, &training, zone, who, link.length ? link.at : NULL, word.en, word.zh);
    if (training.course && training.course->kind == COURSE_SHOW) {
        word.step = "event_invite";
    }
    err = who->customer ? customer_say(office, sql, &word, now_ms) : mail(office, sql, who, key.at, word.en, now_ms);
    return err ? err : sql_run(sql, "UPDATE trainee SET invited_ms = ?2 WHERE id = ?1", "ii", who->trainee, now_ms);
}

enum err training_invitations(struct office *office, struct sql *sql, int64_t now_ms, bool *ret_more)
{
    struct invited *all = arena_array(office->arena, INVITE_SLICE, sizeof(*all));
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (!all) {
        return ERR_NOMEM;
    }
    sql_find(sql, &rows,
             "SELECT a.id, t.id, a.customer, a.technician, a.name, a.email, a.code, t.place FROM training t JOIN trainee a ON"
             " a.training = t.id WHERE t.state = 'invited' AND a.invited_ms IS NULL ORDER BY a.id LIMIT 100",
             "");
    while (count < INVITE_SLICE && sql_next(&rows)) {
        all[count++] = (struct invited){sql_int(&rows, 0), sql_int(&rows, 1), sql_int(&rows, 2), sql_int(&rows, 3),
                                        training_keep(office, sql_text(&rows, 4)), training_keep(office, sql_text(&rows, 5)),
                                        training_keep(office, sql_text(&rows, 6)), training_keep(office, sql_text(&rows, 7))};
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = invite_one(office, sql, &all[i], now_ms);
    }
    *ret_more = count == INVITE_SLICE;
    return err;
}

static bool is_answer(const char *answer)
{
    return text_same(answer, "accepted") || text_same(answer, "declined");
}

enum err lesson_answer(struct lesson *lesson)
{
    const char *name = said(lesson, "attendee"), *answer = said(lesson, "answer");
    enum err err;

    if (!is_answer(answer)) {
        return text_say(lesson->why, ERR_FORMAT, "answer: expected accepted or declined, found '%.40s'", answer ? answer : "");
    }
    err = sql_run(lesson->sql,
                  "UPDATE trainee SET answer = ?3, answered_ms = ?4, answered_by = ?5 WHERE training = ?1 AND name = ?2", "ittit",
                  lesson->training.id, name, answer, lesson->at_ms, lesson->action->who);
    return err || sql_changes(lesson->sql) ? err
                                           : text_say(lesson->why, ERR_FORMAT, "attendee: nobody called '%.64s' is enrolled",
                                                      name ? name : "");
}

enum err training_reply(struct office *office, struct sql *sql, int64_t trainee, const char *answer, int64_t now_ms,
                        struct text *why)
{
    int64_t id = sql_find_int(sql, 0, "SELECT training FROM trainee WHERE id = ?1", "i", trainee);
    struct training training;
    enum err err = training_load(office, sql, id, &training);

    if (err) {
        return err;
    }
    if (!is_answer(answer)) {
        return text_say(why, ERR_FORMAT, "answer: expected accepted or declined");
    }
    if (strcmp(training.state, "planned") != 0 && strcmp(training.state, "invited") != 0) {
        return text_say(why, ERR_STATE, "the training is %s. Legal: nothing", training.state);
    }
    err = sql_run(sql, "UPDATE trainee SET answer = ?2, answered_ms = ?3, answered_by = 'invited' WHERE id = ?1", "iti", trainee,
                  answer, now_ms);
    err = err ? err : sql_run(sql, "UPDATE training SET version = version + 1 WHERE id = ?1", "i", id);
    return err ? err : training_changed(sql, id, now_ms);
}
