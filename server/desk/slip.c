/* The repair slip. */
#include "server/desk/slip.h"

#include <string.h>

const char *const slip_fields[] = {"owner_name", "phone", "address", "content", "wishes", NULL};
enum { OWNER_NAME, PHONE, ADDRESS, CONTENT, WISHES, FIELDS };

#define WORDS_MOST 2000 /* bytes of a field that are kept */

void slip_tail(const char *phone, char to[SLIP_TAIL + 1])
{
    char digits[64];
    size_t count = 0;

    for (; phone && *phone && count < sizeof(digits); phone++) {
        if (*phone >= '0' && *phone <= '9') {
            digits[count++] = *phone;
        }
    }
    to[0] = '\0';
    if (count >= 6) {
        size_t size = count < SLIP_TAIL ? count : SLIP_TAIL;

        memcpy(to, digits + count - size, size);
        to[size] = '\0';
    }
}

struct words {
    char at[FIELDS][WORDS_MOST + 1];
};

static void put(struct words *words, int field, const char *said)
{
    if (said && said[0]) {
        size_t size = strlen(said) < WORDS_MOST ? strlen(said) : WORDS_MOST;

        memcpy(words->at[field], said, size);
        words->at[field][size] = '\0';
    }
}

/* What the customer's and the site's records say. */
static enum err read_record(struct sql *sql, int64_t site, struct arena *arena, struct words *words)
{
    const struct cJSON *doc = NULL;
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT c.title, c.doc, s.address FROM site s LEFT JOIN customer c ON c.id = s.customer WHERE"
             " s.id = ?1",
             "i", site);
    if (sql_next(&rows)) {
        const char *text = sql_text(&rows, 1);

        put(words, OWNER_NAME, sql_text(&rows, 0));
        put(words, ADDRESS, sql_text(&rows, 2));
        if (text && !json_parse(arena, text, strlen(text), &doc, NULL)) {
            put(words, PHONE, json_text_or(doc, "phone", NULL));
            put(words, WISHES, json_text_or(doc, "wishes", NULL));
        }
    }
    return sql_end(&rows);
}

/* A caller's own words go over the record's. contact: {name, phone, email}, or a text. */
static void read_caller(const struct cJSON *body, struct words *words)
{
    const struct cJSON *contact = json_field(body, "contact");

    put(words, OWNER_NAME, json_text_or(contact, "name", NULL));
    put(words, PHONE, json_text_or(contact, "phone", json_as_text(contact)));
    for (int i = 0; i < FIELDS; i++) {
        put(words, i, json_text_or(body, slip_fields[i], NULL));
    }
}

static void caller_key(const struct cJSON *body, const struct words *words, char key[80])
{
    const struct cJSON *contact = json_field(body, "contact");
    const char *email = json_text_or(contact, "email", json_text_or(body, "email", NULL));
    bool said = json_text_or(body, "phone", json_text_or(contact, "phone", json_as_text(contact)));
    char tail[SLIP_TAIL + 1];

    slip_tail(said ? words->at[PHONE] : "", tail);
    key[0] = '\0';
    if (tail[0] || email) {
        struct text to = text_on(key, 80);

        text_addf(&to, "%s:%.64s", tail[0] ? "phone" : "mail", tail[0] ? tail : email);
    }
}

static void write_missing(const struct ticket_rules *rules, const struct words *words, struct slip *slip)
{
    json_open_list(&slip->missing);
    for (const char *const *field = rules->slip; *field; field++) {
        for (int i = 0; i < FIELDS; i++) {
            if (strcmp(*field, slip_fields[i]) == 0 && !words->at[i][0]) {
                json_put_text(&slip->missing, slip_fields[i]);
                slip->incomplete = true;
            }
        }
    }
    json_close_list(&slip->missing);
}

static void write_caller(const struct words *words, const char *email, struct json_out *out)
{
    json_open_object(out);
    for (int i = 0; i < FIELDS; i++) {
        json_text(out, slip_fields[i], words->at[i][0] ? words->at[i] : NULL);
    }
    json_text(out, "email", email);
    json_close_object(out);
}

enum err slip_fill(struct sql *sql, const struct place *place, const struct cJSON *body, const char *content,
                   struct slip *ret_slip)
{
    struct ticket_rules preset = ticket_rules_preset();
    struct words words = {{{0}}};
    struct arena *arena;
    enum err err;

    memset(ret_slip, 0, sizeof(*ret_slip));
    ret_slip->caller = json_out(32 * 1024);
    ret_slip->missing = json_out(4096);
    err = arena_open(1024 * 1024, &arena);
    if (err) {
        return err;
    }
    err = read_record(sql, place->site, arena, &words);
    arena_close(arena);
    put(&words, CONTENT, content);
    if (body) {
        read_caller(body, &words);
        caller_key(body, &words, ret_slip->key);
    } else {
        put(&words, WISHES, "repair as the plan promises");
    }
    write_missing(place->plan ? &place->plan->ticket : &preset, &words, ret_slip);
    write_caller(&words, json_text_or(json_field(body, "contact"), "email", NULL), &ret_slip->caller);
    return err ? err : ret_slip->caller.err ? ret_slip->caller.err : ret_slip->missing.err;
}

void slip_free(struct slip *slip)
{
    json_out_free(&slip->caller);
    json_out_free(&slip->missing);
}

enum err slip_amend(struct office *office, struct sql *sql, const struct ticket *ticket, const struct cJSON *body)
{
    struct ticket_rules preset = ticket_rules_preset();
    const char *email = NULL;
    struct slip slip = {.caller = json_out(32 * 1024), .missing = json_out(4096)};
    struct words words = {{{0}}};
    const struct cJSON *doc = NULL;
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows, "SELECT caller FROM ticket WHERE id = ?1", "i", ticket->id);
    if (sql_next(&rows) && !sql_null(&rows, 0) &&
        !json_parse(office->arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)), &doc, NULL)) {
        read_caller(doc, &words);
        email = json_text_or(doc, "email", NULL);
    }
    err = sql_end(&rows);
    read_caller(body, &words);
    write_missing(ticket->plan ? &ticket->plan->ticket : &preset, &words, &slip);
    write_caller(&words, email, &slip.caller);
    err = err ? err : slip.caller.err ? slip.caller.err : slip.missing.err;
    if (!err) {
        err = sql_run(sql, "UPDATE ticket SET caller = ?2, missing = ?3 WHERE id = ?1", "itt", ticket->id,
                      slip.caller.bytes, slip.incomplete ? slip.missing.bytes : NULL);
    }
    slip_free(&slip);
    return err;
}
