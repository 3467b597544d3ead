/*
 * What customers do without a log-in, by the secret code of a ticket or a survey: they look at the progress, send pictures
 * of the trouble, answer a survey, and say what they do not want to be told. Whoever guesses codes is held up.
 */
#include <stdatomic.h>
#include <string.h>

#include "models/base/hash.h"
#include "server/api/act.h"
#include "server/api/html.h"
#include "server/relation/photo.h"
#include "server/relation/survey.h"
#include "server/training/training.h"

#define TRIES_SLOTS  8192 /* numbers rarely share one */
#define TRIES_MINUTE 60000

/* Wrong codes of the minute, by number; minute << 16 | count. Whoever guesses is held up, whether there is
 * such a number or not; other numbers are not. */
static _Atomic(int64_t) tries[TRIES_SLOTS], writes[TRIES_SLOTS];

static _Atomic(int64_t) *slot_of(_Atomic(int64_t) *slots, const char *number)
{
    return &slots[hash_bytes(number, strlen(number)) % TRIES_SLOTS];
}

static bool is_over(_Atomic(int64_t) *slots, const char *number, int64_t most, int64_t now_ms)
{
    int64_t seen = atomic_load(slot_of(slots, number));

    return seen >> 16 == now_ms / TRIES_MINUTE && (seen & 0xffff) >= most;
}

static void note_one(_Atomic(int64_t) *slots, const char *number, int64_t now_ms)
{
    _Atomic(int64_t) *slot = slot_of(slots, number);
    int64_t seen = atomic_load(slot), minute = now_ms / TRIES_MINUTE;

    while (!atomic_compare_exchange_weak(slot, &seen, seen >> 16 == minute ? seen + 1 : (minute << 16) + 1)) {
    }
}

/* As long for a wrong number as for a wrong code. */
int64_t call_admitted(struct call *call, const char *name, const char *statement, bool writes_too)
{
    const char *code = http_query(call->request, "code");
    char stored[40] = "-";
    struct sql_rows rows;
    int64_t id = 0;

    if (is_over(tries, name, call->api->options.customer_tries, call->now_ms) ||
        (writes_too && is_over(writes, name, call->api->options.customer_writes, call->now_ms))) {
        call_problem(call, 429, "Too many tries", "wait a minute");
        call_header(call, "Retry-After", "60");
        return 0;
    }
    sql_find(call->sql, &rows, statement, "t", name);
    if (sql_next(&rows)) {
        id = sql_int(&rows, 0);
        (void)!text_copy(stored, sizeof(stored), sql_text(&rows, 1));
    }
    (void)!sql_end(&rows);
    if (!code || !auth_same(code, stored) || !id) {
        note_one(tries, name, call->now_ms);
        call_problem(call, 404, "Not found", "nothing with that number and code");
        return 0;
    }
    if (writes_too) {
        note_one(writes, name, call->now_ms);
    }
    (void)!text_copy(call->who, sizeof(call->who), "customer");
    return id;
}

static const char of_ticket[] = "SELECT id, track_code FROM ticket WHERE number = ?1 AND track_revoked_ms IS NULL";
static const char of_survey[] = "SELECT id, code FROM survey WHERE CAST(id AS TEXT) = ?1";

int64_t track_find(struct call *call)
{
    int64_t id = call_admitted(call, call->parts[1], of_ticket, true);

    return id ? id : -1;
}

