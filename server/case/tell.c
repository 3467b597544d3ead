/* Notices about a ticket: a row of the outbox for every configured channel. */
#include <string.h>

#include "models/base/hash.h"
#include "server/alarm/alarm.h"
#include "server/case/customer.h"
#include "server/case/ticket.h"
#include "server/notice/outbox.h"

struct saying { /* one thing told, to every channel */
    int64_t ticket; /* 0: about none */
    const char *key, *subject, *body, *words; /* body: JSON; words: for a person's mail */
    int64_t now_ms;
};

static enum err tell_channel(struct sql *sql, const struct saying *saying, const char *channel,
                             const char *target, const char *body)
{
    TEXT(key, 400);
    char hash[17];
    struct notice notice = {
        .key = key.at,
        .channel = channel,
        .target = target,
        .subject = saying->subject,
        .body = body,
        .ticket = saying->ticket,
        .due_ms = saying->now_ms,
    };

    /* of the target only a hash: an address may be long and may hold a password */
    hash_hex(hash_bytes(target ? target : "", target ? strlen(target) : 0), hash);
    text_addf(&key, "%s:%s:%s", saying->key, channel, target ? hash : "-");
    if (key.cut) {
        return ERR_FULL;
    }
    return notify_put(sql, saying->now_ms, &notice);
}

static void notice_body(struct office *office, const struct ticket *ticket, const char *step,
                        const char *sentence, struct json_out *out)
{
    json_open_object(out);
    json_text(out, "ticket", ticket->number);
    json_text(out, "step", step);
    json_text(out, "kind", ticket->kind);
    json_text(out, "fault", ticket->fault);
    json_int(out, "grade", ticket->grade);
    json_text(out, "title_en", ticket->title_en);
    json_text(out, "title_zh", ticket->title_zh);
    json_text(out, "message", sentence);
    if (office->options.public_url) {
        TEXT(link, 512);

        text_addf(&link, "%s/track/%s", office->options.public_url, ticket->number);
        json_text(out, "link", link.at);
    }
    json_close_object(out);
}

static enum err tell_all(struct office *office, struct sql *sql, const struct saying *saying)
{
    enum err err = tell_channel(sql, saying, "log", NULL, saying->body);

    for (const char *const *hook = office->options.webhooks; !err && hook && *hook; hook++) {
        err = tell_channel(sql, saying, "webhook", *hook, saying->body);
    }
    if (!err && office->options.has_smtp && office->options.mail_to) {
        err = tell_channel(sql, saying, "smtp", office->options.mail_to, saying->words);
    }
    return err;
}

enum err office_tell(struct office *office, struct sql *sql, const char *key, const char *subject, const char *body,
                     const char *words, int64_t now_ms)
{
    struct saying saying = {0, key, subject, body, words, now_ms};

    return tell_all(office, sql, &saying);
}

/* In both languages, as staff read either. */
static void both(const struct words2 *words, const char *const values[NOTICE_FIELDS], const char *between,
                 struct text *to)
{
    notice_render(words->en, values, to);
    text_add(to, between);
    notice_render(words->zh, values, to);
}

static enum err tell_desk(struct office *office, struct sql *sql, const struct ticket *ticket,
                          const struct notice_rule *rule, const char *step, const char *missing, int64_t now_ms)
{
    const char *values[NOTICE_FIELDS] = {[NOTICE_NUMBER] = ticket->number,
                                         [NOTICE_TITLE] = ticket->title_en,
                                         [NOTICE_STATE] = ticket_state_names[ticket->state],
                                         [NOTICE_MISSING] = missing};
    struct json_out body = json_out(16 * 1024);
    TEXT(key, 300);
    TEXT(subject, 400);
    TEXT(words, 2048);
    struct saying saying = {ticket->id, key.at, subject.at, NULL, words.at, now_ms};
    enum err err;

    text_addf(&key, "ticket:%s:%s", ticket->number, rule->id);
    both(&rule->subject, values, " · ", &subject);
    both(&rule->body, values, "\n", &words);
    notice_body(office, ticket, step, words.at, &body);
    saying.body = body.bytes;
    err = key.cut ? ERR_FULL : body.err ? body.err : tell_all(office, sql, &saying);
    json_out_free(&body);
    return err;
}

/* ["phone","wishes"] -> phone wishes */
static void plain(const char *list, struct text *to)
{
    for (; list && *list; list++) {
        if (strchr("[]\"", *list) == NULL) {
            text_add_bytes(to, *list == ',' ? " " : list, 1);
        }
    }
}

/* S0-29: whoever is told of a ticket is told, once and by itself, what its slip lacks. */
static enum err tell_incomplete(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t now_ms)
{
    static const char step[] = "data_incomplete";
    struct sql_rows rows;
    TEXT(missing, 200);
    enum err err;

