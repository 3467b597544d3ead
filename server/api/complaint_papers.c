/* What the papers of complaints, opinions, questionnaires and the service register are made of. */
#include <string.h>

#include "server/api/api_int.h"
#include "server/relation/complaint.h"
#include "server/relation/questionnaire.h"
#include "server/relation/register.h"

#define ROWS_MOST 2000 /* on one paper */

enum err papers_complaint(struct call *call, const char *id, struct json_out *out)
{
    int64_t complaint = complaint_find(call->sql, id);

    return complaint ? complaint_view(call->sql, complaint, call->zone, true, call->role, out) : ERR_NOT_FOUND;
}

enum err papers_questionnaire(struct call *call, const char *id, struct json_out *out)
{
    int64_t questionnaire;

    return text_to_int(id, strlen(id), &questionnaire) ? ERR_NOT_FOUND
                                                       : questionnaire_view(call->sql, questionnaire, call->zone, out);
}

/* A visit or a call by the number of its entry. */
enum err papers_entry(struct call *call, const char *id, struct json_out *out)
{
    int64_t entry;

    return text_to_int(id, strlen(id), &entry) || entry < 1 || entry > INT64_MAX / REGISTER_SOURCES - 1
               ? ERR_NOT_FOUND
               : register_view(call->sql, entry * REGISTER_SOURCES + 1, call->zone, out);
}

/* from, to of the request; false: a problem was written. */
static bool read_span(struct call *call, int32_t days, int64_t *ret_from_ms, int64_t *ret_to_ms, struct json_out *out)
{
    int32_t today = zone_day(call->zone, call->now_ms), from, to;
    char date[11];

    if (!call_day(call, "to", today, &to) || !call_day(call, "from", to - days, &from)) {
        return false;
    }
    *ret_from_ms = zone_instant(call->zone, from, 0);
    *ret_to_ms = zone_instant(call->zone, to + 1, 0);
    civil_write_date(from, date);
    json_text(out, "from", date);
    civil_write_date(to, date);
    json_text(out, "to", date);
    return true;
}

/* ------------------------------------------------------------------ the register */

/* `all`, or what the team (dealer) of that id keeps. */
enum err papers_register(struct call *call, const char *id, struct json_out *out)
{
    struct register_span span = {.limit = ROWS_MOST};
    int64_t *keys = arena_array(call->request->arena, ROWS_MOST, sizeof(*keys));
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (!keys) {
        return ERR_NOMEM;
    }
    span.kept_by = sql_find_int(call->sql, 0, "SELECT id FROM team WHERE name = ?1", "t", id);
    if (!span.kept_by && !text_same(id, "all")) {
        return ERR_NOT_FOUND;
    }
    json_open_object(out);
    json_text(out, "kept_by", id);
    if (!read_span(call, 30, &span.from_ms, &span.to_ms, out)) {
        return ERR_FORMAT;
    }
    register_list(call->sql, &span, &rows);
    while (count < ROWS_MOST && sql_next(&rows)) {
        keys[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    json_key(out, "items");
    json_open_list(out);
    for (size_t i = 0; !err && i < count; i++) {
        err = register_view(call->sql, keys[i], call->zone, out);
    }
    json_close_list(out);
    json_close_object(out);
    return err ? err : out->err;
}

/* ------------------------------------------------------------------ opinions */

/* S0-155: all that was said at a stand, or by any way in the span when the id is `all`; but no complaints. */
#define OPINIONS                                                                                                     \
    " FROM complaint c LEFT JOIN ticket r ON r.id = c.repair WHERE c.kind <> 'complaint' AND c.registered_ms >= ?1 AND" \
    " c.registered_ms < ?2 AND (?3 = 'all' OR c.campaign = ?3)"

static enum err put_natures(struct call *call, const char *id, int64_t from_ms, int64_t to_ms, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "natures");
    json_open_list(out);
    sql_find(call->sql, &rows,
             "SELECT COALESCE(c.nature, ''), c.kind, COUNT(*)" OPINIONS " GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 200", "iit",
             from_ms, to_ms, id);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_text(out, "nature", sql_text(&rows, 0));
        json_text(out, "kind", sql_text(&rows, 1));
        json_int(out, "count", sql_int(&rows, 2));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err put_opinions(struct call *call, const char *id, int64_t from_ms, int64_t to_ms, struct json_out *out)
{
    static const char *const names[] = {"number", "channel", "contact", "kind", "nature", "detail", "repair"};
    struct sql_rows rows;

    json_key(out, "items");
    json_open_list(out);
    sql_find(call->sql, &rows,
             "SELECT c.number, c.channel, c.contact, c.kind, c.nature, c.detail, r.number, c.registered_ms" OPINIONS
             " ORDER BY c.id LIMIT 2000",
             "iit", from_ms, to_ms, id);
    while (sql_next(&rows)) {
        TEXT(at, 48);

        zone_write(call->zone, sql_int(&rows, 7), &at);
        json_open_object(out);
        json_text(out, "at", at.at);
        for (int i = 0; i < 7; i++) {
            json_text(out, names[i], sql_null(&rows, i) ? NULL : sql_text(&rows, i));
        }
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

enum err papers_opinions(struct call *call, const char *id, struct json_out *out)
{
    int64_t from_ms, to_ms;
    enum err err;

    json_open_object(out);
    json_text(out, "campaign", id);
    if (!read_span(call, 365, &from_ms, &to_ms, out)) {
        return ERR_FORMAT;
    }
    json_int(out, "count", sql_find_int(call->sql, 0, "SELECT COUNT(*)" OPINIONS, "iit", from_ms, to_ms, id));
    json_int(out, "repairs", sql_find_int(call->sql, 0, "SELECT COUNT(r.id)" OPINIONS, "iit", from_ms, to_ms, id));
    err = put_natures(call, id, from_ms, to_ms, out);
    err = err ? err : put_opinions(call, id, from_ms, to_ms, out);
    json_close_object(out);
    return err ? err : out->err;
}
