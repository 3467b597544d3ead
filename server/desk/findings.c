/* What an inspection or a visit finds: a step that was answered badly is a graded ticket (S0-13, S0-118). */
#include "server/desk/desk_int.h"

#include <string.h>

#define FINDINGS_MOST 100 /* of one action; the rest with the next */

struct finding {
    const char *step, *order, *component, *evidence;
    struct words2 title;
    int64_t equipment, site, failed_ms;
    int grade;
};

static const char *keep(struct office *office, const char *words)
{
    return words ? arena_text(office->arena, words, strlen(words)) : NULL;
}

static void put_evidence(const struct sql_rows *rows, struct json_out *out)
{
    json_open_object(out);
    json_text(out, "work_order", sql_text(rows, 3));
    json_text(out, "step", sql_text(rows, 0));
    json_raw(out, "value", sql_text(rows, 2));
    json_raw(out, "reading", sql_text(rows, 8));
    json_close_object(out);
}

static enum err take_row(struct office *office, const struct sql_rows *rows, struct finding *finding)
{
    struct json_out evidence = json_out(32 * 1024);
    const char *spec = keep(office, sql_text(rows, 1));
    const struct cJSON *fields = NULL;
    enum err err = spec ? json_parse(office->arena, spec, strlen(spec), &fields, NULL) : ERR_NOMEM;

    put_evidence(rows, &evidence);
    *finding = (struct finding){
        .step = keep(office, sql_text(rows, 0)),
        .order = keep(office, sql_text(rows, 3)),
        .component = json_text_or(fields, "component", NULL),
        .evidence = keep(office, evidence.bytes),
        .title = {json_text_or(fields, "title_en", NULL), json_text_or(fields, "title_zh", NULL)},
        .equipment = sql_int(rows, 4),
        .site = sql_int(rows, 5),
        .failed_ms = sql_int(rows, 6),
        .grade = (int)sql_int(rows, 7),
    };
    err = err ? err : evidence.err;
    json_out_free(&evidence);
    return err;
}

/* One open ticket a finding: the next visit that finds it again speaks of the same one. */
static enum err raise_one(struct office *office, struct sql *sql, int64_t work_order, const struct finding *finding,
                          int64_t now_ms)
{
    struct place place;
    struct ticket_new what = {
        .kind = "inspection",
        .grade = finding->grade,
        .onset_ms = finding->failed_ms,
        .detected_ms = finding->failed_ms,
        .title = finding->title,
        .domain = "hardware",
        .component = finding->component ? finding->component : "electrical",
        .evidence = finding->evidence,
        .who = "heliograph",
        .note = "a step of a work order was answered badly",
    };
    TEXT(key, 400);
    int64_t ticket;
    enum err err = place_find(office, sql, finding->equipment, finding->site, now_ms, &place);

    text_addf(&key, "finding:%lld:%lld:%s", (long long)finding->equipment, (long long)finding->site, finding->step);
    what.cause_key = key.at;
    ticket = ticket_of_cause(sql, key.at);
    if (!err && ticket) {
        err = ticket_line(sql, ticket, finding->failed_ms, now_ms, "heliograph", "found", NULL, finding->order,
                          finding->evidence);
    } else if (!err) {
        err = ticket_open(office, sql, &place, &what, now_ms, &ticket);
    }
    return err ? err
               : sql_run(sql, "UPDATE work_step SET ticket = ?3 WHERE work_order = ?1 AND step = ?2", "iti", work_order,
                         finding->step, ticket);
}

enum err findings_raise(struct office *office, struct sql *sql, int64_t work_order, int64_t now_ms)
{
    struct finding *findings = NULL;
    struct sql_rows rows;
    size_t count = 0;
    enum err err = ERR_OK, end;

    if (!sql_find_int(sql, 0,
                      "SELECT 1 FROM work_step WHERE work_order = ?1 AND failed_ms IS NOT NULL AND ticket IS NULL AND"
                      " grade IS NOT NULL LIMIT 1",
                      "i", work_order)) {
        return ERR_OK;
    }
    findings = arena_array(office->arena, FINDINGS_MOST, sizeof(*findings));
    if (!findings) {
        return ERR_NOMEM;
    }
    sql_find(sql, &rows,
             "SELECT s.step, s.spec, s.value, w.number, w.equipment, w.site, s.failed_ms, s.grade, s.reading FROM work_step"
             " s JOIN work_order w ON w.id = s.work_order WHERE s.work_order = ?1 AND s.failed_ms IS NOT NULL AND s.ticket"
             " IS NULL AND s.grade IS NOT NULL ORDER BY s.position LIMIT 100",
             "i", work_order);
    while (!err && count < FINDINGS_MOST && sql_next(&rows)) {
        err = take_row(office, &rows, &findings[count++]);
    }
    end = sql_end(&rows);
    err = err ? err : end;
    for (size_t i = 0; !err && i < count; i++) {
        err = raise_one(office, sql, work_order, &findings[i], now_ms);
    }
    return err;
}
