/* A profile from YAML: everything that is wrong at once, with its place. */
#include <string.h>

#include "models/base/hash.h"
#include "models/base/text.h"
#include "models/profile/profile_int.h"

void *profile_array(struct profile_reader *reader, struct yaml_node *list, size_t size, size_t most,
                    size_t *ret_count)
{
    void *array;

    *ret_count = 0;
    if (!list || list->count == 0) {
        return NULL;
    }
    if (list->count > most) {
        complain(reader->complaints, list, "expected at most %zu entries, found %zu", most,
                 list->count);
        return NULL;
    }
    array = arena_array(reader->arena, list->count, size);
    if (!array) {
        complain(reader->complaints, list, "expected a smaller file: out of memory");
        return NULL;
    }
    *ret_count = list->count;
    return array;
}

const char *profile_words(struct profile_reader *reader, const char *words)
{
    return words ? arena_text(reader->arena, words, strlen(words)) : NULL;
}

struct words2 profile_words2(struct profile_reader *reader, struct yaml_node *map)
{
    struct words2 words = {NULL, NULL};

    map = yaml_map(reader->complaints, map, "a map {en, zh}");
    if (map) {
        words.en = profile_words(
            reader, yaml_text(reader->complaints, yaml_find(map, "en"), "English words", NULL));
        words.zh = profile_words(
            reader, yaml_text(reader->complaints, yaml_find(map, "zh"), "Chinese words", NULL));
        yaml_no_more(reader->complaints, map);
    }
    return words;
}

/* A name means a point first, then a derived point, then a role. */
static struct expr_name look_up(const void *context, const char *name)
{
    const struct profile *profile = context;
    int index = profile_point(profile, name);

    if (index >= 0) {
        return (struct expr_name){EXPR_NAME_POINT, (size_t)index};
    }
    index = profile_derived(profile, name);
    if (index >= 0) {
        return (struct expr_name){EXPR_NAME_DERIVED, (size_t)index};
    }
    index = profile_role(profile, name);
    if (index >= 0) {
        return (struct expr_name){EXPR_NAME_POINT, (size_t)index};
    }
    return (struct expr_name){EXPR_NAME_NONE, 0};
}

const struct expr *profile_expr(struct profile_reader *reader, struct yaml_node *node,
                                const char **ret_text)
{
    const struct expr *expr = NULL;
    const char *words = yaml_text(reader->complaints, node, "an expression", NULL);
    TEXT(why, 200);
    int column = 1;

    if (!words) {
        return NULL;
    }
    if (expr_compile(reader->arena, words, look_up, reader->profile, &expr, &why, &column)) {
        complain(reader->complaints, node, "%s (at character %d of '%.80s')", why.at, column, words);
        return NULL;
    }
    if (ret_text) {
        *ret_text = profile_words(reader, words);
    }
    return expr;
}

static void read_defaults(struct profile_reader *reader, struct yaml_node *map)
{
    struct complaints *complaints = reader->complaints;
    struct profile *profile = reader->profile;

    map = yaml_map(complaints, map, "a map of defaults");
    profile->unit_id = (int)yaml_int(complaints, yaml_find(map, "unit_id"), "a unit id", 0, 255, 1);
    reader->order = (enum register_order)yaml_choice(complaints, yaml_find(map, "word_order"),
                                                     "a word order", register_order_names, 0);
    profile->max_registers = (uint16_t)yaml_int(complaints, yaml_find(map, "max_registers"),
                                                "registers in one read", 1, 125, 125);
    profile->gap =
        (uint16_t)yaml_int(complaints, yaml_find(map, "gap"), "unused registers", 0, 124, 0);
    profile->timeout_ms = yaml_duration_ms(complaints, yaml_find(map, "timeout"), "a time-out", 500);
    if (profile->timeout_ms < 1) {
        complain(complaints, yaml_find(map, "timeout"), "expected a time-out of at least 1ms, found '%.40s'",
                 yaml_find(map, "timeout")->text);
    }
    profile->pause_ms = yaml_duration_ms(complaints, yaml_find(map, "pause"), "a pause", 0);
    reader->every_ms = yaml_duration_ms(complaints, yaml_find(map, "every"), "a period", 10000);
    reader->heartbeat_ms =
        yaml_duration_ms(complaints, yaml_find(map, "heartbeat"), "a heartbeat", 0);
    yaml_no_more(complaints, map);
}

