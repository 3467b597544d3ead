/* JSON documents that stand in a row's column, changed in one place. */
#pragma once

#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/base/json.h"

#define DOC_BYTES_MOST  (256 * 1024) /* of a document */
#define DOC_ARENA_BYTES (4 * 1024 * 1024)

/* object with field = value (JSON) written to out. ERR_FORMAT when object is none. */
enum err doc_set(struct arena *arena, const char *object, const char *field, const char *value,
                 struct json_out *out) MUST_CHECK;

/*
 * list, whose items are objects: the one whose key is id gets field = value (JSON); when there is
 * none, {key: id, field: value} is added at the end.
 */
enum err doc_set_in_list(struct arena *arena, const char *list, const char *key, const char *id,
                         const char *field, const char *value, struct json_out *out) MUST_CHECK;

/* The whole number in field of the item whose key is id; fallback when there is none. */
int64_t doc_int_in_list(struct arena *arena, const char *list, const char *key, const char *id,
                        const char *field, int64_t fallback);
