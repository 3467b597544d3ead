/*
 * People are told of alarms, lost links and floods here and nowhere else. models/service/announce decides; what it
 * says is written down with the alarm, whichever way it went, before any notice is.
 */
#include <string.h>

#include "server/desk/desk_int.h"
#include "server/field/escalate.h"

#define TURN_SLICE 500
#define LOOK_AGAIN 60000 /* the silence of something that chatters cannot be judged yet; a flood goes on */

/* ------------------------------------------------------------------ one alarm */

/* An alarm of the past, or one that the link had hidden: the backlog may say that it is over. One that was hidden
 * waits from when the link was back. */
static void read_backlog(struct sql *sql, const struct alarm *alarm, struct announce_facts *facts)
{
    bool hidden = sql_find_int(sql, 0, "SELECT 1 FROM alarm_event WHERE alarm = ?1 AND reason = 'parent' LIMIT 1", "i",
                               alarm->id) != 0;

    if (!alarm->late && !hidden) {
        return;
    }
    facts->backlog_ms = sql_find_int(sql, 0, "SELECT backlog_ms FROM agent WHERE id = ?1", "i", alarm->agent);
    if (hidden) {
        facts->registered_ms = sql_find_int(sql, facts->now_ms,
                                            "SELECT MIN(stored_ms) FROM alarm_event WHERE alarm = ?1 AND reason = 'late' AND"
                                            " id > (SELECT MAX(id) FROM alarm_event WHERE alarm = ?1 AND reason = 'parent')",
                                            "i", alarm->id);
    }
}

/* An earlier alarm of the same run of rises was told. */
static bool told_before(struct sql *sql, const struct alarm_rules *rules, const struct alarm *alarm, int64_t now_ms)
{
    return sql_find_int(sql, 0,
                        "SELECT 1 FROM alarm WHERE equipment = ?1 AND fault = ?2 AND announced_ms > ?3 LIMIT 1", "iti",
                        alarm->equipment, alarm->fault, now_ms - rules->chatter_span_ms) != 0;
}

#define RISES_MOST 100

static struct announce_facts facts_of(struct sql *sql, const struct alarm_rules *rules, const struct alarm *alarm,
                                      const struct hiding *hiding, int64_t now_ms)
{
    int64_t rises[RISES_MOST];

    return (struct announce_facts){
        .now_ms = now_ms,
        .onset_ms = alarm->onset_ms,
        .registered_ms = alarm->registered_ms,
        .stood_ms = alarm->detected_ms - alarm->onset_ms,
        .grade = alarm->grade,
        .out_of_service = hiding->out_of_service,
        .suppressed = hiding->suppressed,
        .shelved = hiding->shelved,
        .window = hiding->window,
        .design = hiding->design,
        .parent = hiding->parent,
        .chattering = alarm_chatters(rules, rises, alarm_rises(sql, alarm->equipment, alarm->fault, rises, RISES_MOST)),
        .told_before = told_before(sql, rules, alarm, now_ms),
        .guard = hiding->guard,
        .flood = told_in_flood(sql, alarm->position),
        .announced = told_count(sql, alarm->position, rules->flood_span_ms, now_ms),
    };
}

static enum err write_down(struct sql *sql, const struct alarm *alarm, const struct announce_decision *decision,
                           int64_t now_ms)
{
    const char *reason = decision->announced ? NULL : announce_reason_names[decision->reason];
    const char *outcome = decision->announced ? "announced" : "held";
    bool same = reason && sql_find_int(sql, 0, "SELECT 1 FROM alarm WHERE id = ?1 AND reason = ?2", "it", alarm->id, reason);
    enum err err = sql_run(sql,
                           "UPDATE alarm SET outcome = ?2, reason = ?3, decided_ms = ?4, announced_ms = CASE WHEN ?3 IS"
                           " NULL THEN ?4 ELSE announced_ms END, next_ms = NULLIF(?5, 0) WHERE id = ?1",
                           "ittii", alarm->id, outcome, reason, now_ms, decision->again_ms);

    if (err || same) {
        return err; /* asked again, and held for the same reason: nothing new */
    }
    return alarm_say(sql, alarm->id,
                     &(struct alarm_line){.kind = outcome, .outcome = outcome, .reason = reason}, now_ms);
}

