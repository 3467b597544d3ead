/* The daily round over customers: what is told, what is drafted. */
#include "server/dossier/dossier.h"

#include <string.h>

#include "models/base/civil.h"
#include "models/service/plan_visit.h"
#include "server/case/word.h"

#define SLICE      25 /* customers a turn */
#define SITES_MOST 50 /* of a customer that are looked at for a season */
#define DAY_MS     86400000LL
#define NEWS_MS    (30 * DAY_MS) /* what is older when somebody is found who has not heard of it is no news */
#define WORDS_MOST 2000

struct reader { /* a customer, on the round */
    struct office *office;
    struct sql *sql;
    int64_t customer, now_ms;
    struct place place; /* his first site */
    const struct zone *zone;
    int32_t today;
};

static const char *keep(struct office *office, const char *words)
{
    return words ? arena_text(office->arena, words, strlen(words)) : NULL;
}

static struct customer_word word_on(const struct reader *reader, const char *step, const char *key)
{
    return (struct customer_word){.customer = reader->customer, .plan = reader->place.plan, .zone = reader->zone, .step = step,
                                  .key = key};
}

/* ------------------------------------------------------------------ upkeep by season */

struct standing { /* where a customer's equipment stands */
    int64_t site;
    const char *climate;
    bool south;
};

static bool among(const char *const *list, const char *word)
{
    for (; *list; list++) {
        if (text_same(*list, word)) {
            return true;
        }
    }
    return false;
}

/* The year in which the window that holds that day began; 0: none does. */
static int in_window(const struct plan_window *window, bool mirrored, int32_t today)
{
    int shift = mirrored ? 6 : 0, from_month = (window->from_month - 1 + shift) % 12 + 1;
    int to_month = (window->to_month - 1 + shift) % 12 + 1, year, month, day;

    civil_from_days(today, &year, &month, &day);
    int at = month * 100 + day, from = from_month * 100 + window->from_day, to = to_month * 100 + window->to_day;

    if (from <= to) {
        return at >= from && at <= to ? year : 0;
    }
    return at >= from ? year : at <= to ? year - 1 : 0; /* over the turn of the year */
}

static bool has_class(struct sql *sql, int64_t site, const char *const *classes)
{
    for (const char *const *class = classes; *class; class++) {
        if (sql_find_int(sql, 0,
                         "SELECT 1 FROM equipment e JOIN component c ON c.equipment = e.id WHERE e.site = ?1 AND c.class = ?2"
                         " LIMIT 1",
                         "it", site, *class)) {
            return true;
        }
    }
    return !classes[0];
}

/* The year in which that season is now at that place; 0: it is not, or is of no concern there. */
static int season_at(const struct reader *reader, const struct plan_season *season, const struct standing *standing)
{
    const struct plan_visits *visits = reader->place.plan->visits;
    bool mirrored = standing->south && !season->climates[0] && !(visits && visits->south_as_written);
    int year = 0;

    if (season->climates[0] && !among(season->climates, standing->climate)) {
        return 0;
    }
    for (size_t i = 0; !year && i < season->count; i++) {
        year = in_window(&season->windows[i], mirrored, reader->today);
    }
    return year && has_class(reader->sql, standing->site, season->classes) ? year : 0;
}

static enum err tell_season(const struct reader *reader, const struct plan_season *season, int year)
{
    TEXT(step, 100);
    TEXT(key, 160);
    struct customer_word word;
    enum err err = sql_run(reader->sql,
                           "INSERT INTO knowledge (customer, item, year, at_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                           "itii", reader->customer, season->as, (int64_t)year, reader->now_ms);

    if (err || sql_changes(reader->sql) == 0) {
        return err;
    }
    text_addf(&step, "knowledge_%s", season->as);
    text_addf(&key, "knowledge:%s:%d:%lld", season->as, year, (long long)reader->customer);
    word = word_on(reader, step.at, key.at);
    word.en[NOTICE_EQUIPMENT] = reader->place.site_title;
    return customer_say(reader->office, reader->sql, &word, reader->now_ms);
}

static enum err find_standings(const struct reader *reader, struct standing standings[SITES_MOST], size_t *ret_count)
{
    struct sql_rows rows;
    size_t count = 0;

