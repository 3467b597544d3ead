/* Complaints as people see them: whole, and as the customer does. */
#include <string.h>

#include "models/base/zone.h"
#include "server/relation/complaint_int.h"
#include "server/store/cell.h"

static enum err put_clocks(struct sql *sql, int64_t id, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "clocks");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT kind, limit_text, origin, started_ms, warned_ms, breached_ms, met_ms, id FROM clock WHERE subject ="
             " 'complaint' AND subject_id = ?1 ORDER BY id",
             "i", id);
    while (sql_next(&rows)) {
        json_open_object(out);
        json_int(out, "duty", sql_int(&rows, 7));
        json_text(out, "kind", sql_text(&rows, 0));
        json_text(out, "limit", sql_text(&rows, 1));
        json_text(out, "origin", sql_text(&rows, 2));
        cell_time(out, "started_at", zone, &rows, 3);
        cell_time(out, "warned_at", zone, &rows, 4);
        cell_time(out, "breached_at", zone, &rows, 5);
        cell_time(out, "met_at", zone, &rows, 6);
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static enum err put_trail(struct sql *sql, int64_t id, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "trail");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT at_ms, who, action, action_id, note FROM complaint_event WHERE complaint = ?1 ORDER BY id LIMIT 1000", "i", id);
    while (sql_next(&rows)) {
        json_open_object(out);
        cell_time(out, "at", zone, &rows, 0);
        json_text(out, "who", sql_text(&rows, 1));
        json_text(out, "action", sql_text(&rows, 2));
        json_text(out, "id", sql_text(&rows, 3));
        json_text(out, "note", sql_text(&rows, 4));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

static void put_legal(struct json_out *out, enum complaint_state state, enum role role)
{
    TEXT(legal, 200);
    char *at = legal.at, *end;

    complaint_legal(state, role, &legal);
    json_key(out, "legal");
    json_open_list(out);
    while (*at && !text_same(legal.at, "nothing")) {
        end = strchr(at, ' ');
        if (end) {
            *end = '\0';
        }
        json_put_text(out, at);
        if (!end) {
            break;
        }
        at = end + 1;
    }
    json_close_list(out);
}

/* The columns of the statement below; what its customer sees is not `whole`. */
static const struct {
    const char *name;
    char as; /* t text, m instant, i number, b yes or no */
    bool whole;
} fields[] = {
    {"number", 't', false},
    {"kind", 't', false},
    {"state", 't', false},
    {"about", 't', false},
    {"ticket", 't', false},
    {"equipment", 't', false},
    {"detail", 't', false},
    {"registered_at", 'm', false},
    {"answer", 't', false},
    {"answered_at", 'm', false},
    {"accepted", 'b', false},
    {"opinion", 't', false},
    {"closed_at", 'm', false},
    {"outcome", 't', false},
    {"channel", 't', true},
    {"customer", 't', true},
    {"customer_name", 't', true},
    {"contact", 't', true},
    {"site", 't', true},
    {"work_order", 't', true},
    {"reference", 't', true},
    {"team", 't', true},
    {"technician", 't', true},
    {"campaign", 't', true},
    {"class", 't', true},
    {"nature", 't', true},
    {"severity", 't', true},
    {"plan", 't', true},
    {"level", 'i', true},
    {"department", 't', true},
    {"owner", 't', true},
    {"owner_name", 't', true},
    {"finding", 't', true},
    {"cause", 't', true},
    {"report", 't', true},
    {"improvement", 't', true},
    {"measure", 't', true},
    {"repair", 't', true},
    {"filed_by", 't', true},
    {"version", 'i', true},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static const char statement[] =
    "SELECT c.number, c.kind, c.state, c.about, t.number, e.name, c.detail, c.registered_ms, CASE WHEN c.state IN ('answered',"
    " 'closed') THEN c.answer ELSE NULL END, c.answered_ms, c.accepted, c.opinion, c.closed_ms, c.outcome, c.channel, u.name,"
    " u.title, c.contact, s.name, w.number, c.reference, m.name, p.name, c.campaign, c.category, c.nature, c.severity, c.plan,"
    " c.level, c.department, o.name, o.title, c.finding, c.cause, c.report, i.number, i.measure, r.number, c.filed_by, c.version"
    " FROM complaint c LEFT JOIN ticket t ON t.id = c.ticket LEFT JOIN equipment e ON e.id = c.equipment LEFT JOIN customer u ON"
    " u.id = c.customer LEFT JOIN site s ON s.id = c.site LEFT JOIN work_order w ON w.id = c.work_order LEFT JOIN team m ON m.id"
    " = c.team LEFT JOIN technician p ON p.id = c.technician LEFT JOIN technician o ON o.id = c.owner LEFT JOIN improvement i ON"
    " i.source = 'complaint' AND i.source_key = c.number LEFT JOIN ticket r ON r.id = c.repair WHERE c.id = ?1";

static void put_field(struct json_out *out, const struct zone *zone, const struct sql_rows *rows, int column)
{
    const char *name = fields[column].name;

    if (fields[column].as == 'm' || sql_null(rows, column)) {
        cell_time(out, name, zone, rows, column);
    } else if (fields[column].as == 'i') {
        json_int(out, name, sql_int(rows, column));
    } else if (fields[column].as == 'b') {
        json_bool(out, name, sql_int(rows, column) != 0);
    } else {
        json_text(out, name, sql_text(rows, column));
    }
}

enum err complaint_view(struct sql *sql, int64_t id, const struct zone *zone, bool whole, enum role role, struct json_out *out)
{
    enum complaint_state state = COMPLAINT_CLOSED;
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows, statement, "i", id);
    found = sql_next(&rows);
    if (found) {
        state = (enum complaint_state)complaint_word(complaint_state_names, sql_text(&rows, 2));
        json_open_object(out);
        for (int i = 0; i < (int)FIELDS; i++) {
            if (whole || !fields[i].whole) {
                put_field(out, zone, &rows, i);
            }
        }
    }
    err = sql_end(&rows);
    if (err || !found) {
        return err ? err : ERR_NOT_FOUND;
    }
    if (whole) {
        err = put_clocks(sql, id, zone, out);
        err = err ? err : put_trail(sql, id, zone, out);
        put_legal(out, state, role);
    }
    json_close_object(out);
    return err ? err : out->err;
}
