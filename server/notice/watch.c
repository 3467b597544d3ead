/* Ways that stop answering, and their heartbeats. */
#include "server/notice/watch.h"

#include <string.h>

#include "models/base/hash.h"
#include "models/base/json.h"
#include "models/base/zone.h"
#include "models/service/notice.h"
#include "models/service/sms.h"
#include "server/notice/outbox.h"
#include "server/store/metrics.h"

#define WAYS_MOST 64

struct way {
    int64_t id, failing_ms, lost_ms;
    char channel[16], target[1024], name[300]; /* name: for people, without path or password */
};

enum err watch_note(struct sql *sql, const char *channel, const char *target, bool sent, int64_t now_ms)
{
    bool one_way = strcmp(channel, "smtp") == 0 || strcmp(channel, "sms") == 0; /* a relay, a gateway: whoever is told */

    if (strcmp(channel, "webhook") != 0 && !one_way) {
        return ERR_OK;
    }
    return sql_run(sql,
                   "INSERT INTO notice_way (channel, target, tried_ms, ok_ms, failing_ms) VALUES (?1, ?2, ?4, CASE WHEN ?3 = 1"
                   " THEN ?4 END, CASE WHEN ?3 = 0 THEN ?4 END) ON CONFLICT (channel, target) DO UPDATE SET tried_ms ="
                   " excluded.tried_ms, ok_ms = COALESCE(excluded.ok_ms, notice_way.ok_ms), failing_ms = CASE WHEN ?3 = 0 THEN"
                   " COALESCE(notice_way.failing_ms, excluded.failing_ms) END",
                   "ttii", channel, one_way ? "" : target, (int64_t)sent, now_ms);
}

bool watch_is_due(struct sql *sql, const struct watch *watch, int64_t now_ms)
{
    metric_set(METRIC_WAYS_LOST, sql_find_int(sql, 0, "SELECT COUNT(*) FROM notice_way WHERE lost_ms IS NOT NULL", ""));
    if (sql_find_int(sql, 0,
                     "SELECT COUNT(*) FROM notice_way WHERE (lost_ms IS NULL AND failing_ms <= ?1) OR (lost_ms IS NOT NULL AND"
                     " failing_ms IS NULL)",
                     "i", now_ms - watch->lost_after_ms) > 0) {
        return true;
    }
    if (watch->heartbeat_ms <= 0) {
        return false;
    }
    return sql_find_int(sql, 0, "SELECT COALESCE(MAX(value), 0) FROM mark WHERE name = 'heartbeat'", "") +
               watch->heartbeat_ms <= now_ms;
}

/* ------------------------------------------------------------------ in words */

/* https://user:secret@host:1/path -> webhook https://host:1 */
static void name_way(struct way *way)
{
    const char *host = strstr(way->target, "://"), *at;
    struct text name = text_on(way->name, sizeof(way->name));
    size_t size;

    if (!host) {
        text_add(&name, way->channel);
        return;
    }
    host += 3;
    size = strcspn(host, "/?#");
    at = memchr(host, '@', size);
    text_addf(&name, "%s %.*s", way->channel, (int)(host - way->target), way->target);
    text_addf(&name, "%.*s", (int)(at ? size - (size_t)(at + 1 - host) : size), at ? at + 1 : host);
}

static void write_words(const struct notice_rule *rule, const struct way *way, const char *step, struct text *subject,
                        struct text *body)
{
    const char *values[NOTICE_FIELDS] = {[NOTICE_TITLE] = way->name};
    TEXT(from, 48);

    zone_write(zone_utc(), way->lost_ms ? way->lost_ms : way->failing_ms, &from);
    values[NOTICE_FROM] = from.at;
    if (!rule) { /* a catalogue without these words */
        text_addf(subject, "%s: %s", step, way->name);
        text_add(body, subject->at);
        return;
    }
    notice_render(rule->subject.en, values, subject);
    text_add(subject, " · ");
    notice_render(rule->subject.zh, values, subject);
    notice_render(rule->body.en, values, body);
    text_add(body, "\n");
    notice_render(rule->body.zh, values, body);
}

static enum err put(struct sql *sql, const struct way *about, const char *step, const char *channel, const char *target,
                    const char *subject, const char *words, int64_t mark_ms, int64_t now_ms)
{
    struct json_out body = json_out(8192);
    char of[17], to[17];
    TEXT(key, 200);
    struct notice notice = {.key = key.at, .channel = channel, .target = target, .subject = subject, .due_ms = now_ms};
    enum err err;

    hash_hex(hash_bytes(about->target, strlen(about->target)), of);
    hash_hex(hash_bytes(target ? target : "", target ? strlen(target) : 0), to);
    text_addf(&key, "%s:%s:%s:%lld:%s:%s", step, about->channel, of, (long long)mark_ms, channel, to);
    json_open_object(&body);
    json_null(&body, "ticket");
    json_text(&body, "step", step);
    json_text(&body, "way", about->name);
    json_text(&body, "message", words);
    json_close_object(&body);
    notice.body = strcmp(channel, "webhook") != 0 && strcmp(channel, "log") != 0 ? words : body.bytes;
    err = body.err ? body.err : notify_put(sql, now_ms, &notice);
    json_out_free(&body);
    return err;
}

