/* Courses, trainings, certificates. */
#include <string.h>

#include "server/api/act.h"
#include "server/api/filter.h"
#include "server/training/training.h"

/* ------------------------------------------------------------------ courses */

/* Who manages sees which answers are right. */
static bool sees_answers(const struct call *call)
{
    return (MAY_MANAGE >> call->role & 1) != 0;
}

void courses_list(struct call *call)
{
    const struct rules *rules = call->api->options.rules;

    json_open_object(call->out);
    json_key(call->out, "items");
    json_open_list(call->out);
    for (size_t i = 0; i < rules_course_count(rules); i++) {
        course_view(rules_course_at(rules, i), sees_answers(call), call->out);
    }
    json_close_list(call->out);
    json_null(call->out, "next");
    json_close_object(call->out);
}

void courses_show(struct call *call)
{
    const struct training_course *course = rules_course(call->api->options.rules, call->parts[1]);

    if (course) {
        course_view(course, sees_answers(call), call->out);
    } else {
        call_problem(call, 404, "Not found", "no course %s", call->parts[1]);
    }
}

/* ------------------------------------------------------------------ trainings */

static _Atomic(const char *) trainings_made[1 << FILTERS_MOST];
static const struct filters trainings = {
    .select = "SELECT t.id, NULL FROM training t WHERE t.id > ?1",
    .order = "ORDER BY t.id LIMIT ?2",
    .made = trainings_made,
    .list =
        {
            {NULL, "t.closed_ms IS NULL AND # = 'open'", NULL},
            {NULL, "t.state = #", NULL},
            {"course", "t.course = #", "t.course || '' = #"},
            {"site", "t.site = (SELECT id FROM site WHERE name = #)", "t.site + 0 = (SELECT id FROM site WHERE name = #)"},
            {"team", "t.team = (SELECT id FROM team WHERE name = #)", NULL},
            {"technician", "EXISTS (SELECT 1 FROM trainee a WHERE a.training = t.id AND a.technician = (SELECT id FROM technician"
                           " WHERE name = #))", NULL},
            {"reason", "t.reason = #", NULL},
        },
};

static enum err show_training(struct call *call, int64_t id)
{
    return training_view(call->request->arena, call->sql, call->api->options.rules, call->zone, id, call->out);
}

void trainings_list(struct call *call)
{
    const char *values[FILTERS_MOST], *state = http_query(call->request, "state");
    struct page page;

    if (call_page(call, &page)) {
        filter_read(call, &trainings, values);
        values[0] = text_same(state, "open") ? "open" : NULL;
        values[1] = values[0] ? NULL : state;
        filter_list(call, &trainings, values, &page, show_training);
    }
}

static int64_t version_of(struct sql *sql, int64_t training)
{
    return sql_find_int(sql, 0, "SELECT version FROM training WHERE id = ?1", "i", training);
}

void trainings_show(struct call *call)
{
    int64_t id = training_find(call->sql, call->parts[1]);

    if (id < 0) {
        call_problem(call, 404, "Not found", "no training %s", call->parts[1]);
    } else if (show_training(call, id)) {
        call_problem(call, 503, "The database is not readable", "try again");
    } else {
        call_tag(call, version_of(call->sql, id));
    }
}

static enum err show_written(struct call *call, struct sql *sql, int64_t id)
{
    call_tag(call, version_of(sql, id));
    return training_view(call->request->arena, sql, call->api->options.rules, call->zone, id, call->out);
}

static enum err do_open(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t before = sql_find_int(sql, 0, "SELECT MAX(id) FROM training", ""), id = 0;
    struct action action;
    enum err err = act_read(call, &action, why);

    err = err ? err : desk_training_open(call->api->options.desk, sql, &action, now_ms, &id, why);
    if (err) {
        return err;
    }
    call->answer->status = id > before ? 201 : 200;
    return show_written(call, sql, id);
}

void trainings_post(struct call *call)
{
    (void)call_write(call, do_open); /* it has written its problem */
}

static enum err do_act(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = training_find(sql, call->parts[1]);
    struct action action;
    enum err err = id < 0 ? text_say(why, ERR_NOT_FOUND, "no training %s", call->parts[1]) : act_read(call, &action, why);

    if (!err && !training_did(sql, id, action.action_id)) {
        err = act_match(call, version_of(sql, id), why);
        err = err ? err : desk_training_act(call->api->options.desk, sql, id, &action, now_ms, why);
    }
    return err ? err : show_written(call, sql, id);
}

void trainings_act(struct call *call)
{
    (void)call_write(call, do_act);
}

/* ------------------------------------------------------------------ certificates */

static _Atomic(const char *) certificates_made[1 << FILTERS_MOST];
static const struct filters certificates = {
    .select = "SELECT k.id, NULL FROM course_taken k WHERE k.id > ?1",
    .order = "ORDER BY k.id LIMIT ?2",
    .made = certificates_made,
    .list =
        {
            {NULL, "# = ''", NULL},
            {"technician", "k.technician = (SELECT id FROM technician WHERE name = #)", NULL},
            {"site", "k.site = (SELECT id FROM site WHERE name = #)", NULL},
            {"course", "k.course = #", NULL},
            {"level", "k.level = #", NULL},
            {"holder", "k.holder = #", NULL},
        },
};

static int32_t today(struct call *call)
{
    return zone_day(call->zone, call->now_ms);
}

static enum err show_certificate(struct call *call, int64_t id)
{
    return certificate_view(call->sql, call->api->options.rules, call->zone, id, call->out, today(call));
}

void certificates_list(struct call *call)
{
    const char *values[FILTERS_MOST];
    struct page page;

    if (call_page(call, &page)) {
        filter_read(call, &certificates, values);
        filter_list(call, &certificates, values, &page, show_certificate);
    }
}

static int64_t certificate_version(struct sql *sql, int64_t id)
{
    return sql_find_int(sql, 0, "SELECT version FROM course_taken WHERE id = ?1", "i", id);
}

void certificates_show(struct call *call)
{
    int64_t id = certificate_find(call->sql, call->parts[1]);

    if (id < 0) {
        call_problem(call, 404, "Not found", "no certificate %s", call->parts[1]);
    } else if (show_certificate(call, id)) {
        call_problem(call, 503, "The database is not readable", "try again");
    } else {
        call_tag(call, certificate_version(call->sql, id));
    }
}

static enum err do_certificate(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = certificate_find(sql, call->parts[1]);
    struct action action;
    enum err err = id < 0 ? text_say(why, ERR_NOT_FOUND, "no certificate %s", call->parts[1]) : act_read(call, &action, why);

    err = err ? err : act_match(call, certificate_version(sql, id), why);
    err = err ? err : desk_certificate_act(call->api->options.desk, sql, id, &action, now_ms, why);
    if (err) {
        return err;
    }
    call_tag(call, certificate_version(sql, id));
    return certificate_view(sql, call->api->options.rules, call->zone, id, call->out, today(call));
}

void certificates_act(struct call *call)
{
    (void)call_write(call, do_certificate);
}
