/* JSON by cJSON behind our limits, and a writer. The only place that includes cJSON. */
#include "models/base/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/base/json_check.h"
#include "models/base/text.h"

/* ------------------------------------------------------------------ in */

/*
 * cJSON allocates through two global hooks. Ours give memory of the arena that this thread is
 * parsing into, so that a message costs no free() at all; outside json_parse() they are malloc and
 * free. The hooks are set before main() and never change.
 */
static _Thread_local struct arena *parsing;

static void *hook_malloc(size_t size)
{
    return parsing ? arena_take(parsing, size) : malloc(size);
}

static void hook_free(void *memory)
{
    if (!parsing) {
        free(memory);
    }
}

__attribute__((constructor)) static void set_hooks(void)
{
    cJSON_Hooks hooks = {.malloc_fn = hook_malloc, .free_fn = hook_free};

    cJSON_InitHooks(&hooks);
}

static enum err say(const char **ret_why, enum err err, const char *why)
{
    if (ret_why) {
        *ret_why = why;
    }
    return err;
}

enum err json_parse(struct arena *arena, const char *bytes, size_t size,
                    const struct cJSON **ret_value, const char **ret_why)
{
    struct cJSON *value;
    const char *wrong;
    char *copy;

    if (!text_is_utf8(bytes, size)) {
        return say(ret_why, ERR_FORMAT, "expected UTF-8 text without NUL");
    }
    wrong = json_check(bytes, size, JSON_DEPTH_MOST); /* also how deep cJSON will recurse */
    if (wrong) {
        return say(ret_why, ERR_FORMAT, wrong);
    }
    copy = arena_text(arena, bytes, size);
    if (!copy) {
        return say(ret_why, ERR_NOMEM, "too large for the memory it may use");
    }
    parsing = arena;
    value = cJSON_ParseWithLength(copy, size + 1);
    parsing = NULL;
    if (!value) { /* JSON it was, so there was no room */
        return say(ret_why, ERR_NOMEM, "too large for the memory it may use");
    }
    *ret_value = value;
    return ERR_OK;
}

const struct cJSON *json_field(const struct cJSON *object, const char *name)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const struct cJSON *json_first(const struct cJSON *list_or_object)
{
    return cJSON_IsArray(list_or_object) || cJSON_IsObject(list_or_object) ? list_or_object->child
                                                                           : NULL;
}

const struct cJSON *json_next(const struct cJSON *item)
{
    return item ? item->next : NULL;
}

const char *json_name(const struct cJSON *item)
{
    return item && item->string ? item->string : "";
}

size_t json_size(const struct cJSON *list)
{
    return cJSON_IsArray(list) ? (size_t)cJSON_GetArraySize(list) : 0;
}

bool json_is_object(const struct cJSON *value)
{
    return cJSON_IsObject(value);
}

bool json_is_list(const struct cJSON *value)
{
    return cJSON_IsArray(value);
}

bool json_is_null(const struct cJSON *value)
{
    return cJSON_IsNull(value);
}

bool json_as_number(const struct cJSON *value, double *ret_number)
{
    if (!cJSON_IsNumber(value) || !isfinite(value->valuedouble)) {
        return false;
    }
    *ret_number = value->valuedouble;
    return true;
}

bool json_as_int(const struct cJSON *value, int64_t *ret_number)
{
    double number;

    if (!json_as_number(value, &number) || fabs(number) > JSON_COUNT_MAX ||
        trunc(number) < number || trunc(number) > number) {
        return false;
    }
    *ret_number = (int64_t)number;
    return true;
}

bool json_as_bool(const struct cJSON *value, bool *ret_bool)
{
    if (!cJSON_IsBool(value)) {
        return false;
    }
    *ret_bool = cJSON_IsTrue(value);
    return true;
}

const char *json_as_text(const struct cJSON *value)
{
    return cJSON_IsString(value) ? value->valuestring : NULL;
}

