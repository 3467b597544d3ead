/* Where a piece of equipment stands, and which plan, level and calendar hold there. */
#include "server/case/place.h"

#include <string.h>

#include "models/base/zone.h"

static int32_t day_or_none(const struct sql_rows *rows, int column)
{
    return sql_null(rows, column) ? WARRANTY_NO_DATE : (int32_t)sql_int(rows, column);
}

static const char *keep(struct office *office, const char *words)
{
    return words ? arena_text(office->arena, words, strlen(words)) : NULL;
}

static enum err read_equipment(struct office *office, struct sql *sql, struct place *place)
{
    struct sql_rows rows;
    bool found;

    sql_find(sql, &rows,
             "SELECT name, title, site, profile, agent, claimed, COALESCE(acceptance_day, accepted_day), completion_day,"
             " invoice_day, sale_day, manufacture_day, completion_signed_day FROM equipment WHERE id = ?1",
             "i", place->equipment);
    found = sql_next(&rows);
    if (found) {
        const char *profile = sql_text(&rows, 3);

        place->name = keep(office, sql_text(&rows, 0));
        place->title = keep(office, sql_text(&rows, 1));
        place->site = sql_int(&rows, 2);
        place->profile = profile ? rules_profile(office->options.rules, profile) : NULL;
        place->agent = sql_int(&rows, 4);
        place->claimed = sql_int(&rows, 5) != 0;
        place->dates.acceptance = day_or_none(&rows, 6);
        place->dates.completion_signed = day_or_none(&rows, 11);
        place->dates.completion = day_or_none(&rows, 7);
        place->dates.invoice = day_or_none(&rows, 8);
        place->dates.sale = day_or_none(&rows, 9);
        place->dates.manufacture = day_or_none(&rows, 10);
    }
    enum err err = sql_end(&rows);

    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

static enum err read_site(struct office *office, struct sql *sql, struct place *place)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT s.title, COALESCE(s.time_zone, c.time_zone), s.calendar, s.remote_area, s.critical"
             " FROM site s LEFT JOIN calendar c ON c.id = s.calendar WHERE s.id = ?1",
             "i", place->site);
    if (sql_next(&rows)) {
        const char *zone = sql_text(&rows, 1);

        place->site_title = keep(office, sql_text(&rows, 0));
        if (zone) {
            place->time_zone = keep(office, zone);
        }
        place->calendar = sql_int(&rows, 2);
        place->remote_area = sql_int(&rows, 3) != 0;
        place->critical = sql_int(&rows, 4) != 0;
    }
    return sql_end(&rows);
}

/* Equipment ?3 (0: any) belongs to contract c: with its site s, unless it has days of its own. */
#define BELONGS                                                                                            \
    "(NOT EXISTS (SELECT 1 FROM agreement_cover a WHERE a.equipment = ?3 AND a.contract = c.id) OR EXISTS"  \
    " (SELECT 1 FROM agreement_cover a WHERE a.equipment = ?3 AND a.contract = c.id AND a.from_day <= ?2 AND" \
    " (a.to_day IS NULL OR a.to_day >= ?2)))"

/* None holds on that day, but one has. */
static enum err read_over(struct sql *sql, struct place *place, int32_t day)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT 1 FROM contract c JOIN contract_site s ON s.contract = c.id WHERE s.site = ?1 AND (c.end_day < ?2 OR"
             " EXISTS (SELECT 1 FROM agreement_cover a WHERE a.equipment = ?3 AND a.contract = c.id AND a.to_day < ?2)) LIMIT 1",
             "iii", place->site, (int64_t)day, place->equipment);
    place->over = sql_next(&rows);
    return sql_end(&rows);
}

/* The contract that holds on a day; the youngest when there are several. */
static enum err read_contract(struct office *office, struct sql *sql, struct place *place, int32_t day)
{
    int64_t youngest = INT64_MIN, last = 0;
    struct place bare = *place;
    struct sql_rows rows;

    /* seldom more than one: sorting them would cost more than finding them */
    sql_find(sql, &rows,
             "SELECT c.plan, c.service_level, c.name, c.id, c.start_day FROM contract c JOIN contract_site s ON s.contract ="
             " c.id WHERE s.site = ?1 AND (c.start_day IS NULL OR c.start_day <= ?2)"
             " AND (c.end_day IS NULL OR c.end_day >= ?2) AND " BELONGS,
             "iii", place->site, (int64_t)day, place->equipment);
    while (sql_next(&rows)) {
        const char *level = sql_text(&rows, 1);
        const struct plan *plan = rules_plan(office->options.rules, sql_text(&rows, 0));
        int64_t id = sql_int(&rows, 3), start = sql_null(&rows, 4) ? INT64_MIN : sql_int(&rows, 4);

        if (start < youngest || (start == youngest && id < last)) {
            continue;
        }
        youngest = start;
        last = id;
        place->plan = plan ? plan : bare.plan;
        place->level = level && level[0] >= 'A' && level[0] <= 'C' ? level[0] : bare.level;
        place->contract = keep(office, sql_text(&rows, 2));
    }
    return sql_end(&rows);
}

enum err place_find(struct office *office, struct sql *sql, int64_t equipment, int64_t site,
                    int64_t now_ms, struct place *ret_place)
{
    struct place place = {.equipment = equipment, .site = site, .level = 'C'};
    enum err err = ERR_OK;

    place.time_zone = office->options.time_zone;
    place.plan = rules_plan(office->options.rules, office->options.preset_plan);
    if (!place.plan && rules_plan_count(office->options.rules) > 0) {
        place.plan = rules_plan_at(office->options.rules, 0);
    }
    if (equipment) {
        err = read_equipment(office, sql, &place);
    }
    if (!err && place.site) {
        err = read_site(office, sql, &place);
    }
    if (!err && place.site) {
        int32_t day = place_day(office, &place, now_ms);

        err = read_contract(office, sql, &place, day);
        if (!err && !place.contract) {
            err = read_over(sql, &place, day);
        }
    }
    if (!err) {
        *ret_place = place;
    }
    return err;
}

int32_t place_day(struct office *office, const struct place *place, int64_t ms)
{
    const struct zone *zone = rules_zone(office->options.rules, place->time_zone);

    return zone_day(zone ? zone : zone_utc(), ms);
}
