/* A paper from YAML. */
#include <string.h>

#include "models/base/hash.h"
#include "models/paper/paper.h"

#define FIELDS_MOST 100
#define WORDS_MOST  100

struct reader {
    struct arena *arena;
    struct complaints *complaints;
    struct paper *paper;
    struct paper_words *words;
    size_t words_count;
    const struct paper_dictionary *shared;
};

static const char *keep(struct reader *reader, const char *words)
{
    const char *kept = words ? arena_text(reader->arena, words, strlen(words)) : NULL;

    return kept ? kept : "";
}

static struct paper_title read_words(struct reader *reader, struct yaml_node *map)
{
    struct yaml_node *en = yaml_need(reader->complaints, map, "en"), *zh = yaml_need(reader->complaints, map, "zh");

    return (struct paper_title){keep(reader, yaml_text(reader->complaints, en, "a text", "")),
                                keep(reader, yaml_text(reader->complaints, zh, "a text", ""))};
}

static struct paper_title read_title(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *map = yaml_map(reader->complaints, node, "words {en, zh}");
    struct paper_title title = {"", ""};

    if (map) {
        title = read_words(reader, map);
        yaml_no_more(reader->complaints, map);
    }
    return title;
}

static struct paper_title need_title(struct reader *reader, struct yaml_node *map)
{
    return read_title(reader, yaml_need(reader->complaints, map, "title"));
}

/* Room for the items of a list; *ret_count is how many are read. */
static void *room(struct reader *reader, struct yaml_node *list, size_t size, size_t most, size_t *ret_count)
{
    size_t count = list ? list->count : 0;
    void *items;

    if (count > most) {
        complain(reader->complaints, list, "expected at most %zu, found %zu", most, count);
        count = most;
    }
    items = arena_array(reader->arena, count + 1, size);
    *ret_count = items ? count : 0;
    return items;
}

/* ------------------------------------------------------------------ words */

static const struct paper_word *read_values(struct reader *reader, struct yaml_node *node, size_t *ret_count)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of {value, en, zh}");
    struct paper_word *words = list ? room(reader, list, sizeof(*words), WORDS_MOST, ret_count) : NULL;
    size_t i = 0;

    for (struct yaml_node *item = words ? list->first : NULL; item && i < *ret_count; item = item->next, i++) {
        struct yaml_node *map = yaml_map(reader->complaints, item, "a map {value, en, zh}");

        words[i].value = "";
        if (map) {
            struct yaml_node *value = yaml_need(reader->complaints, map, "value");

            words[i].value = keep(reader, yaml_text(reader->complaints, value, "a text", ""));
            words[i].title = read_words(reader, map);
            yaml_no_more(reader->complaints, map);
        }
    }
    return words;
}

static void read_dictionary(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of {id, values}");
    size_t i = 0;

    reader->words = list ? room(reader, list, sizeof(*reader->words), WORDS_MOST, &reader->words_count) : NULL;
    for (struct yaml_node *item = reader->words ? list->first : NULL; item && i < reader->words_count;
         item = item->next, i++) {
        struct yaml_node *map = yaml_map(reader->complaints, item, "a map {id, values}");
        struct paper_words *words = &reader->words[i];

        words->id = "";
        if (map) {
            words->id = keep(reader, yaml_id(reader->complaints, yaml_need(reader->complaints, map, "id"), "an id"));
            words->list = read_values(reader, yaml_need(reader->complaints, map, "values"), &words->count);
            yaml_no_more(reader->complaints, map);
        }
    }
}

static const struct paper_words *words_called(struct reader *reader, struct yaml_node *node)
{
    const char *id = yaml_text(reader->complaints, node, "the id of words", NULL);

    for (size_t i = 0; id && i < reader->words_count; i++) {
        if (strcmp(reader->words[i].id, id) == 0) {
            return &reader->words[i];
        }
    }
    for (const struct paper_dictionary *shared = reader->shared; id && shared; shared = shared->next) {
        for (size_t i = 0; i < shared->count; i++) {
            if (strcmp(shared->list[i].id, id) == 0) {
                return &shared->list[i];
            }
        }
    }
    if (id) {
        complain(reader->complaints, node, "expected the id of words of this file or of a dictionary, found '%.64s'", id);
    }
    return NULL;
}

/* ------------------------------------------------------------------ fields and tables */

static bool is_path(const char *path)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

    for (;;) {
        size_t size = strspn(path, letters);

        if (size < 1 || size > 63 || (path[size] != '.' && path[size] != '\0')) {
            return false;
        }
        if (path[size] == '\0') {
            return true;
        }
        path += size + 1;
    }
}

static const char *read_path(struct reader *reader, struct yaml_node *node)
{
    const char *path = yaml_text(reader->complaints, node, "where it stands: keys with dots between", NULL);

    if (path && strcmp(path, ".") != 0 && !is_path(path)) {
        complain(reader->complaints, node, "expected keys of 1 to 63 of A-Z a-z 0-9 _ - with dots between, found '%.80s'", path);
    }
    return keep(reader, path);
}

static const struct paper_field *read_fields(struct reader *reader, struct yaml_node *node, size_t *ret_count)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of {at, at_zh, title, words, money}");
    struct paper_field *fields = list ? room(reader, list, sizeof(*fields), FIELDS_MOST, ret_count) : NULL;
    size_t i = 0;

    for (struct yaml_node *item = fields ? list->first : NULL; item && i < *ret_count; item = item->next, i++) {
        struct yaml_node *map = yaml_map(reader->complaints, item, "a map {at, at_zh, title, words, money}");

        if (map) {
            struct yaml_node *zh = yaml_find(map, "at_zh");

            fields[i].at = read_path(reader, yaml_need(reader->complaints, map, "at"));
            fields[i].at_zh = zh ? read_path(reader, zh) : NULL;
            fields[i].title = need_title(reader, map);
            fields[i].words = words_called(reader, yaml_find(map, "words"));
            fields[i].money = yaml_bool(reader->complaints, yaml_find(map, "money"), "true or false", false);
            yaml_no_more(reader->complaints, map);
        } else {
            fields[i].at = "";
        }
    }
    return fields;
}