    sql_find(reader->sql, &rows, "SELECT id, COALESCE(lat, 0), doc FROM site WHERE customer = ?1 ORDER BY id LIMIT 50", "i",
             reader->customer);
    while (count < SITES_MOST && sql_next(&rows)) {
        const struct cJSON *doc = NULL;

        (void)!json_parse(reader->office->arena, sql_text(&rows, 2), strlen(sql_text(&rows, 2)), &doc, NULL);
        standings[count++] = (struct standing){sql_int(&rows, 0), json_text_or(doc, "climate", NULL), sql_real(&rows, 1) < 0};
    }
    *ret_count = count;
    return sql_end(&rows);
}

static enum err tell_seasons(const struct reader *reader)
{
    const struct plan_files *files = &reader->place.plan->files;
    struct standing standings[SITES_MOST];
    size_t count;
    enum err err;

    if (files->season_count == 0 ||
        sql_find_int(reader->sql, 0, "SELECT 1 FROM opt_out WHERE customer = ?1 AND topic = 'knowledge'", "i",
                     reader->customer)) {
        return ERR_OK;
    }
    err = find_standings(reader, standings, &count);
    for (size_t i = 0; !err && i < files->season_count; i++) {
        int year = 0;

        for (size_t k = 0; !year && k < count; k++) {
            year = season_at(reader, &files->seasons[i], &standings[k]);
        }
        err = year ? tell_season(reader, &files->seasons[i], year) : ERR_OK;
    }
    return err;
}

/* ------------------------------------------------------------------ newer papers, bulletins */

struct news {
    int64_t id;
    const char *title_en, *title_zh, *version, *link, *equipment, *words_en, *words_zh, *due;
};

static enum err say_news(const struct reader *reader, const struct news *news, const char *step, const char *key_kind)
{
    TEXT(key, 80);
    struct customer_word word;

