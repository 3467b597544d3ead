/* Are people told of it? */
#include "server/alarm/decide.h"

#include "server/alarm/shelf.h"
#include "server/alarm/window.h"

enum announce_reason alarm_hidden(struct sql *sql, int64_t equipment, const char *fault, int64_t now_ms)
{
    struct shelf shelf = shelf_of(sql, equipment, fault, now_ms);

    return shelf.out_of_service                    ? ANNOUNCE_OUT_OF_SERVICE
           : shelf.shelved_until_ms                ? ANNOUNCE_SHELVED
           : window_hides(sql, equipment, now_ms) ? ANNOUNCE_WINDOW
                                                   : ANNOUNCE_NONE;
}

static int64_t agent_time(struct sql *sql, int64_t agent, bool silent)
{
    return silent ? sql_find_int(sql, 0, "SELECT silent_since_ms FROM agent WHERE id = ?1", "i", agent)
                  : sql_find_int(sql, 0, "SELECT backlog_ms FROM agent WHERE id = ?1", "i", agent);
}

/* An earlier alarm of the same run of rises was told. */
static bool told_before(struct sql *sql, const struct alarm_rules *rules, const struct alarm *alarm, int64_t now_ms)
{
    return sql_find_int(sql, 0,
                        "SELECT 1 FROM alarm WHERE equipment = ?1 AND fault = ?2 AND announced_ms > ?3 LIMIT 1", "iti",
                        alarm->equipment, alarm->fault, now_ms - rules->chatter_span_ms) > 0;
}

static void gather(struct sql *sql, const struct alarm_rules *rules, const struct alarm *alarm, int64_t now_ms,
                   struct announce_facts *facts)
{
    enum announce_reason hidden = alarm_hidden(sql, alarm->equipment, alarm->fault, now_ms);

    *facts = (struct announce_facts){
        .now_ms = now_ms,
        .onset_ms = alarm->onset_ms,
        .registered_ms = alarm->registered_ms,
        .stood_ms = alarm->detected_ms - alarm->onset_ms,
        .backlog_ms = agent_time(sql, alarm->agent, false),
        .grade = alarm->grade,
        .out_of_service = hidden == ANNOUNCE_OUT_OF_SERVICE,
        .shelved = hidden == ANNOUNCE_SHELVED,
        .window = hidden == ANNOUNCE_WINDOW,
        .parent = agent_time(sql, alarm->agent, true) > 0,
        .chattering = alarm_is_chattering(sql, rules, alarm->equipment, alarm->fault),
        .told_before = told_before(sql, rules, alarm, now_ms),
        .guard = window_is_open(sql, alarm->equipment, "guard", now_ms),
        .flood = flood_is_on(sql, alarm->position),
        .announced = flood_announced(sql, alarm->position, rules->flood_span_ms, now_ms),
    };
}

static enum err write_down(struct sql *sql, struct alarm *alarm, const struct announce_decision *decision,
                           int64_t now_ms)
{
    struct alarm_words words = {.who = "heliograph",
                                .kind = decision->announced ? "announced" : "held",
                                .outcome = decision->announced ? "announced" : "held",
                                .reason = decision->announced ? NULL : announce_reason_names[decision->reason]};
    bool same = sql_find_int(sql, 0,
                             "SELECT 1 FROM alarm WHERE id = ?1 AND outcome = 'held' AND ?2 = 'held' AND reason = ?3",
                             "itt", alarm->id, words.outcome, words.reason) > 0;
    enum err err = sql_run(sql,
                           "UPDATE alarm SET outcome = ?2, reason = ?3, decided_ms = ?4, announced_ms = CASE WHEN ?2 ="
                           " 'announced' THEN ?4 ELSE announced_ms END, next_ms = NULLIF(?5, 0) WHERE id = ?1",
                           "ittii", alarm->id, words.outcome, words.reason, now_ms, decision->again_ms);

    alarm->decided = true;
    alarm->announced_ms = decision->announced ? now_ms : alarm->announced_ms;
    if (err || same) {
        return err; /* asked again, and held for the same reason: nothing new */
    }
    err = alarm_line(sql, alarm->id, now_ms, now_ms, &words);
    return err ? err : alarm_changed(sql, alarm->id, now_ms);
}

enum err alarm_decide(struct sql *sql, const struct alarm_rules *rules, struct alarm *io_alarm, int64_t now_ms,
                      bool *ret_announced)
{
    struct item item = {.position = io_alarm->position, .area = io_alarm->area, .kind = "alarm", .alarm = io_alarm->id,
                        .ticket = io_alarm->ticket, .grade = io_alarm->grade};
    struct announce_decision decision;
    struct announce_facts facts;
    enum err err = ERR_OK;

    gather(sql, rules, io_alarm, now_ms, &facts);
    decision = announce_decide(rules, &facts);
    *ret_announced = decision.announced;
    if (decision.announced) {
        err = flood_told(sql, &item, now_ms);
    } else if (decision.reason == ANNOUNCE_FLOOD) {
        err = flood_grouped(sql, rules, &item, now_ms);
    }
    return err ? err : write_down(sql, io_alarm, &decision, now_ms);
}

