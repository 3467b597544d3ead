/* Help for routes: problems, headers, query words, lists, and writes on the committing thread. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "models/base/csv.h"
#include "models/base/hash.h"
#include "server/api/api_int.h"
#include "server/store/trail.h"

#define DETAIL_MOST 65536 /* of a body in the trail: pictures stand elsewhere */
#define SHEET_ARENA (256 * 1024 * 1024)
#define KEY_MOST 200 /* characters of an Idempotency-Key */

void call_problem(struct call *call, int status, const char *title, const char *format, ...)
{
    char detail[4096];
    va_list list;

    va_start(list, format);
    vsnprintf(detail, sizeof(detail), format, list);
    va_end(list);
    json_out_reset(call->out);
    call->answer->status = status;
    call->answer->type = "application/problem+json";
    json_open_object(call->out);
    json_text(call->out, "type", "about:blank");
    json_text(call->out, "title", title);
    json_int(call->out, "status", status);
    json_text(call->out, "detail", detail);
    json_text(call->out, "instance", call->request->path);
    json_close_object(call->out);
}

/* The rows of a JSON list as CSV, into sheet; *ret_next: the cursor of the next page, or "". */
static enum err make_sheet(struct call *call, struct json_out *sheet, struct text *next)
{
    const struct cJSON *list = NULL;
    struct arena *arena;
    enum err err = arena_open(SHEET_ARENA, &arena);

    if (err) {
        return err;
    }
    err = json_parse(arena, call->out->bytes, call->out->size, &list, NULL);
    if (!err) {
        text_add(next, json_text_or(list, "next", ""));
        err = csv_put(arena, json_field(list, "items"), true, sheet);
    }
    arena_close(arena);
    return err;
}

void call_sheet(struct call *call)
{
    const char *accept = http_header(call->request, "Accept");
    struct json_out sheet = json_out(call->out->ceiling);
    TEXT(next, 60);

    call_header(call, "Vary", "Accept");
    if (call->answer->status != 200 || http_accepts(accept, "text/csv") <= http_accepts(accept, "application/json")) {
        return;
    }
    if (make_sheet(call, &sheet, &next)) {
        call_problem(call, 503, "The list is too wide for CSV", "ask for fewer rows with limit");
    } else if (call_note(call, "list taken away as CSV", call->request->path, NULL)) {
        call_problem(call, 503, "The database is not writable", "what is taken away is noted first");
    } else {
        json_out_reset(call->out);
        json_put_raw(call->out, sheet.bytes ? sheet.bytes : "", sheet.size);
        call->answer->type = "text/csv; charset=utf-8; header=present";
        if (next.length) {
            call_header(call, "Next-Cursor", next.at);
        }
    }
    json_out_free(&sheet);
}

void call_header(struct call *call, const char *name, const char *value)
{
    struct http_answer *answer = call->answer;

    if (answer->extra_count < sizeof(answer->extra) / sizeof(answer->extra[0])) {
        answer->extra[answer->extra_count][0] = name;
        answer->extra[answer->extra_count++][1] =
            arena_text(call->request->arena, value, strlen(value));
    }
}

void call_tag(struct call *call, int64_t version)
{
    TEXT(words, 32);

    text_addf(&words, "\"%lld\"", (long long)version);
    call_header(call, "ETag", words.at);
}

void call_time(struct call *call, const char *name, int64_t ms)
{
    TEXT(words, 48);

    if (ms <= 0) {
        json_null(call->out, name);
        return;
    }
    zone_write(call->zone, ms, &words);
    json_text(call->out, name, words.at);
}

/* ------------------------------------------------------------------ query words */

bool call_number(struct call *call, const char *name, int64_t least, int64_t most, int64_t fallback,
                 int64_t *ret_number)
{
    const char *words = http_query(call->request, name);

    *ret_number = fallback;
    if (!words) {
        return true;
    }
    if (text_to_int(words, strlen(words), ret_number) || *ret_number < least || *ret_number > most) {
        call_problem(call, 422, "Cannot be done as asked",
                     "%s: expected a whole number from %lld to %lld, found '%.40s'", name,
                     (long long)least, (long long)most, words);
        return false;
    }
    return true;
}

bool call_word(struct call *call, const char *name, const char *const *words, const char **ret_word)
{
    const char *word = http_query(call->request, name);
    TEXT(all, 400);

    *ret_word = word;
    if (!word) {
        return true;
    }
    for (; *words; words++) {
        if (strcmp(*words, word) == 0) {
            return true;
        }
        text_addf(&all, " %s", *words);
    }
    call_problem(call, 422, "Cannot be done as asked", "%s: expected one of%s, found '%.40s'", name,
                 all.at, word);
    return false;
}

