/*
 * People are told of duties in digests: one per kind and day, at the hour of notify.digest, however many pieces of
 * equipment it is about. clock.untold holds what waits for it; the transaction that writes the digest empties it.
 */
#include <string.h>

#include "models/base/civil.h"
#include "models/base/zone.h"
#include "server/case/duties.h"
#include "server/case/ticket.h"

#define KINDS_MOST 32
#define NAMED_MOST 5 /* of each step; the others stand behind the link */
#define MINUTE_MS  60000LL

struct digest {
    char kind[64], day[11];
    int64_t warned, breached;
    struct json_out body;
    struct text words;
};

enum err duty_untold(struct sql *sql, int64_t id, const char *step, int64_t due_ms)
{
    return sql_run(sql, "UPDATE clock SET untold = ?2, untold_due_ms = ?3 WHERE id = ?1", "iti", id, step, due_ms);
}

static const struct zone *zone_of(struct office *office)
{
    const struct zone *zone = office->options.time_zone ? rules_zone(office->options.rules, office->options.time_zone)
                                                        : NULL;

    return zone ? zone : zone_utc();
}

static int64_t digest_at(struct office *office, int32_t day)
{
    return zone_instant(zone_of(office), day, office->options.digest_minute * MINUTE_MS);
}

static int64_t last_day(struct sql *sql, const char *kind)
{
    TEXT(mark, 80);

    text_addf(&mark, "digest.%s", kind);
    return sql_find_int(sql, 0, "SELECT value FROM mark WHERE name = ?1", "t", mark.at);
}

/* The first few of a step, with what they are about and their due time. */
static enum err name_some(struct office *office, struct sql *sql, struct digest *digest, const char *step)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT k.id, k.untold_due_ms, k.subject, COALESCE(CASE k.subject WHEN 'equipment' THEN (SELECT name FROM"
             " equipment x WHERE x.id = k.subject_id) WHEN 'contract' THEN (SELECT name FROM contract x WHERE x.id ="
             " k.subject_id) WHEN 'customer' THEN (SELECT name FROM customer x WHERE x.id = k.subject_id) WHEN"
             " 'inspection' THEN (SELECT number FROM inspection x WHERE x.id = k.subject_id) WHEN 'visit' THEN (SELECT"
             " e.name FROM visit x JOIN equipment e ON e.id = x.equipment WHERE x.id = k.subject_id) WHEN"
             " 'complaint' THEN (SELECT number FROM complaint x WHERE x.id = k.subject_id) WHEN 'improvement' THEN (SELECT"
             " number FROM improvement x WHERE x.id = k.subject_id) WHEN 'site' THEN (SELECT name FROM site x WHERE x.id = k.subject_id) END, CAST(k.subject_id AS TEXT)) FROM clock k WHERE"
             " k.untold = ?2 AND k.kind = ?1 ORDER BY k.untold_due_ms, k.id LIMIT ?3",
             "tti", digest->kind, step, (int64_t)NAMED_MOST);
    while (sql_next(&rows)) {
        TEXT(due, 48);

        zone_write(zone_of(office), sql_int(&rows, 1), &due);
        text_addf(&digest->words, "- %s %.100s: %s\n", sql_text(&rows, 2), sql_text(&rows, 3), due.at);
        json_open_object(&digest->body);
        json_int(&digest->body, "duty", sql_int(&rows, 0));
        json_text(&digest->body, "step", step);
        json_text(&digest->body, "subject", sql_text(&rows, 2));
        json_text(&digest->body, "name", sql_text(&rows, 3));
        json_text(&digest->body, "due_at", due.at);
        json_close_object(&digest->body);
    }
    return sql_end(&rows);
}

static enum err write_body(struct office *office, struct sql *sql, struct digest *digest, const char *subject)
{
    enum err err;

