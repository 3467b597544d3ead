/* What a work order shows of its job plan: steps, gates, overrides, what is still open, tests before and after. */
#include "server/field/work_view_int.h"

#include <string.h>

#include "server/dossier/files.h"

static void put_step(struct view *view, const struct sql_rows *rows)
{
    const char *spec = sql_text(rows, 0);
    const struct cJSON *fields = NULL;

    json_open_object(view->out);
    if (!json_parse(view->arena, spec, strlen(spec), &fields, NULL)) {
        for (const struct cJSON *item = json_first(fields); item; item = json_next(item)) {
            json_key(view->out, json_name(item));
            json_put_value(view->out, item);
        }
    }
    json_text(view->out, "section", sql_text(rows, 1));
    json_raw(view->out, "value", sql_text(rows, 2));
    json_text(view->out, "light", sql_text(rows, 3));
    view_time(view, "answered_at", rows, 4);
    json_text(view->out, "who", sql_text(rows, 5));
    json_raw(view->out, "reading", sql_text(rows, 6));
    view_time(view, "failed_at", rows, 7);
    json_text(view->out, "ticket", sql_text(rows, 8));
    json_text(view->out, "measured_with", sql_text(rows, 9));
    json_text(view->out, "tool_certificate", sql_text(rows, 10));
    json_bool(view->out, "recalled", sql_int(rows, 11) != 0);
    json_close_object(view->out);
}

enum err view_steps(struct view *view)
{
    struct sql_rows rows;

    json_key(view->out, "checklist");
    json_open_list(view->out);
    sql_find(view->sql, &rows,
             "SELECT s.spec, s.section, s.value, s.light, s.answered_ms, s.who, s.reading, s.failed_ms, t.number,"
             " o.name, u.certificate, CASE WHEN u.recall_ms IS NOT NULL AND u.settled_ms IS NULL THEN 1 ELSE 0 END FROM work_step s"
             " LEFT JOIN ticket t ON t.id = s.ticket LEFT JOIN tool_use u ON u.id = (SELECT MAX(x.id) FROM tool_use x WHERE"
             " x.work_order = s.work_order AND x.step = s.step) LEFT JOIN tool o ON o.id = u.tool WHERE s.work_order = ?1 ORDER BY s.position, s.step",
             "i", view->order);
    while (sql_next(&rows)) {
        put_step(view, &rows);
    }
    json_close_list(view->out);
    return sql_end(&rows);
}

enum err view_gates(struct view *view)
{
    struct json_out *out = view->out;
    struct sql_rows rows;

    json_key(out, "gates");
    json_open_list(out);
    sql_find(view->sql, &rows,
             "SELECT gate, title_en, title_zh, stage, written, must, another, confirmed_ms, by_name, who, how, reference,"
             " note, manager, follows, expected = 1 AND NOT EXISTS (SELECT 1 FROM work_event v WHERE v.work_order ="
             " g.work_order AND v.action = g.stage AND g.confirmed_ms <= v.at_ms) AND EXISTS (SELECT 1 FROM work_event"
             " v WHERE v.work_order = g.work_order AND v.action = g.stage) FROM work_gate g WHERE work_order = ?1 ORDER"
             " BY position",
             "i", view->order);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "gate", sql_text(&rows, 0));
        view_both(out, "title", sql_text(&rows, 1), sql_text(&rows, 2));
        json_text(out, "before", sql_text(&rows, 3));
        json_bool(out, "written", sql_int(&rows, 4) != 0);
        json_bool(out, "must", sql_int(&rows, 5) != 0);
        json_bool(out, "another", sql_int(&rows, 6) != 0);
        json_bool(out, "manager", sql_int(&rows, 13) != 0);
        json_text(out, "after", sql_text(&rows, 14));
        json_bool(out, "missed", sql_int(&rows, 15) != 0);
        view_time(view, "at", &rows, 7);
        json_text(out, "by", sql_text(&rows, 8));
        json_text(out, "who", sql_text(&rows, 9));
        json_text(out, "how", sql_text(&rows, 10));
        json_text(out, "reference", sql_text(&rows, 11));
        json_text(out, "note", sql_text(&rows, 12));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

enum err view_overrides(struct view *view)
{
    struct sql_rows rows;

    json_key(view->out, "overrides");
    json_open_list(view->out);
    sql_find(view->sql, &rows,
             "SELECT need, code, note, who, at_ms FROM work_override WHERE work_order = ?1 ORDER BY at_ms, need", "i",
             view->order);
    while (sql_next(&rows)) {
        json_open_object(view->out);
        json_text(view->out, "need", sql_text(&rows, 0));
        json_text(view->out, "code", sql_text(&rows, 1));
        json_text(view->out, "note", sql_text(&rows, 2));
        json_text(view->out, "who", sql_text(&rows, 3));
        view_time(view, "at", &rows, 4);
        json_close_object(view->out);
    }
    json_close_list(view->out);
    return sql_end(&rows);
}

/* What is still open before each stage, in words. */
enum err view_open(struct view *view, struct rules *rules, const struct order *order)
{
    struct office office = {.arena = view->arena, .options = {.rules = rules}};
    enum err err = ERR_OK;

    json_key(view->out, "open");
    json_open_object(view->out);
    for (int stage = 0; !err && stage < JOB_STAGES; stage++) {
        TEXT(words, 800);

        err = gates_open(&office, view->sql, order, (enum job_stage)stage, &words);
        json_text(view->out, job_stage_names[stage], words.length > 0 ? words.at : NULL);
    }
    json_close_object(view->out);
    return err;
}

enum err view_tests(struct view *view)
{
    char verdict[8];
    enum err err;

    json_key(view->out, "tests");
    json_open_object(view->out);
    json_key(view->out, "before");
    err = tests_show(view->arena, view->sql, view->order, "before", view->zone, view->out, verdict);
    json_key(view->out, "after");
    if (!err) {
        err = tests_show(view->arena, view->sql, view->order, "after", view->zone, view->out, verdict);
    }
    json_close_object(view->out);
    return err;
}

enum err view_papers(struct view *view, struct rules *rules, const struct order *order)
{
    struct file_asked asked = {.sql = view->sql, .rules = rules, .zone = view->zone, .now_ms = order->created_ms};
    enum err err;

    asked.now_ms = sql_find_int(view->sql, asked.now_ms, "SELECT MAX(at_ms) FROM work_event WHERE work_order = ?1", "i", order->id);
    json_key(view->out, "papers");
    if (order->kind != JOB_INSTALLATION || !order->equipment) {
        json_put_null(view->out);
        return ERR_OK;
    }
    json_open_object(view->out);
    json_key(view->out, "documents");
    err = library_list(view->arena, view->sql, view->zone, order->equipment, zone_day(view->zone, asked.now_ms), false, NULL,
                       view->out);
    json_key(view->out, "missing");
    err = err ? err
              : library_missing(view->sql, file_plan(&asked, order->site), order->equipment, zone_day(view->zone, asked.now_ms),
                                view->out, NULL, NULL);
    json_close_object(view->out);
    return err;
}