bool call_day(struct call *call, const char *name, int32_t fallback, int32_t *ret_day)
{
    const char *words = http_query(call->request, name);
    char date[11] = {0};

    *ret_day = fallback;
    if (!words) {
        return true;
    }
    memcpy(date, words, strlen(words) < 10 ? strlen(words) : 10);
    if (civil_read_date(date, ret_day) || (strlen(words) > 10 && words[10] != 'T')) {
        call_problem(call, 422, "Cannot be done as asked", "%s: expected a date, found '%.40s'", name,
                     words);
        return false;
    }
    return true;
}

bool call_page(struct call *call, struct page *ret_page)
{
    const char *cursor = http_query(call->request, "cursor"), *dot;
    struct page page = {0};

    if (!call_number(call, "limit", 1, INT64_MAX, 100, &page.limit)) {
        return false;
    }
    page.limit = page.limit > LIMIT_MOST ? LIMIT_MOST : page.limit;
    if (cursor) {
        dot = strchr(cursor, '.');
        if (text_to_int(cursor, dot ? (size_t)(dot - cursor) : strlen(cursor), &page.after) ||
            (dot && text_to_int(dot + 1, strlen(dot + 1), &page.after_too))) {
            call_problem(call, 422, "Cannot be done as asked",
                         "cursor: expected the `next` of an earlier answer");
            return false;
        }
    }
    *ret_page = page;
    return true;
}

