/* What the lines of a checklist look at: a function a look. */
#include <math.h>
#include <string.h>

#include "models/base/hash.h"
#include "server/inspection/inspection_int.h"
#include "server/store/readings.h"

#define DAY_MS  86400000LL
#define HOUR_MS 3600000LL
#define NAMED   5 /* of faults and tickets in the evidence */

typedef enum err (*find_fact)(struct facts *facts, const struct check_line *line, struct check_value *value,
                              struct json_out *evidence);

static enum err known(struct check_value *value, double number)
{
    *value = (struct check_value){true, number, INT64_MAX};
    return ERR_OK;
}

/* A count that the database gives; -1: it is not known. */
static enum err counted(struct check_value *value, int64_t count)
{
    return count < 0 ? ERR_OK : known(value, (double)count);
}

/* ------------------------------------------------------------------ readings */

static int64_t point_row(struct facts *facts, const char *name)
{
    return sql_find_int(facts->sql, 0, "SELECT id FROM point WHERE equipment = ?1 AND name = ?2", "it",
                        facts->place->equipment, name);
}

/* The point of that name or role; -1. */
static int find_point(const struct profile *profile, const char *words)
{
    int index = profile ? profile_point(profile, words) : -1;

    for (size_t i = 0; profile && index < 0 && i < profile->point_count; i++) {
        if (text_same(profile->points[i].role, words)) {
            index = (int)i;
        }
    }
    return index;
}

struct last {
    double number;
    int64_t t_ms, count;
};

static bool keep_last(void *context, const struct reading *reading)
{
    struct last *last = context;

    if (reading->quality == QUALITY_GOOD && reading->has_value && !reading->text) {
        *last = (struct last){reading->value, reading->t_ms, last->count + 1};
    }
    return true;
}

static enum err find_value(struct facts *facts, const struct check_line *line, struct check_value *value,
                           struct json_out *evidence)
{
    const struct profile *profile = facts->place->profile;
    int index = find_point(profile, line->point);
    struct readings_bucket bucket = {.count = 0};
    struct last last = {.count = 0};
    int64_t from_ms = facts->now_ms - line->over_ms, row;
    enum err err = ERR_OK;

    if (index < 0) {
        return ERR_NOT_FOUND;
    }
    row = point_row(facts, profile->points[index].name);
    if (row && line->of == OF_LAST) {
        err = readings_each(facts->sql, row, from_ms, facts->now_ms, keep_last, &last);
    } else if (row) {
        err = readings_buckets(facts->sql, row, from_ms, facts->now_ms, &bucket, 1);
    }
    value->samples = line->of == OF_LAST ? last.count : bucket.count;
    value->known = value->samples > 0;
    value->number = line->of == OF_LAST    ? last.number
                    : line->of == OF_MEAN  ? bucket.sum / (double)(bucket.count ? bucket.count : 1)
                    : line->of == OF_LEAST ? bucket.least
                                           : bucket.most;
    json_text(evidence, "point", profile->points[index].name);
    json_text(evidence, "unit", profile->points[index].unit);
    json_text(evidence, "of", check_of_names[line->of]);
    json_int(evidence, "readings", value->samples);
    return err;
}

struct share {
    int64_t good, all;
};

static bool count_reading(void *context, const struct reading *reading)
{
    struct share *share = context;

    share->all++;
    share->good += reading->quality == QUALITY_GOOD && (reading->has_value || reading->text);
    return true;
}

/* … and which points were worst. */
static enum err find_good_share(struct facts *facts, const struct check_line *line, struct check_value *value,
                                struct json_out *evidence)
{
    const struct profile *profile = facts->place->profile;
    struct share all = {0, 0};
    size_t named = 0;
    enum err err = ERR_OK;

