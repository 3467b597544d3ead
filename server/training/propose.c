/* Trainings that nobody has asked for yet: after an acceptance, for operators' typical problems, by the calendar. */
#include <string.h>

#include "models/base/civil.h"
#include "models/service/notice.h"
#include "server/case/clocks.h"
#include "server/case/word.h"
#include "server/training/training_int.h"

#define SLICE       200
#define DAY_MS      86400000LL
#define REMIND_MOST 10
#define AHEAD_DAYS  30 /* what recurs is proposed so long before it is due */

/* ------------------------------------------------------------------ what is owed */

struct owed {
    int64_t clock, site, equipment, contract, calendar, occurrence, started_ms;
    const char *profile, *time_zone;
};

static int64_t due_of(struct office *office, struct sql *sql, const struct owed *owed, int64_t now_ms)
{
    struct clock_row clock = {.id = owed->clock};

    return clocks_read_duty(office->arena, sql, office->options.rules, owed->clock, owed->calendar, owed->time_zone, &clock)
               ? 0
               : sla_judge(&clock.facts, clock.warn, now_ms).due_ms;
}

/* The customer is asked for place, time and attendees. */
static enum err ask(struct office *office, struct sql *sql, const struct training *training, int64_t n, int64_t now_ms)
{
    struct place place;
    struct customer_word word = {.customer = training_customer(sql, training), .step = "training_ask"};
    TEXT(key, 120);
    enum err err = place_find(office, sql, 0, training->site, now_ms, &place);

    if (err) {
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    text_addf(&key, "training:%s:ask:%lld", training->number, (long long)n);
    word.key = key.at;
    word.plan = place.plan;
    word.zone = training_zone(office, sql, training);
    word.en[NOTICE_NUMBER] = training->number;
    word.en[NOTICE_TITLE] = training->course ? training->course->title.en : training->course_id;
    word.zh[NOTICE_TITLE] = training->course ? training->course->title.zh : NULL;
    word.en[NOTICE_EQUIPMENT] = place.site_title;
    word.en[NOTICE_DUE] = word_time(office, word.zone, training->due_ms);
    err = customer_say(office, sql, &word, now_ms);
    return err ? err : sql_run(sql, "UPDATE training SET asked_ms = ?2 WHERE id = ?1", "ii", training->id, now_ms);
}

static enum err propose_and_ask(struct office *office, struct sql *sql, const struct proposal *proposal, int64_t now_ms)
{
    struct training training;
    int64_t id = 0;
    enum err err = training_propose(office, sql, proposal, now_ms, &id);

    if (err || !id || !proposal->site) {
        return err;
    }
    err = training_load(office, sql, id, &training);
    return err ? err : ask(office, sql, &training, 0, now_ms);
}

/* One for all that was accepted at a site on a day (S0-69); one for each span of an agreement (S0-125). */
static enum err propose_owed(struct office *office, struct sql *sql, const struct owed *owed, int64_t now_ms)
{
    enum course_occasion occasion = owed->equipment ? COURSE_ON_ACCEPTANCE : COURSE_ON_INTERVAL;
    const struct training_course *course = rules_choose_course(office->options.rules, occasion, owed->profile);
    struct proposal proposal = {.course = course, .reason = course_occasion_names[occasion], .who = "heliograph",
                                .site = owed->site, .contract = owed->contract, .due_ms = due_of(office, sql, owed, now_ms),
                                .occurrence = owed->equipment ? owed->started_ms / DAY_MS : owed->occurrence};