/* By every way but the one that it is about; the log always has it. */
static enum err tell(struct sql *sql, const struct watch *watch, const struct way *way, const char *step, int64_t mark_ms,
                     int64_t now_ms)
{
    TEXT(subject, 800);
    TEXT(words, 4000);
    enum err err;

    write_words(way->lost_ms ? watch->back : watch->lost, way, step, &subject, &words);
    err = put(sql, way, step, "log", NULL, subject.at, words.at, mark_ms, now_ms);
    for (const char *const *hook = watch->webhooks; !err && hook && *hook; hook++) {
        if (strcmp(way->channel, "webhook") != 0 || strcmp(way->target, *hook) != 0) {
            err = put(sql, way, step, "webhook", *hook, subject.at, words.at, mark_ms, now_ms);
        }
    }
    if (!err && watch->mail_to && strcmp(way->channel, "smtp") != 0) {
        err = put(sql, way, step, "smtp", watch->mail_to, subject.at, words.at, mark_ms, now_ms);
    }
    if (!err && watch->sms_to && strcmp(way->channel, "sms") != 0) {
        TEXT(sms, 4000);

        sms_fit(subject.at, NULL, watch->sms_segments, &sms);
        err = put(sql, way, step, "sms", watch->sms_to, subject.at, sms.at, mark_ms, now_ms);
    }
    return err;
}

/* ------------------------------------------------------------------ lost, back, beating */

static enum err turn_way(struct sql *sql, const struct watch *watch, const struct way *way, int64_t now_ms)
{
    enum err err;

    if (way->lost_ms) {
        err = sql_run(sql, "UPDATE notice_way SET lost_ms = NULL WHERE id = ?1", "i", way->id);
        return err ? err : tell(sql, watch, way, "way_back", way->lost_ms, now_ms);
    }
    metric_add(METRIC_WAY_LOSSES, 1);
    err = sql_run(sql, "UPDATE notice_way SET lost_ms = ?2 WHERE id = ?1", "ii", way->id, now_ms);
    return err ? err : tell(sql, watch, way, "way_lost", way->failing_ms, now_ms);
}

/* One that is failing has notices enough that wait for it. */
static enum err beat_one(struct sql *sql, const char *channel, const char *target, int64_t now_ms)
{
    struct way way = {.id = 0};

    if (sql_find_int(sql, 0, "SELECT 1 FROM notice_way WHERE channel = ?1 AND target = ?2 AND failing_ms IS NOT NULL", "tt",
                     channel, strcmp(channel, "smtp") == 0 ? "" : target)) {
        return ERR_OK;
    }
    (void)!text_copy(way.channel, sizeof(way.channel), channel);
    (void)!text_copy(way.target, sizeof(way.target), target);
    name_way(&way);
    return put(sql, &way, "heartbeat", channel, target, "Heliograph heartbeat · 心跳", "heliograph is alive · 运行正常", now_ms,
               now_ms);
}

static enum err beat(struct sql *sql, const struct watch *watch, int64_t now_ms)
{
    enum err err = ERR_OK;

    if (watch->heartbeat_ms <= 0 ||
        sql_find_int(sql, 0, "SELECT COALESCE(MAX(value), 0) FROM mark WHERE name = 'heartbeat'", "") > now_ms - watch->heartbeat_ms) {
        return ERR_OK;
    }
    for (const char *const *hook = watch->webhooks; !err && hook && *hook; hook++) {
        err = beat_one(sql, "webhook", *hook, now_ms);
    }
    if (!err && watch->mail_to) {
        err = beat_one(sql, "smtp", watch->mail_to, now_ms);
    }
    return err ? err
               : sql_run(sql,
                         "INSERT INTO mark (name, value) VALUES ('heartbeat', ?1) ON CONFLICT (name) DO UPDATE SET value ="
                         " excluded.value",
                         "i", now_ms);
}

enum err watch_turn(struct sql *sql, const struct watch *watch, int64_t now_ms)
{
    struct way ways[WAYS_MOST];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT id, channel, target, failing_ms, lost_ms FROM notice_way WHERE (lost_ms IS NULL AND failing_ms <= ?1) OR"
             " (lost_ms IS NOT NULL AND failing_ms IS NULL) ORDER BY id LIMIT 64",
             "i", now_ms - watch->lost_after_ms);
    while (count < WAYS_MOST && sql_next(&rows)) {
        struct way *way = &ways[count++];

        *way = (struct way){.id = sql_int(&rows, 0), .failing_ms = sql_int(&rows, 3), .lost_ms = sql_int(&rows, 4)};
        (void)!text_copy(way->channel, sizeof(way->channel), sql_text(&rows, 1));
        (void)!text_copy(way->target, sizeof(way->target), sql_text(&rows, 2));
        name_way(way);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = turn_way(sql, watch, &ways[i], now_ms);
    }
    return err ? err : beat(sql, watch, now_ms);
}