    json_key(evidence, "points");
    json_open_list(evidence);
    for (size_t i = 0; !err && profile && i < profile->point_count; i++) {
        int64_t row = point_row(facts, profile->points[i].name);
        struct share share = {0, 0};

        if (row) {
            err = readings_each(facts->sql, row, facts->now_ms - line->over_ms, facts->now_ms, count_reading, &share);
        }
        if ((double)share.good < line->least * (double)share.all && named++ < NAMED) {
            json_open_object(evidence);
            json_text(evidence, "point", profile->points[i].name);
            json_int(evidence, "good", share.good);
            json_int(evidence, "all", share.all);
            json_close_object(evidence);
        }
        all.good += share.good;
        all.all += share.all;
    }
    json_close_list(evidence);
    json_int(evidence, "good", all.good);
    json_int(evidence, "all", all.all);
    if (all.all > 0) {
        *value = (struct check_value){true, (double)all.good / (double)all.all, all.all};
    }
    return err;
}

/* ------------------------------------------------------------------ agent and bus */

static enum err find_silence(struct facts *facts, const struct check_line *line, struct check_value *value,
                             struct json_out *evidence)
{
    int64_t seen_ms = sql_find_int(facts->sql, 0, "SELECT last_seen_ms FROM equipment WHERE id = ?1", "i",
                                   facts->place->equipment);

    (void)line;
    json_int(evidence, "last_seen_ms", seen_ms);
    return seen_ms ? known(value, fmax(0, (double)(facts->now_ms - seen_ms) / HOUR_MS)) : ERR_OK;
}

static enum err find_outages(struct facts *facts, const struct check_line *line, struct check_value *value,
                             struct json_out *evidence)
{
    (void)evidence;
    return counted(value, sql_find_int(facts->sql, 0,
                                       "SELECT COUNT(*) FROM ticket WHERE agent = ?1 AND kind = 'communication' AND onset_ms >="
                                       " ?2",
                                       "ii", facts->place->agent, facts->now_ms - line->over_ms));
}

static enum err find_reconnects(struct facts *facts, const struct check_line *line, struct check_value *value,
                                struct json_out *evidence)
{
    (void)evidence;
    return counted(value, sql_find_int(facts->sql, 0,
                                       "SELECT COALESCE(SUM(births), 0) FROM agent_day WHERE agent = ?1 AND day >= ?2", "ii",
                                       facts->place->agent, (facts->now_ms - line->over_ms) / DAY_MS));
}

static enum err find_restarts(struct facts *facts, const struct check_line *line, struct check_value *value,
                              struct json_out *evidence)
{
    (void)evidence;
    return counted(value, sql_find_int(facts->sql, 0, "SELECT COUNT(*) FROM stream WHERE agent = ?1 AND created_ms >= ?2",
                                       "ii", facts->place->agent, facts->now_ms - line->over_ms));
}

/* What an agent says of itself stands in health.agent; a simple gateway puts it into health. */
static const struct cJSON *said(const struct facts *facts, const char *name)
{
    const struct cJSON *value = json_field(json_field(facts->health, "agent"), name);

    return value ? value : json_field(facts->health, name);
}

/* As it answered just now; else as it said when it last came on. */
static enum err find_spool(struct facts *facts, const struct check_line *line, struct check_value *value,
                           struct json_out *evidence)
{
    const struct cJSON *spool = said(facts, "spool"), *status = NULL;
    const char *words = NULL;
    struct sql_rows rows;
    double number;
    enum err err = ERR_OK;

    (void)line;
    if (!spool) {
        sql_find(facts->sql, &rows, "SELECT status FROM agent WHERE id = ?1", "i", facts->place->agent);
        if (sql_next(&rows) && !sql_null(&rows, 0)) {
            words = arena_text(facts->office->arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)));
        }
        err = sql_end(&rows);
        if (!err && words && !json_parse(facts->office->arena, words, strlen(words), &status, NULL)) {
            spool = json_field(status, "spool");
        }
    }
    if (json_as_number(json_field(spool, "messages"), &number)) {
        (void)!known(value, number);
    }
    json_key(evidence, "spool");
    if (spool) {
        json_put_value(evidence, spool);
    } else {
        json_put_null(evidence);
    }
    return err;
}

