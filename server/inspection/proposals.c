/* What inspections propose: each once, until the customer has decided. */
#include <string.h>

#include "server/inspection/inspection_int.h"

#define AGAIN_MS     (365LL * 86400000) /* what was declined or done is not proposed again before */
#define YEAR_DAYS    365.2425
#define CLASSES_MOST 32

struct proposing {
    struct office *office;
    struct sql *sql;
    const struct place *place;
    int64_t inspection, now_ms;
};

static int32_t first_day(const struct place *place)
{
    const struct warranty_dates *dates = &place->dates;

    return dates->completion != WARRANTY_NO_DATE   ? dates->completion
           : dates->acceptance != WARRANTY_NO_DATE ? dates->acceptance
           : dates->invoice != WARRANTY_NO_DATE    ? dates->invoice
           : dates->sale != WARRANTY_NO_DATE       ? dates->sale
                                                   : dates->manufacture;
}

/* Tickets of faults of that class. */
static enum err count_faults(struct proposing *proposing, const char *component, int64_t from_ms, double *ret_count)
{
    const struct profile *profile = proposing->place->profile;
    struct sql_rows rows;

    sql_find(proposing->sql, &rows,
             "SELECT fault, COUNT(*) FROM ticket WHERE equipment = ?1 AND kind = 'fault' AND registered_ms >= ?2 GROUP BY fault",
             "ii", proposing->place->equipment, from_ms);
    while (sql_next(&rows)) {
        int fault = profile && sql_text(&rows, 0) ? profile_fault(profile, sql_text(&rows, 0)) : -1;

        *ret_count += fault >= 0 && text_same(profile->faults[fault].component, component) ? (double)sql_int(&rows, 1) : 0;
    }
    return sql_end(&rows);
}

static double repairs(struct proposing *proposing, int64_t from_ms)
{
    return (double)sql_find_int(proposing->sql, 0,
                                "SELECT COUNT(*) FROM work_order WHERE equipment = ?1 AND kind = 'corrective' AND state IN"
                                " ('done', 'verified', 'closed') AND created_ms >= ?2",
                                "ii", proposing->place->equipment, from_ms);
}

static enum err sum_cost(struct proposing *proposing, int64_t from_ms, double *ret_sum)
{
    struct sql_rows rows;

    sql_find(proposing->sql, &rows,
             "SELECT SUM(COALESCE(l.labour, 0) + COALESCE(l.material, 0)) FROM work_order w JOIN work_line l ON l.work_order ="
             " w.id WHERE w.equipment = ?1 AND w.created_ms >= ?2",
             "ii", proposing->place->equipment, from_ms);
    if (sql_next(&rows)) {
        *ret_sum = sql_null(&rows, 0) ? 0 : sql_real(&rows, 0);
    }
    return sql_end(&rows);
}

/* The rule's number for a component; -1: it is not known. */
static enum err find_number(struct proposing *proposing, const struct proposal_rule *rule, const char *component,
                            double *ret_number)
{
    int64_t from_ms = proposing->now_ms - rule->over_ms;
    int32_t day = first_day(proposing->place);

    *ret_number = 0;
    switch (rule->look) {
    case PROPOSE_AGE:
        *ret_number = day == WARRANTY_NO_DATE
                          ? -1
                          : (place_day(proposing->office, proposing->place, proposing->now_ms) - day) / YEAR_DAYS;
        return ERR_OK;
    case PROPOSE_FAULTS:
        return count_faults(proposing, component, from_ms, ret_number);
    case PROPOSE_REPAIRS:
        *ret_number = repairs(proposing, from_ms);
        return ERR_OK;
    case PROPOSE_COST:
        return sum_cost(proposing, from_ms, ret_number);
    }
    return ERR_OK;
}

static enum err put_proposal(struct proposing *proposing, const struct proposal_rule *rule, const char *component,
                             double number)
{
    struct json_out evidence = json_out(2048);
    char day[11] = "";
    enum err err;

    json_open_object(&evidence);
    json_text(&evidence, "look", proposal_look_names[rule->look]);
    json_number(&evidence, "found", number);
    json_number(&evidence, "at_least", rule->at_least);
    if (rule->look == PROPOSE_AGE) {
        civil_write_date(first_day(proposing->place), day);
        json_text(&evidence, "since", day);
    } else {
        json_int(&evidence, "over_ms", rule->over_ms);
    }
    json_close_object(&evidence);
    err = evidence.err
              ? evidence.err
              : sql_run(proposing->sql,
                        "INSERT INTO proposal (equipment, rule, component, kind, title_en, title_zh, reason_en, reason_zh,"
                        " evidence, inspection, state, made_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'open', ?11)",
                        "ittttttttii", proposing->place->equipment, rule->id, component,
                        proposal_kind_names[rule->kind], rule->title.en, rule->title.zh, rule->reason.en, rule->reason.zh,
                        evidence.bytes, proposing->inspection, proposing->now_ms);
    json_out_free(&evidence);
    return err;
}

