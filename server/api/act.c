/* Actions: read from a request, held against the record's version. */
#include "server/api/act.h"

#include <string.h>

#define ID_MOST   128
#define TEXT_MOST 100000 /* bytes of a note; nobody writes more by hand */

/* An id goes into keys of notices and headers: visible characters only. */
static bool is_action_id(const char *id)
{
    size_t length = strlen(id);

    for (const char *at = id; *at; at++) {
        if ((unsigned char)*at <= ' ' || *at == 0x7f) {
            return false;
        }
    }
    return length > 0 && length <= ID_MOST;
}

/* An optional text field: absent and null are the same. */
static enum err read_text(const struct cJSON *body, const char *name, const char **ret_words,
                          struct text *why)
{
    const struct cJSON *field = json_field(body, name);

    *ret_words = json_as_text(field);
    if (field && !*ret_words && !json_is_null(field)) {
        return text_say(why, ERR_FORMAT, "%s: expected a text", name);
    }
    if (*ret_words && strlen(*ret_words) > TEXT_MOST) {
        return text_say(why, ERR_FORMAT, "%s: expected at most %d bytes", name, TEXT_MOST);
    }
    return ERR_OK;
}

enum err act_read(struct call *call, struct action *ret_action, struct text *why)
{
    return act_read_from(call, call->body, ret_action, why);
}

enum err act_read_from(struct call *call, const struct cJSON *body, struct action *ret_action, struct text *why)
{
    struct action action = {.who = call->who, .role = call->role, .body = body};
    const char *at = NULL, *sent = NULL;
    enum err err = read_text(body, "action", &action.action, why);

    if (!err) {
        err = read_text(body, "id", &action.action_id, why);
    }
    if (!err) {
        err = read_text(body, "note", &action.note, why);
    }
    if (!err) {
        err = read_text(body, "at", &at, why);
    }
    if (!err) {
        err = read_text(body, "sent_at", &sent, why);
    }
    if (err) {
        return err;
    }
    if (!action.action) {
        action.action = "";
    }
    if (action.action_id && !is_action_id(action.action_id)) {
        return text_say(why, ERR_FORMAT, "id: expected 1 to %d visible characters", ID_MOST);
    }
    if (at && civil_read_instant(at, &action.at_ms)) {
        return text_say(why, ERR_FORMAT, "at: expected an RFC 3339 time with offset, found '%.40s'", at);
    }
    if (sent && civil_read_instant(sent, &action.sent_ms)) {
        return text_say(why, ERR_FORMAT, "sent_at: expected an RFC 3339 time with offset, found '%.40s'", sent);
    }
    *ret_action = action;
    return ERR_OK;
}

enum err act_match(struct call *call, int64_t version, struct text *why)
{
    const char *at = http_header(call->request, "If-Match");
    TEXT(tag, 32);

    if (!at) {
        return ERR_OK;
    }
    text_addf(&tag, "\"%lld\"", (long long)version);
    while (*at) { /* a list of tags, or * for any; a weak one never matches */
        size_t size = strcspn(at, ", ");

        if ((size == 1 && *at == '*') || (size == tag.length && memcmp(at, tag.at, size) == 0)) {
            return ERR_OK;
        }
        at += size;
        at += strspn(at, ", ");
    }
    return text_say(why, ERR_DENIED, "the record has version %s: read it again", tag.at);
}
