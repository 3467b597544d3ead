/* Work orders that people ask for. */
#include "server/field/appointment.h"
#include "server/field/work_int.h"

#include <string.h>

#include "server/alarm/alarm.h"

struct asked {
    struct office *office;
    struct sql *sql;
    const struct cJSON *body;
    int64_t now_ms;
    struct text *why;
    struct work_new what;
    struct place place;
};

/* The row of a name that the body gives; 0 when it gives none. ERR_FORMAT: there is none of that name. */
static enum err look_up(struct asked *asked, const char *field, const char *name, int64_t row, int64_t *ret_row)
{
    *ret_row = row;
    return !name || row ? ERR_OK
                        : text_say(asked->why, ERR_FORMAT, "%s: there is none called '%.64s'", field, name);
}

static enum err read_names(struct asked *asked)
{
    struct sql *sql = asked->sql;
    struct work_new *what = &asked->what;
    const char *ticket = json_text_or(asked->body, "ticket", NULL), *site = json_text_or(asked->body, "site", NULL);
    const char *equipment = json_text_or(asked->body, "equipment", NULL);
    const char *team = json_text_or(asked->body, "team", NULL);
    const char *technician = json_text_or(asked->body, "technician", NULL);
    const char *parent = json_text_or(asked->body, "parent", NULL);
    enum err err =
        look_up(asked, "ticket", ticket,
                sql_find_int(sql, 0, "SELECT id FROM ticket WHERE number = ?1 AND closed_ms IS NULL", "t", ticket),
                &what->ticket);

    if (!err) {
        err = look_up(asked, "equipment", equipment,
                      sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", equipment),
                      &what->equipment);
    }
    if (!err) {
        err = look_up(asked, "site", site, sql_find_int(sql, 0, "SELECT id FROM site WHERE name = ?1", "t", site),
                      &what->site);
    }
    if (!err) {
        err = look_up(asked, "team", team, sql_find_int(sql, 0, "SELECT id FROM team WHERE name = ?1", "t", team),
                      &what->team);
    }
    if (!err) {
        err = look_up(asked, "technician", technician,
                      sql_find_int(sql, 0, "SELECT id FROM technician WHERE name = ?1", "t", technician),
                      &what->technician);
    }
    return err ? err
               : look_up(asked, "parent", parent,
                         sql_find_int(sql, 0, "SELECT id FROM work_order WHERE number = ?1", "t", parent),
                         &what->parent);
}

/* What the ticket, or the order that took a unit off, says of where it is. */
static void inherit(struct asked *asked)
{
    struct work_new *what = &asked->what;

    if (what->ticket && !what->equipment) {
        what->equipment =
            sql_find_int(asked->sql, 0, "SELECT equipment FROM ticket WHERE id = ?1", "i", what->ticket);
    }
    if (what->ticket && !what->site) {
        what->site = sql_find_int(asked->sql, 0, "SELECT site FROM ticket WHERE id = ?1", "i", what->ticket);
    }
    if (what->parent && !what->equipment) {
        what->equipment =
            sql_find_int(asked->sql, 0, "SELECT equipment FROM work_order WHERE id = ?1", "i", what->parent);
    }
    if (!what->team && what->technician) {
        what->team = sql_find_int(asked->sql, 0, "SELECT team FROM technician WHERE id = ?1", "i", what->technician);
    }
}

static enum err read_kind(struct asked *asked)
{
    const char *kind = json_text_or(asked->body, "kind", NULL), *urgency = json_text_or(asked->body, "urgency", NULL);
    bool emergency = text_same(kind, "emergency_repair");
    int known = emergency ? JOB_CORRECTIVE : job_kind_read(kind);
    TEXT(kinds, 200);

    for (int i = 0; job_kind_names[i]; i++) {
        text_addf(&kinds, "%s ", job_kind_names[i]);
    }
    if (known < 0) {
        return text_say(asked->why, ERR_FORMAT, "kind: expected one of %semergency_repair, found '%.40s'", kinds.at,
                        kind ? kind : "");
    }
    if (urgency && strcmp(urgency, "normal") != 0 && strcmp(urgency, "emergency") != 0) {
        return text_say(asked->why, ERR_FORMAT, "urgency: expected normal or emergency, found '%.40s'", urgency);
    }
    asked->what.kind = (enum job_kind)known;
    asked->what.urgency = emergency ? "emergency" : urgency;
    return ERR_OK;
}

static enum err read_job(struct asked *asked)
{
    const char *id = json_text_or(asked->body, "job", NULL);

    asked->what.job = rules_job(asked->office->options.rules, id);
    if (id && !asked->what.job) {
        return text_say(asked->why, ERR_FORMAT, "job: there is no job plan called '%.64s'", id);
    }
    if (id && asked->what.job->kind != asked->what.kind) {
        return text_say(asked->why, ERR_FORMAT, "job: expected a plan for %s, found one for %s",
                        job_kind_names[asked->what.kind], job_kind_names[asked->what.job->kind]);
    }
    return ERR_OK;
}

static enum err read_appointment(struct asked *asked)
{
    struct work_new *what = &asked->what;
    struct appointment made = {0};
    enum err err = appointment_read(asked->body, &made, asked->why);

