/* Inspections, reports and proposals as the API shows them. */
#include <string.h>

#include "models/base/zone.h"
#include "server/inspection/inspection_int.h"

static const char *keep(struct arena *arena, const char *words)
{
    return words ? arena_text(arena, words, strlen(words)) : NULL;
}

static void put_time(struct json_out *out, const struct zone *zone, const char *name, int64_t ms)
{
    TEXT(words, 48);

    if (ms > 0) {
        zone_write(zone, ms, &words);
    }
    json_text(out, name, ms > 0 ? words.at : NULL);
}

int64_t inspection_find(struct sql *sql, const char *number)
{
    return sql_find_int(sql, -1, "SELECT id FROM inspection WHERE number = ?1", "t", number);
}

/* ------------------------------------------------------------------ lines */

struct counts {
    int64_t lines, pass, fail, unknown, better, worse, findings, unasked;
};

static enum check_verdict verdict_of(const char *words)
{
    return text_same(words, "pass") ? CHECK_PASS : text_same(words, "fail") ? CHECK_FAIL : CHECK_UNKNOWN;
}

static const struct cJSON *parse(struct arena *arena, const char *words)
{
    const struct cJSON *value = NULL;

    return words && !json_parse(arena, words, strlen(words), &value, NULL) ? value : NULL;
}

static void copy_field(struct json_out *out, const struct cJSON *from, const char *name)
{
    const struct cJSON *value = json_field(from, name);

    json_key(out, name);
    if (value) {
        json_put_value(out, value);
    } else {
        json_put_null(out);
    }
}

/* Better, worse or the same; NULL: the one before had no such line. */
static const char *change_of(const struct sql_rows *rows, const struct cJSON *spec, enum check_verdict now)
{
    const struct cJSON *limit = json_first(json_field(spec, "limit"));
    struct check_line line = {.least = 0};

    (void)!json_as_number(limit, &line.least);
    (void)!json_as_number(limit ? json_next(limit) : NULL, &line.most);
    return sql_null(rows, 13) ? NULL
                              : check_change_names[check_compare(&line, verdict_of(sql_text(rows, 13)), sql_real(rows, 14),
                                                                 now, sql_real(rows, 3))];
}

static void put_ends(struct json_out *out, const struct sql_rows *rows, const struct zone *zone)
{
    json_text(out, "answered", sql_text(rows, 6));
    json_text(out, "who", sql_text(rows, 7));
    put_time(out, zone, "at", sql_int(rows, 8));
    json_text(out, "note", sql_text(rows, 9));
    json_text(out, "ticket", sql_text(rows, 10));
    put_time(out, zone, "accepted_at", sql_int(rows, 11));
    json_text(out, "accepted_note", sql_text(rows, 12));
}

static void put_line(struct arena *arena, const struct sql_rows *rows, const struct zone *zone, struct json_out *out,
                     struct counts *counts)
{
    const struct cJSON *spec = parse(arena, sql_text(rows, 1));
    enum check_verdict verdict = verdict_of(sql_text(rows, 2));
    const char *change = change_of(rows, spec, verdict);
    bool open = verdict == CHECK_FAIL && sql_null(rows, 11) && !sql_null(rows, 10) && sql_null(rows, 15);

    counts->lines++;
    counts->pass += verdict == CHECK_PASS;
    counts->fail += verdict == CHECK_FAIL;
    counts->unknown += verdict == CHECK_UNKNOWN;
    counts->better += text_same(change, "better");
    counts->worse += text_same(change, "worse");
    counts->findings += open;
    counts->unasked += sql_null(rows, 6) && json_field(spec, "ask");
    json_open_object(out);
    json_text(out, "id", sql_text(rows, 0));
    copy_field(out, spec, "title");
    json_text(out, "verdict", check_verdict_names[verdict]);
    json_text(out, "light", check_light_names[check_light(verdict, (int)sql_int(rows, 5))]);
    json_text(out, "change", change);
    json_key(out, "reading");
    if (sql_null(rows, 3)) {
        json_put_null(out);
    } else {
        json_put_number(out, sql_real(rows, 3));
    }
    copy_field(out, spec, "unit");
    copy_field(out, spec, "limit");
    json_text(out, "look", json_text_or(spec, "look", ""));
    json_raw(out, "evidence", sql_text(rows, 4));
    if (!sql_null(rows, 5)) {
        json_int(out, "grade", sql_int(rows, 5));
    }
    if (json_field(spec, "ask")) {
        copy_field(out, spec, "ask");
    }
    if (verdict == CHECK_FAIL) {
        copy_field(out, spec, "advice");
    }
    put_ends(out, rows, zone);
    json_close_object(out);
}