void track_show(struct call *call)
{
    int64_t id = call_admitted(call, call->parts[1], of_ticket, false);

    if (id && view_track(call->sql, call->api->options.rules, id, call->now_ms, call->out)) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

/* ------------------------------------------------------------------ pictures */

static enum err do_photo(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    const char *title = http_query(call->request, "title");
    char id[65] = "";
    enum err err = title && strlen(title) > 200
                       ? text_say(why, ERR_FORMAT, "title: expected at most 200 bytes")
                       : desk_customer_photo(call->api->options.desk, sql, *(const int64_t *)call->context, title,
                                             call->request->body, call->request->size, now_ms, id, why);

    if (!err) {
        call->answer->status = 201;
        json_open_object(call->out);
        json_text(call->out, "id", id);
        json_int(call->out, "size", (int64_t)call->request->size);
        json_close_object(call->out);
    }
    return err;
}

void track_photo(struct call *call)
{
    int64_t id = call_admitted(call, call->parts[1], of_ticket, true), most = call->api->options.photo_bytes;

    if (id && call->request->size > (size_t)most) {
        call_problem(call, 413, "Too large", "expected a file of at most %lld bytes", (long long)most);
    } else if (id) {
        call->context = &id;
        (void)!call_write(call, do_photo);
    }
}

/* ------------------------------------------------------------------ surveys */

static enum err do_answer(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    const char *channel = call->role == ROLE_NONE ? "web" : json_text_or(call->body, "channel", "phone");
    int64_t id = *(const int64_t *)call->context;
    struct action action;
    enum err err = act_read(call, &action, why);

    if (!err && strlen(channel) > 20) {
        return text_say(why, ERR_FORMAT, "channel: expected a word such as phone or e-mail");
    }
    err = err ? err : desk_survey_answer(call->api->options.desk, sql, id, &action, channel, now_ms, why);
    return err ? err : survey_view(sql, id, call->zone, call->out);
}

/* For its page: whoever has the code. */
void survey_show(struct call *call)
{
    int64_t id = call_admitted(call, call->parts[1], of_survey, false);

    if (id && survey_view(call->sql, id, call->zone, call->out)) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

/* By whoever has its code, or by the desk that has asked on the telephone. */
void survey_post(struct call *call)
{
    const char *name = call->parts[1];
    int64_t id = 0;

    if (http_query(call->request, "code")) {
        id = call_admitted(call, name, of_survey, true);
        if (!id) {
            return;
        }
    } else {
        session_identify(call);
        if (!(MAY_DESK >> call->role & 1) || call->role == ROLE_NONE) {
            call_problem(call, 404, "Not found", "expected the code of the survey, or a role of the desk");
            return;
        }
        if (text_to_int(name, strlen(name), &id) ||
            !sql_find_int(call->sql, 0, "SELECT 1 FROM survey WHERE id = ?1", "i", id)) {
            call_problem(call, 404, "Not found", "no survey %.40s", name);
            return;
        }
    }
    call->context = &id;
    (void)!call_write(call, do_answer);
}

static enum err show_survey(struct call *call, int64_t id)
{
    return survey_view(call->sql, id, call->zone, call->out);
}

void surveys_list(struct call *call)
{
    static const char *const states[] = {"open", "answered", "all", NULL};
    const char *number = http_query(call->request, "ticket"), *state;
    struct sql_rows rows;
    struct page page;

    if (!call_page(call, &page) || !call_word(call, "state", states, &state)) {
        return;
    }
    if (number) {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM survey WHERE ticket = ?1 AND id > ?2 ORDER BY id LIMIT ?3", "iii",
                 view_find_ticket(call->sql, number), page.after, page.limit + 1);
    } else if (text_same(state, "open")) {
        sql_find(call->sql, &rows,
                 "SELECT id, NULL FROM survey WHERE answered_ms IS NULL AND id > ?1 ORDER BY id LIMIT ?2", "ii", page.after,
                 page.limit + 1);
    } else if (text_same(state, "answered")) {
        sql_find(call->sql, &rows,
                 "SELECT id, NULL FROM survey WHERE answered_ms IS NOT NULL AND id > ?1 ORDER BY id LIMIT ?2", "ii",
                 page.after, page.limit + 1);
    } else {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM survey WHERE id > ?1 ORDER BY id LIMIT ?2", "ii", page.after,
                 page.limit + 1);
    }
    call_list(call, &rows, &page, show_survey);
}

/* ------------------------------------------------------------------ opting out */

static enum err do_opt_out(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t customer = *(const int64_t *)call->context;
    struct action action;
    struct sql_rows rows;
    enum err err = act_read(call, &action, why);

    err = err ? err : desk_opt_out(call->api->options.desk, sql, customer, &action, now_ms, why);
    if (err) {
        return err;
    }
    json_open_object(call->out);
    json_key(call->out, "opted_out");
    json_open_list(call->out);
    sql_find(sql, &rows, "SELECT topic FROM opt_out WHERE customer = ?1 ORDER BY topic", "i", customer);
    while (sql_next(&rows)) {
        json_put_text(call->out, sql_text(&rows, 0));
    }
    json_close_list(call->out);
    json_close_object(call->out);
    return sql_end(&rows);
}

void survey_opt_out(struct call *call)
{
    int64_t id = call_admitted(call, call->parts[1], of_survey, true);

    if (id) {
        id = sql_find_int(call->sql, 0, "SELECT customer FROM survey WHERE id = ?1", "i", id);
        call->context = &id;
        (void)!call_write(call, do_opt_out);
    }
}

void customer_opt_out(struct call *call)
{
    int64_t id = sql_find_int(call->sql, 0, "SELECT id FROM customer WHERE name = ?1", "t", call->parts[1]);

    if (!id) {
        call_problem(call, 404, "Not found", "no customer %.64s", call->parts[1]);
        return;
    }
    call->context = &id;
    (void)!call_write(call, do_opt_out);
}

/* ------------------------------------------------------------------ invitations */

static const char of_invitation[] = "SELECT id, code FROM trainee WHERE CAST(id AS TEXT) = ?1";

/* For its page: whoever has the code. */
void invitation_show(struct call *call)
{
    int64_t id = call_admitted(call, call->parts[1], of_invitation, false);

    if (id && invitation_view(call->sql, call->api->options.rules, call->zone, id, call->out)) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

static enum err do_reply(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    int64_t id = *(const int64_t *)call->context;
    enum err err = desk_training_reply(call->api->options.desk, sql, id, json_text_or(call->body, "answer", NULL), now_ms, why);

    return err ? err : invitation_view(sql, call->api->options.rules, call->zone, id, call->out);
}

void invitation_post(struct call *call)
{
    int64_t id = call_admitted(call, call->parts[1], of_invitation, true);

    if (id) {
        call->context = &id;
        (void)!call_write(call, do_reply);
    }
}
