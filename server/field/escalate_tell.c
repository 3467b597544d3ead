/* Whom a step tells, and how: by itself, or with the area of a flood. */
#include <string.h>

#include "models/base/hash.h"
#include "models/service/plan_staff.h"
#include "models/service/sms.h"
#include "server/alarm/alarm.h"
#include "server/field/escalate_int.h"
#include "server/field/owner.h"
#include "server/notice/outbox.h"

/* ------------------------------------------------------------------ who is told */

struct target {
    const char *as; /* leadership, on_call … */
    const struct crew_person *person; /* NULL: the role alone */
    const struct crew_team *team;
};

#define TARGETS_MOST 64

static void add(struct target *targets, size_t *count, const char *as, const struct crew_person *person,
                const struct crew_team *team)
{
    if (*count < TARGETS_MOST) {
        targets[(*count)++] = (struct target){as, person, team};
    }
}

static void add_role(const struct crew *crew, unsigned role, const char *as, struct target *targets, size_t *count)
{
    size_t before = *count;

    for (size_t i = 0; i < crew->person_count; i++) {
        if (crew->people[i].roles & role) {
            add(targets, count, as, &crew->people[i], NULL);
        }
    }
    if (*count == before) { /* nobody is named: the role is told where notices go */
        add(targets, count, as, NULL, NULL);
    }
}

/* S0-110: unanswered, then the next on the roster. */
static void add_on_call(const struct crew *crew, const struct ticket *ticket, int64_t repetition, int64_t now_ms,
                        struct target *targets, size_t *count)
{
    const struct crew_person *people[ROSTER_MEMBERS_MOST];
    size_t found = crew_on_call(crew, ticket->plan ? ticket->plan->id : NULL, now_ms, people, ROSTER_MEMBERS_MOST);

    add(targets, count, "on_call", found ? people[(size_t)repetition % found] : NULL, NULL);
}

static size_t find_targets(const struct crew *crew, const struct ticket *ticket, const struct owner_row *owner, unsigned to,
                           int64_t repetition, int64_t now_ms, struct target *targets)
{
    const struct crew_team *team = crew_team_of(crew, owner->team);
    const struct crew_person *technician = NULL;
    size_t count = 0;

    for (size_t i = 0; i < crew->person_count; i++) {
        technician = owner->technician && crew->people[i].id == owner->technician ? &crew->people[i] : technician;
    }
    if (to & ESCALATION_TO_DISPATCHER) {
        add_role(crew, CREW_DISPATCHER, "dispatcher", targets, &count);
    }
    if (to & ESCALATION_TO_ON_CALL) {
        add_on_call(crew, ticket, repetition, now_ms, targets, &count);
    }
    if (to & ESCALATION_TO_OWNER) {
        add(targets, &count, "owner", technician, technician ? NULL : team);
    }
    if (to & ESCALATION_TO_TEAM_LEAD) {
        add(targets, &count, "team_lead", team ? crew_person_named(crew, team->lead) : NULL, team);
    }
    if (to & ESCALATION_TO_SUPERVISOR) {
        add_role(crew, CREW_SUPERVISOR, "supervisor", targets, &count);
    }
    if (to & ESCALATION_TO_TECHNICAL) {
        add_role(crew, CREW_TECHNICAL, "technical", targets, &count);
    }
    if (to & ESCALATION_TO_LEADERSHIP) {
        add_role(crew, CREW_LEADERSHIP, "leadership", targets, &count);
    }
    return count;
}

static void put_targets(const struct target *targets, size_t count, struct json_out *out)
{
    json_open_list(out);
    for (size_t i = 0; i < count; i++) {
        const struct crew_person *person = targets[i].person;
        const struct crew_team *team = targets[i].team;

        json_open_object(out);
        json_text(out, "as", targets[i].as);
        json_text(out, "technician", person ? person->name : NULL);
        json_text(out, "team", team ? team->name : NULL);
        json_text(out, "name", person ? person->title : team ? team->title : NULL);
        json_text(out, "phone", person ? person->phone : team ? team->phone : NULL);
        json_text(out, "email", person ? person->email : team ? team->email : NULL);
        json_close_object(out);
    }
    json_close_list(out);
}

static enum err put_notice(struct sql *sql, int64_t ticket, const char *key_begin, const char *channel, const char *target,
                           const char *subject, const char *body, int64_t now_ms)
{
    TEXT(key, 400);
    char hash[17];
    struct notice notice = {.key = key.at, .channel = channel, .target = target, .subject = subject, .body = body,
                            .ticket = ticket, .due_ms = now_ms};

    hash_hex(hash_bytes(target ? target : "", target ? strlen(target) : 0), hash);
    text_addf(&key, "%s:%s:%s", key_begin, channel, target ? hash : "-");
    return notify_put(sql, now_ms, &notice);
}

