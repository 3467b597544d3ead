/* Items told to a position, and floods. */
#include "server/alarm/flood.h"

#include <string.h>

static enum err put(struct sql *sql, const struct item *item, const char *outcome, const char *reason, int64_t flood,
                    int64_t now_ms)
{
    return sql_run(sql,
                   "INSERT INTO announcement (position, area, at_ms, kind, outcome, reason, grade, alarm, ticket, flood)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULLIF(?8, 0), NULLIF(?9, 0), NULLIF(?10, 0))",
                   "ttitt" "tiiii", item->position, item->area, now_ms, item->kind, outcome, reason, (int64_t)item->grade,
                   item->alarm, item->ticket, flood);
}

enum err flood_told(struct sql *sql, const struct item *item, int64_t now_ms)
{
    return put(sql, item, "announced", NULL, 0, now_ms);
}

enum err flood_held(struct sql *sql, const struct item *item, const char *reason, int64_t now_ms)
{
    return put(sql, item, "held", reason, 0, now_ms);
}

static int64_t open_flood(struct sql *sql, const char *position)
{
    return sql_find_int(sql, 0, "SELECT id FROM flood WHERE position = ?1 AND ended_ms IS NULL", "t", position);
}

bool flood_is_on(struct sql *sql, const char *position)
{
    return open_flood(sql, position) > 0;
}

int flood_announced(struct sql *sql, const char *position, int64_t span_ms, int64_t now_ms)
{
    return (int)sql_find_int(sql, 0,
                             "SELECT COUNT(*) FROM announcement WHERE outcome = 'announced' AND position = ?1 AND at_ms >"
                             " ?2",
                             "ti", position, now_ms - span_ms);
}

static enum err begin(struct sql *sql, const struct alarm_rules *rules, const char *position, int64_t now_ms)
{
    return sql_run(sql,
                   "INSERT INTO flood (position, from_ms, most, fall, span_ms, gather_ms, next_ms) VALUES (?1, ?2, ?3, ?4,"
                   " ?5, ?6, ?7)",
                   "tiiii" "ii", position, now_ms, (int64_t)rules->flood_most, (int64_t)rules->flood_end,
                   rules->flood_span_ms, rules->gather_ms, now_ms + rules->gather_ms);
}

enum err flood_grouped(struct sql *sql, const struct alarm_rules *rules, const struct item *item, int64_t now_ms)
{
    int64_t flood = open_flood(sql, item->position);
    enum err err = flood ? ERR_OK : begin(sql, rules, item->position, now_ms);

    flood = flood || err ? flood : sql_last_id(sql);
    if (!err) {
        err = put(sql, item, "grouped", "flood", flood, now_ms);
    }
    if (!err) {
        err = sql_run(sql,
                      "INSERT INTO flood_area (flood, area, first_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", "iti",
                      flood, item->area, now_ms);
    }
    if (!err && sql_changes(sql) > 0) { /* a new one: it is told when it has gathered */
        err = sql_run(sql, "UPDATE flood SET next_ms = MIN(next_ms, ?2 + gather_ms) WHERE id = ?1", "ii", flood, now_ms);
    }
    return err ? err
               : sql_run(sql,
                         "UPDATE flood_area SET grade_1 = grade_1 + CASE WHEN ?3 = 1 THEN 1 ELSE 0 END, grade_2 = grade_2"
                         " + CASE WHEN ?3 = 2 THEN 1 ELSE 0 END, grade_3 = grade_3 + CASE WHEN ?3 = 3 THEN 1 ELSE 0 END"
                         " WHERE flood = ?1 AND area = ?2",
                         "iti", flood, item->area, (int64_t)item->grade);
}

/* ------------------------------------------------------------------ the turn */

struct flood {
    int64_t id, gather_ms;
    char position[ALARM_WORD];
    struct alarm_rules rules; /* those of floods */
};

static enum err read_due(struct sql *sql, int64_t now_ms, struct flood *flood)
{
    struct sql_rows rows;
    bool found;
    enum err err = ERR_OK, end;