enum err clock_decide(struct sql *sql, const struct alarm_rules *rules, const struct alarm *alarm, int64_t now_ms,
                      bool *ret_announced)
{
    struct item item = {.position = alarm->position, .area = alarm->area, .kind = "clock", .alarm = alarm->id,
                        .ticket = alarm->ticket, .grade = alarm->grade};
    struct announce_facts facts = {
        .now_ms = now_ms,
        .grade = alarm->grade,
        .flood = flood_is_on(sql, alarm->position),
        .announced = flood_announced(sql, alarm->position, rules->flood_span_ms, now_ms),
    };

    *ret_announced = announce_decide(rules, &facts).announced;
    return *ret_announced ? flood_told(sql, &item, now_ms) : flood_grouped(sql, rules, &item, now_ms);
}

/* ------------------------------------------------------------------ links */

bool link_is_told(struct sql *sql, int64_t ticket, int64_t agent)
{
    return sql_find_int(sql, 0,
                        "SELECT 1 FROM announcement n JOIN agent a ON a.id = ?2 WHERE n.ticket = ?1 AND n.kind = 'link' AND"
                        " n.outcome = 'announced' AND n.at_ms >= COALESCE(a.silent_since_ms, 0) LIMIT 1",
                        "ii", ticket, agent) > 0;
}

struct neighbourhood {
    char area[ALARM_WORD], position[ALARM_WORD];
    int silent;   /* other agents of the area */
    bool told_of; /* … one of them was told when this one was silent already */
};

/* The area of an agent is that of its equipment's first site. */
#define AREA_OF(agent)                                                                                             \
    "COALESCE((SELECT s.area FROM equipment e JOIN site s ON s.id = e.site WHERE e.agent = " agent                  \
    ".id ORDER BY e.id LIMIT 1), " agent ".name)"

static enum err look_around(struct sql *sql, const struct link *link, struct neighbourhood *around)
{
    struct sql_rows rows;
    int64_t since_ms = agent_time(sql, link->agent, true);
    enum err err = ERR_NOT_FOUND, end;

    *around = (struct neighbourhood){.silent = 0};
    sql_find(sql, &rows,
             "SELECT " AREA_OF("a") ", COALESCE((SELECT s.position FROM equipment e JOIN site s ON s.id = e.site WHERE"
             " e.agent = a.id ORDER BY e.id LIMIT 1), 'dispatch') FROM agent a WHERE a.id = ?1",
             "i", link->agent);
    if (sql_next(&rows)) {
        err = text_copy(around->area, sizeof(around->area), sql_text(&rows, 0));
        err = err ? err : text_copy(around->position, sizeof(around->position), sql_text(&rows, 1));
    }
    end = sql_end(&rows);
    if (err || end) {
        return err ? err : end;
    }
    around->silent = (int)sql_find_int(sql, 0,
                                       "SELECT COUNT(*) FROM agent b WHERE b.silent_since_ms IS NOT NULL AND b.id <> ?1 AND"
                                       " " AREA_OF("b") " = ?2",
                                       "it", link->agent, around->area);
    around->told_of = sql_find_int(sql, 0,
                                   "SELECT 1 FROM announcement n JOIN ticket t ON t.id = n.ticket JOIN agent b ON b.id ="
                                   " t.agent WHERE n.kind = 'link' AND n.outcome = 'announced' AND n.area = ?1 AND n.at_ms"
                                   " >= ?2 AND b.silent_since_ms IS NOT NULL AND b.id <> ?3 LIMIT 1",
                                   "tii", around->area, since_ms, link->agent) > 0;
    return ERR_OK;
}

enum err link_decide(struct sql *sql, const struct alarm_rules *rules, const struct link *link, int64_t now_ms,
                     bool *ret_announced, int *ret_others)
{
    struct neighbourhood around;
    enum err err = look_around(sql, link, &around);
    struct item item = {.position = around.position, .area = around.area, .kind = "link", .ticket = link->ticket,
                        .grade = link->grade};
    struct announce_decision decision;
    struct announce_facts facts;

    if (err) {
        return err;
    }
    facts = (struct announce_facts){
        .now_ms = now_ms,
        .grade = link->grade,
        .area = around.told_of,
        .chattering = sql_find_int(sql, 0,
                                   "SELECT COUNT(*) FROM announcement WHERE ticket = ?1 AND kind = 'link' AND at_ms > ?2",
                                   "ii", link->ticket, now_ms - rules->chatter_span_ms) >= rules->chatter_count - 1,
        .told_before = true,
        .flood = flood_is_on(sql, around.position),
        .announced = flood_announced(sql, around.position, rules->flood_span_ms, now_ms),
    };
    decision = announce_decide(rules, &facts);
    *ret_announced = decision.announced;
    *ret_others = around.silent;
    return decision.announced                   ? flood_told(sql, &item, now_ms)
           : decision.reason == ANNOUNCE_FLOOD ? flood_grouped(sql, rules, &item, now_ms)
                                                : flood_held(sql, &item, announce_reason_names[decision.reason], now_ms);
}