static void read_identity(struct profile_reader *reader, struct yaml_node *node)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *list = yaml_list(complaints, node, "a list of identity registers");
    struct profile_identity *identity =
        profile_array(reader, list, sizeof(*identity), 16, &reader->profile->identity_count);
    size_t i = 0;

    for (node = list ? list->first : NULL; node && i < reader->profile->identity_count;
         node = node->next) {
        struct yaml_node *map = yaml_map(complaints, node, "an identity {register, equals}");
        struct yaml_node *within = yaml_find(map, "in");

        profile_register(reader, map ? yaml_need(complaints, map, "register") : NULL,
                         &identity[i].reg);
        identity[i].least = identity[i].most =
            yaml_int(complaints, yaml_find(map, "equals"), "a raw value", INT64_MIN, INT64_MAX, 0);
        if (within && yaml_list(complaints, within, "a list [least, most]")) {
            if (within->count != 2) {
                complain(complaints, within, "expected a list [least, most], found %zu values",
                         within->count);
            } else {
                identity[i].least = yaml_int(complaints, within->first, "a raw value", INT64_MIN,
                                             INT64_MAX, 0);
                identity[i].most = yaml_int(complaints, within->first->next, "a raw value",
                                            INT64_MIN, INT64_MAX, 0);
            }
        } else if (!within && map && !yaml_find(map, "equals")) {
            complain(complaints, map, "expected 'equals' or 'in: [least, most]', found neither");
        }
        identity[i].canary = yaml_bool(complaints, yaml_find(map, "canary"), "true or false", false);
        yaml_no_more(complaints, map);
        i++;
    }
    reader->profile->identity = identity;
}

static void read_derived(struct profile_reader *reader, struct yaml_node *node)
{
    struct complaints *complaints = reader->complaints;
    struct profile *profile = reader->profile;
    struct yaml_node *list = yaml_list(complaints, node, "a list of derived points");
    size_t count;
    struct derived *derived = profile_array(reader, list, sizeof(*derived), 128, &count);

    profile->derived = derived;
    for (node = list ? list->first : NULL; node && profile->derived_count < count;
         node = node->next) {
        struct yaml_node *map = yaml_map(complaints, node, "a derived point {name, is}");
        struct derived one = {.name = "", .unit = ""};
        const char *name =
            yaml_id(complaints, map ? yaml_need(complaints, map, "name") : NULL, "a name");

        if (name && (profile_point(profile, name) >= 0 || profile_derived(profile, name) >= 0)) {
            complain(complaints, yaml_find(map, "name"), "expected a name of its own, found '%s' again", name);
        }
        one.name = name ? profile_words(reader, name) : "";
        one.title = profile_words2(reader, yaml_find(map, "title"));
        one.unit =
            profile_words(reader, yaml_text(complaints, yaml_find(map, "unit"), "a unit", ""));
        one.is = profile_expr(reader, map ? yaml_need(complaints, map, "is") : NULL, NULL);
        (void)yaml_text(complaints, yaml_find(map, "role"), "a role", NULL);
        yaml_no_more(complaints, map);
        derived[profile->derived_count++] = one;
    }
}

static void read_commands(struct profile_reader *reader, struct yaml_node *node)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *list = yaml_list(complaints, node, "a list of commands");
    struct profile_command *commands =
        profile_array(reader, list, sizeof(*commands), 64, &reader->profile->command_count);
    size_t i = 0;

    for (node = list ? list->first : NULL; node && i < reader->profile->command_count;
         node = node->next) {
        struct yaml_node *map = yaml_map(complaints, node, "a command {name, point, value}");
        struct yaml_node *point = map ? yaml_need(complaints, map, "point") : NULL;
        int index = profile_point(reader->profile, yaml_text(complaints, point, "a point", ""));
        const char *name =
            yaml_id(complaints, map ? yaml_need(complaints, map, "name") : NULL, "a name");

        if (point && (index < 0 || !reader->profile->points[index].may_write)) {
            complain(complaints, point, "expected a point that may be written, found '%.80s'",
                     point->text);
        }
        commands[i].name = name ? profile_words(reader, name) : "";
        commands[i].title = profile_words2(reader, yaml_find(map, "title"));
        commands[i].point = index < 0 ? 0 : (size_t)index;
        commands[i].value = yaml_number(complaints, map ? yaml_need(complaints, map, "value") : NULL,
                                        "a value", -1e15, 1e15, 0);
        yaml_no_more(complaints, map);
        i++;
    }
    reader->profile->commands = commands;
}

static bool read_band(struct profile_reader *reader, struct yaml_node *node, double *ret_least,
                      double *ret_most)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a band [least, most]");

    if (!list) {
        return false;
    }
    if (list->count != 2) {
        complain(reader->complaints, list, "expected a band [least, most], found %zu values",
                 list->count);
        return false;
    }
    *ret_least = yaml_number(reader->complaints, list->first, "a number", -1e15, 1e15, 0);
    *ret_most = yaml_number(reader->complaints, list->first->next, "a number", -1e15, 1e15, 0);
    return true;
}

