/* Files in pieces: begun, added to, whole. */
#include "server/field/attachment.h"

#include <string.h>

#include "models/base/civil.h"
#include "models/base/hash.h"
#include "models/base/zone.h"
#include "server/field/field.h"
#include "server/fleet/numbers.h"

#define FILE_BYTES  (16LL << 20)     /* presets */
#define FILES_BYTES (20LL << 30)
#define INLINE_MOST (512 * 1024)     /* bytes of an image inside a request */
#define OPEN_MS     (7 * 86400000LL) /* what is not finished by then never will be */

/* ------------------------------------------------------------------ what kind of file it is */

/* By its content, not by what its sender calls it; NULL: none that is taken. */
static const char *type_of(const unsigned char *bytes, size_t size)
{
    static const struct {
        size_t at;
        const char *magic;
        size_t size;
        const char *type;
    } kinds[] = {
        {0, "\xff\xd8\xff", 3, "image/jpeg"}, {0, "\x89PNG\r\n\x1a\n", 8, "image/png"},
        {8, "WEBP", 4, "image/webp"},         {4, "ftypheic", 8, "image/heic"},
        {4, "ftypmif1", 8, "image/heic"},     {0, "GIF8", 4, "image/gif"},
        {0, "%PDF-", 5, "application/pdf"},   {4, "ftyp", 4, "video/mp4"},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (size >= kinds[i].at + kinds[i].size && memcmp(bytes + kinds[i].at, kinds[i].magic, kinds[i].size) == 0) {
            return kinds[i].type;
        }
    }
    return NULL;
}

static enum err no_type(struct text *why)
{
    return text_say(why, ERR_FORMAT, "expected a JPEG, PNG, WebP, HEIC or GIF image, an MP4 film or a PDF, found another"
                                     " content");
}

/* ------------------------------------------------------------------ begun */

struct file {
    int64_t id, size, received;
    char hash[65];
    bool open;
};

static enum err find_file(struct sql *sql, const char *name, struct file *file, bool *ret_found)
{
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT id, size, received, hash, state FROM attachment WHERE name = ?1", "t", name);
    *ret_found = sql_next(&rows);
    if (*ret_found) {
        file->id = sql_int(&rows, 0);
        file->size = sql_int(&rows, 1);
        file->received = sql_int(&rows, 2);
        (void)!text_copy(file->hash, sizeof(file->hash), sql_text(&rows, 3));
        file->open = strcmp(sql_text(&rows, 4), "open") == 0;
    }
    return sql_end(&rows);
}

static bool is_digest(const char *hash)
{
    return hash && strlen(hash) == 64 && strspn(hash, "0123456789abcdef") == 64;
}

static enum err find_owner(struct sql *sql, const struct cJSON *body, struct attachment_new *what, struct text *why)
{
    const char *document = json_text_or(body, "document", NULL);
    const char *order = json_text_or(body, "work_order", NULL), *ticket = json_text_or(body, "ticket", NULL);

    what->work_order = sql_find_int(sql, 0, "SELECT id FROM work_order WHERE number = ?1", "t", order);
    what->ticket = sql_find_int(sql, 0, "SELECT id FROM ticket WHERE number = ?1", "t", ticket);
    what->library = sql_find_int(sql, 0, "SELECT id FROM library WHERE name = ?1", "t", document);
    if (!!order + !!ticket + !!document != 1) {
        return text_say(why, ERR_FORMAT, "expected work_order or ticket: the number of one; or document: the id of one");
    }
    return what->work_order || what->ticket || what->library
               ? ERR_OK
               : text_say(why, ERR_FORMAT, "%s: there is none called '%.40s'",
                          order    ? "work_order"
                          : ticket ? "ticket"
                                   : "document",
                          order ? order : ticket ? ticket : document);
}

static enum err check_room(struct office *office, struct sql *sql, const struct attachment_new *what, int64_t size,
                           struct text *why)
{
    int64_t file = office->options.file_bytes ? office->options.file_bytes : FILE_BYTES;
    int64_t all = office->options.files_bytes ? office->options.files_bytes : FILES_BYTES;
    int64_t there = sql_find_int(sql, 0, "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM attachment", "");
    int64_t count = sql_find_int(sql, 0,
                                 "SELECT (SELECT COUNT(*) FROM attachment WHERE work_order = ?1) + (SELECT COUNT(*) FROM"
                                 " attachment WHERE ticket = ?2) + (SELECT COUNT(*) FROM attachment WHERE library = ?3)",
                                 "iii", what->work_order, what->ticket, what->library);