static enum err propose(struct proposing *proposing, const struct proposal_rule *rule, const char *component)
{
    double number;
    enum err err;

    if (sql_find_int(proposing->sql, 0,
                     "SELECT 1 FROM proposal WHERE equipment = ?1 AND rule = ?2 AND component = ?3 AND (state IN ('open',"
                     " 'accepted') OR decided_ms > ?4) LIMIT 1",
                     "itti", proposing->place->equipment, rule->id, component, proposing->now_ms - AGAIN_MS)) {
        return ERR_OK;
    }
    err = find_number(proposing, rule, component, &number);
    return err || number < rule->at_least || number < 0 ? err : put_proposal(proposing, rule, component, number);
}

enum err proposals_make(struct office *office, struct sql *sql, const struct place *place, int64_t inspection,
                        int64_t now_ms)
{
    const struct checklist *checklist = rules_checklist(office->options.rules);
    struct proposing proposing = {office, sql, place, inspection, now_ms};
    char classes[CLASSES_MOST][65];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows, "SELECT DISTINCT class FROM component WHERE equipment = ?1 ORDER BY class LIMIT 32", "i",
             place->equipment);
    while (count < CLASSES_MOST && sql_next(&rows)) {
        count += !text_copy(classes[count], sizeof(classes[0]), sql_text(&rows, 0));
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && checklist && i < checklist->proposal_count; i++) {
        const struct proposal_rule *rule = &checklist->proposals[i];
        bool whole = rule->look == PROPOSE_REPAIRS || rule->look == PROPOSE_COST; /* of the unit */

        for (size_t k = 0; !err && !whole && k < count; k++) {
            if (!rule->component || text_same(rule->component, classes[k])) {
                err = propose(&proposing, rule, classes[k]);
            }
        }
        if (!err && whole) {
            err = propose(&proposing, rule, "unit");
        }
    }
    return err;
}

enum err proposal_act(struct sql *sql, int64_t proposal, const struct action *action, int64_t now_ms, struct text *why)
{
    const char *to = text_same(action->action, "accept")    ? "accepted"
                     : text_same(action->action, "decline") ? "declined"
                     : text_same(action->action, "done")    ? "done"
                                                            : NULL;
    char state[16] = "";
    int64_t made_ms = 0, at_ms;
    bool same = false;
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows, "SELECT state, made_ms, action_id FROM proposal WHERE id = ?1", "i", proposal);
    if (sql_next(&rows)) {
        (void)!text_copy(state, sizeof(state), sql_text(&rows, 0));
        made_ms = sql_int(&rows, 1);
        same = action->action_id && text_same(sql_text(&rows, 2), action->action_id);
    }
    err = sql_end(&rows);
    if (err || same) {
        return err;
    }
    if (!state[0]) {
        return text_say(why, ERR_NOT_FOUND, "no such proposal");
    }
    if (!to) {
        return text_say(why, ERR_FORMAT, "no action called '%.40s' for proposals. Legal: accept decline done", action->action);
    }
    if (strcmp(state, "open") != 0 && !(strcmp(state, "accepted") == 0 && strcmp(to, "done") == 0)) {
        return text_say(why, ERR_STATE, "the proposal is %s. Legal: %s", state,
                        strcmp(state, "accepted") == 0 ? "done" : "nothing");
    }
    if (strcmp(to, "declined") == 0 && (!action->note || !action->note[0])) {
        return text_say(why, ERR_FORMAT, "note: expected why the customer declines");
    }
    err = action_time(action->at_ms, made_ms, now_ms, &at_ms, why);
    return err ? err
               : sql_run(sql,
                         "UPDATE proposal SET state = ?2, decided_ms = ?3, decided_by = ?4, note = COALESCE(?5, note),"
                         " action_id = ?6, version = version + 1 WHERE id = ?1",
                         "ititt" "t", proposal, to, at_ms, action->who, action->note, action->action_id);
}
