/* A word to a customer: found in the catalogue, filled in, in the customer's language, into the outbox. */
#include "server/case/word.h"

#include <string.h>

#include "models/base/zone.h"
#include "server/case/customer.h"
#include "server/case/reach.h"

const char *word_time(struct office *office, const struct zone *zone, int64_t ms)
{
    TEXT(words, 48);

    if (!ms) {
        return NULL;
    }
    zone_write(zone, ms, &words);
    return arena_text(office->arena, words.at, words.length);
}

static const struct notice_rule *rule_on(struct rules *rules, const char *step)
{
    for (size_t i = 0; i < rules_notices_count(rules); i++) {
        const struct notices *notices = rules_notices_at(rules, i);

        for (size_t k = 0; k < notices->count; k++) {
            if (notices->rules[k].to == NOTICE_TO_CUSTOMER && notice_is_on(&notices->rules[k], step)) {
                return &notices->rules[k];
            }
        }
    }
    return NULL;
}

/* In the customer's language; in both when the fleet file names none. */
static void render(const struct customer_word *word, const struct words2 *words, const char *language, const char *between,
                   struct text *to)
{
    const char *zh[NOTICE_FIELDS];

    for (int i = 0; i < NOTICE_FIELDS; i++) {
        zh[i] = word->zh[i] ? word->zh[i] : word->en[i];
    }
    if (!text_same(language, "zh")) {
        notice_render(words->en, word->en, to);
    }
    if (!text_same(language, "en")) {
        text_add(to, text_same(language, "zh") ? "" : between);
        notice_render(words->zh, zh, to);
    }
}

static enum err put(struct office *office, struct sql *sql, const struct customer_word *word, const struct notice_rule *rule,
                    const struct cJSON *doc, int64_t now_ms)
{
    const char *language = json_text_or(doc, "language", NULL);
    struct reach reach = reach_of(office, doc);
    TEXT(subject, 1000);
    TEXT(body, 8000);
    TEXT(sms, 4000);
    struct notice notice = {.key = word->key, .customer = word->customer, .rule = rule->id,
                            .due_ms = rule->urgent ? now_ms : customer_after_quiet(word->plan, word->zone, now_ms)};

    render(word, &rule->subject, language, " · ", &subject);
    render(word, &rule->body, language, "\n", &body);
    render(word, rule->sms.en ? &rule->sms : &rule->subject, language, " · ", &sms);
    notice.subject = subject.at;
    return reach_put(office, sql, &reach, &notice, body.at, sms.at, word->en[NOTICE_LINK], now_ms);
}

enum err customer_say(struct office *office, struct sql *sql, const struct customer_word *word, int64_t now_ms)
{
    const struct notice_rule *rule = rule_on(office->options.rules, word->step);
    const struct cJSON *doc = NULL;
    const char *words = NULL;
    struct sql_rows rows;
    enum err err;

    if (!rule || !word->customer || sql_find_int(sql, 0, "SELECT 1 FROM outbox WHERE key = ?1", "t", word->key) ||
        (rule->topic && sql_find_int(sql, 0, "SELECT 1 FROM opt_out WHERE customer = ?1 AND topic = ?2", "it",
                                     word->customer, rule->topic))) {
        return ERR_OK;
    }
    sql_find(sql, &rows, "SELECT doc FROM customer WHERE id = ?1", "i", word->customer);
    if (sql_next(&rows)) {
        words = arena_text(office->arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)));
    }
    err = sql_end(&rows);
    if (err || !words) {
        return err;
    }
    (void)!json_parse(office->arena, words, strlen(words), &doc, NULL);
    return put(office, sql, word, rule, doc, now_ms);
}