struct saying { /* one thing told to some people */
    int64_t ticket; /* 0: about none */
    const char *key, *subject, *body, *words; /* body: JSON; words: for a person's mail */
    unsigned channels;
};

/* The subject, as a short message, to those who have a number. */
static enum err send_sms(struct office *office, struct sql *sql, const struct saying *saying, const struct target *targets,
                         size_t count, int64_t now_ms)
{
    enum err err = ERR_OK;
    TEXT(words, 2000);

    sms_fit(saying->subject, NULL, office->options.sms_segments, &words);
    for (size_t i = 0; !err && i < count; i++) {
        const char *phone = targets[i].person ? targets[i].person->phone : targets[i].team ? targets[i].team->phone : NULL;
        TEXT(number, SMS_NUMBER_ROOM);

        if (sms_number(phone, &number)) {
            err = put_notice(sql, saying->ticket, saying->key, "sms", number.at, saying->subject, words.at, now_ms);
        }
    }
    return err;
}

static enum err send(struct office *office, struct sql *sql, const struct saying *saying, const struct target *targets,
                     size_t count, int64_t now_ms)
{
    unsigned channels = saying->channels ? saying->channels : ~0U;
    enum err err = channels & 1U ? put_notice(sql, saying->ticket, saying->key, "log", NULL, saying->subject, saying->body, now_ms)
                                 : ERR_OK;

    for (const char *const *hook = office->options.webhooks; !err && channels & 2U && hook && *hook; hook++) {
        err = put_notice(sql, saying->ticket, saying->key, "webhook", *hook, saying->subject, saying->body, now_ms);
    }
    for (size_t i = 0; !err && office->options.has_smtp && channels & 4U && i < count; i++) {
        const char *email = targets[i].person ? targets[i].person->email : targets[i].team ? targets[i].team->email : NULL;

        email = email ? email : office->options.mail_to;
        if (email) {
            err = put_notice(sql, saying->ticket, saying->key, "smtp", email, saying->subject, saying->words, now_ms);
        }
    }
    if (!err && channels & 8U && office->options.sms_segments > 0) {
        err = send_sms(office, sql, saying, targets, count, now_ms);
    }
    return err;
}

static enum err tell(struct office *office, struct sql *sql, const struct ticket *ticket, const struct open *open,
                     const struct escalation_step *step, const struct escalation_due *due, const struct target *targets,
                     size_t count, const char *people, int64_t now_ms)
{
    struct json_out body = json_out(64 * 1024);
    TEXT(subject, 320);
    TEXT(key, 128);
    TEXT(words, 1024);
    enum err err;

    text_addf(&key, "escalation:%s:%d:%lld", open->number, due->step, (long long)due->repetition);
    text_addf(&subject, "[%s] %s: %s", ticket->number, escalation_on_names[open->on],
              ticket->title_en ? ticket->title_en : ticket->kind);
    text_addf(&words, "%s\n\nTicket / 工单: %s\nEscalation / 上报: %s (%s)\nGrade / 等级: %d\n%s\n", subject.at, ticket->number,
              open->number, escalation_on_names[open->on], ticket->grade, ticket->title_zh ? ticket->title_zh : "");
    json_open_object(&body);
    json_text(&body, "ticket", ticket->number);
    json_text(&body, "step", "escalation");
    json_text(&body, "escalation", open->number);
    json_text(&body, "condition", escalation_on_names[open->on]);
    json_int(&body, "level", due->step + 1);
    json_int(&body, "repetition", due->repetition);
    json_int(&body, "grade", ticket->grade);
    json_raw(&body, "to", people);
    json_close_object(&body);
    err = body.err;
    if (!err) {
        err = send(office, sql,
                   &(struct saying){ticket->id, key.at, subject.at, body.bytes, words.at, step->channels}, targets, count,
                   now_ms);
    }
    json_out_free(&body);
    return err;
}

/* ------------------------------------------------------------------ whether it is told by itself */

bool escalate_by_itself(int on)
{
    return on == ESCALATION_EMERGENCY || on == ESCALATION_UNACKNOWLEDGED || on == ESCALATION_NOT_DISPATCHED ||
           on == ESCALATION_WILL_BREACH || on == ESCALATION_BREACHED || on == ESCALATION_NOT_CLEARED;
}

static struct told_step step_of(const struct ticket *ticket)
{
    return (struct told_step){.ticket_kind = ticket->kind, .step = "escalation", .fault = ticket->fault, .ticket = ticket->id,
                              .equipment = ticket->equipment, .agent = ticket->agent, .grade = ticket->grade,
                              .rules = ticket->plan ? &ticket->plan->alarms : &alarm_rules_usual};
}