static enum err put_lines(struct arena *arena, struct sql *sql, const struct zone *zone, int64_t inspection, bool done,
                          struct json_out *out)
{
    struct counts counts = {0};
    struct sql_rows rows;
    enum err err;

    json_key(out, "lines");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT l.line, l.spec, l.verdict, l.value, l.evidence, l.grade, l.answered, l.who, l.at_ms, l.note, t.number,"
             " l.accepted_ms, l.accepted_note, b.verdict, b.value, t.closed_ms FROM inspection_line l JOIN inspection i ON i.id ="
             " l.inspection LEFT JOIN inspection_line b ON b.inspection = i.previous AND b.line = l.line LEFT JOIN ticket t ON"
             " t.id = l.ticket WHERE l.inspection = ?1 ORDER BY l.position",
             "i", inspection);
    while (sql_next(&rows)) {
        put_line(arena, &rows, zone, out, &counts);
    }
    err = sql_end(&rows);
    json_close_list(out);
    json_key(out, "summary");
    json_open_object(out);
    json_int(out, "lines", counts.lines);
    json_int(out, "pass", counts.pass);
    json_int(out, "fail", counts.fail);
    json_int(out, "unknown", counts.unknown);
    json_int(out, "better", counts.better);
    json_int(out, "worse", counts.worse);
    json_int(out, "to_ask", counts.unasked);
    json_close_object(out);
    json_int(out, "open_findings", counts.findings); /* S0-13: closed when all its tickets are, or accepted */
    json_bool(out, "closed", done && counts.lines > 0 && counts.findings == 0);
    return err;
}

enum err inspection_show_lines(struct arena *arena, struct sql *sql, const struct zone *zone, int64_t inspection,
                               struct json_out *out)
{
    struct sql_rows rows;
    char day[11] = "";
    bool done = false;
    enum err err;

    sql_find(sql, &rows,
             "SELECT i.way, i.period_day, i.checklist, i.checklist_version, i.checklist_hash, i.result, i.spoke_with, i.done_by,"
             " i.judged_ms, b.number, i.version, i.state FROM inspection i LEFT JOIN inspection b ON b.id = i.previous WHERE i.id"
             " = ?1",
             "i", inspection);
    if (sql_next(&rows)) {
        json_text(out, "way", sql_text(&rows, 0));
        if (!sql_null(&rows, 1)) {
            civil_write_date((int32_t)sql_int(&rows, 1), day);
        }
        json_text(out, "period", day[0] ? day : NULL);
        json_key(out, "checklist");
        json_open_object(out);
        json_text(out, "id", sql_text(&rows, 2));
        json_int(out, "version", sql_int(&rows, 3));
        json_text(out, "hash", sql_text(&rows, 4));
        json_close_object(out);
        json_text(out, "result", sql_text(&rows, 5));
        json_text(out, "spoke_with", sql_text(&rows, 6));
        json_text(out, "done_by", sql_text(&rows, 7));
        put_time(out, zone, "judged_at", sql_int(&rows, 8));
        json_text(out, "previous", sql_text(&rows, 9));
        json_int(out, "version", sql_int(&rows, 10));
        done = text_same(sql_text(&rows, 11), "done");
    }
    err = sql_end(&rows);
    return err ? err : put_lines(arena, sql, zone, inspection, done, out);
}

/* ------------------------------------------------------------------ the report */