static void read_tables(struct reader *reader, struct yaml_node *node)
{
    struct paper *paper = reader->paper;
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of {at, title, columns}");
    struct paper_table *tables = list ? room(reader, list, sizeof(*tables), FIELDS_MOST, &paper->table_count) : NULL;
    size_t i = 0;

    for (struct yaml_node *item = tables ? list->first : NULL; item && i < paper->table_count; item = item->next, i++) {
        struct yaml_node *map = yaml_map(reader->complaints, item, "a map {at, title, columns}");

        tables[i].at = "";
        if (map) {
            tables[i].at = read_path(reader, yaml_need(reader->complaints, map, "at"));
            tables[i].title = need_title(reader, map);
            tables[i].columns = read_fields(reader, yaml_need(reader->complaints, map, "columns"), &tables[i].column_count);
            yaml_no_more(reader->complaints, map);
        }
    }
    paper->tables = tables;
}

static const struct paper_title *read_titles(struct reader *reader, struct yaml_node *node, size_t *ret_count)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of {en, zh}");
    struct paper_title *titles = list ? room(reader, list, sizeof(*titles), FIELDS_MOST, ret_count) : NULL;
    size_t i = 0;

    for (struct yaml_node *item = titles ? list->first : NULL; item && i < *ret_count; item = item->next, i++) {
        titles[i] = read_title(reader, item);
    }
    return titles;
}

/* ------------------------------------------------------------------ the whole */

static const char *read_form(struct reader *reader, struct yaml_node *node)
{
    const char *form = yaml_text(reader->complaints, node, "a number of the list of documents, as D-17", NULL);

    if (form && strlen(form) > 20) {
        complain(reader->complaints, node, "expected at most 20 letters, found '%.80s'", form);
    }
    return form ? keep(reader, form) : NULL;
}

static void read_head(struct reader *reader, struct yaml_node *root)
{
    struct paper *paper = reader->paper;
    int kind;

    paper->id = keep(reader, yaml_id(reader->complaints, yaml_need(reader->complaints, root, "paper"), "a paper's id"));
    paper->form = read_form(reader, yaml_find(root, "form"));
    paper->version = yaml_int(reader->complaints, yaml_need(reader->complaints, root, "version"), "a number from 1", 1,
                              1000000, 1);
    kind = yaml_choice(reader->complaints, yaml_need(reader->complaints, root, "of"), "a kind of object",
                       paper_kinds, 0);
    paper->of = paper_kinds[kind];
    paper->title = need_title(reader, root);
}

enum err paper_read_dictionary(struct arena *arena, const char *bytes, size_t size, struct complaints *complaints,
                               struct paper_dictionary **ret_dictionary)
{
    struct complaints unheard = {.path = complaints->path, .arena = arena};
    struct reader reader = {.arena = arena, .complaints = complaints};
    struct paper_dictionary *dictionary;
    struct yaml_node *root;

    if (yaml_parse(arena, bytes, size, &unheard, &root) || !yaml_find(root, "dictionary")) {
        return ERR_NOT_FOUND; /* what is ill-formed is told when it is read as a paper */
    }
    if (unheard.count) {
        *complaints = unheard;
    }
    dictionary = arena_take(arena, sizeof(*dictionary));
    (void)yaml_id(complaints, yaml_find(root, "dictionary"), "a dictionary's id");
    read_dictionary(&reader, yaml_need(complaints, root, "words"));
    yaml_no_more(complaints, root);
    if (!dictionary || arena_failed(arena)) {
        return ERR_NOMEM;
    }
    *dictionary = (struct paper_dictionary){reader.words, reader.words_count, NULL};
    *ret_dictionary = dictionary;
    return complaints->count ? ERR_FORMAT : ERR_OK;
}

enum err paper_read(struct arena *arena, const char *bytes, size_t size, const struct paper_dictionary *shared,
                    struct complaints *complaints, const struct paper **ret_paper)
{
    struct reader reader = {.arena = arena, .complaints = complaints, .paper = arena_take(arena, sizeof(struct paper)),
                            .shared = shared};
    struct paper *paper = reader.paper;
    struct yaml_node *root;

    if (!paper) {
        return ERR_NOMEM;
    }
    if (yaml_parse(arena, bytes, size, complaints, &root) || !yaml_map(complaints, root, "a map: a paper")) {
        return ERR_FORMAT;
    }
    hash_hex(hash_bytes(bytes, size), paper->hash);
    read_head(&reader, root);
    read_dictionary(&reader, yaml_find(root, "words"));
    paper->fields = read_fields(&reader, yaml_find(root, "fields"), &paper->field_count);
    read_tables(&reader, yaml_find(root, "tables"));
    paper->notes = read_titles(&reader, yaml_find(root, "notes"), &paper->note_count);
    paper->signs = read_titles(&reader, yaml_find(root, "signs"), &paper->sign_count);
    yaml_no_more(complaints, root);
    if (arena_failed(arena)) {
        return ERR_NOMEM;
    }
    *ret_paper = paper;
    return complaints->count ? ERR_FORMAT : ERR_OK;
}
