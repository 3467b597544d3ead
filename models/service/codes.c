/* A company's codes from YAML. */
#include "models/service/codes.h"

#include <string.h>

struct reader {
    struct arena *arena;
    struct complaints *complaints;
};

static const char *keep(struct reader *reader, const char *words)
{
    return words ? arena_text(reader->arena, words, strlen(words)) : NULL;
}

static struct words2 read_title(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *map = yaml_map(reader->complaints, node, "words {en, zh}");
    struct words2 title = {NULL, NULL};

    if (map) {
        title.en = keep(reader, yaml_text(reader->complaints, yaml_need(reader->complaints, map, "en"), "a text", NULL));
        title.zh = keep(reader, yaml_text(reader->complaints, yaml_need(reader->complaints, map, "zh"), "a text", NULL));
        yaml_no_more(reader->complaints, map);
    }
    return title;
}

static void read_code(struct reader *reader, struct yaml_node *node, struct code *code)
{
    struct yaml_node *map = yaml_map(reader->complaints, node, "a code {id, title}");
    struct yaml_node *id = map ? yaml_need(reader->complaints, map, "id") : NULL;

    code->id = keep(reader, yaml_id(reader->complaints, id, "an id"));
    code->title = read_title(reader, map ? yaml_need(reader->complaints, map, "title") : NULL);
    code->note = yaml_bool(reader->complaints, yaml_find(map, "note"), "true or false", false);
    yaml_no_more(reader->complaints, map);
}

static struct code_list read_list(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of codes");
    struct code_list codes = {NULL, 0};
    struct code *items;

    if (!list) {
        return codes;
    }
    if (list->count < 1 || list->count > CODES_MOST) {
        complain(reader->complaints, list, "expected 1 to %d codes, found %zu", CODES_MOST, list->count);
        return codes;
    }
    items = arena_array(reader->arena, list->count, sizeof(*items));
    codes.items = items;
    for (node = items ? list->first : NULL; node; node = node->next) {
        struct code code;

        read_code(reader, node, &code);
        if (codes_find(&codes, code.id)) {
            complain(reader->complaints, yaml_find(node, "id"), "expected an id of its own, found '%s' again", code.id);
        }
        items[codes.count] = code;
        codes.count++;
    }
    return codes;
}

enum err codes_read(struct arena *arena, const char *bytes, size_t size, struct complaints *complaints,
                    const struct codes **ret_codes)
{
    struct codes *codes = arena_take(arena, sizeof(*codes));
    struct reader reader = {arena, complaints};
    size_t before = complaints->count;
    struct yaml_node *root;
    enum err err;

    if (!codes) {
        return ERR_NOMEM;
    }
    err = yaml_parse(arena, bytes, size, complaints, &root);
    if (!err && yaml_map(complaints, root, "a map: codes")) {
        codes->id = keep(&reader, yaml_id(complaints, yaml_need(complaints, root, "codes"), "an id"));
        codes->refusals = read_list(&reader, yaml_need(complaints, root, "refusals"));
        codes->overrides = read_list(&reader, yaml_need(complaints, root, "overrides"));
        codes->skips = read_list(&reader, yaml_find(root, "skips"));
        codes->classes = read_list(&reader, yaml_find(root, "classes"));
        codes->natures = read_list(&reader, yaml_find(root, "natures"));
        codes->severities = read_list(&reader, yaml_find(root, "severities"));
        yaml_no_more(complaints, root);
    }
    if (!err && arena_failed(arena)) { /* some word of it may be missing */
        complain_at(complaints, 1, 1, "expected a smaller file, found more than its memory holds");
        return ERR_NOMEM;
    }
    *ret_codes = codes;
    return err ? err : complaints->count > before ? ERR_FORMAT : ERR_OK;
}

const struct code *codes_find(const struct code_list *list, const char *id)
{
    for (size_t i = 0; id && i < list->count; i++) {
        if (text_same(list->items[i].id, id)) {
            return &list->items[i];
        }
    }
    return NULL;
}

void codes_name(const struct code_list *list, struct text *to)
{
    for (size_t i = 0; i < list->count; i++) {
        text_addf(to, "%s%s", to->length ? " " : "", list->items[i].id);
    }
}