static enum err put_readers(struct sql *sql, const struct zone *zone, int64_t inspection, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "distribution");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT r.role, r.name, r.target, r.state, r.sent_ms, o.receipt, o.receipt_ms, o.why FROM inspection_reader r LEFT"
             " JOIN outbox o ON o.key = r.key WHERE r.inspection = ?1 ORDER BY r.position",
             "i", inspection);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "role", sql_text(&rows, 0));
        json_text(out, "name", sql_text(&rows, 1));
        json_text(out, "to", sql_text(&rows, 2));
        json_text(out, "state", sql_text(&rows, 3));
        put_time(out, zone, "sent_at", sql_int(&rows, 4));
        json_text(out, "receipt", sql_text(&rows, 5));
        put_time(out, zone, "receipt_at", sql_int(&rows, 6));
        json_text(out, "why", sql_text(&rows, 7));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err put_approvals(struct sql *sql, const struct zone *zone, int64_t inspection, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "approvals");
    json_open_list(out);
    sql_find(sql, &rows, "SELECT who, at_ms, note FROM inspection_approval WHERE inspection = ?1 ORDER BY at_ms, who", "i",
             inspection);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "who", sql_text(&rows, 0));
        put_time(out, zone, "at", sql_int(&rows, 1));
        json_text(out, "note", sql_text(&rows, 2));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

enum err inspection_show_report(struct arena *arena, struct sql *sql, const struct zone *zone, int64_t inspection,
                                struct json_out *out)
{
    const struct cJSON *body = NULL;
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows, "SELECT body, drafted_ms, delivered_ms, approvals, approved_ms FROM inspection_report WHERE inspection = ?1",
             "i", inspection);
    json_open_object(out);
    if (sql_next(&rows)) {
        body = parse(arena, keep(arena, sql_text(&rows, 0)));
        for (const struct cJSON *item = json_first(body); item; item = json_next(item)) {
            json_key(out, json_name(item));
            json_put_value(out, item);
        }
        put_time(out, zone, "drafted_at", sql_int(&rows, 1));
        put_time(out, zone, "delivered_at", sql_int(&rows, 2));
        json_int(out, "approvals_needed", sql_int(&rows, 3));
        put_time(out, zone, "approved_at", sql_int(&rows, 4));
    }
    err = sql_end(&rows);
    err = err || !body ? err : put_approvals(sql, zone, inspection, out);
    err = err ? err : !body ? ERR_NOT_FOUND : put_readers(sql, zone, inspection, out);
    json_close_object(out);
    return err ? err : out->err;
}

/* ------------------------------------------------------------------ proposals */

static void put_two(struct json_out *out, const char *name, const char *en, const char *zh)
{
    json_key(out, name);
    json_open_object(out);
    json_text(out, "en", en);
    json_text(out, "zh", zh);
    json_close_object(out);
}

enum err proposal_show(struct sql *sql, const struct zone *zone, int64_t proposal, struct json_out *out)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT p.id, e.name, p.rule, p.component, p.kind, p.title_en, p.title_zh, p.reason_en, p.reason_zh, p.evidence,"
             " i.number, p.state, p.made_ms, p.decided_ms, p.decided_by, p.note, p.version, s.name FROM proposal p JOIN"
             " equipment e ON e.id = p.equipment LEFT JOIN inspection i ON i.id = p.inspection LEFT JOIN site s ON s.id = e.site"
             " WHERE p.id = ?1",
             "i", proposal);
    found = sql_next(&rows);
    if (found) {
        json_open_object(out);
        json_int(out, "id", sql_int(&rows, 0));
        json_text(out, "equipment", sql_text(&rows, 1));
        json_text(out, "site", sql_text(&rows, 17));
        json_text(out, "rule", sql_text(&rows, 2));
        json_text(out, "component", sql_text(&rows, 3));
        json_text(out, "kind", sql_text(&rows, 4));
        put_two(out, "title", sql_text(&rows, 5), sql_text(&rows, 6));
        put_two(out, "reason", sql_text(&rows, 7), sql_text(&rows, 8));
        json_raw(out, "evidence", sql_text(&rows, 9));
        json_text(out, "inspection", sql_text(&rows, 10));
        json_text(out, "state", sql_text(&rows, 11));
        put_time(out, zone, "made_at", sql_int(&rows, 12));
        put_time(out, zone, "decided_at", sql_int(&rows, 13));
        json_text(out, "decided_by", sql_text(&rows, 14));
        json_text(out, "note", sql_text(&rows, 15));
        json_int(out, "version", sql_int(&rows, 16));
        json_close_object(out);
    }
    err = sql_end(&rows);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}