/* The first alarm of a ticket opens it; later ones bring the fault back. */
static enum err tell_alarm(struct office *office, struct sql *sql, const struct alarm *alarm, bool grouped,
                           int64_t now_ms)
{
    bool again = sql_find_int(sql, 0,
                              "SELECT 1 FROM alarm WHERE ticket = ?1 AND id <> ?2 AND announced_ms IS NOT NULL UNION ALL SELECT"
                              " 1 FROM ticket_event v WHERE v.ticket = ?1 AND v.action = 'relapse' AND v.at_ms = ?3 AND EXISTS"
                              " (SELECT 1 FROM ticket_event r WHERE r.ticket = ?1 AND r.action = 'register' AND r.who <>"
                              " 'heliograph') LIMIT 1",
                              "iii", alarm->ticket, alarm->id, alarm->onset_ms) != 0; /* or a caller had opened it */
    struct ticket ticket;
    TEXT(step, 64);
    enum err err = ticket_load(office, sql, alarm->ticket, &ticket);

    if (err || ticket.closed_ms) {
        return err;
    }
    text_addf(&step, again ? "relapsed.%lld" : "opened", (long long)alarm->onset_ms);
    err = grouped ? ticket_tell_customer(office, sql, &ticket, step.at, now_ms)
                  : ticket_tell_now(office, sql, &ticket, step.at, again ? "the fault is back" : "a ticket was opened", now_ms);
    if (err || (grouped && sql_find_int(sql, 0, "SELECT 1 FROM announcement WHERE ticket = ?1 AND kind = 'clock' AND at_ms = ?2",
                                        "ii", ticket.id, now_ms))) {
        return err; /* asked again: its area counts them already */
    }
    return clocks_tell_missed(office, sql, &ticket, grouped ? now_ms : 0, now_ms);
}

static enum err decide(struct office *office, struct sql *sql, const struct place *place, const struct alarm *alarm,
                       int64_t now_ms)
{
    const struct alarm_rules *rules = place->plan ? &place->plan->alarms : &alarm_rules_usual;
    struct told_item item = {.position = alarm->position, .area = alarm->area, .kind = "alarm", .grade = alarm->grade,
                             .alarm = alarm->id, .ticket = alarm->ticket};
    struct announce_decision decision;
    struct announce_facts facts;
    struct hiding hiding;
    enum err err = hiding_find(sql, place->profile, alarm->equipment, alarm->fault, now_ms, &hiding);

    if (err) {
        return err;
    }
    facts = facts_of(sql, rules, alarm, &hiding, now_ms);
    read_backlog(sql, alarm, &facts);
    decision = announce_decide(rules, &facts);
    err = write_down(sql, alarm, &decision, now_ms);
    if (!err && decision.announced) {
        err = told_put(sql, &item, "announced", NULL, now_ms);
    } else if (!err && decision.reason == ANNOUNCE_FLOOD) {
        err = told_group(sql, rules, &item, now_ms);
    }
    if (!err && alarm->ticket && (decision.announced || decision.reason == ANNOUNCE_FLOOD)) {
        err = told_wake(sql, alarm->ticket, 0, now_ms);
    }
    return err || !alarm->ticket || (!decision.announced && decision.reason != ANNOUNCE_FLOOD)
               ? err
               : tell_alarm(office, sql, alarm, !decision.announced, now_ms);
}

