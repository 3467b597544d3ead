/* Parts from stock to a work order. */
#include <string.h>

#include "server/case/clocks.h"
#include "server/field/field.h"
#include "server/case/doc.h"

#define DEPOTS_MOST 100

/* The order's own list: one line a part, with how many were used. */
static enum err note_used(struct sql *sql, int64_t order, const char *part, int64_t count)
{
    struct json_out parts = json_out(DOC_BYTES_MOST);
    TEXT(used, 32);
    struct arena *arena;
    struct sql_rows rows;
    enum err err = arena_open(DOC_ARENA_BYTES, &arena), end;

    if (err) {
        return err;
    }
    sql_find(sql, &rows, "SELECT parts FROM work_order WHERE id = ?1", "i", order);
    if (sql_next(&rows)) {
        const char *list = sql_text(&rows, 0);

        text_addf(&used, "%lld",
                  (long long)(count + doc_int_in_list(arena, list, "part", part, "used", 0)));
        err = doc_set_in_list(arena, list, "part", part, "used", used.at, &parts);
    }
    end = sql_end(&rows);
    err = err ? err : end;
    if (!err) {
        err = sql_run(sql, "UPDATE work_order SET parts = ?2 WHERE id = ?1", "it", order,
                      parts.bytes);
    }
    json_out_free(&parts);
    arena_close(arena);
    return err;
}

struct shelf {
    int64_t depot, count;
};

/* Where the part lies: the named depot alone, or all, the nearest to the order's site first. */
static enum err find_shelves(struct sql *sql, int64_t order, int64_t part, const char *depot,
                             struct shelf shelves[DEPOTS_MOST], size_t *ret_count)
{
    struct sql_rows rows;
    size_t count = 0;

    sql_find(sql, &rows,
             "SELECT k.depot, k.count FROM stock k JOIN depot d ON d.id = k.depot LEFT JOIN work_order"
             " w ON w.id = ?1 LEFT JOIN site s ON s.id = w.site WHERE k.part = ?2 AND k.count > 0 AND"
             " (?3 IS NULL OR d.name = ?3) ORDER BY (d.lat - s.lat) * (d.lat - s.lat) + (d.lon -"
             " s.lon) * (d.lon - s.lon), d.id LIMIT 100",
             "iit", order, part, depot);
    while (count < DEPOTS_MOST && sql_next(&rows)) {
        shelves[count++] = (struct shelf){sql_int(&rows, 0), sql_int(&rows, 1)};
    }
    *ret_count = count;
    return sql_end(&rows);
}

static enum err take(struct sql *sql, int64_t order, int64_t part, const struct shelf *shelf,
                     int64_t count, const char *action_id, int64_t now_ms)
{
    enum err err = sql_run(sql, "UPDATE stock SET count = count - ?3 WHERE part = ?1 AND depot = ?2",
                           "iii", part, shelf->depot, count);

    return err ? err
               : sql_run(sql,
                         "INSERT INTO stock_move (part, depot, count, work_order, action_id, at_ms)"
                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                         "iiiiti", part, shelf->depot, -count, order, action_id, now_ms);
}

enum err parts_use(struct sql *sql, int64_t order, const struct cJSON *body, const char *action_id,
                   int64_t now_ms, struct text *why)
{
    const char *name = json_text_or(body, "part", NULL), *depot = json_text_or(body, "depot", NULL);
    int64_t wanted = json_int_or(body, "count", json_field(body, "count") ? 0 : 1), left = wanted;
    int64_t part = sql_find_int(sql, 0, "SELECT id FROM part WHERE name = ?1", "t", name), there = 0;
    struct shelf shelves[DEPOTS_MOST];
    size_t count = 0;
    enum err err = ERR_OK;

    if (!name || !name[0] || strlen(name) > 200 || wanted < 1 || wanted > 1000000) {
        return text_say(why, ERR_FORMAT, "use_part needs part, and a count of at least 1");
    }
    if (part) { /* what the fleet file does not know comes from nobody's stock */
        err = find_shelves(sql, order, part, depot, shelves, &count);
    }
    for (size_t i = 0; i < count; i++) {
        there += shelves[i].count;
    }
    if (!err && part && there < wanted) {
        return text_say(why, ERR_STATE, "only %lld of %s in stock. Legal: use_part with a count up to that",
                        (long long)there, name);
    }
    for (size_t i = 0; !err && i < count && left > 0; i++) {
        int64_t some = left < shelves[i].count ? left : shelves[i].count;

        err = take(sql, order, part, &shelves[i], some, action_id, now_ms);
        left -= some;
    }
    return err ? err : note_used(sql, order, name, wanted);
}
