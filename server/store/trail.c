/* The trail's chain. */
#include "server/store/trail.h"

#include <stdio.h>
#include <string.h>

#include "host/file.h"
#include "models/base/hash.h"
#include "models/base/json.h"
#include "models/base/text.h"

#define TRIES 10

static const char start[] = "heliograph"; /* what the very first line is chained to */

/* The hash of a line: of all its fields, in a form that no two lines share. */
static enum err hash_line(int64_t id, int64_t at_ms, const struct trail_line *line,
                          const char *previous, char to[65])
{
    struct json_out out = json_out(64 * 1024);
    const char *const words[] = {line->who,    line->role,   line->source, line->what,
                                 line->object, line->detail, previous};
    enum err err;

    json_open_list(&out);
    json_put_int(&out, id);
    json_put_int(&out, at_ms);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        json_put_text(&out, words[i]);
    }
    json_close_list(&out);
    err = out.err;
    if (!err) {
        hash_digest(out.bytes, out.size, to);
    }
    json_out_free(&out);
    return err;
}

static enum err read_head(struct sql *sql, int64_t *ret_id, char to[65])
{
    struct sql_rows rows;

    *ret_id = 0;
    (void)!text_copy(to, 65, start);
    sql_find(sql, &rows, "SELECT id, hash FROM trail ORDER BY id DESC LIMIT 1", "");
    if (sql_next(&rows)) {
        *ret_id = sql_int(&rows, 0);
        (void)!text_copy(to, 65, sql_text(&rows, 1));
    }
    return sql_end(&rows);
}

/* Whole characters of at most TRAIL_DETAIL_MOST bytes. */
static const char *cut(const char *detail, struct text *to)
{
    size_t size = detail ? strlen(detail) : 0;

    if (size <= TRAIL_DETAIL_MOST) {
        return detail;
    }
    for (size = TRAIL_DETAIL_MOST; size > 0 && ((unsigned char)detail[size] & 0xC0) == 0x80;) {
        size--;
    }
    text_addf(to, "%.*s… (cut off)", (int)size, detail);
    return to->at;
}

/* What a line says more is chained by its digest only, so that it can be taken away (a person's data) and the chain still
 * holds. The salt goes with it: without it nobody can try names until the digest fits. */
static void digest(const char *salt, const char *words, char to[65])
{
    struct hash_sha sha;

    hash_sha_begin(&sha);
    hash_sha_add(&sha, salt, strlen(salt));
    hash_sha_add(&sha, words, strlen(words));
    hash_sha_end(&sha, to);
}

static enum err insert_detail(struct sql *sql, int64_t line, const char *salt, const char *words)
{
    return words ? sql_run(sql, "INSERT INTO trail_detail (line, salt, words) VALUES (?1, ?2, ?3)", "itt", line, salt, words) : ERR_OK;
}

static enum err insert_line(struct sql *sql, const struct trail_line *said, int64_t now_ms)
{
    char previous[65], hash[65], of_detail[65], salt[33];
    unsigned char random[16];
    struct trail_line kept = *said, *line = &kept;
    int64_t id;
    enum err err = read_head(sql, &id, previous);

    file_random(random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++) {
        snprintf(salt + 2 * i, 3, "%02x", random[i]);
    }
    if (said->detail) {
        digest(salt, said->detail, of_detail);
        kept.detail = of_detail;
    }
    if (!err) {
        err = hash_line(id + 1, now_ms, line, previous, hash);
    }
    if (!err) {
        err = sql_run(sql,
                         "INSERT INTO trail (id, at_ms, who, role, source, what, object, detail,"
                         " previous, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON"
                         " CONFLICT DO NOTHING",
                         "iitttttttt", id + 1, now_ms, line->who, line->role, line->source,
                         line->what, line->object, line->detail, previous, hash);
    }
    return err || sql_changes(sql) == 0 ? err : insert_detail(sql, id + 1, salt, said->detail);
}

enum err trail_add(struct sql *sql, const struct trail_line *line, int64_t now_ms)
{
    TEXT(detail, TRAIL_DETAIL_MOST + 64);
    struct trail_line kept = *line;
    enum err err = ERR_OK;

    kept.detail = cut(line->detail, &detail);
    for (int i = 0; i < TRIES; i++) { /* a sub-command may have written the same place meanwhile */
        err = insert_line(sql, &kept, now_ms);
        if (err || sql_changes(sql) > 0) { /* of the line, or of its detail */
            return err;
        }
    }
    return ERR_BUSY;
}

enum err trail_check(struct sql *sql, const char *head, struct trail_state *ret_state)
{
    struct trail_state state = {.found = head == NULL};
    struct sql_rows rows;
    char expected[65] = "", hash[65];
    int64_t last = 0;
    enum err err = ERR_OK, end;

    sql_find(sql, &rows,
             "SELECT t.id, t.at_ms, t.who, t.role, t.source, t.what, t.object, t.detail, t.previous, t.hash, d.salt, d.words FROM"
             " trail t LEFT JOIN trail_detail d ON d.line = t.id ORDER BY t.id",
             "");
    while (!err && sql_next(&rows)) {
        struct trail_line line = {sql_text(&rows, 2), sql_text(&rows, 3), sql_text(&rows, 4),
                                  sql_text(&rows, 5), sql_text(&rows, 6), sql_text(&rows, 7)};
        const char *previous = sql_text(&rows, 8);

        bool gone = line.detail && sql_null(&rows, 11), altered = false;

        err = hash_line(sql_int(&rows, 0), sql_int(&rows, 1), &line, previous, hash);
        if (!sql_null(&rows, 11)) {
            char of_detail[65];

            digest(sql_text(&rows, 10), sql_text(&rows, 11), of_detail);
            altered = !text_same(of_detail, line.detail);
        }
        state.removed += gone;
        /* the first line that is kept may be chained to one that was let go */
        if (!state.wrong &&
            (altered || !text_same(hash, sql_text(&rows, 9)) ||
             (state.count > 0 && (!text_same(previous, expected) || sql_int(&rows, 0) != last + 1)))) {
            state.wrong = sql_int(&rows, 0);
        }
        state.found = state.found || text_same(head, previous) || text_same(head, hash);
        (void)!text_copy(expected, sizeof(expected), sql_text(&rows, 9));
        (void)!text_copy(state.head, sizeof(state.head), expected);
        last = sql_int(&rows, 0);
        state.count++;
    }
    end = sql_end(&rows);
    *ret_state = state;
    return err ? err : end;
}

enum err trail_trim(struct sql *sql, int64_t before_ms, int64_t most)
{
    /* from the beginning only: a hole would look like a line that was taken out */
    enum err err = sql_run(sql,
                           "DELETE FROM trail_detail WHERE line < COALESCE((SELECT MIN(id) FROM trail WHERE at_ms >= ?1), (SELECT"
                           " MAX(id) FROM trail)) AND line < (SELECT MIN(id) FROM trail) + ?2",
                           "ii", before_ms, most);

    return err ? err : sql_run(sql,
                   "DELETE FROM trail WHERE id < COALESCE((SELECT MIN(id) FROM trail WHERE at_ms >= ?1),"
                   " (SELECT MAX(id) FROM trail)) AND id < (SELECT MIN(id) FROM trail) + ?2",
                   "ii", before_ms, most);
}