    if (size < 1 || size > file) {
        return text_say(why, ERR_FORMAT, "size: expected 1 to %lld bytes", (long long)file);
    }
    if (count >= ATTACHMENTS_MOST) {
        return text_say(why, ERR_STATE, "there are %d files already. Legal: none more here", ATTACHMENTS_MOST);
    }
    if (there + size > all) {
        return text_say(why, ERR_STATE, "the room for files (%lld bytes) is used up. Legal: later", (long long)all);
    }
    return ERR_OK;
}

static enum err put_file(struct sql *sql, const struct attachment_new *what, const char *hash, int64_t size)
{
    return sql_run(sql,
                   "INSERT INTO attachment (name, work_order, ticket, step, title, size, hash, state, at_ms, stored_ms,"
                   " who, library) VALUES (?1, NULLIF(?2, 0), NULLIF(?3, 0), ?4, ?5, ?6, ?7, 'open', ?8, ?9, ?10, NULLIF(?11,"
                   " 0))",
                   "tiittitiiti", what->id, what->work_order, what->ticket, what->step, what->title, size, hash,
                   what->at_ms, what->now_ms, what->who, what->library);
}

enum err attachment_begin(struct office *office, struct sql *sql, const struct action *action, int64_t now_ms,
                          char ret_name[65], struct text *why)
{
    const struct cJSON *body = action->body;
    const char *hash = json_text_or(body, "hash", NULL);
    int64_t size = json_int_or(body, "size", 0);
    struct attachment_new what = {.id = action->action_id, .step = json_text_or(body, "step", NULL),
                                  .title = json_text_or(body, "title", NULL), .who = action->who,
                                  .at_ms = action->at_ms ? action->at_ms : now_ms, .now_ms = now_ms};
    struct file file = {0};
    bool found;
    enum err err;

    if (!what.id || !text_is_id(what.id)) {
        return text_say(why, ERR_FORMAT, "id: expected 1 to 64 characters A-Z a-z 0-9 _ -");
    }
    if (!is_digest(hash)) {
        return text_say(why, ERR_FORMAT, "hash: expected the SHA-256 of the file as 64 hex digits");
    }
    (void)!text_copy(ret_name, 65, what.id);
    err = find_file(sql, what.id, &file, &found);
    if (err || found) {
        return err || (strcmp(file.hash, hash) == 0 && file.size == size)
                   ? err
                   : text_say(why, ERR_FORMAT, "id: it was used for another file already");
    }
    err = find_owner(sql, body, &what, why);
    if (!err) {
        err = check_room(office, sql, &what, size, why);
    }
    return err ? err : put_file(sql, &what, hash, size);
}

/* ------------------------------------------------------------------ piece by piece */

static bool is_same(struct sql *sql, const struct file *file, int64_t position, const void *bytes, size_t size)
{
    struct sql_rows rows;
    bool same = false;
    size_t there;

    sql_find(sql, &rows, "SELECT body FROM attachment_piece WHERE attachment = ?1 AND position = ?2", "ii", file->id,
             position);
    if (sql_next(&rows)) {
        const void *old = sql_blob(&rows, 0, &there);

        same = there == size && memcmp(old, bytes, size) == 0;
    }
    return !sql_end(&rows) && same;
}

static enum err digest(struct sql *sql, int64_t id, char to[65])
{
    struct hash_sha hash;
    struct sql_rows rows;

    hash_sha_begin(&hash);
    sql_find(sql, &rows, "SELECT body FROM attachment_piece WHERE attachment = ?1 ORDER BY position", "i", id);
    while (sql_next(&rows)) {
        size_t size;
        const void *bytes = sql_blob(&rows, 0, &size);

        hash_sha_add(&hash, bytes, size);
    }
    hash_sha_end(&hash, to);
    return sql_end(&rows);
}

/* The whole is there: it is what was announced, or nothing of it is kept, so that it can be sent again. */
static enum err end_file(struct sql *sql, const struct file *file, bool *ret_wrong)
{
    char hash[65];
    enum err err = digest(sql, file->id, hash);

    *ret_wrong = !err && strcmp(hash, file->hash) != 0;
    if (*ret_wrong) {
        err = sql_run(sql, "DELETE FROM attachment_piece WHERE attachment = ?1", "i", file->id);
        return err ? err : sql_run(sql, "UPDATE attachment SET received = 0 WHERE id = ?1", "i", file->id);
    }
    return err ? err : sql_run(sql, "UPDATE attachment SET state = 'whole' WHERE id = ?1", "i", file->id);
}

