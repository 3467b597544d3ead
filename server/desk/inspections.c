/* Inspections' turn: what failed becomes a graded ticket, one a cause, before the report is drafted (S0-13). */
#include <string.h>

#include "server/desk/desk_int.h"
#include "server/inspection/inspection.h"

#define SLICE 100

struct failed {
    int64_t inspection, equipment, at_ms;
    const char *line, *spec, *evidence, *number;
    double value;
    int grade;
};

static const char *keep(struct office *office, const char *words)
{
    return words ? arena_text(office->arena, words, strlen(words)) : NULL;
}

static void put_evidence(const struct failed *failed, const struct cJSON *spec, struct json_out *out)
{
    json_open_object(out);
    json_text(out, "inspection", failed->number);
    json_text(out, "line", failed->line);
    json_number(out, "reading", failed->value);
    json_key(out, "limit");
    json_put_value(out, json_field(spec, "limit"));
    json_raw(out, "found", failed->evidence);
    json_close_object(out);
}

/* One open ticket a line and piece of equipment: the next month that finds it again speaks of the same one. */
static enum err raise_one(struct office *office, struct sql *sql, const struct failed *failed, int64_t now_ms)
{
    const struct cJSON *spec = NULL, *title;
    struct json_out evidence = json_out(64 * 1024);
    struct ticket_new what = {
        .kind = "inspection",
        .grade = failed->grade,
        .onset_ms = failed->at_ms,
        .detected_ms = failed->at_ms,
        .domain = "hardware",
        .component = "electrical",
        .who = "heliograph",
        .note = "a line of an inspection failed",
    };
    struct place place;
    TEXT(key, 200);
    int64_t ticket;
    enum err err = place_find(office, sql, failed->equipment, 0, now_ms, &place);

    err = err ? err : json_parse(office->arena, failed->spec, strlen(failed->spec), &spec, NULL);
    title = json_field(spec, "title");
    what.title = (struct words2){json_text_or(title, "en", NULL), json_text_or(title, "zh", NULL)};
    put_evidence(failed, spec, &evidence);
    what.evidence = evidence.bytes;
    text_addf(&key, "inspection:%lld:%s", (long long)failed->equipment, failed->line);
    what.cause_key = key.at;
    ticket = ticket_of_cause(sql, key.at);
    err = err ? err : evidence.err;
    if (!err && ticket) {
        err = ticket_line(sql, ticket, failed->at_ms, now_ms, "heliograph", "found", NULL, failed->number, evidence.bytes);
    } else if (!err) {
        err = ticket_open(office, sql, &place, &what, now_ms, &ticket);
    }
    json_out_free(&evidence);
    return err ? err
               : sql_run(sql, "UPDATE inspection_line SET ticket = ?3 WHERE inspection = ?1 AND line = ?2", "iti",
                         failed->inspection, failed->line, ticket);
}

static enum err raise_some(struct office *office, struct sql *sql, int64_t now_ms, bool *ret_more)
{
    struct failed *failed;
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    arena_reset(office->arena);
    failed = arena_array(office->arena, SLICE, sizeof(*failed));
    if (!failed) {
        return ERR_NOMEM;
    }
    sql_find(sql, &rows,
             "SELECT l.inspection, i.equipment, l.at_ms, l.line, l.spec, l.evidence, i.number, l.value, l.grade FROM"
             " inspection_line l JOIN inspection i ON i.id = l.inspection WHERE l.verdict = 'fail' AND l.grade IS NOT NULL AND"
             " l.ticket IS NULL ORDER BY l.at_ms, l.inspection, l.position LIMIT 100",
             "");
    while (count < SLICE && sql_next(&rows)) {
        failed[count++] = (struct failed){
            .inspection = sql_int(&rows, 0),
            .equipment = sql_int(&rows, 1),
            .at_ms = sql_int(&rows, 2),
            .line = keep(office, sql_text(&rows, 3)),
            .spec = keep(office, sql_text(&rows, 4)),
            .evidence = keep(office, sql_text(&rows, 5)),
            .number = keep(office, sql_text(&rows, 6)),
            .value = sql_real(&rows, 7),
            .grade = (int)sql_int(&rows, 8),
        };
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = raise_one(office, sql, &failed[i], now_ms);
    }
    *ret_more = count == SLICE;
    return err;
}

enum err inspections_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    bool more = false;
    enum err err = inspection_turn(office, sql, now_ms);

    err = err ? err : raise_some(office, sql, now_ms, &more);
    return err || more ? err : inspection_reports(office, sql, now_ms); /* they wait until all that failed has its ticket */
}

/* Somebody has looked at the equipment on site, on a visit or to inspect it (S0-118). */
enum err inspection_on_site(struct sql *sql, int64_t work_order)
{
    int64_t at_ms = sql_find_int(sql, 0,
                                 "SELECT MAX(v.at_ms) FROM work_order w JOIN work_event v ON v.work_order = w.id AND v.action ="
                                 " 'finish' WHERE w.id = ?1 AND w.kind IN ('inspection', 'preventive') AND w.equipment IS NOT"
                                 " NULL AND w.state IN ('done', 'verified', 'closed')",
                                 "i", work_order);

    return at_ms ? duty_stop(sql, "equipment",
                             sql_find_int(sql, 0, "SELECT equipment FROM work_order WHERE id = ?1", "i", work_order),
                             plan_duty_names[PLAN_DUTY_ONSITE], at_ms)
                 : ERR_OK;
}

enum err desk_inspection_action(struct desk *desk, struct sql *sql, int64_t inspection, const struct action *action,
                                int64_t now_ms, struct text *why)
{
    bool more = false;
    enum err err = inspection_act(&desk->office, sql, inspection, action, now_ms, why);

    err = err ? err : raise_some(&desk->office, sql, now_ms, &more);
    desk->duties_judge_ms = 0; /* the month's may be met now */
    return err || more ? err : inspection_reports(&desk->office, sql, now_ms);
}