    json_open_object(&digest->body);
    json_null(&digest->body, "ticket");
    json_text(&digest->body, "step", "duties");
    json_text(&digest->body, "kind", digest->kind);
    json_text(&digest->body, "day", digest->day);
    json_int(&digest->body, "due_soon", digest->warned);
    json_int(&digest->body, "overdue", digest->breached);
    json_text(&digest->body, "message", subject);
    if (office->options.public_url) {
        TEXT(link, 600);

        text_addf(&link, "%s/api/v1/duties?kind=%s", office->options.public_url, digest->kind);
        json_text(&digest->body, "link", link.at);
    }
    json_key(&digest->body, "first");
    json_open_list(&digest->body);
    err = name_some(office, sql, digest, "breach");
    if (!err) {
        err = name_some(office, sql, digest, "warn");
    }
    json_close_list(&digest->body);
    json_close_object(&digest->body);
    return err ? err : digest->body.err;
}

static enum err send(struct office *office, struct sql *sql, struct digest *digest, int64_t now_ms)
{
    TEXT(words, 4000);
    TEXT(subject, 200);
    TEXT(key, 120);
    enum err err;

    text_addf(&subject, "Duties of %s: %lld overdue, %lld due soon", digest->kind, (long long)digest->breached,
              (long long)digest->warned);
    text_addf(&key, "duty:%s:%s", digest->kind, digest->day);
    text_addf(&words, "%s\n%s 的待办：逾期 %lld 项，即将到期 %lld 项。\n", subject.at, digest->kind,
              (long long)digest->breached, (long long)digest->warned);
    digest->words = words;
    digest->body = json_out(32 * 1024);
    err = write_body(office, sql, digest, subject.at);
    if (!err && office->options.public_url) {
        text_addf(&digest->words, "%s/api/v1/duties?kind=%s\n", office->options.public_url, digest->kind);
    }
    if (!err) {
        err = office_tell(office, sql, key.at, subject.at, digest->body.bytes, words.at, now_ms);
    }
    json_out_free(&digest->body);
    return err;
}

static enum err tell_kind(struct office *office, struct sql *sql, const char *kind, int32_t today, int64_t now_ms)
{
    struct digest digest = {.warned = 0};
    TEXT(mark, 80);
    enum err err;

    civil_write_date(today, digest.day);
    (void)!text_copy(digest.kind, sizeof(digest.kind), kind);
    text_addf(&mark, "digest.%s", kind);
    /* a warning about what has been done since is none */
    err = sql_run(sql,
                  "UPDATE clock SET untold = NULL WHERE kind = ?1 AND untold = 'warn' AND (met_ms IS NOT NULL OR"
                  " cancelled_ms IS NOT NULL)",
                  "t", kind);
    digest.warned = sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE kind = ?1 AND untold = 'warn'", "t", kind);
    digest.breached = sql_find_int(sql, 0, "SELECT COUNT(*) FROM clock WHERE kind = ?1 AND untold = 'breach'", "t", kind);
    if (err || digest.warned + digest.breached == 0) {
        return err;
    }
    err = send(office, sql, &digest, now_ms);
    if (!err) {
        err = sql_run(sql, "UPDATE clock SET untold = NULL WHERE kind = ?1 AND untold IS NOT NULL", "t", kind);
    }
    return err ? err
               : sql_run(sql,
                         "INSERT INTO mark (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value ="
                         " excluded.value",
                         "ti", mark.at, (int64_t)today);
}

enum err duties_tell(struct office *office, struct sql *sql, int64_t now_ms, int64_t *io_next_ms)
{
    int32_t today = zone_day(zone_of(office), now_ms);
    char kinds[KINDS_MOST][64];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows, "SELECT DISTINCT kind FROM clock WHERE untold IS NOT NULL ORDER BY kind LIMIT 32", "");
    while (count < KINDS_MOST && sql_next(&rows)) {
        (void)!text_copy(kinds[count++], sizeof(kinds[0]), sql_text(&rows, 0));
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        int64_t at_ms = digest_at(office, last_day(sql, kinds[i]) >= today ? today + 1 : today);

        if (at_ms <= now_ms) {
            err = tell_kind(office, sql, kinds[i], today, now_ms);
        } else {
            *io_next_ms = at_ms < *io_next_ms ? at_ms : *io_next_ms;
        }
    }
    return err;
}
