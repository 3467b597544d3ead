/* What customers are told of their tickets. */
#include "server/case/customer.h"

#include <string.h>

#include "models/base/zone.h"
#include "models/service/notice.h"
#include "server/case/clocks.h"
#include "server/case/reach.h"

#define LATE_NOTICE_MS (60 * 1000) /* as in tell.c */
#define SLICE          200
#define WORDS          400

struct letter {
    struct office *office;
    const struct ticket *ticket;
    const struct zone *zone;
    int64_t customer;
    const char *number_of_customer, *language, *code;
    struct reach reach;
    struct words2 advice;
    const char *values[NOTICE_FIELDS]; /* the same in both languages */
    const char *warranty;
};

static const char *keep(struct office *office, const char *words)
{
    return words ? arena_text(office->arena, words, strlen(words)) : NULL;
}

static const char *keep_time(struct letter *letter, int64_t ms)
{
    TEXT(words, 48);

    if (ms <= 0) {
        return NULL;
    }
    zone_write(letter->zone, ms, &words);
    return keep(letter->office, words.at);
}

/* ------------------------------------------------------------------ what is known */

static enum err read_customer(struct letter *letter, struct sql *sql)
{
    struct arena *arena = letter->office->arena;
    const struct cJSON *doc = NULL, *advice = NULL, *warranty = NULL;
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT c.id, c.name, c.doc, t.track_code, t.advice, t.warranty, t.resolution, COALESCE(e.title, e.name),"
             " (SELECT v.note FROM ticket_event v WHERE v.ticket = t.id ORDER BY v.id DESC LIMIT 1) FROM ticket t JOIN site"
             " s ON s.id = t.site JOIN customer c ON c.id = s.customer LEFT JOIN equipment e ON e.id = t.equipment WHERE"
             " t.id = ?1",
             "i", letter->ticket->id);
    if (sql_next(&rows)) {
        const char *words = keep(letter->office, sql_text(&rows, 2));

        letter->customer = sql_int(&rows, 0);
        letter->number_of_customer = keep(letter->office, sql_text(&rows, 1));
        (void)!json_parse(arena, words, strlen(words), &doc, NULL);
        letter->reach = reach_of(letter->office, doc);
        letter->language = json_text_or(doc, "language", NULL);
        letter->code = keep(letter->office, sql_text(&rows, 3));
        words = sql_text(&rows, 4);
        if (words && !json_parse(arena, words, strlen(words), &advice, NULL)) {
            letter->advice = (struct words2){json_text_or(advice, "en", NULL), json_text_or(advice, "zh", NULL)};
        }
        words = sql_text(&rows, 5);
        if (words && !json_parse(arena, words, strlen(words), &warranty, NULL)) {
            letter->warranty = json_text_or(warranty, "verdict", NULL);
        }
        letter->values[NOTICE_RESOLUTION] = keep(letter->office, sql_text(&rows, 6));
        letter->values[NOTICE_EQUIPMENT] = keep(letter->office, sql_text(&rows, 7));
        letter->values[NOTICE_NOTE] = keep(letter->office, sql_text(&rows, 8));
    }
    return sql_end(&rows);
}

static enum err read_visit(struct letter *letter, struct sql *sql)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT h.title, h.phone, w.from_ms, w.to_ms FROM work_order w LEFT JOIN technician h ON h.id = w.technician"
             " WHERE w.ticket = ?1 ORDER BY w.id DESC LIMIT 1",
             "i", letter->ticket->id);
    if (sql_next(&rows)) {
        letter->values[NOTICE_TECHNICIAN] = keep(letter->office, sql_text(&rows, 0));
        letter->values[NOTICE_PHONE] = keep(letter->office, sql_text(&rows, 1));
        letter->values[NOTICE_FROM] = keep_time(letter, sql_int(&rows, 2));
        letter->values[NOTICE_TO] = keep_time(letter, sql_int(&rows, 3));
    }
    return sql_end(&rows);
}