/* A window is over, or it is back in service, and the fault still stands: now it gets its ticket. */
static enum err make_ticket(struct office *office, struct sql *sql, const struct place *place, struct alarm *alarm,
                            int64_t now_ms)
{
    struct desk_fault fault = {.equipment = alarm->equipment, .fault = alarm->fault, .state = FAULT_RAISED,
                               .grade = alarm->grade, .onset_ms = alarm->onset_ms, .detected_ms = alarm->detected_ms,
                               .t_ms = alarm->detected_ms, .late = alarm->late};
    struct hiding hiding;
    struct json_out evidence = json_out(64 * 1024);
    struct sql_rows rows;
    enum err err = hiding_find(sql, place->profile, alarm->equipment, alarm->fault, now_ms, &hiding), end;

    if (err || hiding.window || hiding.out_of_service || hiding.suppressed || hiding.parent) {
        return err;
    }
    sql_find(sql, &rows, "SELECT evidence FROM alarm WHERE id = ?1", "i", alarm->id);
    if (sql_next(&rows) && !sql_null(&rows, 0)) {
        const char *words = sql_text(&rows, 0);

        json_put_raw(&evidence, words, strlen(words));
        fault.evidence = evidence.bytes;
    }
    end = sql_end(&rows);
    err = end ? end : evidence.err;
    if (!err) {
        err = alarm_open_ticket(office, sql, place, &fault, alarm->id, now_ms);
    }
    json_out_free(&evidence);
    return err ? err : alarm_load(sql, alarm->id, alarm);
}

enum err announce_alarm(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    struct place place;
    struct alarm alarm;
    enum err err = alarm_load(sql, id, &alarm);

    if (err || alarm.cleared_ms || alarm.announced_ms) {
        return err ? err : sql_run(sql, "UPDATE alarm SET next_ms = NULL WHERE id = ?1 AND quiet_ms IS NULL", "i", id);
    }
    err = place_find(office, sql, alarm.equipment, 0, now_ms, &place);
    if (!err && !alarm.ticket) {
        err = make_ticket(office, sql, &place, &alarm, now_ms);
    }
    return err ? err : decide(office, sql, &place, &alarm, now_ms);
}

/* ------------------------------------------------------------------ links */

struct around { /* agents of the same area that fell silent near to this one */
    int silent;  /* this one included */
    int heaters; /* behind them */
    bool told;   /* one of them was told, alone or as an outage, and is silent still */
};

static enum err look_around(struct sql *sql, const char *area, int64_t since_ms, int64_t agent, int64_t span_ms,
                            struct around *ret)
{
    struct around around = {0};
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows,
             "SELECT a.id, (SELECT MIN(e.id) FROM equipment e WHERE e.agent = a.id), (SELECT COUNT(*) FROM equipment e WHERE"
             " e.agent = a.id), EXISTS (SELECT 1 FROM announcement n JOIN ticket t ON t.id = n.ticket WHERE t.agent = a.id"
             " AND n.kind = 'outage' AND n.outcome = 'announced' AND n.at_ms >= a.silent_since_ms) FROM agent a WHERE"
             " a.silent_since_ms BETWEEN ?1 AND ?2 ORDER BY a.silent_since_ms LIMIT 2000",
             "ii", since_ms - span_ms, since_ms + span_ms);
    while (sql_next(&rows)) {
        TEXT(other, ALARM_WORD * 2);
        TEXT(position, ALARM_WORD);

        if (sql_null(&rows, 1) || alarm_area(sql, sql_int(&rows, 1), &other, &position) || strcmp(other.at, area) != 0) {
            continue;
        }
        around.silent++;
        around.heaters += (int)sql_int(&rows, 2);
        around.told = around.told || (sql_int(&rows, 3) != 0 && sql_int(&rows, 0) != agent);
    }
    err = sql_end(&rows);
    *ret = around;
    return err;
}