enum err escalate_way(struct sql *sql, const struct ticket *ticket, int64_t now_ms, enum told_way *ret_way,
                      int64_t *ret_known_ms)
{
    struct told_step step = step_of(ticket);

    return told_way(sql, &step, now_ms, ret_way, ret_known_ms);
}

/* What people asked for is told in any case, and so is what dispatchers need not look at. */
static enum err ask_for_room(struct sql *sql, const struct ticket *ticket, const struct open *open,
                             const struct escalation_step *step, int64_t now_ms, bool *ret_single)
{
    struct told_step what = step_of(ticket);
    bool item = open->on != ESCALATION_MANUAL &&
                (escalate_by_itself(open->on) || step->to & (ESCALATION_TO_DISPATCHER | ESCALATION_TO_ON_CALL));

    *ret_single = true;
    return item ? told_escalation(sql, &what, step->to & ESCALATION_UP, now_ms, ret_single) : ERR_OK;
}

enum err escalate_step(struct office *office, struct sql *sql, const struct ticket *ticket, const struct open *open,
                       const struct escalation_rule *rule, const struct escalation_due *due, int64_t now_ms)
{
    const struct escalation_step *step = &rule->steps[due->step];
    struct target targets[TARGETS_MOST];
    struct json_out people = json_out(32 * 1024);
    const struct crew *crew;
    struct owner_row owner;
    size_t count;
    bool single = true;
    enum err err = office_crew(office, sql, &crew);

    if (!err) {
        err = owner_find(sql, ticket->id, &owner);
    }
    if (!err) {
        err = ask_for_room(sql, ticket, open, step, now_ms, &single);
    }
    if (err) {
        return err;
    }
    count = find_targets(crew, ticket, &owner, step->to, due->repetition, now_ms, targets);
    put_targets(targets, count, &people);
    err = people.err;
    if (!err) {
        err = escalate_write(sql, open->id, "step", due, "heliograph", NULL, single ? NULL : "told with its area",
                             people.bytes, now_ms, now_ms);
    }
    if (!err) {
        err = sql_run(sql, "UPDATE escalation SET told_ms = COALESCE(told_ms, ?2), version = version + 1 WHERE id = ?1", "ii",
                      open->id, now_ms);
    }
    if (!err && single) {
        err = tell(office, sql, ticket, open, step, due, targets, count, people.bytes, now_ms);
    }
    json_out_free(&people);
    if (!err && open->on == ESCALATION_NOT_CLEARED && due->step == 0 && due->repetition == 0) {
        err = owner_go_up(office, sql, ticket->id, "not cleared by the crew limit", now_ms, now_ms); /* S0-50 */
    }
    return err;
}

/* ------------------------------------------------------------------ a flood's digest */

enum err escalate_digest(struct office *office, struct sql *sql, const struct escalate_digest *digest, int64_t now_ms)
{
    struct target targets[TARGETS_MOST];
    struct json_out people = json_out(32 * 1024), body = json_out(64 * 1024);
    const struct ticket none = {.id = 0};
    const struct owner_row nobody = {.assignment = 0};
    const struct crew *crew;
    TEXT(key, 128);
    TEXT(subject, 320);
    TEXT(words, 1024);
    size_t count;
    enum err err = office_crew(office, sql, &crew);

    if (err) {
        return err;
    }
    count = find_targets(crew, &none, &nobody, digest->to & ESCALATION_UP, 0, now_ms, targets);
    put_targets(targets, count, &people);
    text_addf(&key, "flood:%lld:up", (long long)digest->flood);
    text_addf(&subject, "Many alarms at %.64s: %lld matters would be escalated one by one", digest->position,
              (long long)digest->steps);
    text_addf(&words, "%s (grade 1: %lld). They are told by area until the flood is over; each has its ticket and its"
                      " escalation.\n%.64s 报警集中，共有 %lld 项待上报（1 级 %lld），期间按区域通知，均已生成工单和上报记录。\n",
              subject.at, (long long)digest->grade_1, digest->position, (long long)digest->steps, (long long)digest->grade_1);
    json_open_object(&body);
    json_null(&body, "ticket");
    json_text(&body, "step", "escalation");
    json_text(&body, "condition", "flood");
    json_text(&body, "position", digest->position);
    json_int(&body, "steps", digest->steps);
    json_int(&body, "grade_1", digest->grade_1);
    json_text(&body, "message", words.at);
    json_raw(&body, "to", people.bytes);
    json_close_object(&body);
    err = people.err ? people.err : body.err;
    if (!err) {
        err = send(office, sql, &(struct saying){0, key.at, subject.at, body.bytes, words.at, 0}, targets, count, now_ms);
    }
    json_out_free(&people);
    json_out_free(&body);
    return err;
}