/* The next promise that is not kept yet: what the customer may expect by when. */
static enum err read_due(struct letter *letter, struct sql *sql, int64_t now_ms)
{
    struct clock_owner owner = clock_owner_of(letter->ticket);
    struct clock_row *clocks;
    int64_t due_ms = INT64_MAX;
    size_t count;
    enum err err = clocks_read(letter->office->arena, sql, letter->office->options.rules, &owner, &clocks, &count);

    for (size_t i = 0; !err && i < count; i++) {
        struct sla_clock clock = sla_judge(&clocks[i].facts, 0, now_ms);

        if (clock.state == SLA_RUNNING && clock.due_ms > now_ms && clock.due_ms < due_ms &&
            (strcmp(clocks[i].stop, "response") == 0 || strcmp(clocks[i].stop, "arrived") == 0 ||
             strcmp(clocks[i].stop, "cleared") == 0)) {
            due_ms = clock.due_ms;
        }
    }
    letter->values[NOTICE_DUE] = due_ms == INT64_MAX ? NULL : keep_time(letter, due_ms);
    return err;
}

/* ------------------------------------------------------------------ in words */

static const struct {
    struct words2 state, next;
} state_words[] = {
    [TICKET_REGISTERED] = {{"registered", "已登记"}, {"we look at it and call you", "受理并与您联系"}},
    [TICKET_ACKNOWLEDGED] = {{"in hand", "处理中"}, {"a crew is chosen", "安排维修人员"}},
    [TICKET_DISPATCHED] = {{"given to a crew", "已派单"}, {"a visit is arranged", "预约上门时间"}},
    [TICKET_ASSIGNED] = {{"visit arranged", "已预约上门"}, {"the technician comes", "技术人员上门"}},
    [TICKET_EN_ROUTE] = {{"technician on the way", "技术人员已出发"}, {"arrival", "到达现场"}},
    [TICKET_ON_SITE] = {{"technician on site", "技术人员已到场"}, {"the cause is found", "查明原因"}},
    [TICKET_DIAGNOSED] = {{"cause found", "已查明原因"}, {"repair", "维修"}},
    [TICKET_AWAITING_CONSENT] = {{"waiting for your consent", "等待您的确认"}, {"your answer", "请您答复"}},
    [TICKET_AWAITING_PARTS] = {{"waiting for parts", "等待配件"}, {"delivery of parts", "配件到货"}},
    [TICKET_REPAIRING] = {{"under repair", "维修中"}, {"test after the repair", "维修后测试"}},
    [TICKET_TESTING] = {{"being watched after the repair", "维修后观察"}, {"the result is confirmed", "确认结果"}},
    [TICKET_CLEARED] = {{"running normally again", "已恢复正常"}, {"your word on the result", "请您确认结果"}},
    [TICKET_CLOSED] = {{"closed", "已关闭"}, {"nothing", "无"}},
};

const struct words2 *customer_next(enum ticket_state state)
{
    return &state_words[state].next;
}

static const char *warranty_words(const char *verdict, bool zh)
{
    static const struct {
        const char *verdict;
        struct words2 words;
    } all[] = {
        {"covered", {"covered: free of charge", "保修期内，免费"}},
        {"expired", {"the term has ended: charges are told first, nothing is repaired without your consent",
                     "已过保修期，收费前须经您同意"}},
        {"excluded", {"the cause is not covered: charges are told first, nothing is repaired without your consent",
                      "不属于保修范围，收费前须经您同意"}},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (text_same(all[i].verdict, verdict)) {
            return zh ? all[i].words.zh : all[i].words.en;
        }
    }
    return zh ? "待查验" : "to be found out";
}

static void fill(struct letter *letter, bool zh, const char *values[NOTICE_FIELDS])
{
    const struct ticket *ticket = letter->ticket;

    memcpy(values, letter->values, sizeof(letter->values));
    values[NOTICE_NUMBER] = ticket->number;
    values[NOTICE_TITLE] = zh && ticket->title_zh ? ticket->title_zh : ticket->title_en;
    values[NOTICE_STATE] = zh ? state_words[ticket->state].state.zh : state_words[ticket->state].state.en;
    values[NOTICE_NEXT] = zh ? state_words[ticket->state].next.zh : state_words[ticket->state].next.en;
    values[NOTICE_ADVICE] = zh ? letter->advice.zh : letter->advice.en;
    values[NOTICE_WARRANTY] = warranty_words(letter->warranty, zh);
}