const char *json_text_or(const struct cJSON *object, const char *name, const char *fallback)
{
    const char *words = json_as_text(json_field(object, name));

    return words ? words : fallback;
}

int64_t json_int_or(const struct cJSON *object, const char *name, int64_t fallback)
{
    int64_t number;

    return json_as_int(json_field(object, name), &number) ? number : fallback;
}

double json_number_or(const struct cJSON *object, const char *name, double fallback)
{
    double number;

    return json_as_number(json_field(object, name), &number) ? number : fallback;
}

bool json_bool_or(const struct cJSON *object, const char *name, bool fallback)
{
    bool value;

    return json_as_bool(json_field(object, name), &value) ? value : fallback;
}

struct json_reader json_read(const struct cJSON *object)
{
    return (struct json_reader){object, NULL};
}

/* The field if the reader still stands, else NULL. */
static const struct cJSON *take(const struct json_reader *reader, const char *name)
{
    return reader->wrong ? NULL : json_field(reader->object, name);
}

static void fail(struct json_reader *reader, const char *name)
{
    if (!reader->wrong) {
        reader->wrong = name;
    }
}

const char *json_need_text(struct json_reader *reader, const char *name)
{
    const char *words = json_as_text(take(reader, name));

    if (!words) {
        fail(reader, name);
        return "";
    }
    return words;
}

int64_t json_need_int(struct json_reader *reader, const char *name, int64_t least, int64_t most)
{
    int64_t number;

    if (!json_as_int(take(reader, name), &number) || number < least || number > most) {
        fail(reader, name);
        return least;
    }
    return number;
}

const struct cJSON *json_need_object(struct json_reader *reader, const char *name)
{
    const struct cJSON *field = take(reader, name);

    if (!cJSON_IsObject(field)) {
        fail(reader, name);
        return NULL;
    }
    return field;
}

const struct cJSON *json_need_list(struct json_reader *reader, const char *name)
{
    const struct cJSON *field = take(reader, name);

    if (!cJSON_IsArray(field)) {
        fail(reader, name);
        return NULL;
    }
    return field;
}

enum err json_end(const struct json_reader *reader, const char **ret_field)
{
    if (!reader->wrong) {
        return ERR_OK;
    }
    if (ret_field) {
        *ret_field = reader->wrong;
    }
    return ERR_FORMAT;
}

/* ------------------------------------------------------------------ out */

struct json_out json_out(size_t ceiling)
{
    return (struct json_out){.ceiling = ceiling};
}

void json_out_reset(struct json_out *out)
{
    out->size = 0;
    out->err = ERR_OK;
    out->comma = false;
    if (out->bytes) {
        out->bytes[0] = '\0';
    }
}

void json_out_free(struct json_out *out)
{
    free(out->bytes);
    *out = (struct json_out){.ceiling = out->ceiling};
}

static bool grow(struct json_out *out, size_t more)
{
    size_t room = out->room ? out->room : 256;
    char *bytes;

    if (out->err || more > out->ceiling || out->size > out->ceiling - more) {
        out->err = out->err ? out->err : ERR_FULL;
        return false;
    }
    while (room < out->size + more + 1) {
        room *= 2;
    }
    if (room != out->room) {
        bytes = realloc(out->bytes, room);
        if (!bytes) {
            out->err = ERR_NOMEM;
            return false;
        }
        out->bytes = bytes;
        out->room = room;
    }
    return true;
}

static void put(struct json_out *out, const char *bytes, size_t size)
{
    if (grow(out, size)) {
        memcpy(out->bytes + out->size, bytes, size);
        out->size += size;
        out->bytes[out->size] = '\0';
    }
}

static void put_comma(struct json_out *out)
{
    if (out->comma) {
        put(out, ",", 1);
    }
    out->comma = true;
}

static void put_open(struct json_out *out, const char *bracket)
{
    put_comma(out);
    put(out, bracket, 1);
    out->comma = false;
}