    return course ? propose_and_ask(office, sql, &proposal, now_ms) : ERR_OK;
}

static enum err propose_duties(struct office *office, struct sql *sql, int64_t now_ms)
{
    struct owed *all = arena_array(office->arena, SLICE, sizeof(*all));
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (!all) {
        return ERR_NOMEM;
    }
    sql_find(sql, &rows,
             "SELECT k.id, k.site, CASE k.subject WHEN 'equipment' THEN k.subject_id ELSE 0 END, CASE k.subject WHEN 'contract'"
             " THEN k.subject_id ELSE 0 END, k.calendar, k.occurrence, k.started_ms, e.profile, k.time_zone FROM clock k LEFT JOIN"
             " equipment e ON e.id = k.subject_id AND k.subject = 'equipment' WHERE k.ticket IS NULL AND k.met_ms IS NULL AND"
             " k.cancelled_ms IS NULL AND k.kind IN ('training', 'technical_exchange') AND k.site IS NOT NULL AND NOT EXISTS"
             " (SELECT 1 FROM training t WHERE t.site = k.site AND ((k.subject = 'equipment' AND t.reason = 'acceptance' AND"
             " t.occurrence = k.started_ms / 86400000) OR (k.subject = 'contract' AND t.reason = 'interval' AND t.occurrence ="
             " k.occurrence))) ORDER BY k.id LIMIT 200",
             "");
    while (count < SLICE && sql_next(&rows)) {
        all[count++] = (struct owed){sql_int(&rows, 0), sql_int(&rows, 1), sql_int(&rows, 2), sql_int(&rows, 3),
                                     sql_int(&rows, 4), sql_int(&rows, 5), sql_int(&rows, 6),
                                     training_keep(office, sql_text(&rows, 7)), training_keep(office, sql_text(&rows, 8))};
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = propose_owed(office, sql, &all[i], now_ms);
    }
    return err;
}

/* Until the customer has fixed it (S0-26). */
static enum err remind(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t ids[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT id FROM training WHERE closed_ms IS NULL AND state = 'proposed' AND named_ms IS NULL AND asked_ms <= ?1 ORDER"
             " BY asked_ms LIMIT 200",
             "i", now_ms - DAY_MS);
    while (count < SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        struct training training;
        struct place place;
        int64_t asked_ms = sql_find_int(sql, 0, "SELECT asked_ms FROM training WHERE id = ?1", "i", ids[i]), every_ms;

        err = training_load(office, sql, ids[i], &training);
        err = err ? err : place_find(office, sql, 0, training.site, now_ms, &place);
        every_ms = !err && place.plan ? place.plan->training.remind_ms : 0;
        if (!err && every_ms && asked_ms + every_ms <= now_ms && now_ms - training.created_ms <= (REMIND_MOST + 1) * every_ms) {
            err = ask(office, sql, &training, (now_ms - training.created_ms) / every_ms, now_ms);
        }
        err = err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    return err;
}

/* ------------------------------------------------------------------ operators' typical problems */

/* Tickets of the site whose last word on who answers is the customer, since then; and the fault that came most often. */
static enum err put_faults(struct sql *sql, int64_t site, int64_t since_ms, int64_t *ret_count, char fault[65],
                           struct json_out *out)
{
    struct sql_rows rows;

    *ret_count = 0;
    fault[0] = '\0';
    json_open_object(out);
    json_key(out, "faults");
    json_open_list(out);
    sql_find(sql, &rows,
             "SELECT COALESCE(t.fault, t.kind), COUNT(*), MIN(t.number), MAX(t.number) FROM ticket t WHERE t.site = ?1 AND"
             " t.registered_ms >= ?2 AND (SELECT c.value FROM ticket_class c WHERE c.ticket = t.id AND c.field ="
             " 'responsible_party' ORDER BY c.id DESC LIMIT 1) = 'customer' GROUP BY COALESCE(t.fault, t.kind) ORDER BY 2 DESC, 1",
             "ii", site, since_ms);
    while (sql_next(&rows)) {
        if (*ret_count == 0) {
            (void)!text_copy(fault, 65, sql_text(&rows, 0));
        }
        *ret_count += sql_int(&rows, 1);
        json_open_object(out);
        json_text(out, "fault", sql_text(&rows, 0));
        json_int(out, "tickets", sql_int(&rows, 1));
        json_text(out, "first", sql_text(&rows, 2));
        json_text(out, "last", sql_text(&rows, 3));
        json_close_object(out);
    }
    json_close_list(out);
    json_close_object(out);
    return sql_end(&rows);
}

/* Equipment of the site tells which course. */
static enum err profile_at(struct office *office, struct sql *sql, int64_t site, const char **ret_profile)
{
    struct sql_rows rows;

    *ret_profile = NULL;
    sql_find(sql, &rows, "SELECT profile FROM equipment WHERE site = ?1 ORDER BY id LIMIT 1", "i", site);
    if (sql_next(&rows)) {
        *ret_profile = training_keep(office, sql_text(&rows, 0));
    }
    return sql_end(&rows);
}

/* What a course was proposed for does not count again. */
static enum err judge_site(struct office *office, struct sql *sql, int64_t site, int64_t now_ms)
{
    struct json_out facts = json_out(32 * 1024);
    const struct plan_training *rules;
    struct proposal proposal = {.reason = "operator_faults", .who = "heliograph", .site = site};
    int64_t since_ms, count = 0;
    const char *profile = NULL;
    struct place place;
    char fault[65];
    enum err err = place_find(office, sql, 0, site, now_ms, &place);

    if (err || !place.plan || !place.plan->training.operator_faults || place.plan->training.over_ms <= 0) {
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    rules = &place.plan->training;
    since_ms = sql_find_int(sql, 0, "SELECT MAX(created_ms) FROM training WHERE site = ?1 AND reason = 'operator_faults'", "i",
                            site);
    since_ms = since_ms > now_ms - rules->over_ms ? since_ms : now_ms - rules->over_ms;
    err = put_faults(sql, site, since_ms, &count, fault, &facts);
    err = err ? err : profile_at(office, sql, site, &profile);
    proposal.course = rules_choose_course(office->options.rules, COURSE_ON_OPERATOR_FAULTS, profile);
    proposal.occurrence = now_ms / rules->over_ms;
    proposal.facts = facts.bytes;
    if (!err && count >= rules->operator_faults && proposal.course) {
        err = propose_and_ask(office, sql, &proposal, now_ms);
    }
    json_out_free(&facts);
    return err;
}

static enum err propose_faults(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t sites[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    /* who may have got over its threshold since yesterday */
    sql_find(sql, &rows,
             "SELECT DISTINCT t.site FROM ticket_class c JOIN ticket t ON t.id = c.ticket WHERE c.field = 'responsible_party' AND"
             " c.value = 'customer' AND c.at_ms >= ?1 AND t.site IS NOT NULL ORDER BY t.site LIMIT 200",
             "i", now_ms - 3 * DAY_MS);
    while (count < SLICE && sql_next(&rows)) {
        sites[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = judge_site(office, sql, sites[i], now_ms);
    }
    return err;
}

/* ------------------------------------------------------------------ dealers and the company's own, every so often */

/* A team of local agents is trained anew so long after it was last; the first time at once (S0-134). */
static int32_t due_of_dealers(struct sql *sql, const struct training_course *course, const struct crew_team *team, int32_t today)
{
    int64_t held_ms = sql_find_int(sql, 0,
                                   "SELECT MAX(held_ms) FROM training WHERE team = ?1 AND course = ?2 AND held_ms IS NOT NULL",
                                   "it", team->id, course->id);
    int64_t taken = sql_find_int(sql, 0, "SELECT MAX(day) FROM course_taken WHERE team = ?1 AND course = ?2", "it", team->id,
                                 course->id);
    int32_t last = (int32_t)(held_ms / DAY_MS > taken ? held_ms / DAY_MS : taken);

    if (team->tier != 1) {
        return INT32_MAX;
    }
    return last ? course_next_day(last, course->every) : today;
}

/* The first of the team whose certificate of the course, or exam, ends. */
static int32_t due_of_staff(struct sql *sql, const struct training_course *course, const struct crew *crew, const struct crew_team *team)
{
    int32_t due = INT32_MAX;

    for (size_t i = 0; i < crew->person_count; i++) {
        const struct crew_person *person = &crew->people[i];
        int64_t last = person->team == team ? sql_find_int(sql, 0,
                                                           "SELECT MAX(day) FROM course_taken WHERE technician = ?1 AND course ="
                                                           " ?2 AND revoked_ms IS NULL",
                                                           "it", person->id, course->id)
                                            : 0;
        int32_t next = last ? course_next_day((int32_t)last, course->every) : INT32_MAX;

        if (person->team == team && course->exam && person->exam_due != ROUTING_NO_DAY && person->exam_due > next) {
            next = person->exam_due; /* the file says that it was examined elsewhere */
        } else if (person->team == team && course->exam && person->exam_due != ROUTING_NO_DAY && !last) {
            next = person->exam_due;
        }
        due = next < due ? next : due;
    }
    return due;
}

static enum err propose_for_team(struct office *office, struct sql *sql, const struct training_course *course, const struct crew_team *team,
                                 int32_t due, int32_t today, int64_t now_ms)
{
    struct proposal proposal = {.course = course, .reason = course_occasion_names[COURSE_ON_EVERY], .who = "heliograph",
                                .team = team->id, .occurrence = due, .due_ms = due * DAY_MS};
    int64_t id;

    if (due == INT32_MAX || due > today + AHEAD_DAYS ||
        sql_find_int(sql, 0, "SELECT 1 FROM training WHERE team = ?1 AND course = ?2 AND closed_ms IS NULL LIMIT 1", "it", team->id,
                     course->id)) {
        return ERR_OK; /* one is under way */
    }
    return training_propose(office, sql, &proposal, now_ms, &id);
}

static enum err propose_teams(struct office *office, struct sql *sql, int64_t now_ms)
{
    int32_t today = (int32_t)(now_ms / DAY_MS);
    const struct crew *crew;
    enum err err = office_crew(office, sql, &crew);

    for (size_t i = 0; !err && i < rules_course_count(office->options.rules); i++) {
        const struct training_course *course = rules_course_at(office->options.rules, i);

        if (!(course->occasions >> COURSE_ON_EVERY & 1) || course->every.count == 0) {
            continue;
        }
        for (size_t k = 0; !err && k < crew->team_count; k++) {
            const struct crew_team *team = &crew->teams[k];
            int32_t due = course->kind == COURSE_DEALER ? due_of_dealers(sql, course, team, today)
                                                        : due_of_staff(sql, course, crew, team);

            err = propose_for_team(office, sql, course, team, due, today, now_ms);
        }
    }
    return err;
}

enum err training_proposals(struct office *office, struct sql *sql, int64_t now_ms)
{
    enum err err = propose_duties(office, sql, now_ms);

    err = err ? err : remind(office, sql, now_ms);
    err = err ? err : propose_faults(office, sql, now_ms);
    return err ? err : propose_teams(office, sql, now_ms);
}

enum err training_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    enum err err = training_proposals(office, sql, now_ms);

    return err ? err : training_warn(office, sql, now_ms);
}
