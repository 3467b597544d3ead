/* Tickets by people: phone, web, e-mail; merged with an open ticket of the same cause. */
#include "server/desk/desk_int.h"

#include <string.h>

#include "server/fleet/numbers.h"

static const char *const kinds[] = {"fault", "consultation", "complaint", "inspection", "prediction",
                                    "communication", NULL};

static bool is_kind(const char *kind)
{
    for (int i = 0; kinds[i]; i++) {
        if (strcmp(kinds[i], kind) == 0) {
            return true;
        }
    }
    return false;
}

/* The open ticket this report belongs to: of the same fault, else (a fault without a name) the most
 * severe open fault of that equipment. */
static int64_t find_open(struct sql *sql, const struct place *place, const char *kind,
                         const char *fault)
{
    if (!place->equipment || strcmp(kind, "fault") != 0) {
        return 0;
    }
    return sql_find_int(sql, 0,
                        "SELECT id FROM ticket WHERE equipment = ?1 AND closed_ms IS NULL AND kind ="
                        " 'fault' AND (?2 IS NULL OR fault = ?2) ORDER BY grade, id LIMIT 1",
                        "it", place->equipment, fault);
}

static enum err number_of(struct sql *sql, int64_t ticket, char number[32])
{
    struct sql_rows rows;
    enum err err = ERR_NOT_FOUND;

    sql_find(sql, &rows, "SELECT number FROM ticket WHERE id = ?1", "i", ticket);
    if (sql_next(&rows)) {
        err = text_copy(number, 32, sql_text(&rows, 0));
    }
    enum err end = sql_end(&rows);

    return err ? err : end;
}

static enum err open_new(struct desk *desk, struct sql *sql, const struct place *place,
                         const struct desk_action *action, const char *kind, const char *fault,
                         int64_t now_ms, int64_t *ret_ticket)
{
    int64_t at_ms = action->at_ms && action->at_ms < now_ms ? action->at_ms : now_ms;
    int64_t grade = json_int_or(action->body, "grade", 3);
    int index = fault && place->profile ? profile_fault(place->profile, fault) : -1;
    const char *title = json_text_or(action->body, "title", NULL);
    char unique[17];
    TEXT(key, 256);
    struct ticket_new what = {
        .cause_key = key.at,
        .kind = kind,
        .fault = fault,
        .grade = grade >= 1 && grade <= 3 ? (int)grade : 3,
        .onset_ms = at_ms,
        .detected_ms = at_ms,
        .rule = index >= 0 ? &place->profile->faults[index] : NULL,
        .domain = "hardware",
        .component = json_text_or(action->body, "component", NULL),
        .who = action->who,
        .note = action->note,
        .action_id = action->action_id,
    };

    numbers_secret(unique, 16);
    if (fault && place->name) {
        text_addf(&key, "fault:%s:%s", place->name, fault);
    } else {
        text_addf(&key, "report:%s:%s", kind, unique);
    }
    what.title = title ? (struct words2){title, title}
                 : what.rule ? what.rule->title
                             : (struct words2){fault ? fault : kind, fault ? fault : kind};
    if (what.rule && !json_field(action->body, "grade")) {
        what.grade = what.rule->grade;
    }
    return ticket_open(desk, sql, place, &what, now_ms, ret_ticket);
}

enum err desk_report(struct desk *desk, struct sql *sql, const struct desk_action *action,
                     int64_t now_ms, char number[32], bool *ret_merged, struct text *why)
{
    const char *name = json_text_or(action->body, "equipment", NULL);
    const char *site = json_text_or(action->body, "site", NULL);
    const char *kind = json_text_or(action->body, "kind", "fault");
    const char *fault = json_text_or(action->body, "fault", NULL);
    int64_t equipment = 0, place_site = 0, ticket;
    struct place place;
    enum err err;

    arena_reset(desk->arena);
    if (!is_kind(kind)) {
        return text_say(why, ERR_FORMAT, "kind: expected fault, consultation or complaint, found '%.40s'", kind);
    }
    if (name) {
        equipment = sql_find_int(sql, 0, "SELECT id FROM equipment WHERE name = ?1", "t", name);
        if (!equipment) {
            return text_say(why, ERR_FORMAT, "equipment: there is none called '%.64s'", name);
        }
    }
    if (site) {
        place_site = sql_find_int(sql, 0, "SELECT id FROM site WHERE name = ?1", "t", site);
        if (!place_site) {
            return text_say(why, ERR_FORMAT, "site: there is none called '%.64s'", site);
        }
    }
    err = place_find(desk, sql, equipment, place_site, now_ms, &place);
    if (err) {
        return err;
    }
    ticket = find_open(sql, &place, kind, fault);
    *ret_merged = ticket != 0;
    if (ticket) {
        struct json_out data = json_out(64 * 1024);

        json_put_value(&data, action->body);
        err = ticket_line(sql, ticket, now_ms, now_ms, action->who, "report", action->action_id,
                          action->note, data.err ? NULL : data.bytes);
        err = err == ERR_EXISTS ? ERR_OK : err;
        json_out_free(&data);
        if (!err) {
            err = ticket_changed(sql, ticket, now_ms);
        }
    } else {
        err = open_new(desk, sql, &place, action, kind, fault, now_ms, &ticket);
    }
    return err ? err : number_of(sql, ticket, number);
}