    what->from_ms = made.from_ms;
    what->to_ms = made.to_ms;
    what->agreed_by = made.agreed_by;
    what->title = json_text_or(asked->body, "title", json_text_or(asked->body, "note", NULL));
    what->serial = json_text_or(asked->body, "serial", NULL);
    return err;
}

/* What one kind needs and others do not. */
static enum err check_kind(struct asked *asked)
{
    const struct work_new *what = &asked->what;

    if (what->kind == JOB_CORRECTIVE && !what->ticket) {
        return text_say(asked->why, ERR_FORMAT, "a corrective order needs the ticket it is for");
    }
    if (what->kind == JOB_DEPOT_REPAIR && (!what->parent || !what->serial || !what->serial[0])) {
        return text_say(asked->why, ERR_FORMAT,
                        "a depot_repair needs parent (the order that took the unit off) and serial");
    }
    if (what->kind == JOB_PLANNED_CHANGE && !what->from_ms) {
        return text_say(asked->why, ERR_FORMAT, "a planned_change needs an appointment: it is at the customer's time");
    }
    if (!what->equipment && !what->site && what->kind != JOB_DEPOT_REPAIR) {
        return text_say(asked->why, ERR_FORMAT, "expected equipment, site or ticket: where the work is");
    }
    return ERR_OK;
}

/* The fault that the ticket is for tells which job plan and which parts. */
static enum err find_fault(struct asked *asked)
{
    struct sql_rows rows;

    if (!asked->what.ticket || !asked->place.profile) {
        return ERR_OK;
    }
    sql_find(asked->sql, &rows, "SELECT fault FROM ticket WHERE id = ?1", "i", asked->what.ticket);
    if (sql_next(&rows) && sql_text(&rows, 0)) {
        int index = profile_fault(asked->place.profile, sql_text(&rows, 0));

        asked->what.rule = index < 0 ? NULL : &asked->place.profile->faults[index];
    }
    return sql_end(&rows);
}

static enum err find_place(struct asked *asked)
{
    struct work_new *what = &asked->what;
    TEXT(why, 300);
    enum err err =
        place_find(asked->office, asked->sql, what->equipment, what->site, asked->now_ms, &asked->place);

    if (err) {
        return err;
    }
    what->site = what->site ? what->site : asked->place.site;
    what->profile = asked->place.profile;
    if (!what->team) {
        what->team = dispatch_team(asked->office, asked->sql, &asked->place, 0, NULL, asked->now_ms, &why);
    }
    return find_fault(asked);
}

static enum err read_all(struct asked *asked)
{
    enum err err = read_kind(asked);

    err = err ? err : read_names(asked);
    err = err ? err : read_job(asked);
    err = err ? err : read_appointment(asked);
    if (!err) {
        inherit(asked);
        err = check_kind(asked);
    }
    return err ? err : find_place(asked);
}

/* S0-119: planned work waits for the end of a guard period; what is urgent, and what a fault or a unit in the depot
 * needs, does not. */
static enum err judge_guard(struct asked *asked)
{
    const struct work_new *what = &asked->what;
    bool planned = what->kind == JOB_PREVENTIVE || what->kind == JOB_INSPECTION || what->kind == JOB_INSTALLATION ||
                   what->kind == JOB_PLANNED_CHANGE;
    int64_t from_ms = what->from_ms ? what->from_ms : asked->now_ms;
    struct window_seen guard;
    bool found = false;
    enum err err = planned && !text_same(what->urgency, "emergency")
                       ? window_find(asked->sql, what->equipment, what->site, "guard", from_ms,
                                     what->from_ms ? what->to_ms : from_ms, &found, &guard)
                       : ERR_OK;

    return err || !found ? err
                         : text_say(asked->why, ERR_STATE,
                                    "guard period %s stands over it then (%s). Legal: an appointment outside of it, or"
                                    " urgency emergency",
                                    guard.name, guard.reason);
}

enum err work_ask(struct office *office, struct sql *sql, const struct action *action, int64_t now_ms,
                  int64_t *ret_id, struct text *why)
{
    struct asked asked = {.office = office, .sql = sql, .body = action->body, .now_ms = now_ms, .why = why};
    struct work_new *what = &asked.what;
    enum err err;

    arena_reset(office->arena);
    *ret_id = sql_find_int(sql, 0, "SELECT id FROM work_order WHERE client_id = ?1", "t", action->action_id);
    if (action->action_id && *ret_id) {
        return ERR_OK;
    }
    what->client_id = action->action_id;
    err = read_all(&asked);
    if (!err) {
        err = judge_guard(&asked);
    }
    if (!err && what->kind == JOB_CORRECTIVE &&
        sql_find_int(sql, 0,
                     "SELECT 1 FROM work_order WHERE ticket = ?1 AND kind = 'corrective' AND state NOT IN ('done',"
                     " 'verified', 'closed', 'cancelled')",
                     "i", what->ticket)) {
        return text_say(why, ERR_STATE, "an order of the ticket is open. Legal: actions on that one");
    }
    if (!err) {
        err = work_create(office, sql, what, now_ms, ret_id);
    }
    if (!err) {
        err = work_window_open(sql, *ret_id, action->who, now_ms, why);
    }
    if (!err) {
        err = work_line(sql, *ret_id, now_ms, now_ms, action->who, "create", NULL, action->note, NULL);
    }
    return err ? err : work_changed(sql, *ret_id, now_ms);
}