static enum err add_piece(struct sql *sql, const struct file *file, const void *bytes, size_t size)
{
    enum err err = sql_run(sql, "INSERT INTO attachment_piece (attachment, position, body) VALUES (?1, ?2, ?3)", "iib",
                           file->id, file->received, bytes, size);

    if (!err && file->received == 0) {
        err = sql_run(sql, "UPDATE attachment SET type = ?2 WHERE id = ?1", "it", file->id, type_of(bytes, size));
    }
    return err ? err
               : sql_run(sql, "UPDATE attachment SET received = received + ?2 WHERE id = ?1", "ii", file->id,
                         (int64_t)size);
}

enum err attachment_add(struct office *office, struct sql *sql, const char *name, int64_t position, const void *bytes,
                        size_t size, int64_t now_ms, struct text *why)
{
    struct file file = {0};
    bool found, wrong = false;
    enum err err = find_file(sql, name, &file, &found);

    (void)office;
    (void)now_ms;
    if (err || !found) {
        return err ? err : text_say(why, ERR_NOT_FOUND, "no attachment called '%.64s'", name);
    }
    if (size < 1 || size > ATTACHMENT_PIECE_MOST) {
        return text_say(why, ERR_FORMAT, "expected a piece of 1 to %d bytes", ATTACHMENT_PIECE_MOST);
    }
    if (!file.open || position < file.received) {
        return is_same(sql, &file, position, bytes, size)
                   ? ERR_OK
                   : text_say(why, ERR_STATE, "other bytes are there. Legal: go on at offset %lld",
                              (long long)file.received);
    }
    if (position > file.received) {
        return text_say(why, ERR_STATE, "bytes are missing before that. Legal: go on at offset %lld",
                        (long long)file.received);
    }
    if (position + (int64_t)size > file.size) {
        return text_say(why, ERR_FORMAT, "expected %lld bytes in all, found more", (long long)file.size);
    }
    if (position == 0 && !type_of(bytes, size)) {
        return no_type(why);
    }
    err = add_piece(sql, &file, bytes, size);
    if (!err && position + (int64_t)size == file.size) {
        err = end_file(sql, &file, &wrong);
    }
    if (!err && wrong) { /* this is kept: the pieces are gone and the sender begins again */
        text_say(why, ERR_OK, "the file has another hash than was announced: send it again from offset 0");
    }
    return err;
}

/* ------------------------------------------------------------------ inside a request */

static int sextet(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* The bytes of base64 in arena; NULL: it is none, or too much. */
static unsigned char *decode(struct arena *arena, const char *words, size_t *ret_size)
{
    size_t length = strlen(words), size = 0;
    unsigned char *bytes = length / 4 * 3 <= INLINE_MOST ? arena_take(arena, length / 4 * 3 + 3) : NULL;
    unsigned held = 0;
    int bits = 0;

    while (length > 0 && words[length - 1] == '=') {
        length--;
    }
    for (size_t i = 0; bytes && i < length; i++) {
        int value = sextet(words[i]);

        if (value < 0) {
            return NULL;
        }
        held = (held << 6 | (unsigned)value) & 0xffffU;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[size++] = (unsigned char)(held >> bits);
        }
    }
    *ret_size = size;
    return bytes;
}

enum err attachment_whole(struct office *office, struct sql *sql, const struct attachment_new *what, const void *bytes,
                          size_t size, char ret_id[65], struct text *why)
{
    struct attachment_new named = *what;
    struct hash_sha sha;
    char hash[65];
    enum err err;

    if (!type_of(bytes, size)) {
        return no_type(why);
    }
    if (what->id && text_is_id(what->id)) {
        (void)!text_copy(ret_id, 65, what->id);
    } else {
        numbers_secret(ret_id, 24);
    }
    named.id = ret_id;
    hash_sha_begin(&sha);
    hash_sha_add(&sha, bytes, size);
    hash_sha_end(&sha, hash);
    err = check_room(office, sql, what, (int64_t)size, why);
    if (!err) {
        err = put_file(sql, &named, hash, (int64_t)size);
    }
    for (size_t at = 0; !err && at < size; at += ATTACHMENT_PIECE_MOST) {
        size_t some = size - at < ATTACHMENT_PIECE_MOST ? size - at : ATTACHMENT_PIECE_MOST;

        err = attachment_add(office, sql, ret_id, (int64_t)at, (const unsigned char *)bytes + at, some, what->now_ms, why);
    }
    return err;
}