/* In the customer's language; in both when the fleet file names none. */
static void render(struct letter *letter, const struct words2 *words, const char *between, struct text *to)
{
    bool zh_only = text_same(letter->language, "zh"), en_only = text_same(letter->language, "en");
    const char *values[NOTICE_FIELDS];

    if (!zh_only) {
        fill(letter, false, values);
        notice_render(words->en, values, to);
    }
    if (!en_only) {
        text_add(to, zh_only ? "" : between);
        fill(letter, true, values);
        notice_render(words->zh, values, to);
    }
}

/* ------------------------------------------------------------------ when */

/* Not before the site's quiet hours have ended. */
int64_t customer_after_quiet(const struct plan *plan, const struct zone *zone, int64_t now_ms)
{
    int from = plan ? plan->people.quiet_from : 0, to = plan ? plan->people.quiet_to : 0;
    int32_t day = zone_day(zone, now_ms);
    int64_t minute = (now_ms + zone_offset_s(zone, now_ms) * 1000LL - day * 86400000LL) / 60000; /* on the wall: a day has 23 to 25 hours */
    int64_t end_ms;
    bool quiet = from < to ? minute >= from && minute < to : from > to && (minute >= from || minute < to);

    if (!quiet) {
        return now_ms;
    }
    end_ms = zone_instant(zone, minute < to ? day : day + 1, to * 60000LL);
    return end_ms > now_ms ? end_ms : now_ms - now_ms % 60000 + (to - minute) * 60000; /* the hour that comes twice */
}

static enum err send(struct letter *letter, struct sql *sql, const struct notice_rule *rule, const char *step,
                     int64_t now_ms)
{
    const struct ticket *ticket = letter->ticket;
    struct text subject = text_on(arena_take(letter->office->arena, 1000), 1000);
    struct text body = text_on(arena_take(letter->office->arena, 8000), 8000);
    struct text sms = text_on(arena_take(letter->office->arena, 4000), 4000);
    TEXT(key, 400);
    struct notice notice = {
        .key = key.at,
        .ticket = ticket->id,
        .customer = letter->customer,
        .rule = rule->id,
        .due_ms = ticket->late ? now_ms + LATE_NOTICE_MS : now_ms,
    };

    if (!subject.at || !body.at || !sms.at) {
        return ERR_NOMEM;
    }
    if (!rule->urgent && ticket->grade > 1) {
        int64_t due_ms = customer_after_quiet(ticket->plan, letter->zone, now_ms);

        notice.due_ms = due_ms > notice.due_ms ? due_ms : notice.due_ms;
    }
    render(letter, &rule->subject, " · ", &subject);
    render(letter, &rule->body, "\n", &body);
    render(letter, rule->sms.en ? &rule->sms : &rule->subject, " · ", &sms);
    notice.subject = subject.at;
    text_addf(&key, "customer:%s:%s:%s:%s", letter->number_of_customer, ticket->number, rule->id, step);
    return key.cut ? ERR_FULL
                   : reach_put(letter->office, sql, &letter->reach, &notice, body.at, sms.at, letter->values[NOTICE_LINK],
                               now_ms);
}

static enum err open_letter(struct letter *letter, struct office *office, struct sql *sql, const struct ticket *ticket,
                            int64_t now_ms)
{
    TEXT(link, 600);
    enum err err;

    *letter = (struct letter){.office = office, .ticket = ticket};
    letter->zone = ticket->time_zone ? rules_zone(office->options.rules, ticket->time_zone) : NULL;
    letter->zone = letter->zone ? letter->zone : zone_utc();
    err = read_customer(letter, sql);
    if (err || !letter->customer) {
        return err;
    }
    err = read_visit(letter, sql);
    if (!err) {
        err = read_due(letter, sql, now_ms);
    }
    if (office->options.public_url) {
        text_addf(&link, "%s/track/%s?code=%s", office->options.public_url, ticket->number, letter->code);
        letter->values[NOTICE_LINK] = keep(office, link.at);
    }
    return err;
}