static void read_inspection(struct profile_reader *reader, struct yaml_node *node)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *list = yaml_list(complaints, node, "a list of inspection lines");
    struct inspection_line *lines =
        profile_array(reader, list, sizeof(*lines), 128, &reader->profile->inspection_count);
    size_t i = 0;

    for (node = list ? list->first : NULL; node && i < reader->profile->inspection_count;
         node = node->next) {
        struct yaml_node *map = yaml_map(complaints, node, "a line {id, title, is, green}");
        const char *id = yaml_id(complaints, map ? yaml_need(complaints, map, "id") : NULL, "an id");

        lines[i].id = id ? profile_words(reader, id) : "";
        lines[i].title = profile_words2(reader, yaml_find(map, "title"));
        lines[i].is = profile_expr(reader, map ? yaml_need(complaints, map, "is") : NULL, NULL);
        lines[i].has_green = read_band(reader, yaml_find(map, "green"), &lines[i].green_least,
                                       &lines[i].green_most);
        lines[i].has_amber = read_band(reader, yaml_find(map, "amber"), &lines[i].amber_least,
                                       &lines[i].amber_most);
        yaml_no_more(complaints, map);
        i++;
    }
    reader->profile->inspection = lines;
}

static void read_parts(struct profile_reader *reader, struct yaml_node *node)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *list = yaml_list(complaints, node, "a list of parts");
    struct profile_part *parts =
        profile_array(reader, list, sizeof(*parts), 256, &reader->profile->part_count);
    size_t i = 0;

    for (node = list ? list->first : NULL; node && i < reader->profile->part_count;
         node = node->next) {
        struct yaml_node *map = yaml_map(complaints, node, "a part {id, title, class}");
        const char *id = yaml_id(complaints, map ? yaml_need(complaints, map, "id") : NULL, "an id");

        parts[i].id = id ? profile_words(reader, id) : "";
        parts[i].title = profile_words2(reader, yaml_find(map, "title"));
        parts[i].component = profile_words(
            reader, yaml_text(complaints, yaml_find(map, "class"), "a warranty class", ""));
        yaml_no_more(complaints, map);
        i++;
    }
    reader->profile->parts = parts;
}

static void read_head(struct profile_reader *reader, struct yaml_node *root)
{
    struct complaints *complaints = reader->complaints;
    struct profile *profile = reader->profile;
    const char *id = yaml_id(complaints, yaml_need(complaints, root, "profile"), "a profile id");
    struct yaml_node *title = yaml_need(complaints, root, "title");

    profile->id = id ? profile_words(reader, id) : "";
    profile->version =
        yaml_int(complaints, yaml_find(root, "version"), "a version", 0, 1000000000, 0);
    profile->maker =
        profile_words(reader, yaml_text(complaints, yaml_find(root, "maker"), "a maker", ""));
    profile->model =
        profile_words(reader, yaml_text(complaints, yaml_find(root, "model"), "a model", ""));
    profile->title = profile_words2(reader, title);
    (void)yaml_find(root, "verified_on"); /* for people */
    (void)yaml_find(root, "source");
}

enum err profile_read(struct arena *arena, const char *bytes, size_t size,
                      struct complaints *complaints, const struct profile **ret_profile)
{
    struct profile_reader reader = {.arena = arena, .complaints = complaints};
    struct yaml_node *root;
    size_t before = complaints->count;
    enum err err = yaml_parse(arena, bytes, size, complaints, &root);

    if (err) {
        return err;
    }
    reader.profile = arena_take(arena, sizeof(*reader.profile));
    if (!reader.profile) {
        return ERR_NOMEM;
    }
    if (!yaml_map(complaints, root, "a map: an equipment profile")) {
        return ERR_FORMAT;
    }
    hash_hex(hash_bytes(bytes, size), reader.profile->hash);
    read_head(&reader, root);
    read_defaults(&reader, yaml_find(root, "defaults"));
    read_identity(&reader, yaml_find(root, "identity"));
    if (yaml_find(root, "firmware")) {
        reader.profile->has_firmware = true;
        profile_register(&reader, yaml_find(root, "firmware"), &reader.profile->firmware);
    }
    profile_points_read(&reader, yaml_need(complaints, root, "points"));
    read_derived(&reader, yaml_find(root, "derived"));
    profile_faults_read(&reader, yaml_find(root, "faults"));
    read_commands(&reader, yaml_find(root, "commands"));
    read_inspection(&reader, yaml_find(root, "inspection"));
    read_parts(&reader, yaml_find(root, "parts"));
    yaml_no_more(complaints, root);
    if (arena_failed(arena)) { /* some word of it may be missing */
        complain_at(complaints, 1, 1, "expected a smaller file, found more than its memory holds");
        return ERR_NOMEM;
    }
    if (complaints->count > before) {
        return ERR_FORMAT;
    }
    *ret_profile = reader.profile;
    return ERR_OK;
}
