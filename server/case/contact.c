/* Whom to turn to has changed: a notice per customer, and the end of what is owed for it. */
#include "server/case/contact.h"

#include <string.h>

#include "models/base/zone.h"
#include "models/service/notice.h"
#include "server/case/customer.h"
#include "server/notice/notify.h"

#define STEP "contact_changed"

struct word { /* to one customer */
    const char *email, *language;
    const char *values[NOTICE_FIELDS];
};

static const char *keep(struct office *office, const char *words)
{
    return words ? arena_text(office->arena, words, strlen(words)) : NULL;
}

static enum err read_word(struct office *office, struct sql *sql, int64_t customer, int64_t change, struct word *word)
{
    const struct cJSON *doc = NULL;
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT u.doc, COALESCE(c.title, c.name), c.phone, c.email FROM customer u JOIN contact_change x ON x.id = ?2 JOIN"
             " contact c ON c.id = x.contact WHERE u.id = ?1",
             "ii", customer, change);
    if (sql_next(&rows)) {
        const char *words = keep(office, sql_text(&rows, 0));

        (void)!json_parse(office->arena, words, strlen(words), &doc, NULL);
        word->email = json_text_or(doc, "email", NULL);
        word->language = json_text_or(doc, "language", NULL);
        word->values[NOTICE_TITLE] = keep(office, sql_text(&rows, 1));
        word->values[NOTICE_PHONE] = keep(office, sql_text(&rows, 2));
        word->values[NOTICE_NOTE] = keep(office, sql_text(&rows, 3));
    }
    return sql_end(&rows);
}

static void render(const struct word *word, const struct words2 *words, const char *between, struct text *to)
{
    bool zh_only = text_same(word->language, "zh"), en_only = text_same(word->language, "en");

    if (!zh_only) {
        notice_render(words->en, word->values, to);
    }
    if (!en_only) {
        text_add(to, zh_only ? "" : between);
        notice_render(words->zh, word->values, to);
    }
}

static enum err send(struct office *office, struct sql *sql, const struct notice_rule *rule, const struct word *word,
                     const char *key, int64_t customer, int64_t due_ms, int64_t now_ms)
{
    bool mail = office->options.has_smtp && word->email;
    TEXT(subject, 600);
    TEXT(body, 4000);
    struct notice notice = {.key = key, .channel = mail ? "smtp" : "none", .target = mail ? word->email : NULL,
                            .customer = customer, .rule = rule->id, .due_ms = due_ms};

    render(word, &rule->subject, " · ", &subject);
    render(word, &rule->body, "\n", &body);
    notice.subject = subject.at;
    notice.body = body.at;
    return notify_put(sql, now_ms, &notice);
}

enum err contact_tell(struct office *office, struct sql *sql, const struct plan *plan, const struct zone *zone,
                      int64_t customer, int64_t change, int64_t now_ms)
{
    const struct rules *rules = office->options.rules;
    struct word word = {.email = NULL};
    TEXT(key, 80);
    enum err err;

    text_addf(&key, "contact:%lld:%lld", (long long)change, (long long)customer);
    if (sql_find_int(sql, 0, "SELECT 1 FROM outbox WHERE key = ?1", "t", key.at)) {
        return ERR_OK;
    }
    err = read_word(office, sql, customer, change, &word);
    for (size_t i = 0; !err && i < rules_notices_count(rules); i++) {
        const struct notices *notices = rules_notices_at(rules, i);

        for (size_t k = 0; !err && k < notices->count; k++) {
            const struct notice_rule *rule = &notices->rules[k];

            if (notice_is_on(rule, STEP)) { /* the key is one: the first rule speaks */
                err = send(office, sql, rule, &word, key.at, customer,
                           rule->urgent ? now_ms : customer_after_quiet(plan, zone, now_ms), now_ms);
            }
        }
    }
    return err;
}

enum err contact_delivered(struct sql *sql)
{
    return sql_run(sql,
                   "UPDATE clock SET next_ms = NULL, version = version + 1, met_ms = (SELECT o.sent_ms FROM outbox o WHERE"
                   " o.key = 'contact:' || CAST(clock.occurrence AS TEXT) || ':' || CAST(clock.subject_id AS TEXT)) WHERE"
                   " subject = 'customer' AND ticket IS NULL AND kind = 'contact_change' AND met_ms IS NULL AND cancelled_ms IS"
                   " NULL AND EXISTS (SELECT 1 FROM outbox o WHERE o.key = 'contact:' || CAST(clock.occurrence AS TEXT) || ':'"
                   " || CAST(clock.subject_id AS TEXT) AND o.state = 'sent' AND o.sent_ms >= clock.started_ms AND"
                   " COALESCE(o.receipt, '') <> 'failed')",
                   "");
}