    text_addf(&key, "%s:%lld:%lld", key_kind, (long long)news->id, (long long)reader->customer);
    word = word_on(reader, step, key.at);
    word.en[NOTICE_TITLE] = news->title_en;
    word.zh[NOTICE_TITLE] = news->title_zh;
    word.en[NOTICE_NUMBER] = news->version;
    word.en[NOTICE_LINK] = news->link;
    word.en[NOTICE_EQUIPMENT] = news->equipment;
    word.en[NOTICE_NOTE] = news->words_en;
    word.zh[NOTICE_NOTE] = news->words_zh;
    word.en[NOTICE_DUE] = news->due;
    return customer_say(reader->office, reader->sql, &word, reader->now_ms);
}

/* Who has an older edition hears of the newer one. */
static enum err tell_papers(const struct reader *reader)
{
    struct news news[20];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(reader->sql, &rows,
             "SELECT z.id, COALESCE(b.title_en, b.name), COALESCE(b.title_zh, b.name), b.version, b.link, MIN(COALESCE(e.title,"
             " e.name)) FROM site s JOIN equipment e ON e.site = s.id JOIN library_receipt r ON r.equipment = e.id JOIN"
             " library_edition y ON y.id = r.edition JOIN library b ON b.id = y.library JOIN library_edition z ON z.library ="
             " b.id AND z.number = (SELECT MAX(x.number) FROM library_edition x WHERE x.library = b.id) WHERE s.customer = ?1"
             " AND z.number > y.number AND z.at_ms >= ?2 AND b.audience <> 'technician' AND COALESCE(b.from_day, 0) <= ?3 AND"
             " COALESCE(b.to_day, ?3) >= ?3 AND NOT EXISTS (SELECT 1 FROM library_receipt q WHERE q.edition = z.id AND"
             " q.equipment = e.id) AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.key = 'document:' || CAST(z.id AS TEXT) ||"
             " ':' || CAST(?1 AS TEXT)) GROUP BY z.id, b.title_en, b.title_zh, b.name, b.version, b.link ORDER BY z.id LIMIT 20",
             "iii", reader->customer, reader->now_ms - NEWS_MS, (int64_t)reader->today);
    while (count < 20 && sql_next(&rows)) {
        news[count++] = (struct news){.id = sql_int(&rows, 0), .title_en = keep(reader->office, sql_text(&rows, 1)),
                                      .title_zh = keep(reader->office, sql_text(&rows, 2)),
                                      .version = keep(reader->office, sql_text(&rows, 3)),
                                      .link = keep(reader->office, sql_text(&rows, 4)),
                                      .equipment = keep(reader->office, sql_text(&rows, 5))};
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = say_news(reader, &news[i], "document_renewed", "document");
    }
    return err;
}

static const char *words_of(struct office *office, const char *doc, const char *language)
{
    const struct cJSON *row = NULL;

    (void)!json_parse(office->arena, doc, strlen(doc), &row, NULL);
    return json_text_or(json_field(row, "words"), language, NULL);
}

static enum err tell_bulletins(const struct reader *reader)
{
    struct news news[20];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(reader->sql, &rows,
             "SELECT b.id, COALESCE(b.title_en, b.name), COALESCE(b.title_zh, b.name), b.name, MIN(COALESCE(e.title, e.name)),"
             " b.doc, b.due_day FROM site s JOIN equipment e ON e.site = s.id JOIN bulletin_unit u ON u.equipment = e.id AND"
             " u.told_ms IS NULL AND u.state = 'open' JOIN bulletin b ON b.id = u.bulletin WHERE s.customer = ?1 GROUP BY b.id,"
             " b.title_en, b.title_zh, b.name, b.doc, b.due_day ORDER BY b.id LIMIT 20",
             "i", reader->customer);
    while (count < 20 && sql_next(&rows)) {
        char due[11] = "";

        if (!sql_null(&rows, 6)) {
            civil_write_date((int32_t)sql_int(&rows, 6), due);
        }
        news[count++] = (struct news){.id = sql_int(&rows, 0), .title_en = keep(reader->office, sql_text(&rows, 1)),
                                      .title_zh = keep(reader->office, sql_text(&rows, 2)),
                                      .version = keep(reader->office, sql_text(&rows, 3)),
                                      .equipment = keep(reader->office, sql_text(&rows, 4)),
                                      .words_en = words_of(reader->office, sql_text(&rows, 5), "en"),
                                      .words_zh = words_of(reader->office, sql_text(&rows, 5), "zh"),
                                      .due = keep(reader->office, due)};
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = say_news(reader, &news[i], "bulletin", "bulletin");
        err = err ? err
                  : sql_run(reader->sql,
                            "UPDATE bulletin_unit SET told_ms = ?3, state = CASE WHEN (SELECT b.kind FROM bulletin b WHERE b.id ="
                            " ?2) = 'information' THEN 'done' ELSE state END WHERE bulletin = ?2 AND told_ms IS NULL AND"
                            " equipment IN (SELECT e.id FROM equipment e JOIN site s ON s.id = e.site WHERE s.customer = ?1)",
                            "iii", reader->customer, news[i].id, reader->now_ms);
    }
    return err;
}

/* ------------------------------------------------------------------ the round */

static enum err visit_customer(struct office *office, struct sql *sql, int64_t customer, int64_t now_ms)
{
    int64_t site = sql_find_int(sql, 0, "SELECT MIN(id) FROM site WHERE customer = ?1", "i", customer);
    struct reader reader = {.office = office, .sql = sql, .customer = customer, .now_ms = now_ms};
    enum err err = site ? place_find(office, sql, 0, site, now_ms, &reader.place) : ERR_NOT_FOUND;

