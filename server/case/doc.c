/* JSON documents that stand in a row's column, changed in one place. */
#include "server/case/doc.h"

#include <string.h>

#include "models/base/text.h"

static void put_changed(const struct cJSON *object, const char *field, const char *value,
                        struct json_out *out)
{
    bool there = false;

    json_open_object(out);
    for (const struct cJSON *item = json_first(object); item; item = json_next(item)) {
        if (strcmp(json_name(item), field) == 0) {
            json_raw(out, field, value);
            there = true;
        } else {
            json_key(out, json_name(item));
            json_put_value(out, item);
        }
    }
    if (!there) {
        json_raw(out, field, value);
    }
    json_close_object(out);
}

enum err doc_set(struct arena *arena, const char *object, const char *field, const char *value,
                 struct json_out *out)
{
    const struct cJSON *root;
    enum err err = json_parse(arena, object, strlen(object), &root, NULL);

    if (err || !json_is_object(root)) {
        return err ? err : ERR_FORMAT;
    }
    put_changed(root, field, value, out);
    return out->err;
}

static bool is_named(const struct cJSON *item, const char *key, const char *id)
{
    return text_same(json_text_or(item, key, NULL), id);
}

enum err doc_set_in_list(struct arena *arena, const char *list, const char *key, const char *id,
                         const char *field, const char *value, struct json_out *out)
{
    const struct cJSON *root;
    bool there = false;
    enum err err = json_parse(arena, list, strlen(list), &root, NULL);

    if (err || !json_is_list(root)) {
        return err ? err : ERR_FORMAT;
    }
    json_open_list(out);
    for (const struct cJSON *item = json_first(root); item; item = json_next(item)) {
        if (is_named(item, key, id)) {
            put_changed(item, field, value, out);
            there = true;
        } else {
            json_put_value(out, item);
        }
    }
    if (!there) {
        json_open_object(out);
        json_text(out, key, id);
        json_raw(out, field, value);
        json_close_object(out);
    }
    json_close_list(out);
    return out->err;
}

int64_t doc_int_in_list(struct arena *arena, const char *list, const char *key, const char *id,
                        const char *field, int64_t fallback)
{
    const struct cJSON *root;

    if (json_parse(arena, list, strlen(list), &root, NULL)) {
        return fallback;
    }
    for (const struct cJSON *item = json_first(root); item; item = json_next(item)) {
        if (is_named(item, key, id)) {
            return json_int_or(item, field, fallback);
        }
    }
    return fallback;
}