static enum err find_dropped(struct facts *facts, const struct check_line *line, struct check_value *value,
                             struct json_out *evidence)
{
    (void)evidence;
    return counted(value, sql_find_int(facts->sql, 0,
                                       "SELECT COALESCE(SUM(t.lost), 0) FROM stream s JOIN tombstone t ON t.stream = s.id WHERE"
                                       " s.agent = ?1 AND t.received_ms >= ?2",
                                       "ii", facts->place->agent, facts->now_ms - line->over_ms));
}

static enum err find_device_errors(struct facts *facts, const struct check_line *line, struct check_value *value,
                                   struct json_out *evidence)
{
    (void)evidence;
    return counted(value, sql_find_int(facts->sql, 0,
                                       "SELECT COUNT(*) FROM alarm WHERE equipment = ?1 AND fault = 'device_silent' AND"
                                       " onset_ms >= ?2",
                                       "ii", facts->place->equipment, facts->now_ms - line->over_ms));
}

static enum err find_clock(struct facts *facts, const struct check_line *line, struct check_value *value,
                           struct json_out *evidence)
{
    int64_t offset_ms = sql_find_int(facts->sql, 0,
                                     "SELECT MAX(ABS(COALESCE(clock_offset_ms, 0))) FROM stream WHERE agent = ?1 AND created_ms"
                                     " >= ?2",
                                     "ii", facts->place->agent, facts->now_ms - line->over_ms);

    (void)evidence;
    return known(value, (double)offset_ms / 1000);
}

/* ------------------------------------------------------------------ configuration */

static bool is_hash(const char *words)
{
    return words && strlen(words) == 16 && strspn(words, "0123456789abcdef") == 16;
}

/* A gateway made by somebody else may say anything for a hash: then nothing is known. */
static enum err find_config(struct facts *facts, const struct check_line *line, struct check_value *value,
                            struct json_out *evidence)
{
    const struct profile *profile = facts->place->profile;
    struct sql_rows rows;

    (void)line;
    sql_find(facts->sql, &rows, "SELECT profile_hash FROM equipment WHERE id = ?1", "i", facts->place->equipment);
    if (sql_next(&rows)) {
        const char *hash = sql_text(&rows, 0);

        json_text(evidence, "runs", hash);
        json_text(evidence, "approved", profile ? profile->hash : NULL);
        if (profile && is_hash(hash)) {
            (void)!known(value, strcmp(hash, profile->hash) == 0 ? 1 : 0);
        }
    }
    return sql_end(&rows);
}

static enum err find_version(struct facts *facts, const struct check_line *line, struct check_value *value,
                             struct json_out *evidence)
{
    struct sql_rows rows;

    (void)line;
    sql_find(facts->sql, &rows, "SELECT version FROM agent WHERE id = ?1", "i", facts->place->agent);
    if (sql_next(&rows) && !sql_null(&rows, 0)) {
        json_text(evidence, "agent", sql_text(&rows, 0));
        json_text(evidence, "server", HELIOGRAPH_VERSION);
        (void)!known(value, strcmp(sql_text(&rows, 0), HELIOGRAPH_VERSION) == 0 ? 1 : 0);
    }
    return sql_end(&rows);
}

static enum err find_certificate(struct facts *facts, const struct check_line *line, struct check_value *value,
                                 struct json_out *evidence)
{
    const struct cJSON *certificate = said(facts, "certificate");
    int64_t until_ms = json_int_or(certificate, "not_after", 0);

    (void)line;
    json_key(evidence, "certificate");
    if (certificate) {
        json_put_value(evidence, certificate);
    } else {
        json_put_null(evidence);
    }
    return until_ms ? known(value, (double)(until_ms - facts->now_ms) / DAY_MS) : ERR_OK;
}

/* ------------------------------------------------------------------ what came up */

/* S0-10: the most frequent faults, each with what its profile advises. */
static enum err find_repeated(struct facts *facts, const struct check_line *line, struct check_value *value,
                              struct json_out *evidence)
{
    const struct profile *profile = facts->place->profile;
    struct sql_rows rows;
    int64_t most = 0;

