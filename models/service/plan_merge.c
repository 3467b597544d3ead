/*
 * Overlays laid over a plan, leaf by leaf. A leaf takes its origin along, so an assumption never becomes
 * a stated value; nor does it go over a stated one. A value `unset` comes from underneath.
 */
#include <string.h>

#include "models/service/plan_int.h"

#define LAYERS_MOST 16

static bool is_unset(const struct yaml_node *leaf)
{
    for (const struct yaml_node *child = leaf->first; child; child = child->next) {
        if (strcmp(child->key, "value") == 0) {
            return child->kind == YAML_SCALAR && strcmp(child->text, "unset") == 0;
        }
    }
    return false;
}

static struct yaml_node *child_of(struct yaml_node *map, const char *key)
{
    for (struct yaml_node *child = map->first; child; child = child->next) {
        if (strcmp(child->key, key) == 0) {
            return child;
        }
    }
    return NULL;
}

static bool is_leaf(struct yaml_node *node)
{
    return node->kind == YAML_MAP && child_of(node, "value");
}

static bool is_stated(struct yaml_node *leaf)
{
    struct yaml_node *origin = child_of(leaf, "origin");

    return origin && strcmp(origin->text, "S") == 0;
}

static void set_path(struct yaml_node *node, const char *path)
{
    node->path = path;
    for (struct yaml_node *child = node->first; child; child = child->next) {
        set_path(child, path);
    }
}

static void take_out(struct yaml_node *map, const char *key)
{
    for (struct yaml_node **at = &map->first; *at; at = &(*at)->next) {
        if (strcmp((*at)->key, key) == 0) {
            *at = (*at)->next;
            map->count--;
            return;
        }
    }
}

static void append(struct yaml_node *map, struct yaml_node *child)
{
    struct yaml_node **end = &map->first;

    while (*end) {
        end = &(*end)->next;
    }
    child->next = NULL;
    *end = child;
    map->count++;
}

static void replace(struct yaml_node *under, const struct yaml_node *over)
{
    struct yaml_node *next = under->next;

    *under = *over;
    under->next = next;
}

/* A limit for all grades in an overlay is one for every grade. */
static void widen(struct yaml_node *under, struct yaml_node *over)
{
    static const char *const grades[] = {"g1", "g2", "g3"};

    struct yaml_node *all = child_of(over, "all");

    if (all && !(is_leaf(all) && is_unset(all))) {
        for (size_t i = 0; i < 3; i++) {
            take_out(under, grades[i]);
        }
    }
}

static void lay(struct plan_reader *reader, struct yaml_node *under, struct yaml_node *over);

static void lay_one(struct plan_reader *reader, struct yaml_node *map, struct yaml_node *over)
{
    struct yaml_node *under = child_of(map, over->key);

    if (is_leaf(over) && is_unset(over)) {
        if (!under && !(strcmp(over->key, "all") == 0 && child_of(map, "g1"))) {
            complain(reader->complaints, over, "expected a value of '%.60s' underneath what is unset, found none",
                     over->key);
        }
        return; /* G-03: it comes from underneath */
    }
    if (!under) {
        append(map, over);
    } else if (is_leaf(over) && is_leaf(under) && is_stated(under) && !is_stated(over)) {
        complain(reader->complaints, over,
                 "expected a stated value (origin S) over the stated one of '%.60s', found an assumption", over->key);
    } else if (over->kind == YAML_MAP && under->kind == YAML_MAP && !is_leaf(over) && !is_leaf(under)) {
        widen(under, over);
        lay(reader, under, over);
    } else {
        replace(under, over);
    }
}

static void lay(struct plan_reader *reader, struct yaml_node *under, struct yaml_node *over)
{
    struct yaml_node *next;

    for (struct yaml_node *child = over->first; child; child = next) {
        next = child->next;
        lay_one(reader, under, child);
    }
}

/* overlay, version, title, source are the overlay's own; the four sections go over those of the plan. */
static const char *lay_file(struct plan_reader *reader, struct yaml_node *root, struct yaml_node *over)
{
    static const char *const sections[] = {"period", "staff", "items", "clocks"};
    const char *id = yaml_id(reader->complaints, yaml_need(reader->complaints, over, "overlay"), "an overlay id");

    (void)yaml_find(over, "version");
    (void)yaml_find(over, "title");
    (void)yaml_find(over, "source");
    for (size_t i = 0; i < 4; i++) {
        struct yaml_node *part = yaml_map(reader->complaints, yaml_find(over, sections[i]), "a map");
        struct yaml_node *whole = child_of(root, sections[i]);

        if (part && whole && whole->kind == YAML_MAP) {
            lay(reader, whole, part);
        }
    }
    yaml_no_more(reader->complaints, over);
    return plan_keep(reader, id);
}

static enum err parse_layer(struct plan_reader *reader, const char *bytes, size_t size, const char *path,
                            struct yaml_node **ret_root)
{
    struct complaints own = {.path = path ? path : reader->complaints->path, .arena = reader->complaints->arena};
    enum err err = yaml_parse(reader->arena, bytes, size, &own, ret_root);

    for (size_t i = 0; i < own.count && i < COMPLAINTS_MOST; i++) {
        if (reader->complaints->count < COMPLAINTS_MOST) {
            reader->complaints->lines[reader->complaints->count] = own.lines[i];
        }
        reader->complaints->count++;
    }
    if (!err && path) {
        set_path(*ret_root, path);
    }
    return err;
}

/* The next seam in [at, end), or NULL. */
static const char *find_seam(const char *at, const char *end)
{
    size_t size = strlen(PLAN_SEAM);

    for (; at && (size_t)(end - at) >= size; at++) {
        at = memchr(at, PLAN_SEAM[0], (size_t)(end - at));
        if (!at || ((size_t)(end - at) >= size && memcmp(at, PLAN_SEAM, size) == 0)) {
            return at;
        }
    }
    return NULL;
}

enum err plan_layers(struct plan_reader *reader, const char *bytes, size_t size, struct yaml_node **ret_root)
{
    const char **ids = arena_array(reader->arena, LAYERS_MOST + 1, sizeof(*ids));
    size_t count = 0, seam_size = strlen(PLAN_SEAM);
    const char *end = bytes + size;
    const char *seam = find_seam(bytes, end);
    enum err err = parse_layer(reader, bytes, seam ? (size_t)(seam - bytes) : size, NULL, ret_root);

    if (err || !ids || !yaml_map(reader->complaints, *ret_root, "a map: a service plan")) {
        return err ? err : ids ? ERR_FORMAT : ERR_NOMEM;
    }
    while (!err && seam && count < LAYERS_MOST) {
        const char *name = seam + seam_size, *body = memchr(name, '\n', (size_t)(end - name));
        const char *path = body ? arena_text(reader->arena, name, (size_t)(body - name)) : NULL;
        struct yaml_node *over;

        if (!path) {
            break;
        }
        body++;
        seam = find_seam(body, end);
        err = parse_layer(reader, body, (size_t)((seam ? seam : end) - body), path, &over);
        if (!err && yaml_map(reader->complaints, over, "a map: an overlay")) {
            const char *id = lay_file(reader, *ret_root, over);

            ids[count] = id ? id : "";
            count += id != NULL;
        }
    }
    reader->plan->overlays = ids;
    return err;
}
