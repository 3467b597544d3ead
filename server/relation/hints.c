/* What the desk can tell a customer when it calls him (S0-06): from what his equipment says, not from a list. */
#include <string.h>

#include "server/relation/register.h"

#define EQUIPMENT_MOST 200

static void put_hint(struct json_out *out, const char *kind, const char *en, const char *zh)
{
    json_open_object(out);
    json_text(out, "kind", kind);
    json_text(out, "en", en);
    json_text(out, "zh", zh ? zh : en);
    json_close_object(out);
}

/* Open tickets of the equipment, the lines of its last inspection that failed, what inspections propose. */
static const char hints[] =
    "SELECT kind, en, zh, spec FROM (SELECT 1 AS o, 'fault' AS kind, COALESCE(t.title_en, t.fault) AS en, t.title_zh AS zh, NULL AS"
    " spec FROM ticket t WHERE t.equipment = ?1 AND t.closed_ms IS NULL UNION ALL SELECT 2, 'inspection', l.line, NULL, l.spec"
    " FROM inspection_line l WHERE l.verdict = 'fail' AND l.inspection = (SELECT MAX(i.id) FROM inspection i WHERE i.equipment ="
    " ?1 AND i.state = 'done') UNION ALL SELECT 3, 'proposal', p.title_en, p.title_zh, NULL FROM proposal p WHERE p.equipment ="
    " ?1 AND p.state = 'open') AS h ORDER BY o LIMIT 50";

/* A line of the checklist says in its own words what it wants and what to do. */
static void put_line(struct arena *arena, struct json_out *out, const char *line, const char *spec)
{
    const struct cJSON *value = NULL, *title, *advice;
    const char *reason;
    TEXT(en, 600);
    TEXT(zh, 600);

    (void)!json_parse(arena, spec, strlen(spec), &value, &reason);
    title = json_field(value, "title");
    advice = json_field(value, "advice");
    text_addf(&en, "%.200s. %.300s", json_text_or(title, "en", line), json_text_or(advice, "en", ""));
    text_addf(&zh, "%.200s。%.300s", json_text_or(title, "zh", line), json_text_or(advice, "zh", ""));
    put_hint(out, "inspection", en.at, zh.at);
}

static enum err put_equipment(struct arena *arena, struct sql *sql, int64_t id, const char *name, const char *title,
                              struct json_out *out)
{
    struct sql_rows rows;

    json_open_object(out);
    json_text(out, "id", name);
    json_text(out, "title", title);
    json_key(out, "hints");
    json_open_list(out);
    sql_find(sql, &rows, hints, "i", id);
    while (sql_next(&rows)) {
        if (sql_null(&rows, 3)) {
            put_hint(out, sql_text(&rows, 0), sql_text(&rows, 1), sql_null(&rows, 2) ? NULL : sql_text(&rows, 2));
        } else {
            const char *spec = arena_text(arena, sql_text(&rows, 3), strlen(sql_text(&rows, 3)));

            put_line(arena, out, sql_text(&rows, 1), spec ? spec : "");
        }
    }
    json_close_list(out);
    json_close_object(out);
    return sql_end(&rows);
}

enum err register_hints(struct arena *arena, struct sql *sql, int64_t customer, struct json_out *out)
{
    struct {
        int64_t id;
        char name[65], title[120];
    } all[EQUIPMENT_MOST];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    json_open_object(out);
    sql_find(sql, &rows, "SELECT name, title FROM customer WHERE id = ?1", "i", customer);
    if (sql_next(&rows)) {
        json_text(out, "customer", sql_text(&rows, 0));
        json_text(out, "name", sql_text(&rows, 1));
    }
    err = sql_end(&rows);
    sql_find(sql, &rows,
             "SELECT e.id, e.name, COALESCE(e.title, e.name) FROM equipment e JOIN site s ON s.id = e.site WHERE s.customer = ?1"
             " ORDER BY e.id LIMIT 200",
             "i", customer);
    while (!err && count < EQUIPMENT_MOST && sql_next(&rows)) {
        all[count].id = sql_int(&rows, 0);
        (void)!text_copy(all[count].name, sizeof(all[0].name), sql_text(&rows, 1));
        (void)!text_copy(all[count].title, sizeof(all[0].title), sql_text(&rows, 2));
        count++;
    }
    err = err ? err : sql_end(&rows);
    json_key(out, "equipment");
    json_open_list(out);
    for (size_t i = 0; !err && i < count; i++) {
        err = put_equipment(arena, sql, all[i].id, all[i].name, all[i].title, out);
    }
    json_close_list(out);
    json_close_object(out);
    return err ? err : out->err;
}
