/* Templates of a gateway's requests. */
#include "server/notice/sms.h"

#include <string.h>

enum { FIELD_TO, FIELD_TEXT, FIELD_ID, FIELD_SECRET, FIELDS };

static const char *const fields[FIELDS] = {"to", "text", "id", "secret"};

/* The size of a {word} at `at`, braces and all; 0: it is none, as the braces of JSON. */
static size_t word_size(const char *at)
{
    size_t size = *at == '{' ? strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;

    return size && at[size + 1] == '}' ? size + 2 : 0;
}

static int field_of(const char *at, size_t size)
{
    for (int i = 0; size && i < FIELDS; i++) {
        if (strlen(fields[i]) == size - 2 && strncmp(fields[i], at + 1, size - 2) == 0) {
            return i;
        }
    }
    return -1;
}

const char *sms_unknown_field(const char *template, size_t *ret_size)
{
    for (const char *at = template; (at = strchr(at, '{')); at++) {
        *ret_size = word_size(at);
        if (*ret_size && field_of(at, *ret_size) < 0) {
            return at;
        }
    }
    return NULL;
}

static void add_percent(const char *words, struct text *to)
{
    for (; *words; words++) {
        unsigned char byte = (unsigned char)*words;
        bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                     strchr("-._~", byte);

        if (plain) {
            text_add_bytes(to, words, 1);
        } else {
            text_addf(to, "%%%02X", byte);
        }
    }
}

/* Inside of a JSON string, whose quotes stand in the template. */
static void add_json(const char *words, struct text *to)
{
    for (; *words; words++) {
        unsigned char byte = (unsigned char)*words;

        if (byte < ' ' || byte == '"' || byte == '\\') {
            text_addf(to, "\\u%04x", byte);
        } else {
            text_add_bytes(to, words, 1);
        }
    }
}

/* No value ends a header's line. */
static void add_header(const char *words, struct text *to)
{
    for (; *words; words++) {
        text_add_bytes(to, (unsigned char)*words < ' ' || *words == 0x7f ? " " : words, 1);
    }
}

static void add_value(const char *value, enum sms_place place, struct text *to)
{
    if (place == SMS_IN_JSON) {
        add_json(value, to);
    } else if (place == SMS_IN_HEADER) {
        add_header(value, to);
    } else {
        add_percent(value, to);
    }
}

enum err sms_fill(const struct sms_gateway *gateway, const char *template, enum sms_place place,
                  const struct sms_letter *letter, struct text *to)
{
    const char *values[FIELDS] = {[FIELD_TO] = letter->to, [FIELD_TEXT] = letter->text,
                                  [FIELD_SECRET] = gateway->secret ? gateway->secret : ""};
    TEXT(id, 24);

    text_addf(&id, "%lld", (long long)letter->id);
    values[FIELD_ID] = id.at;
    for (const char *at = template; *at;) {
        size_t size = word_size(at);
        int field = field_of(at, size);

        if (field >= 0) {
            add_value(values[field], place, to);
            at += size;
        } else {
            text_add_bytes(to, at++, 1);
        }
    }
    return to->cut ? ERR_FULL : ERR_OK;
}

bool sms_is_refusal(const struct sms_gateway *gateway, long status)
{
    for (int i = 0; i < SMS_REFUSES_MOST && gateway->refuses[i]; i++) {
        if (gateway->refuses[i] == status) {
            return true;
        }
    }
    return false;
}