static enum err tell_outage(struct office *office, struct sql *sql, const char *area, const char *position,
                            const struct around *around, int64_t since_ms, int64_t ticket, int64_t now_ms)
{
    struct json_out body = json_out(8192);
    TEXT(key, 400);
    TEXT(subject, 300);
    TEXT(words, 700);
    enum err err;

    text_addf(&key, "outage:%s:%s:%lld", position, area, (long long)ticket);
    text_addf(&subject, "Outage in %.128s: %d connections lost", area, around->silent);
    text_addf(&words, "%d connections of area %.128s were lost within a short time; %d pieces of equipment are behind"
                      " them.\n区域 %.128s 短时间内有 %d 个通信连接中断，涉及 %d 台设备。\n",
              around->silent, area, around->heaters, area, around->silent, around->heaters);
    json_open_object(&body);
    json_null(&body, "ticket"); /* each has its own */
    json_text(&body, "step", "outage");
    json_text(&body, "area", area);
    json_text(&body, "position", position);
    json_int(&body, "agents", around->silent);
    json_int(&body, "equipment", around->heaters);
    json_int(&body, "since_ms", since_ms);
    json_text(&body, "message", words.at);
    json_close_object(&body);
    err = body.err ? body.err : office_tell(office, sql, key.at, subject.at, body.bytes, words.at, now_ms);
    json_out_free(&body);
    return err;
}

/* A link that comes and goes is told once in a while: its ticket is one anyway. */
static bool link_chatters(struct sql *sql, const struct alarm_rules *rules, int64_t ticket, int64_t now_ms)
{
    return sql_find_int(sql, 0,
                        "SELECT COUNT(*) FROM announcement WHERE ticket = ?1 AND kind IN ('link', 'outage') AND at_ms > ?2",
                        "ii", ticket, now_ms - rules->chatter_span_ms) >= rules->chatter_count - 1;
}

enum err announce_link(struct office *office, struct sql *sql, int64_t id, int64_t agent, int64_t since_ms,
                       const struct alarm_rules *rules, int64_t now_ms)
{
    TEXT(area, ALARM_WORD * 2);
    TEXT(position, ALARM_WORD);
    struct told_item item = {.position = position.at, .area = area.at, .kind = "link", .ticket = id};
    int64_t equipment = sql_find_int(sql, 0, "SELECT MIN(id) FROM equipment WHERE agent = ?1", "i", agent);
    struct around around;
    struct ticket ticket;
    TEXT(step, 64);
    bool again, room;
    enum err err = ticket_load(office, sql, id, &ticket);

    if (!err) {
        err = alarm_area(sql, equipment, &area, &position);
    }
    if (!err) {
        err = look_around(sql, area.at, since_ms, agent, rules->outage_span_ms, &around);
    }
    if (err) {
        return err;
    }
    item.grade = ticket.grade;
    again = sql_find_int(sql, 0,
                         "SELECT 1 FROM announcement WHERE ticket = ?1 AND kind IN ('link', 'outage') AND outcome = 'announced'"
                         " LIMIT 1",
                         "i", id) != 0;
    if (around.told || link_chatters(sql, rules, id, now_ms)) {
        return told_put(sql, &item, "held", announce_reason_names[around.told ? ANNOUNCE_AREA : ANNOUNCE_CHATTER], now_ms);
    }
    item.kind = around.silent >= rules->outage_count ? "outage" : "link";
    err = told_room(sql, rules, &item, now_ms, &room);
    if (err || !room) {
        return err;
    }
    if (around.silent >= rules->outage_count) {
        return tell_outage(office, sql, area.at, position.at, &around, since_ms, id, now_ms);
    }
    text_addf(&step, again ? "relapsed.%lld" : "opened", (long long)since_ms);
    return ticket_tell_now(office, sql, &ticket, step.at, again ? "the fault is back" : "a ticket was opened", now_ms);
}

/* ------------------------------------------------------------------ floods */

struct flood {
    int64_t id, gather_ms;
    char position[ALARM_WORD];
    struct alarm_rules rules; /* those that held when it began */
    int64_t up_from_ms;       /* 0: those above have nothing to be told, or have been told */
    struct escalate_digest up;
};