    if (err || !reader.place.plan) {
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    reader.zone = reader.place.time_zone ? rules_zone(office->options.rules, reader.place.time_zone) : NULL;
    reader.zone = reader.zone ? reader.zone : zone_utc();
    reader.today = zone_day(reader.zone, now_ms);
    err = tell_seasons(&reader);
    err = err ? err : tell_papers(&reader);
    err = err ? err : tell_bulletins(&reader);
    return err ? err : dossier_analyse(office, sql, customer, &reader.place, now_ms);
}

static enum err keep_mark(struct sql *sql, const char *name, int64_t value)
{
    return sql_run(sql,
                   "INSERT INTO mark (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                   "ti", name, value);
}

int64_t dossier_due(struct sql *sql)
{
    return sql_find_int(sql, 0, "SELECT value FROM mark WHERE name = 'dossier.round'", "");
}

/* Once a day over all customers, a slice a turn. */
enum err dossier_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t at = sql_find_int(sql, 0, "SELECT value FROM mark WHERE name = 'dossier.at'", ""), ids[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (dossier_due(sql) > now_ms) {
        return ERR_OK;
    }
    err = at ? ERR_OK : bulletins_turn(office, sql, now_ms);
    if (err) {
        return err;
    }
    sql_find(sql, &rows, "SELECT id FROM customer WHERE id > ?1 ORDER BY id LIMIT 25", "i", at);
    while (count < SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = visit_customer(office, sql, ids[i], now_ms);
    }
    err = err ? err : keep_mark(sql, "dossier.at", count == SLICE ? ids[count - 1] : 0);
    return err || count == SLICE ? err : keep_mark(sql, "dossier.round", now_ms + DAY_MS);
}

/* ------------------------------------------------------------------ what people do */

enum err dossier_note(struct sql *sql, int64_t customer, const struct action *action, int64_t now_ms, struct text *why)
{
    static const char *const kinds[] = {"preference", "usage", "hint", "quality", NULL};
    const char *kind = json_text_or(action->body, "kind", ""), *words = json_text_or(action->body, "words", "");
    const char *name = json_text_or(action->body, "equipment", NULL);
    int64_t equipment = name ? sql_find_int(sql, 0,
                                            "SELECT e.id FROM equipment e JOIN site s ON s.id = e.site WHERE e.name = ?1 AND"
                                            " s.customer = ?2",
                                            "ti", name, customer)
                             : 0;

    if (!among(kinds, kind)) {
        return text_say(why, ERR_FORMAT, "kind: expected preference, usage, hint or quality, found '%.40s'", kind);
    }
    if (!words[0] || strlen(words) > WORDS_MOST) {
        return text_say(why, ERR_FORMAT, "words: expected 1 to %d bytes", WORDS_MOST);
    }
    if (name && !equipment) {
        return text_say(why, ERR_FORMAT, "equipment: expected one of this customer, found '%.64s'", name);
    }
    return sql_run(sql,
                   "INSERT INTO file_note (customer, equipment, kind, words, at_ms, who, action_id) VALUES (?1, NULLIF(?2, 0),"
                   " ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
                   "iittitt", customer, equipment, kind, words, action->at_ms ? action->at_ms : now_ms, action->who,
                   action->action_id);
}

enum err dossier_seen(struct sql *sql, int64_t analysis, const struct action *action, int64_t now_ms, struct text *why)
{
    if (action->note && strlen(action->note) > WORDS_MOST) {
        return text_say(why, ERR_FORMAT, "note: expected at most %d bytes", WORDS_MOST);
    }
    if (!sql_find_int(sql, 0, "SELECT 1 FROM file_analysis WHERE id = ?1", "i", analysis)) {
        return text_say(why, ERR_NOT_FOUND, "no analysis %lld", (long long)analysis);
    }
    return sql_run(sql,
                   "UPDATE file_analysis SET seen_ms = ?2, seen_by = ?3, note = ?4 WHERE id = ?1 AND seen_ms IS NULL", "iitt",
                   analysis, now_ms, action->who, action->note);
}