    sql_find(sql, &rows, "SELECT missing FROM ticket WHERE id = ?1 AND missing IS NOT NULL", "i", ticket->id);
    if (sql_next(&rows)) {
        plain(sql_text(&rows, 0), &missing);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && missing.length && i < rules_notices_count(office->options.rules); i++) {
        const struct notices *notices = rules_notices_at(office->options.rules, i);

        for (size_t k = 0; !err && k < notices->count; k++) {
            if (notices->rules[k].to == NOTICE_TO_DESK && notice_is_on(&notices->rules[k], step)) {
                err = tell_desk(office, sql, ticket, &notices->rules[k], step, missing.at, now_ms);
            }
        }
    }
    return err;
}

/* The words of a step for people: of the rule that names it, else of the one for `any`. */
static const struct notice_rule *staff_rule(struct rules *rules, const char *step)
{
    const struct notice_rule *any = NULL;
    char word[64];

    notice_step_word(step, word, sizeof(word));
    for (size_t i = 0; i < rules_notices_count(rules); i++) {
        const struct notices *notices = rules_notices_at(rules, i);

        for (size_t k = 0; k < notices->count; k++) {
            const struct notice_rule *rule = &notices->rules[k];

            if (rule->to == NOTICE_TO_STAFF && notice_is_on(rule, word)) {
                return rule;
            }
            any = rule->to == NOTICE_TO_STAFF && notice_is_on(rule, "any") ? rule : any;
        }
    }
    return any;
}

static void staff_words(struct office *office, const struct ticket *ticket, const char *step, const char *sentence,
                        struct text *subject, struct text *words)
{
    const struct notice_rule *rule = staff_rule(office->options.rules, step);
    const char *title = ticket->title_en ? ticket->title_en : ticket->kind;
    char grade[2] = {(char)('0' + ticket->grade), 0};
    TEXT(link, 512);
    const char *values[NOTICE_FIELDS] = {[NOTICE_NUMBER] = ticket->number, [NOTICE_TITLE] = title, [NOTICE_GRADE] = grade,
                                         [NOTICE_STATE] = ticket_state_names[ticket->state], [NOTICE_NOTE] = sentence,
                                         [NOTICE_LINK] = link.at};

    if (office->options.public_url) {
        text_addf(&link, "%s/track/%s", office->options.public_url, ticket->number);
    }
    if (!rule) { /* a catalogue without words for staff */
        text_addf(subject, "[%s] grade %d: %s", ticket->number, ticket->grade, title);
        text_addf(words, "%s\n%s\n", sentence, link.at);
        return;
    }
    notice_render(rule->subject.en, values, subject);
    notice_render(rule->body.en, values, words);
    values[NOTICE_TITLE] = ticket->title_zh ? ticket->title_zh : title;
    text_add(words, "\n");
    notice_render(rule->body.zh, values, words);
}

enum err ticket_tell_now(struct office *office, struct sql *sql, const struct ticket *ticket, const char *step,
                         const char *sentence, int64_t now_ms)
{
    struct json_out body = json_out(16 * 1024);
    TEXT(key, 300);
    TEXT(subject, 400);
    TEXT(words, 4000);
    struct saying saying = {ticket->id, key.at, subject.at, NULL, words.at, now_ms};
    enum err err;

    text_addf(&key, "ticket:%s:%s", ticket->number, step);
    staff_words(office, ticket, step, sentence, &subject, &words);
    notice_body(office, ticket, step, sentence, &body);
    saying.body = body.bytes;
    err = key.cut ? ERR_FULL : body.err ? body.err : tell_all(office, sql, &saying);
    json_out_free(&body);
    if (!err && text_same(step, "opened")) {
        err = tell_incomplete(office, sql, ticket, now_ms);
    }
    return err ? err : customer_tell(office, sql, ticket, step, now_ms);
}

/* A flood keeps items from a dispatcher, not from the customer whose heater it is. */
enum err ticket_tell_customer(struct office *office, struct sql *sql, const struct ticket *ticket, const char *step,
                              int64_t now_ms)
{
    bool grouped = sql_find_int(sql, 0, "SELECT 1 FROM alarm WHERE ticket = ?1 AND reason = 'flood' LIMIT 1", "i",
                                ticket->id) != 0;

    return grouped ? customer_tell(office, sql, ticket, step, now_ms) : ERR_OK;
}

enum err ticket_tell(struct office *office, struct sql *sql, const struct ticket *ticket, const char *step,
                     const char *sentence, int64_t now_ms)
{
    struct told_step ask = {
        .ticket_kind = ticket->kind,
        .step = step,
        .fault = ticket->fault,
        .ticket = ticket->id,
        .equipment = ticket->equipment,
        .agent = ticket->agent,
        .grade = ticket->grade,
        .rules = ticket->plan ? &ticket->plan->alarms : &alarm_rules_usual,
    };
    bool tell;
    enum err err = told_step(sql, &ask, now_ms, &tell);

    if (err || tell) {
        return err ? err : ticket_tell_now(office, sql, ticket, step, sentence, now_ms);
    }
    return ticket_tell_customer(office, sql, ticket, step, now_ms);
}