    sql_find(sql, &rows,
             "SELECT id, position, most, fall, span_ms, gather_ms FROM flood WHERE ended_ms IS NULL AND next_ms <= ?1"
             " ORDER BY next_ms, id LIMIT 1",
             "i", now_ms);
    found = sql_next(&rows);
    if (found) {
        *flood = (struct flood){.id = sql_int(&rows, 0), .gather_ms = sql_int(&rows, 5)};
        err = text_copy(flood->position, sizeof(flood->position), sql_text(&rows, 1));
        flood->rules = (struct alarm_rules){.flood_most = (int)sql_int(&rows, 2),
                                            .flood_end = (int)sql_int(&rows, 3),
                                            .flood_span_ms = sql_int(&rows, 4)};
    }
    end = sql_end(&rows);
    err = err ? err : end;
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

/* Those that have gathered and were not told: one, or their sum as "*". *ret_areas: how many there are. */
static enum err read_areas(struct sql *sql, const struct flood *flood, bool all, int64_t now_ms, struct area_item *item)
{
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    *item = (struct area_item){.flood = flood->id, .first_ms = now_ms};
    sql_find(sql, &rows,
             "SELECT area, grade_1, grade_2, grade_3, first_ms FROM flood_area WHERE flood = ?1 AND told_ms IS NULL AND"
             " first_ms <= ?2 ORDER BY grade_1 DESC, grade_2 DESC, grade_3 DESC, area",
             "ii", flood->id, now_ms - flood->gather_ms);
    while (!err && sql_next(&rows)) {
        item->areas++;
        if (item->areas > 1 && !all) {
            continue; /* only counted */
        }
        err = text_copy(item->area, sizeof(item->area), item->areas > 1 ? "*" : sql_text(&rows, 0));
        for (int grade = 1; grade <= 3; grade++) {
            item->grades[grade] += sql_int(&rows, grade);
        }
        item->first_ms = sql_int(&rows, 4) < item->first_ms ? sql_int(&rows, 4) : item->first_ms;
    }
    end = sql_end(&rows);
    return err ? err : end;
}

static enum err note_told(struct sql *sql, const struct flood *flood, const struct area_item *area, int64_t now_ms)
{
    struct item item = {.position = flood->position, .area = area->area, .kind = "area",
                        .grade = area->grades[1] ? 1 : area->grades[2] ? 2 : 3};
    enum err err = sql_run(sql,
                           "UPDATE flood_area SET told_ms = ?2 WHERE flood = ?1 AND told_ms IS NULL AND first_ms <= ?3 AND"
                           " (?4 = '*' OR area = ?4)",
                           "iiit", flood->id, now_ms, now_ms - flood->gather_ms, area->area);

    return err ? err : put(sql, &item, "announced", NULL, flood->id, now_ms);
}

#define LOOK_EACH 60000 /* at a flood that goes on */

/* Nothing of it can be told now: it ends, or is looked at again. */
static enum err go_on(struct sql *sql, const struct flood *flood, int64_t now_ms)
{
    int came = (int)sql_find_int(sql, 0,
                                 "SELECT COUNT(*) FROM (SELECT 1 FROM announcement WHERE kind <> 'area' AND position = ?1"
                                 " AND at_ms > ?2 LIMIT 1000) x",
                                 "ti", flood->position, now_ms - flood->rules.flood_span_ms);
    int64_t untold_ms = sql_find_int(sql, 0, "SELECT MIN(first_ms) FROM flood_area WHERE flood = ?1 AND told_ms IS NULL",
                                     "i", flood->id);
    int64_t next_ms = now_ms + LOOK_EACH;

    if (!untold_ms && announce_flood_ends(&flood->rules, came)) {
        return sql_run(sql, "UPDATE flood SET ended_ms = ?2 WHERE id = ?1", "ii", flood->id, now_ms);
    }
    if (untold_ms && untold_ms + flood->gather_ms > now_ms && untold_ms + flood->gather_ms < next_ms) {
        next_ms = untold_ms + flood->gather_ms;
    }
    return sql_run(sql, "UPDATE flood SET next_ms = ?2 WHERE id = ?1", "ii", flood->id, next_ms);
}

enum err flood_next(struct sql *sql, int64_t now_ms, struct area_item *ret_item)
{
    struct flood flood;
    enum err err;

    for (;;) {
        enum announce_areas how;

        err = read_due(sql, now_ms, &flood);
        if (!err) {
            err = read_areas(sql, &flood, false, now_ms, ret_item);
        }
        if (err) {
            return err;
        }
        how = announce_areas(&flood.rules, flood_announced(sql, flood.position, flood.rules.flood_span_ms, now_ms),
                             ret_item->areas);
        if (ret_item->areas > 0 && how != AREAS_WAIT) {
            err = read_areas(sql, &flood, how == AREAS_ALL, now_ms, ret_item);
            memcpy(ret_item->position, flood.position, sizeof(flood.position));
            return err ? err : note_told(sql, &flood, ret_item, now_ms);
        }
        err = go_on(sql, &flood, now_ms);
        if (err) {
            return err;
        }
    }
}

int64_t flood_due_ms(struct sql *sql)
{
    return sql_find_int(sql, INT64_MAX, "SELECT MIN(next_ms) FROM flood WHERE ended_ms IS NULL", "");
}