    sql_find(facts->sql, &rows,
             "SELECT fault, COUNT(*) FROM alarm WHERE equipment = ?1 AND onset_ms >= ?2 GROUP BY fault ORDER BY 2 DESC, 1"
             " LIMIT 5",
             "ii", facts->place->equipment, facts->now_ms - line->over_ms);
    json_key(evidence, "faults");
    json_open_list(evidence);
    while (sql_next(&rows)) {
        int fault = profile ? profile_fault(profile, sql_text(&rows, 0)) : -1;

        most = most ? most : sql_int(&rows, 1);
        json_open_object(evidence);
        json_text(evidence, "fault", sql_text(&rows, 0));
        json_int(evidence, "times", sql_int(&rows, 1));
        if (fault >= 0) {
            json_text(evidence, "title_en", profile->faults[fault].title.en);
            json_text(evidence, "title_zh", profile->faults[fault].title.zh);
            json_text(evidence, "advice_en", profile->faults[fault].advice.en);
            json_text(evidence, "advice_zh", profile->faults[fault].advice.zh);
        }
        json_close_object(evidence);
    }
    json_close_list(evidence);
    (void)!counted(value, most);
    return sql_end(&rows);
}

static enum err find_open_tickets(struct facts *facts, const struct check_line *line, struct check_value *value,
                                  struct json_out *evidence)
{
    struct sql_rows rows;
    int64_t count = 0;

    (void)line;
    sql_find(facts->sql, &rows,
             "SELECT number FROM ticket WHERE equipment = ?1 AND closed_ms IS NULL ORDER BY id DESC LIMIT 100", "i",
             facts->place->equipment);
    json_key(evidence, "tickets");
    json_open_list(evidence);
    while (sql_next(&rows)) {
        if (count++ < NAMED) {
            json_put_text(evidence, sql_text(&rows, 0));
        }
    }
    json_close_list(evidence);
    (void)!counted(value, count);
    return sql_end(&rows);
}

static enum err find_profile_checks(struct facts *facts, const struct check_line *line, struct check_value *value,
                                    struct json_out *evidence)
{
    int64_t red = 0;

    (void)line;
    json_key(evidence, "red");
    json_open_list(evidence);
    for (const struct cJSON *item = json_first(facts->checks); item; item = json_next(item)) {
        if (text_same(json_text_or(item, "light", ""), "red")) {
            red++;
            json_put_text(evidence, json_text_or(item, "id", ""));
        }
    }
    json_close_list(evidence);
    return json_is_list(facts->checks) ? counted(value, red) : ERR_OK;
}

static enum err find_person(struct facts *facts, const struct check_line *line, struct check_value *value,
                            struct json_out *evidence)
{
    (void)line;
    (void)value;
    (void)evidence;
    return facts->phone ? ERR_OK : ERR_NOT_FOUND;
}

enum err facts_find(struct facts *facts, const struct check_line *line, struct check_value *ret_value,
                    struct json_out *evidence)
{
    static const find_fact all[LOOKS] = {
        [LOOK_VALUE] = find_value,
        [LOOK_GOOD_SHARE] = find_good_share,
        [LOOK_SILENCE] = find_silence,
        [LOOK_OUTAGES] = find_outages,
        [LOOK_RECONNECTS] = find_reconnects,
        [LOOK_RESTARTS] = find_restarts,
        [LOOK_SPOOL] = find_spool,
        [LOOK_DROPPED] = find_dropped,
        [LOOK_DEVICE_ERRORS] = find_device_errors,
        [LOOK_CLOCK] = find_clock,
        [LOOK_CONFIG] = find_config,
        [LOOK_VERSION] = find_version,
        [LOOK_CERTIFICATE] = find_certificate,
        [LOOK_REPEATED_FAULT] = find_repeated,
        [LOOK_OPEN_TICKETS] = find_open_tickets,
        [LOOK_PROFILE_CHECKS] = find_profile_checks,
        [LOOK_PERSON] = find_person,
    };
    enum err err;

    *ret_value = (struct check_value){.known = false};
    json_open_object(evidence);
    err = all[line->look](facts, line, ret_value, evidence);
    json_close_object(evidence);
    return err ? err : evidence->err;
}
