/*
 * JSON in and out. The only place that includes cJSON.
 *
 * In: json_parse() checks UTF-8, grammar and depth, then cJSON does the work with the caller's arena.
 * A reader stands on one object; the first required field that is missing or of the wrong kind
 * makes it fail and it stays failed, so that a decoder reads all its fields and asks json_end()
 * once.
 * Out: struct json_out writes straight into a growing buffer with a ceiling; commas and escapes
 * are its business; the first failure sticks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/err.h"

struct cJSON;

#define JSON_DEPTH_MOST 32
/* The whole numbers that no other one is taken for: 2^53 + 1 would be read as 2^53. */
#define JSON_COUNT_MAX 9007199254740991.0

/* The value in bytes[0..size), living in arena until its reset. ERR_FORMAT, ERR_NOMEM, ERR_FULL.
 * *ret_why (may be NULL) gets a constant sentence. */
enum err json_parse(struct arena *arena, const char *bytes, size_t size,
                    const struct cJSON **ret_value, const char **ret_why) MUST_CHECK;

/* Looking at values; a NULL value is fine everywhere and is nothing. */
const struct cJSON *json_field(const struct cJSON *object, const char *name);
const struct cJSON *json_first(const struct cJSON *list_or_object);
const struct cJSON *json_next(const struct cJSON *item);
const char *json_name(const struct cJSON *item); /* its key in an object, or "" */
size_t json_size(const struct cJSON *list);
bool json_is_object(const struct cJSON *value);
bool json_is_list(const struct cJSON *value);
bool json_is_null(const struct cJSON *value); /* a JSON null, not a missing one */
/* false when value is not of that kind (numbers: also when not finite). */
bool json_as_number(const struct cJSON *value, double *ret_number);
bool json_as_int(const struct cJSON *value, int64_t *ret_number); /* whole, |n| < 2^53 */
bool json_as_bool(const struct cJSON *value, bool *ret_bool);
const char *json_as_text(const struct cJSON *value); /* NULL when not a string */
const char *json_text_or(const struct cJSON *object, const char *name, const char *fallback);
int64_t json_int_or(const struct cJSON *object, const char *name, int64_t fallback);
double json_number_or(const struct cJSON *object, const char *name, double fallback);
bool json_bool_or(const struct cJSON *object, const char *name, bool fallback);

struct json_reader {
    const struct cJSON *object;
    const char *wrong; /* the first field that failed, or NULL */
};

struct json_reader json_read(const struct cJSON *object);
const char *json_need_text(struct json_reader *reader, const char *name);
int64_t json_need_int(struct json_reader *reader, const char *name, int64_t least, int64_t most);
const struct cJSON *json_need_object(struct json_reader *reader, const char *name);
const struct cJSON *json_need_list(struct json_reader *reader, const char *name);
/* ERR_OK if every read found its field; else ERR_FORMAT and its name in *ret_field. */
enum err json_end(const struct json_reader *reader, const char **ret_field) MUST_CHECK;

struct json_out {
    char *bytes;  /* NUL-terminated; owned; NULL before the first write */
    size_t size;  /* in use, without the NUL */
    size_t room;
    size_t ceiling;
    enum err err; /* ERR_FULL or ERR_NOMEM sticks */
    bool comma;   /* the next value wants one before it */
};

/* An empty writer that never holds more than ceiling bytes. */
struct json_out json_out(size_t ceiling);
void json_out_reset(struct json_out *out); /* keeps the memory */
void json_out_free(struct json_out *out);
void json_open_object(struct json_out *out);
void json_close_object(struct json_out *out);
void json_open_list(struct json_out *out);
void json_close_list(struct json_out *out);
void json_key(struct json_out *out, const char *name);
void json_put_text(struct json_out *out, const char *words); /* NULL writes null */
void json_put_int(struct json_out *out, int64_t number);
void json_put_number(struct json_out *out, double number); /* not finite writes null */
void json_put_bool(struct json_out *out, bool value);
void json_put_null(struct json_out *out);
/* Bytes that are JSON already. */
void json_put_raw(struct json_out *out, const char *bytes, size_t size);
/* A parsed value, written out again. */
void json_put_value(struct json_out *out, const struct cJSON *value);
/* key and value in one. */
void json_text(struct json_out *out, const char *name, const char *words);
void json_int(struct json_out *out, const char *name, int64_t number);
void json_number(struct json_out *out, const char *name, double number);
void json_bool(struct json_out *out, const char *name, bool value);
void json_null(struct json_out *out, const char *name);
void json_raw(struct json_out *out, const char *name, const char *json); /* NULL writes null */
