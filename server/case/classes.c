/* Classifications: rows of who said what, and the ticket's own copy of what counts now. */
#include "server/case/classes.h"

#include <string.h>

#include "models/base/json.h"
#include "server/case/clocks.h"

struct word { /* what counts now for a field */
    char value[32];
    bool person, there;
};

static enum err read_words(struct sql *sql, int64_t ticket, struct word words[CLASS_FIELDS])
{
    struct sql_rows rows;

    memset(words, 0, CLASS_FIELDS * sizeof(*words));
    sql_find(sql, &rows, "SELECT field, value, person FROM ticket_class WHERE ticket = ?1 AND overtaken = 0 ORDER BY id", "i",
             ticket);
    while (sql_next(&rows)) {
        int field = class_field_read(sql_text(&rows, 0));

        if (field >= 0) {
            (void)!text_copy(words[field].value, sizeof(words[field].value), sql_text(&rows, 1));
            words[field].person = sql_int(&rows, 2) != 0;
            words[field].there = true;
        }
    }
    return sql_end(&rows);
}

static enum err write_word(struct sql *sql, int64_t ticket, enum class_field field, struct word *word,
                           const char *value, bool person, const char *who, const char *reason,
                           int64_t at_ms)
{
    (void)!text_copy(word->value, sizeof(word->value), value);
    word->person = person;
    word->there = true;
    return sql_run(sql,
                   "INSERT INTO ticket_class (ticket, field, value, person, who, reason, at_ms) VALUES"
                   " (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                   "ittitti", ticket, class_field_names[field], value, (int64_t)person, who, reason, at_ms);
}

static const struct ticket_rules *rules_of(const struct ticket *ticket, struct ticket_rules *preset)
{
    *preset = ticket_rules_preset();
    return ticket->plan ? &ticket->plan->ticket : preset;
}

/* The ticket's copy, in the shape of the API, and its place in the order. */
static enum err write_ticket(struct sql *sql, const struct ticket *ticket, const struct word *words)
{
    struct ticket_rules preset;
    const struct ticket_rules *rules = rules_of(ticket, &preset);
    bool emergency = strcmp(words[CLASS_URGENCY].value, "emergency") == 0;
    struct json_out out = json_out(4096);
    enum err err;

    json_open_object(&out);
    json_int(&out, "severity", ticket->grade);
    for (int i = CLASS_URGENCY; i < CLASS_FIELDS; i++) {
        json_text(&out, class_field_names[i], words[i].value);
    }
    json_close_object(&out);
    err = out.err;
    if (!err) {
        err = sql_run(sql, "UPDATE ticket SET classification = ?2, rank_ms = ?3 WHERE id = ?1", "iti",
                      ticket->id, out.bytes,
                      class_rank(rules, ticket->grade, emergency, ticket->level, ticket->registered_ms));
    }
    json_out_free(&out);
    return err;
}

/* Limits hang on urgency and complexity: the clocks follow a change. */
static enum err follow(struct office *office, struct sql *sql, struct ticket *ticket, const struct word *words,
                       bool first, int64_t at_ms)
{
    bool emergency = strcmp(words[CLASS_URGENCY].value, "emergency") == 0;
    bool complex = strcmp(words[CLASS_COMPLEXITY].value, "complex") == 0;
    bool changed = emergency != ticket->emergency || complex != ticket->complex;

    ticket->emergency = emergency;
    ticket->complex = complex;
    return first || !changed ? ERR_OK : clocks_regrade(office, sql, ticket, at_ms);
}

/* What counts may be changed by the machine: its own words, the grade, and urgency upwards. */
static bool may_change(enum class_field field, const struct word *word, const char *value)
{
    if (!word->there || strcmp(word->value, value) != 0) {
        return !word->there || !word->person || field == CLASS_SEVERITY ||
               (field == CLASS_URGENCY && strcmp(value, "emergency") == 0);
    }
    return false;
}

static void known(const struct word *words, enum class_field field, const char **io_value)
{
    if (!*io_value && words[field].there && strcmp(words[field].value, "open") != 0) {
        *io_value = words[field].value;
    }
}

enum err classes_judge(struct office *office, struct sql *sql, struct ticket *ticket, const char *domain,
                       const char *party, const char *cause, int64_t now_ms)
{
    struct class_value values[CLASS_FIELDS];
    struct word words[CLASS_FIELDS], before[CLASS_FIELDS];
    struct ticket_rules preset;
    struct class_facts facts = {.grade = ticket->grade, .level = ticket->level,
                                .conditions = ticket->conditions};
    enum err err = read_words(sql, ticket->id, words);

    memcpy(before, words, sizeof(before));
    known(before, CLASS_DOMAIN, &domain);
    known(before, CLASS_PARTY, &party);
    facts.domain = domain;
    facts.party = party;
    classify(rules_of(ticket, &preset), &facts, values);
    for (int i = 0; !err && i < CLASS_FIELDS; i++) {
        TEXT(reason, 200);
        bool urgency_again = i == CLASS_URGENCY && words[i].person && before[CLASS_SEVERITY].there &&
                             strcmp(before[CLASS_SEVERITY].value, values[CLASS_SEVERITY].value) == 0;

        if (!may_change((enum class_field)i, &words[i], values[i].value) || urgency_again) {
            continue;
        }
        text_addf(&reason, "%s: %s", cause, values[i].reason);
        err = write_word(sql, ticket->id, (enum class_field)i, &words[i], values[i].value, false,
                         "heliograph", reason.at, now_ms);
    }
    if (!err) {
        err = write_ticket(sql, ticket, words);
    }
    return err ? err : follow(office, sql, ticket, words, !before[CLASS_URGENCY].there, now_ms);
}

enum err classes_add(struct office *office, struct sql *sql, struct ticket *ticket, unsigned conditions,
                     const char *cause, int64_t now_ms)
{
    enum err err;

    if ((ticket->conditions & conditions) == conditions) {
        return ERR_OK;
    }
    ticket->conditions |= conditions;
    err = sql_run(sql, "UPDATE ticket SET conditions = ?2, version = version + 1 WHERE id = ?1", "ii",
                  ticket->id, (int64_t)ticket->conditions);
    return err ? err : classes_judge(office, sql, ticket, NULL, NULL, cause, now_ms);
}

bool classes_overtaken(struct sql *sql, int64_t ticket, enum class_field field, int64_t at_ms)
{
    return sql_find_int(sql, 0,
                        "SELECT 1 FROM ticket_class WHERE ticket = ?1 AND field = ?2 AND person = 1 AND at_ms > ?3 LIMIT 1",
                        "iti", ticket, class_field_names[field], at_ms) != 0;
}

enum err classes_say(struct office *office, struct sql *sql, struct ticket *ticket, enum class_field field,
                     const char *value, const char *who, const char *reason, int64_t at_ms)
{
    struct word words[CLASS_FIELDS];
    enum err err;

    if (classes_overtaken(sql, ticket->id, field, at_ms)) { /* a younger word of a person counts; this one is kept */
        return sql_run(sql,
                       "INSERT INTO ticket_class (ticket, field, value, person, who, reason, at_ms, overtaken) VALUES (?1, ?2,"
                       " ?3, 1, ?4, ?5, ?6, 1)",
                       "ittt" "ti", ticket->id, class_field_names[field], value, who, reason, at_ms);
    }
    err = read_words(sql, ticket->id, words);

    if (!err) {
        err = write_word(sql, ticket->id, field, &words[field], value, true, who, reason, at_ms);
    }
    if (!err) {
        err = write_ticket(sql, ticket, words);
    }
    return err ? err : follow(office, sql, ticket, words, false, at_ms);
}