enum err attachment_inline(struct office *office, struct sql *sql, const struct attachment_new *what, const char *url,
                           char ret_id[65], struct text *why)
{
    const char *comma = strchr(url, ',');
    size_t size = 0;
    unsigned char *bytes;

    bytes = strncmp(url, "data:", 5) == 0 && comma && comma - url > 7 && memcmp(comma - 7, ";base64", 7) == 0
                ? decode(office->arena, comma + 1, &size)
                : NULL;
    if (!bytes || size == 0) {
        return text_say(why, ERR_FORMAT, "image: expected a data URL in base64 of at most %d bytes", INLINE_MOST);
    }
    return attachment_whole(office, sql, what, bytes, size, ret_id, why);
}

enum err attachments_trim(struct sql *sql, int64_t now_ms)
{
    enum err err = sql_run(sql,
                           "DELETE FROM attachment_piece WHERE attachment IN (SELECT id FROM attachment WHERE state ="
                           " 'open' AND stored_ms < ?1)",
                           "i", now_ms - OPEN_MS);

    return err ? err
               : sql_run(sql, "DELETE FROM attachment WHERE state = 'open' AND stored_ms < ?1", "i", now_ms - OPEN_MS);
}

/* ------------------------------------------------------------------ showing */

#define COLUMNS                                                                                                        \
    "SELECT a.name, a.step, a.title, a.type, a.size, a.received, a.hash, a.state, a.at_ms, a.stored_ms, a.who, w.number," \
    " t.number FROM attachment a LEFT JOIN work_order w ON w.id = a.work_order LEFT JOIN ticket t ON t.id = a.ticket"

static void put_row(const struct sql_rows *rows, const struct zone *zone, struct json_out *out)
{
    TEXT(at, 48);
    TEXT(stored, 48);

    zone_write(zone, sql_int(rows, 8), &at);
    zone_write(zone, sql_int(rows, 9), &stored);
    json_open_object(out);
    json_text(out, "id", sql_text(rows, 0));
    json_text(out, "work_order", sql_text(rows, 11));
    json_text(out, "ticket", sql_text(rows, 12));
    json_text(out, "step", sql_text(rows, 1));
    json_text(out, "title", sql_text(rows, 2));
    json_text(out, "type", sql_text(rows, 3));
    json_int(out, "size", sql_int(rows, 4));
    json_int(out, "received", sql_int(rows, 5));
    json_text(out, "hash", sql_text(rows, 6));
    json_text(out, "state", sql_text(rows, 7));
    json_text(out, "at", at.at);
    json_text(out, "stored_at", stored.at);
    json_text(out, "who", sql_text(rows, 10));
    json_close_object(out);
}

enum err attachment_view(struct sql *sql, const char *name, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows, COLUMNS " WHERE a.name = ?1", "t", name);
    found = sql_next(&rows);
    if (found) {
        put_row(&rows, zone, out);
    }
    err = sql_end(&rows);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

enum err attachments_view(struct sql *sql, int64_t order, int64_t ticket, const struct zone *zone,
                          struct json_out *out)
{
    struct sql_rows rows;

    json_open_list(out);
    if (order) {
        sql_find(sql, &rows, COLUMNS " WHERE a.work_order = ?1 ORDER BY a.id", "i", order);
    } else {
        sql_find(sql, &rows, COLUMNS " WHERE a.ticket = ?1 ORDER BY a.id", "i", ticket);
    }
    while (sql_next(&rows)) {
        put_row(&rows, zone, out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

enum err attachment_content(struct sql *sql, const char *name, struct json_out *out, char type[64])
{
    struct sql_rows rows;
    bool found = false;
    enum err err;

    sql_find(sql, &rows,
             "SELECT p.body, a.type FROM attachment a JOIN attachment_piece p ON p.attachment = a.id WHERE a.name = ?1 AND"
             " a.state = 'whole' ORDER BY p.position",
             "t", name);
    while (sql_next(&rows)) {
        size_t size;
        const void *bytes = sql_blob(&rows, 0, &size);

        json_put_raw(out, bytes, size);
        out->comma = false;
        (void)!text_copy(type, 64, sql_text(&rows, 1));
        found = true;
    }
    err = sql_end(&rows);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}