static enum err note_told(struct sql *sql, const struct ticket *ticket, bool result, int64_t now_ms)
{
    int64_t quiet_ms = ticket->plan ? ticket->plan->people.update_ms : 0;

    return sql_run(sql,
                   "UPDATE ticket SET update_ms = NULLIF(?2, 0), fed_back_ms = CASE WHEN ?3 = 1 THEN"
                   " COALESCE(fed_back_ms, ?4) ELSE fed_back_ms END WHERE id = ?1",
                   "iiii", ticket->id, quiet_ms ? now_ms + quiet_ms : (int64_t)0, (int64_t)result, now_ms);
}

/* Telemetry opened it and its alarms were kept from people (a backlog that is over, a window, a shelf): what became of it
 * is no news to a customer who never heard of it. Once somebody has a reason to call on him, he follows the rest too. */
static bool is_kept(struct sql *sql, const struct ticket *ticket)
{
    return sql_find_int(sql, 0,
                        "SELECT 1 FROM ticket t WHERE t.id = ?1 AND EXISTS (SELECT 1 FROM alarm a WHERE a.ticket = t.id) AND NOT"
                        " EXISTS (SELECT 1 FROM alarm a WHERE a.ticket = t.id AND (a.announced_ms IS NOT NULL OR a.reason ="
                        " 'flood')) AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.ticket = t.id AND o.customer IS NOT NULL) AND"
                        " NOT EXISTS (SELECT 1 FROM ticket_event v WHERE v.ticket = t.id AND v.action = 'register' AND v.who <>"
                        " 'heliograph')",
                        "i", ticket->id) != 0;
}

enum err customer_tell(struct office *office, struct sql *sql, const struct ticket *ticket, const char *step,
                       int64_t now_ms)
{
    struct rules *rules = office->options.rules;
    struct letter letter = {.office = NULL};
    bool told = false, kept, result;
    char word[64];
    enum err err = ERR_OK;

    if (strcmp(ticket->kind, "communication") == 0) {
        return ERR_OK; /* the link is ours to look after; the customer's heater may run well */
    }
    notice_step_word(step, word, sizeof(word));
    kept = is_kept(sql, ticket);
    for (size_t i = 0; !err && i < rules_notices_count(rules); i++) {
        const struct notices *notices = rules_notices_at(rules, i);

        for (size_t k = 0; !err && k < notices->count; k++) {
            if (notices->rules[k].to != NOTICE_TO_CUSTOMER || !notice_is_on(&notices->rules[k], word) ||
                (kept && !notices->rules[k].urgent)) {
                continue;
            }
            if (!letter.office) {
                err = open_letter(&letter, office, sql, ticket, now_ms);
            }
            if (err || !letter.customer) {
                return err;
            }
            err = send(&letter, sql, &notices->rules[k], step, now_ms);
            told = true;
        }
    }
    if (err || !told) {
        return err;
    }
    result = (letter.reach.email || letter.reach.phone) && (strcmp(word, "restored") == 0 || strcmp(word, "closed") == 0);
    return note_told(sql, ticket, result, now_ms);
}

enum err customer_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t ids[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT id FROM ticket WHERE closed_ms IS NULL AND update_ms <= ?1 ORDER BY update_ms LIMIT 200", "i", now_ms);
    while (count < SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        struct ticket ticket;
        TEXT(step, 64);

        arena_reset(office->arena);
        text_addf(&step, "quiet.%lld", (long long)now_ms);
        err = sql_run(sql, "UPDATE ticket SET update_ms = NULL WHERE id = ?1", "i", ids[i]);
        err = err ? err : ticket_load(office, sql, ids[i], &ticket);
        err = err ? err : customer_tell(office, sql, &ticket, step.at, now_ms);
    }
    return err;
}

int64_t customer_due(struct sql *sql)
{
    return sql_find_int(sql, OFFICE_NEVER,
                        "SELECT MIN(update_ms) FROM ticket WHERE closed_ms IS NULL AND update_ms IS NOT NULL", "");
}