void call_list(struct call *call, struct sql_rows *rows, const struct page *page, call_show show)
{
    int64_t ids[LIMIT_MOST], count = 0;
    bool more = false;
    TEXT(next, 48);
    enum err err;

    while (!more && sql_next(rows)) {
        more = count == page->limit;
        if (!more) { /* the row behind the page only tells that there is one */
            ids[count++] = sql_int(rows, 0);
            text_clear(&next);
            if (!sql_null(rows, 1)) {
                text_addf(&next, "%lld.", (long long)sql_int(rows, 1));
            }
            text_addf(&next, "%lld", (long long)sql_int(rows, 0));
        }
    }
    err = sql_end(rows);
    json_open_object(call->out);
    json_key(call->out, "items");
    json_open_list(call->out);
    for (int64_t i = 0; !err && i < count; i++) {
        err = show(call, ids[i]);
    }
    json_close_list(call->out);
    json_text(call->out, "next", more ? next.at : NULL);
    json_close_object(call->out);
    if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

/* ------------------------------------------------------------------ writing */

struct write { /* travels to the committing thread and back */
    struct call *call;
    enum err (*work)(struct call *call, struct sql *sql, int64_t now_ms, struct text *why);
    struct text *why;
    const char *key; /* NULL: none */
    char request[17];
    size_t headers; /* that were there before the work */
    bool replayed;
};

/* The same key again gives the same answer again; with another body it is a mistake. */
static enum err replay(struct write *write, struct sql *sql)
{
    struct call *call = write->call;
    struct sql_rows rows;
    bool same = true;
    enum err err;

    sql_find(sql, &rows, "SELECT status, body, request FROM idempotency WHERE key = ?1", "t",
             write->key);
    if (sql_next(&rows)) {
        write->replayed = true;
        same = text_same(sql_text(&rows, 2), write->request);
        call->answer->status = (int)sql_int(&rows, 0);
        json_put_raw(call->out, sql_text(&rows, 1), strlen(sql_text(&rows, 1)));
    }
    err = sql_end(&rows);
    if (!err && !same) {
        write->replayed = false;
        return text_say(write->why, ERR_FORMAT,
                        "Idempotency-Key: it was used for another request already");
    }
    return err;
}

/* Whom a request speaks of: what stands behind the first word of its path. */
static const char *object_of(const struct call *call)
{
    return call->part_count > 1 ? call->parts[1] : NULL;
}

static enum err note(struct call *call, struct sql *sql, int64_t now_ms, const char *what,
                     const char *object, const char *detail)
{
    struct trail_line line = {
        .who = call->who[0] ? call->who : "nobody",
        .role = role_names[call->role],
        .source = call->request->address,
        .what = what,
        .object = object,
        .detail = detail,
    };

    return trail_add(sql, &line, now_ms);
}

/* Every change leaves a line, in its own transaction. A body with a password in it is left out. */
static enum err note_write(struct call *call, struct sql *sql, int64_t now_ms)
{
    const char *action = json_text_or(call->body, "action", NULL);
    bool secret = json_field(call->body, "password") != NULL;
    TEXT(what, 200);

    text_addf(&what, "%s %s%s%.60s", call->route->method, call->route->path, action ? " " : "",
              action ? action : "");
    return note(call, sql, now_ms, what.at, object_of(call),
                call->body && call->request->size <= DETAIL_MOST && !secret ? call->request->body : NULL);
}

static enum err do_write(struct sql *sql, int64_t now_ms, void *argument)
{
    struct write *write = argument;
    struct call *call = write->call;
    int64_t changes;
    enum err err = ERR_OK;

    /* it may be the second time: the first one's transaction was undone */
    text_clear(write->why);
    json_out_reset(call->out);
    call->answer->extra_count = write->headers;
    call->answer->status = 200;
    if (write->key) {
        err = replay(write, sql);
    }
    if (err || write->replayed) {
        return err;
    }
    changes = sql_total_changes(sql);
    err = write->work(call, sql, now_ms, write->why);
    if (!err && sql_total_changes(sql) != changes) { /* not when it was done already */
        err = note_write(call, sql, now_ms);
    }
    if (!err && write->key) {
        err = sql_run(sql,
                      "INSERT INTO idempotency (key, request, status, body, at_ms) VALUES (?1, ?2,"
                      " ?3, ?4, ?5)",
                      "ttiti", write->key, write->request, (int64_t)call->answer->status,
                      call->out->bytes ? call->out->bytes : "", now_ms);
    }
    return err ? err : call->out->err;
}

static void refuse(struct call *call, enum err err, const char *why)
{
    switch (err) {
    case ERR_NOT_FOUND:
        call_problem(call, 404, "Not found", "%s", *why ? why : "there is no such thing");
        break;
    case ERR_STATE:
        call_problem(call, 409, "Not legal now", "%s", why);
        break;
    case ERR_FORMAT:
    case ERR_RANGE:
    case ERR_UNSUPPORTED:
        call_problem(call, 422, "Cannot be done as asked", "%s", why);
        break;
    case ERR_FORBIDDEN:
        call_problem(call, 403, "Forbidden", "%s", why);
        break;
    case ERR_DENIED:
        call_problem(call, 412, "Changed meanwhile", "%s", why);
        break;
    case ERR_FULL:
        call_problem(call, 413, "Too large", "%s", *why ? why : "expected shorter texts");
        break;
    default:
        call_problem(call, 503, "The database is not writable", "%s", err_text(err));
        call_header(call, "Retry-After", "1");
    }
}

enum err call_write(struct call *call,
                    enum err (*work)(struct call *call, struct sql *sql, int64_t now_ms,
                                     struct text *why))
{
    const char *key = http_header(call->request, "Idempotency-Key");
    TEXT(why, 4000);
    TEXT(whole, 600);
    struct write write = {
        .call = call, .work = work, .why = &why, .headers = call->answer->extra_count};
    enum err err;

    if (key && (!*key || strlen(key) > KEY_MOST)) {
        call_problem(call, 422, "Cannot be done as asked",
                     "Idempotency-Key: expected 1 to %d characters", KEY_MOST);
        return ERR_FORMAT;
    }
    if (key) { /* keys of two callers or two routes never meet */
        text_addf(&whole, "%s %s %s", call->who, call->request->path, key);
        write.key = whole.at;
        hash_hex(hash_bytes(call->request->body, call->request->size), write.request);
        if (whole.cut) {
            call_problem(call, 422, "Cannot be done as asked", "the path is too long");
            return ERR_FORMAT;
        }
    }
    err = committer_do(call->api->options.committer, do_write, &write);
    if (write.replayed) {
        return ERR_EXISTS;
    }
    if (err) {
        call->answer->extra_count = write.headers;
        refuse(call, err, why.at);
    }
    return err;
}

/* ------------------------------------------------------------------ noting */

struct noted {
    struct call *call;
    const char *what, *object, *detail;
};

static enum err do_note(struct sql *sql, int64_t now_ms, void *argument)
{
    struct noted *noted = argument;

    return note(noted->call, sql, now_ms, noted->what, noted->object, noted->detail);
}

enum err call_note(struct call *call, const char *what, const char *object, const char *detail)
{
    struct noted noted = {call, what, object, detail};

    return committer_do(call->api->options.committer, do_note, &noted);
}
