/* Complaints: read, owned, taken up the chain, told. */
#include "server/relation/complaint_int.h"

#include <string.h>

#include "models/base/zone.h"
#include "server/case/duties.h"
#include "server/case/place.h"
#include "server/case/word.h"
#include "server/fleet/crew.h"
#include "server/fleet/numbers.h"
#include "server/notice/outbox.h"
#include "server/store/change.h"

#define SLICE 100

const char *const complaint_duties[] = {"complaint_acknowledge", "complaint_answer", "complaint_resolve"};

static const char *keep(struct office *office, const char *words)
{
    return words ? arena_text(office->arena, words, strlen(words)) : NULL;
}

int64_t complaint_find(struct sql *sql, const char *number)
{
    return sql_find_int(sql, 0, "SELECT id FROM complaint WHERE number = ?1", "t", number);
}

enum err complaint_load(struct office *office, struct sql *sql, int64_t id, struct complaint *ret)
{
    int64_t registered_ms = 0;
    struct place place;
    struct sql_rows rows;
    bool found;
    enum err err;

    *ret = (struct complaint){.id = id};
    sql_find(sql, &rows,
             "SELECT number, code, kind, severity, state, customer, site, equipment, ticket, team, technician, owner, level,"
             " version, registered_ms FROM complaint WHERE id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        ret->number = keep(office, sql_text(&rows, 0));
        ret->code = keep(office, sql_text(&rows, 1));
        ret->kind = keep(office, sql_text(&rows, 2));
        ret->severity = keep(office, sql_text(&rows, 3));
        ret->state = (enum complaint_state)complaint_word(complaint_state_names, sql_text(&rows, 4));
        ret->customer = sql_int(&rows, 5);
        ret->site = sql_int(&rows, 6);
        ret->equipment = sql_int(&rows, 7);
        ret->ticket = sql_int(&rows, 8);
        ret->team = sql_int(&rows, 9);
        ret->technician = sql_int(&rows, 10);
        ret->owner = sql_int(&rows, 11);
        ret->level = sql_int(&rows, 12);
        ret->version = sql_int(&rows, 13);
        registered_ms = sql_int(&rows, 14);
    }
    err = sql_end(&rows);
    if (err || !found) {
        return err ? err : ERR_NOT_FOUND;
    }
    err = place_find(office, sql, ret->equipment, ret->site, registered_ms, &place);
    if (!err) {
        ret->plan = place.plan;
        ret->time_zone = place.time_zone;
        ret->calendar = place.calendar;
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* ------------------------------------------------------------------ who owns it */

static bool is_barred(const struct crew *crew, const struct complaint *complaint, const struct crew_person *person)
{
    const struct crew_team *team = complaint->team ? crew_team_of(crew, complaint->team) : NULL;

    return person->id == complaint->technician ||
           (team && ((person->team && person->team->id == team->id) || text_same(team->lead, person->name)));
}

static const struct crew_person *person_of(const struct crew *crew, int64_t id)
{
    for (size_t i = 0; i < crew->person_count; i++) {
        if (crew->people[i].id == id) {
            return &crew->people[i];
        }
    }
    return NULL;
}

enum err complaint_bars(struct office *office, struct sql *sql, const struct complaint *complaint, int64_t id, bool *ret_bars)
{
    const struct crew_person *person;
    const struct crew *crew;
    enum err err = office_crew(office, sql, &crew);

    person = err ? NULL : person_of(crew, id);
    *ret_bars = person && is_barred(crew, complaint, person);
    return err;
}

/* Of those who are there today, who owns fewest. */
static const struct crew_person *best_of(struct sql *sql, const struct crew *crew, const struct complaint *complaint,
                                         unsigned role, int32_t day)
{
    const struct crew_person *best = NULL;
    int64_t least = 0;

    for (size_t i = 0; i < crew->person_count; i++) {
        const struct crew_person *person = &crew->people[i];
        int64_t has;

        if (!(person->roles & role) || is_barred(crew, complaint, person) || crew_absence_on(person, day)) {
            continue;
        }
        has = sql_find_int(sql, 0, "SELECT COUNT(*) FROM complaint WHERE closed_ms IS NULL AND owner = ?1 AND id <> ?2", "ii",
                           person->id, complaint->id);
        if (!best || has < least) {
            best = person;
            least = has;
        }
    }
    return best;
}

static int64_t top_of(const struct complaint *complaint)
{
    return complaint->plan && complaint->plan->complaint.chain_count ? (int64_t)complaint->plan->complaint.chain_count - 1 : 0;
}

enum err complaint_owner(struct office *office, struct sql *sql, const struct complaint *complaint, int64_t level,
                         int64_t now_ms, int64_t *ret_level, int64_t *ret_owner)
{
    const struct zone *zone = complaint->time_zone ? rules_zone(office->options.rules, complaint->time_zone) : NULL;
    int32_t day = zone_day(zone ? zone : zone_utc(), now_ms);
    int64_t top = top_of(complaint);
    const struct crew *crew;
    enum err err = office_crew(office, sql, &crew);

    *ret_owner = 0;
    *ret_level = level < top ? level : top;
    for (int64_t at = *ret_level; !err && complaint->plan && at <= top && at < (int64_t)complaint->plan->complaint.chain_count;
         at++) {
        int role = complaint_word(crew_role_names, complaint->plan->complaint.chain[at]);
        const struct crew_person *person = role < 0 ? NULL : best_of(sql, crew, complaint, 1U << role, day);

        if (person) {
            *ret_level = at;
            *ret_owner = person->id;
            return ERR_OK;
        }
    }
    *ret_level = err ? *ret_level : top;
    return err;
}

/* ------------------------------------------------------------------ lines and words */

enum err complaint_line(struct sql *sql, int64_t complaint, int64_t at_ms, int64_t now_ms, const char *who, const char *action,
                        const char *action_id, const char *note)
{
    return sql_run(sql,
                   "INSERT INTO complaint_event (complaint, at_ms, stored_ms, who, action, action_id, note) VALUES (?1, ?2, ?3,"
                   " ?4, ?5, ?6, ?7)",
                   "iiitttt", complaint, at_ms, now_ms, who, action, action_id, note);
}

static enum err mail_owner(struct office *office, struct sql *sql, int64_t owner, const char *key, const char *subject,
                           const char *words, int64_t now_ms, bool *ret_done)
{
    const struct crew_person *person;
    const struct crew *crew;
    struct notice notice = {.key = key, .channel = "smtp", .subject = subject, .body = words, .due_ms = now_ms};
    enum err err = office_crew(office, sql, &crew);

    person = err || !owner ? NULL : person_of(crew, owner);
    *ret_done = person && person->email && office->options.has_smtp;
    if (!*ret_done) {
        return err;
    }
    notice.target = person->email;
    return notify_put(sql, now_ms, &notice);
}

enum err complaint_tell(struct office *office, struct sql *sql, const struct complaint *complaint, const char *step,
                        const char *sentence, int64_t now_ms)
{
    int64_t owner = sql_find_int(sql, 0, "SELECT COALESCE(owner, 0) FROM complaint WHERE id = ?1", "i", complaint->id);
    struct json_out body = json_out(4096);
    bool done = false;
    TEXT(words, 800);
    TEXT(subject, 200);
    TEXT(key, 200);
    enum err err;

    text_addf(&key, "complaint:%s:%s", complaint->number, step);
    text_addf(&subject, "[%s] %s: %s", complaint->number, complaint->kind, sentence);
    text_addf(&words, "%s\n%s：请处理。\n", subject.at, complaint->number);
    if (office->options.public_url) {
        text_addf(&words, "%s/api/v1/complaints/%s\n", office->options.public_url, complaint->number);
    }
    json_open_object(&body);
    json_text(&body, "complaint", complaint->number);
    json_text(&body, "step", step);
    json_text(&body, "message", sentence);
    json_close_object(&body);
    err = body.err ? body.err : change_put(sql, now_ms, "complaint", body.bytes);
    err = err ? err : mail_owner(office, sql, owner, key.at, subject.at, words.at, now_ms, &done);
    if (!err && !done) {
        err = office_tell(office, sql, key.at, subject.at, body.bytes, words.at, now_ms);
    }
    json_out_free(&body);
    return err;
}

enum err complaint_say(struct office *office, struct sql *sql, const struct complaint *complaint, const char *step,
                       const char *key, const char *note, int64_t now_ms)
{
    const struct zone *zone = complaint->time_zone ? rules_zone(office->options.rules, complaint->time_zone) : NULL;
    struct customer_word word = {.customer = complaint->customer, .plan = complaint->plan, .zone = zone ? zone : zone_utc(),
                                 .step = step};
    TEXT(whole, 200);
    TEXT(link, 600);

    text_addf(&whole, "complaint:%s:%s", complaint->number, key);
    if (office->options.public_url) {
        text_addf(&link, "%s/complaint/%s?code=%s", office->options.public_url, complaint->number, complaint->code);
    }
    word.key = whole.at;
    word.en[NOTICE_NUMBER] = complaint->number;
    word.en[NOTICE_LINK] = link.at;
    word.en[NOTICE_NOTE] = note;
    return customer_say(office, sql, &word, now_ms);
}

/* ------------------------------------------------------------------ up the chain */

enum err complaint_up(struct office *office, struct sql *sql, const struct complaint *complaint, int64_t from_level,
                      const char *who, const char *action, const char *action_id, const char *note, int64_t at_ms,
                      int64_t now_ms)
{
    int64_t level = 0, owner = 0, top = top_of(complaint);
    int64_t every_ms = complaint->plan ? complaint->plan->complaint.escalate_ms : 0;
    TEXT(step, 160);
    enum err err = complaint_owner(office, sql, complaint, from_level, now_ms, &level, &owner);

    if (!err && !owner) { /* nobody is left above: who has it keeps it, unless he is complained of meanwhile */
        bool barred = false;

        err = complaint->owner ? complaint_bars(office, sql, complaint, complaint->owner, &barred) : ERR_OK;
        owner = barred ? 0 : complaint->owner;
    }
    if (!err) {
        err = sql_run(sql,
                      "UPDATE complaint SET level = ?2, owner = NULLIF(?3, 0), again_ms = NULLIF(?4, 0), version = version + 1"
                      " WHERE id = ?1",
                      "iiii", complaint->id, level, owner, every_ms && level < top ? now_ms + every_ms : (int64_t)0);
    }
    err = err ? err : complaint_line(sql, complaint->id, at_ms, now_ms, who, action, action_id, note);
    text_addf(&step, "%s.%lld", action, (long long)sql_find_int(sql, 0, "SELECT MAX(id) FROM complaint_event WHERE complaint"
                                                                        " = ?1", "i", complaint->id));
    return err ? err : complaint_tell(office, sql, complaint, step.at, note ? note : action, now_ms);
}

static enum err each(struct office *office, struct sql *sql, const char *statement, int64_t now_ms,
                     enum err (*one)(struct office *office, struct sql *sql, int64_t id, int64_t clock, int64_t now_ms))
{
    int64_t ids[SLICE], clocks[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows, statement, "i", now_ms);
    while (count < SLICE && sql_next(&rows)) {
        ids[count] = sql_int(&rows, 0);
        clocks[count++] = sql_int(&rows, 1);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = one(office, sql, ids[i], clocks[i], now_ms);
    }
    return err;
}

/* A clock was missed: once per clock, whenever that is seen. */
static enum err overdue(struct office *office, struct sql *sql, int64_t id, int64_t clock, int64_t now_ms)
{
    struct complaint complaint;
    TEXT(key, 40);
    enum err err = complaint_load(office, sql, id, &complaint);

    text_addf(&key, "clock:%lld", (long long)clock);
    return err ? err
               : complaint_up(office, sql, &complaint, complaint.level + (complaint.owner ? 1 : 0), "heliograph", "overdue",
                              key.at, "a promised time has passed", now_ms, now_ms);
}

static enum err still_overdue(struct office *office, struct sql *sql, int64_t id, int64_t clock, int64_t now_ms)
{
    struct complaint complaint;
    enum err err = complaint_load(office, sql, id, &complaint);
    bool owed = sql_find_int(sql, 0,
                             "SELECT 1 FROM clock WHERE subject = 'complaint' AND subject_id = ?1 AND breached_ms IS NOT NULL"
                             " AND met_ms IS NULL AND cancelled_ms IS NULL LIMIT 1",
                             "i", id) != 0;

    (void)clock;
    if (!err && (!owed || complaint.state == COMPLAINT_ANSWERED)) {
        return sql_run(sql, "UPDATE complaint SET again_ms = NULL WHERE id = ?1", "i", id);
    }
    return err ? err
               : complaint_up(office, sql, &complaint, complaint.level + 1, "heliograph", "overdue", NULL,
                              "it is still overdue", now_ms, now_ms);
}

static enum err deemed(struct office *office, struct sql *sql, int64_t id, int64_t clock, int64_t now_ms)
{
    struct complaint complaint;
    struct action action = {.action = "close", .who = "heliograph", .role = ROLE_SERVER,
                            .note = "the customer said nothing about the answer"};
    TEXT(why, 200);
    enum err err = complaint_load(office, sql, id, &complaint);

    (void)clock;
    return err ? err : complaint_act(office, sql, id, &action, now_ms, &why);
}

/* CROSS JOIN: from the few clocks to their complaints, not the other way round. */
#define FRESH                                                                                                    \
    " FROM clock k CROSS JOIN complaint c WHERE c.id = k.subject_id AND k.subject = 'complaint' AND k.breached_ms IS" \
    " NOT NULL AND k.met_ms IS NULL AND k.cancelled_ms IS NULL AND c.state <> 'answered' AND NOT EXISTS (SELECT 1"     \
    " FROM complaint_event e WHERE e.complaint = c.id AND e.action_id = 'clock:' || CAST(k.id AS TEXT))"

enum err complaint_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    enum err err = each(office, sql, "SELECT c.id, k.id" FRESH " AND k.breached_ms <= ?1 ORDER BY k.breached_ms, k.id LIMIT 100",
                        now_ms, overdue);

    err = err ? err
              : each(office, sql, "SELECT id, 0 FROM complaint WHERE again_ms <= ?1 ORDER BY again_ms LIMIT 100", now_ms,
                     still_overdue);
    return err ? err
               : each(office, sql, "SELECT id, 0 FROM complaint WHERE deem_ms <= ?1 ORDER BY deem_ms LIMIT 100", now_ms,
                      deemed);
}

int64_t complaint_due(struct sql *sql)
{
    int64_t fresh_ms = sql_find_int(sql, OFFICE_NEVER, "SELECT MIN(k.breached_ms)" FRESH, "");
    int64_t again_ms = sql_find_int(sql, OFFICE_NEVER, "SELECT MIN(again_ms) FROM complaint WHERE again_ms IS NOT NULL", "");
    int64_t deem_ms = sql_find_int(sql, OFFICE_NEVER, "SELECT MIN(deem_ms) FROM complaint WHERE deem_ms IS NOT NULL", "");

    again_ms = again_ms < deem_ms ? again_ms : deem_ms;
    return fresh_ms < again_ms ? fresh_ms : again_ms;
}