struct grouped { /* areas that have gathered and were not told */
    int areas;
    char area[ALARM_WORD * 2]; /* the first, or * for all */
    int64_t grades[4];
};

static enum err read_areas(struct sql *sql, const struct flood *flood, bool all, int64_t now_ms, struct grouped *ret)
{
    struct grouped grouped = {.areas = 0};
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT area, grade_1, grade_2, grade_3 FROM flood_area WHERE flood = ?1 AND told_ms IS NULL AND first_ms <= ?2"
             " ORDER BY grade_1 DESC, grade_2 DESC, grade_3 DESC, area",
             "ii", flood->id, now_ms - flood->gather_ms);
    while (sql_next(&rows)) {
        if (grouped.areas++ > 0 && !all) {
            continue; /* only counted */
        }
        (void)!text_copy(grouped.area, sizeof(grouped.area), grouped.areas > 1 ? "*" : sql_text(&rows, 0));
        for (int grade = 1; grade <= 3; grade++) {
            grouped.grades[grade] += sql_int(&rows, grade);
        }
    }
    *ret = grouped;
    return sql_end(&rows);
}

static enum err tell_area(struct office *office, struct sql *sql, const struct flood *flood,
                          const struct grouped *grouped, int64_t now_ms)
{
    struct told_item item = {.position = flood->position, .area = grouped->area, .kind = "area",
                             .grade = grouped->grades[1] ? 1 : grouped->grades[2] ? 2 : 3};
    long long count = grouped->grades[1] + grouped->grades[2] + grouped->grades[3];
    bool all = strcmp(grouped->area, "*") == 0;
    struct json_out body = json_out(8192);
    TEXT(key, 400);
    TEXT(subject, 300);
    TEXT(words, 900);
    enum err err;

    text_addf(&key, "flood:%lld:%s:%lld", (long long)flood->id, grouped->area, (long long)now_ms);
    text_addf(&subject, all ? "Many alarms in %d areas: %lld" : "Many alarms in an area: %.0d%lld", all ? grouped->areas : 0,
              count);
    if (!all) {
        text_addf(&subject, " in %.128s", grouped->area);
    }
    text_addf(&words, "%lld more alarms and clocks (grade 1: %lld, grade 2: %lld, grade 3: %lld) in %s%.128s. Each has its ticket;"
                      " they stand in the list of alarms.\n%s%.128s 另有 %lld 个报警和时限提醒（1 级 %lld，2 级 %lld，3 级 %lld），均已生成工单，"
                      "见报警列表。\n",
              count, (long long)grouped->grades[1], (long long)grouped->grades[2], (long long)grouped->grades[3],
              all ? "several areas" : "area ", all ? "" : grouped->area, all ? "多个区域" : "区域 ", all ? "" : grouped->area,
              count, (long long)grouped->grades[1], (long long)grouped->grades[2], (long long)grouped->grades[3]);
    json_open_object(&body);
    json_null(&body, "ticket");
    json_text(&body, "step", "area");
    json_text(&body, "area", grouped->area);
    json_int(&body, "areas", all ? grouped->areas : 1);
    json_text(&body, "position", flood->position);
    json_int(&body, "alarms", count);
    json_int(&body, "grade_1", grouped->grades[1]);
    json_int(&body, "grade_2", grouped->grades[2]);
    json_int(&body, "grade_3", grouped->grades[3]);
    json_text(&body, "message", words.at);
    json_close_object(&body);
    err = body.err;
    if (!err) {
        err = sql_run(sql,
                      "UPDATE flood_area SET told_ms = ?2 WHERE flood = ?1 AND told_ms IS NULL AND first_ms <= ?3 AND (?4 ="
                      " '*' OR area = ?4)",
                      "iiit", flood->id, now_ms, now_ms - flood->gather_ms, grouped->area);
    }
    if (!err) {
        err = told_put(sql, &item, "announced", NULL, now_ms);
    }
    if (!err) {
        err = office_tell(office, sql, key.at, subject.at, body.bytes, words.at, now_ms);
    }
    json_out_free(&body);
    return err;
}