static void put_close(struct json_out *out, const char *bracket)
{
    put(out, bracket, 1);
    out->comma = true;
}

void json_open_object(struct json_out *out)
{
    put_open(out, "{");
}

void json_close_object(struct json_out *out)
{
    put_close(out, "}");
}

void json_open_list(struct json_out *out)
{
    put_open(out, "[");
}

void json_close_list(struct json_out *out)
{
    put_close(out, "]");
}

static void put_escaped(struct json_out *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char words[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    static const char special[] = "\"\"\\\\\bb\ff\nn\rr\tt";

    for (const char *at = special; *at; at += 2) {
        if ((unsigned char)*at == c) {
            char pair[2] = {'\\', at[1]};

            put(out, pair, 2);
            return;
        }
    }
    put(out, words, 6);
}

static void put_quoted(struct json_out *out, const char *words)
{
    const char *from = words;

    put(out, "\"", 1);
    for (; *words; words++) {
        unsigned char c = (unsigned char)*words;

        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
            put(out, from, (size_t)(words - from));
            put_escaped(out, c);
            from = words + 1;
        }
    }
    put(out, from, (size_t)(words - from));
    put(out, "\"", 1);
}

void json_key(struct json_out *out, const char *name)
{
    put_comma(out);
    put_quoted(out, name);
    put(out, ":", 1);
    out->comma = false;
}

void json_put_text(struct json_out *out, const char *words)
{
    if (!words) {
        json_put_null(out);
        return;
    }
    put_comma(out);
    put_quoted(out, words);
}

void json_put_int(struct json_out *out, int64_t number)
{
    TEXT(words, 32);

    text_addf(&words, "%lld", (long long)number);
    put_comma(out);
    put(out, words.at, words.length);
}

void json_put_number(struct json_out *out, double number)
{
    TEXT(words, 48);

    text_add_number(&words, number);
    put_comma(out);
    put(out, words.at, words.length);
}

void json_put_bool(struct json_out *out, bool value)
{
    put_comma(out);
    put(out, value ? "true" : "false", value ? 4 : 5);
}

void json_put_null(struct json_out *out)
{
    put_comma(out);
    put(out, "null", 4);
}

void json_put_raw(struct json_out *out, const char *bytes, size_t size)
{
    put_comma(out);
    put(out, bytes, size);
}

void json_put_value(struct json_out *out, const struct cJSON *value)
{
    bool object = cJSON_IsObject(value);

    if (cJSON_IsString(value)) {
        json_put_text(out, value->valuestring);
    } else if (cJSON_IsNumber(value)) {
        json_put_number(out, value->valuedouble);
    } else if (cJSON_IsBool(value)) {
        json_put_bool(out, cJSON_IsTrue(value));
    } else if (object || cJSON_IsArray(value)) {
        put_open(out, object ? "{" : "[");
        for (const struct cJSON *item = value->child; item; item = item->next) {
            if (object) {
                json_key(out, item->string);
            }
            json_put_value(out, item);
        }
        put_close(out, object ? "}" : "]");
    } else {
        json_put_null(out);
    }
}

void json_text(struct json_out *out, const char *name, const char *words)
{
    json_key(out, name);
    json_put_text(out, words);
}

void json_int(struct json_out *out, const char *name, int64_t number)
{
    json_key(out, name);
    json_put_int(out, number);
}

void json_number(struct json_out *out, const char *name, double number)
{
    json_key(out, name);
    json_put_number(out, number);
}

void json_bool(struct json_out *out, const char *name, bool value)
{
    json_key(out, name);
    json_put_bool(out, value);
}

void json_null(struct json_out *out, const char *name)
{
    json_key(out, name);
    json_put_null(out);
}

void json_raw(struct json_out *out, const char *name, const char *json)
{
    json_key(out, name);
    if (json) {
        json_put_raw(out, json, strlen(json));
    } else {
        json_put_null(out);
    }
}