/* Nothing more of it can be told now: it ends, or is looked at again. */
static enum err go_on(struct sql *sql, const struct flood *flood, int64_t now_ms)
{
    int came = (int)sql_find_int(sql, 0,
                                 "SELECT COUNT(*) FROM (SELECT 1 FROM announcement WHERE kind IN ('alarm', 'link', 'outage',"
                                 " 'regrade') AND kind <> 'area' AND position = ?1" /* as the index says it */
                                 " AND at_ms > ?2 LIMIT 1000) x",
                                 "ti", flood->position, now_ms - flood->rules.flood_span_ms);
    int64_t untold_ms = sql_find_int(sql, 0, "SELECT MIN(first_ms) FROM flood_area WHERE flood = ?1 AND told_ms IS NULL",
                                     "i", flood->id);
    int64_t next_ms = now_ms + LOOK_AGAIN, gathered_ms = untold_ms + flood->gather_ms;

    if (!untold_ms && !flood->up_from_ms && announce_flood_ends(&flood->rules, came)) {
        return sql_run(sql, "UPDATE flood SET ended_ms = ?2 WHERE id = ?1", "ii", flood->id, now_ms);
    }
    next_ms = untold_ms && gathered_ms > now_ms && gathered_ms < next_ms ? gathered_ms : next_ms;
    return sql_run(sql, "UPDATE flood SET next_ms = ?2 WHERE id = ?1", "ii", flood->id, next_ms);
}

/* Leadership and supervisors hear of a flood once, before its areas. */
static enum err tell_up(struct office *office, struct sql *sql, struct flood *flood, int64_t now_ms)
{
    struct told_item item = {.position = flood->position, .area = "*", .kind = "escalation", .grade = 1};
    int announced = told_count(sql, flood->position, flood->rules.flood_span_ms, now_ms);
    enum err err;

    if (!flood->up_from_ms || flood->up_from_ms > now_ms - flood->gather_ms || announced >= flood->rules.flood_most - 1) {
        return ERR_OK;
    }
    flood->up_from_ms = 0;
    flood->up.flood = flood->id;
    flood->up.position = flood->position;
    err = sql_run(sql, "UPDATE flood SET up_told_ms = ?2 WHERE id = ?1", "ii", flood->id, now_ms);
    if (!err) {
        err = told_put(sql, &item, "announced", NULL, now_ms);
    }
    return err ? err : escalate_digest(office, sql, &flood->up, now_ms);
}

static enum err turn_flood(struct office *office, struct sql *sql, struct flood *flood, int64_t now_ms)
{
    struct grouped grouped;
    enum err err = tell_up(office, sql, flood, now_ms);

    for (int i = 0; !err && i < 1000; i++) {
        int announced = told_count(sql, flood->position, flood->rules.flood_span_ms, now_ms);
        enum announce_areas how;

        err = read_areas(sql, flood, false, now_ms, &grouped);
        how = announce_areas(&flood->rules, announced, grouped.areas);
        if (err || grouped.areas == 0 || how == AREAS_WAIT) {
            break;
        }
        err = how == AREAS_ALL ? read_areas(sql, flood, true, now_ms, &grouped) : ERR_OK;
        err = err ? err : tell_area(office, sql, flood, &grouped, now_ms);
    }
    return err ? err : go_on(sql, flood, now_ms);
}

static enum err turn_floods(struct office *office, struct sql *sql, int64_t now_ms)
{
    enum err err = ERR_OK;

    for (int i = 0; !err && i < 100; i++) {
        struct flood flood = {.id = 0};
        struct sql_rows rows;

        sql_find(sql, &rows,
                 "SELECT id, position, most, fall, span_ms, gather_ms, CASE WHEN up_told_ms IS NULL THEN up_from_ms END,"
                 " up_to, up_steps, up_grade_1 FROM flood WHERE ended_ms IS NULL AND next_ms <= ?1"
                 " ORDER BY next_ms, id LIMIT 1",
                 "i", now_ms);
        if (sql_next(&rows)) {
            flood.id = sql_int(&rows, 0);
            (void)!text_copy(flood.position, sizeof(flood.position), sql_text(&rows, 1));
            flood.rules = (struct alarm_rules){.flood_most = (int)sql_int(&rows, 2), .flood_end = (int)sql_int(&rows, 3),
                                               .flood_span_ms = sql_int(&rows, 4)};
            flood.gather_ms = sql_int(&rows, 5);
            flood.up_from_ms = sql_int(&rows, 6);
            flood.up = (struct escalate_digest){.to = (unsigned)sql_int(&rows, 7), .steps = sql_int(&rows, 8),
                                                .grade_1 = sql_int(&rows, 9)};
        }
        err = sql_end(&rows);
        if (err || !flood.id) {
            return err;
        }
        err = turn_flood(office, sql, &flood, now_ms);
    }
    return err;
}

/* ------------------------------------------------------------------ the turn */

struct touching {
    struct office *office;
    struct sql *sql;
    int64_t now_ms;
};

static enum err touch(void *context, int64_t equipment)
{
    struct touching *touching = context;
    enum err err = status_refresh(touching->office, touching->sql, equipment, touching->now_ms);

    return err ? err : alarm_look_again(touching->sql, equipment, NULL, touching->now_ms);
}

/* It chattered and has been quiet for long enough: over, at the time when it fell silent. While nothing is heard of
 * the equipment its silence says nothing. */
static enum err end_chatter(struct office *office, struct sql *sql, const struct alarm *alarm, int64_t now_ms)
{
    int64_t due_ms = sql_find_int(sql, 0, "SELECT next_ms FROM alarm WHERE id = ?1", "i", alarm->id);
    int64_t heard_ms = sql_find_int(sql, 0,
                                    "SELECT CASE WHEN a.silent_since_ms IS NULL THEN e.last_seen_ms ELSE 0 END FROM equipment"
                                    " e LEFT JOIN agent a ON a.id = e.agent WHERE e.id = ?1",
                                    "i", alarm->equipment);
    enum err err;

    if (heard_ms < alarm->quiet_ms + (due_ms - alarm->quiet_ms) / 2) {
        return sql_run(sql, "UPDATE alarm SET next_ms = ?2 WHERE id = ?1", "ii", alarm->id, now_ms + LOOK_AGAIN);
    }
    err = alarm_end(office, sql, alarm, alarm->quiet_ms, now_ms);
    return err ? err : status_refresh(office, sql, alarm->equipment, now_ms);
}

static enum err turn_alarms(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t ids[TURN_SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows, "SELECT id FROM alarm WHERE next_ms <= ?1 ORDER BY next_ms, id LIMIT 500", "i", now_ms);
    while (count < TURN_SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        struct alarm alarm;

        arena_reset(office->arena);
        err = alarm_load(sql, ids[i], &alarm);
        if (!err) {
            err = alarm.quiet_ms && !alarm.cleared_ms ? end_chatter(office, sql, &alarm, now_ms)
                                                      : announce_alarm(office, sql, ids[i], now_ms);
        }
    }
    return err;
}

enum err announce_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    struct touching touching = {office, sql, now_ms};
    enum err err;

    arena_reset(office->arena);
    err = shelves_turn(sql, now_ms);
    if (!err) {
        err = windows_turn(sql, now_ms, touch, &touching);
    }
    if (!err) {
        err = turn_alarms(office, sql, now_ms);
    }
    return err ? err : turn_floods(office, sql, now_ms);
}
