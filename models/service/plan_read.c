/* A service plan from YAML, with the validator's rules (service-terms.md 3). */
#include <string.h>

#include "models/base/hash.h"
#include "models/base/text.h"
#include "models/service/plan_int.h"

const char *const plan_no_texts[] = {NULL};

const char *plan_keep(struct plan_reader *reader, const char *words)
{
    return words ? arena_text(reader->arena, words, strlen(words)) : NULL;
}

const char *const *plan_texts(struct plan_reader *reader, struct yaml_node *node,
                                     const char *what)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, what);
    const char **texts = list ? arena_array(reader->arena, list->count + 1, sizeof(*texts)) : NULL;
    size_t count = 0;

    if (!texts) {
        return plan_no_texts;
    }
    for (node = list->first; node; node = node->next) {
        texts[count++] = plan_keep(reader, yaml_text(reader->complaints, node, "a word", ""));
    }
    return texts;
}

/* ------------------------------------------------------------------ leaves: value and origin */

bool plan_is_leaf(struct yaml_node *node)
{
    return node && node->kind == YAML_MAP && yaml_find(node, "value");
}

struct plan_origin plan_origin_of(struct plan_reader *reader, struct yaml_node *leaf)
{
    static const char *const flags[] = {"S", "A", NULL};
    struct plan_origin origin = {.ids = plan_no_texts};
    struct yaml_node *flag = yaml_need(reader->complaints, leaf, "origin");
    struct yaml_node *ids = yaml_find(leaf, "ids");

    origin.flag = flags[yaml_choice(reader->complaints, flag, "an origin", flags, 1)][0];
    origin.ids = plan_texts(reader, ids, "a list of row ids");
    origin.note = plan_keep(reader, yaml_text(reader->complaints, yaml_find(leaf, "note"), "a note", NULL));
    if (flag && origin.flag == 'S' && !origin.ids[0]) {
        complain(reader->complaints, leaf, "expected ids with origin S, found none");
    }
    yaml_no_more(reader->complaints, leaf);
    return origin;
}

/* The value of the leaf called key; its origin is checked. NULL when it is not there. */
struct yaml_node *plan_leaf(struct plan_reader *reader, struct yaml_node *map, const char *key,
                                    struct plan_origin *ret_origin)
{
    struct yaml_node *leaf = yaml_map(reader->complaints, yaml_find(map, key), "{value, origin, ids}");
    struct plan_origin origin;

    if (!leaf) {
        return NULL;
    }
    if (!plan_is_leaf(leaf)) {
        complain(reader->complaints, leaf, "expected {value, origin, ids}, found another map");
        return NULL;
    }
    origin = plan_origin_of(reader, leaf);
    if (ret_origin) {
        *ret_origin = origin;
    }
    return yaml_find(leaf, "value");
}

/* Leaves that the program does not need yet: their form is checked all the same. */
static void plan_check_rest(struct plan_reader *reader, struct yaml_node *node)
{
    if (!node || !yaml_map(reader->complaints, node, "{value, origin, ids}")) {
        return;
    }
    if (yaml_find(node, "value") || yaml_find(node, "origin")) {
        (void)yaml_need(reader->complaints, node, "value");
        (void)plan_origin_of(reader, node);
        return;
    }
    for (struct yaml_node *child = node->first; child; child = child->next) {
        child->asked = true;
        plan_check_rest(reader, child);
    }
}

/* Of a section: every child nobody asked for. */
void plan_others(struct plan_reader *reader, struct yaml_node *section)
{
    for (struct yaml_node *child = section ? section->first : NULL; child; child = child->next) {
        if (!child->asked) {
            child->asked = true;
            plan_check_rest(reader, child);
        }
    }
}

int64_t plan_ms(struct plan_reader *reader, struct yaml_node *map, const char *key,
                       int64_t fallback, bool needed)
{
    struct yaml_node *value = plan_leaf(reader, map, key, NULL);

    if (!value && needed && map && !yaml_find(map, key)) {
        complain(reader->complaints, map, "expected the key '%s', found none", key);
    }
    return yaml_duration_ms(reader->complaints, value, "a time", fallback);
}

/* ------------------------------------------------------------------ period: warranty */

static void read_classes(struct plan_reader *reader, struct yaml_node *map)
{
    static const char *const needed[] = {"tank",    "collector",     "evacuated_tube",
                                         "bracket", "pipe_fittings", "electrical"};
    struct duration none = {0, DURATION_Y};
    struct plan_class *classes;

    if (!map) {
        return;
    }
    classes = arena_array(reader->arena, map->count + 1, sizeof(*classes));
    if (!classes) {
        return;
    }
    reader->plan->classes = classes;
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!yaml_find(map, needed[i])) {
            complain(reader->complaints, map, "expected a warranty term for '%s', found none",
                     needed[i]);
        }
    }
    for (struct yaml_node *node = map->first; node; node = node->next) {
        struct plan_class *class = &classes[reader->plan->class_count++];

        class->component = plan_keep(reader, node->key);
        class->origin.ids = plan_no_texts;
        class->term = yaml_duration(reader->complaints,
                                    plan_leaf(reader, map, node->key, &class->origin), "a term",
                                    none);
    }
}

static void check_start_order(struct plan_reader *reader, struct yaml_node *list)
{
    static const char *const names[] = {
        "acceptance_date", "completion_report_signed", "completion_date", "invoice_date",
        "sale_date",       "factory_date",             NULL};

    if (!list || list->kind != YAML_LIST || list->count == 0) {
        if (list) {
            complain(reader->complaints, list, "expected at least one date, found none");
        }
        return;
    }
    for (struct yaml_node *node = list->first; node; node = node->next) {
        (void)yaml_choice(reader->complaints, node, "a date", names, 0);
    }
}

static void read_period(struct plan_reader *reader, struct yaml_node *section)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *map =
        yaml_map(complaints, yaml_need(complaints, section, "warranty"), "a map of warranty terms");
    struct yaml_node *order;

    if (map) {
        read_classes(reader, yaml_map(complaints, yaml_need(complaints, map, "classes"),
                                      "a map of classes"));
        order = plan_leaf(reader, map, "start_order", NULL);
        if (!order && !yaml_find(map, "start_order")) {
            complain(complaints, map, "expected the key 'start_order', found none");
        }
        check_start_order(reader, order);
        reader->plan->start_order = plan_texts(reader, order, "a list of dates");
        reader->plan->free_causes = plan_texts(
            reader, plan_leaf(reader, map, "free_causes", NULL), "a list of causes");
        reader->plan->excluded =
            plan_texts(reader, plan_leaf(reader, map, "excluded", NULL), "a list of causes");
        plan_read_exclusions(reader, section, map);
        plan_others(reader, map);
    }
    plan_read_card(reader, section);
    plan_read_period_duties(reader, section);
    plan_read_agreement(reader, section);
    plan_others(reader, section);
}

/* ------------------------------------------------------------------ items */

static void read_items(struct plan_reader *reader, struct yaml_node *section)
{
    struct complaints *complaints = reader->complaints;
    struct plan *plan = reader->plan;
    struct yaml_node *visits = yaml_map(complaints, yaml_need(complaints, section, "visits"), "a map");
    struct yaml_node *hold = yaml_map(complaints, yaml_find(section, "hold"), "a map");
    struct yaml_node *parts = yaml_map(complaints, yaml_find(section, "reserve"), "a map");
    struct yaml_node *old = yaml_map(complaints, yaml_find(section, "old_parts"), "a map");

    plan_read_visits(reader, visits);
    if (parts) {
        plan->reserve_odds = yaml_number(complaints, plan_leaf(reader, parts, "odds", NULL), "a share", 0, 1, 0);
        plan->reserve_km = yaml_number(complaints, plan_leaf(reader, parts, "within", NULL), "kilometres", 0, 20040, 100);
        plan_others(reader, parts);
    }
    if (old) {
        plan->old_parts.required = yaml_bool(complaints, plan_leaf(reader, old, "required", NULL), "true or false", false);
        plan->old_parts.windows = plan_windows(reader, plan_leaf(reader, old, "windows", NULL), &plan->old_parts.window_count);
    }
    plan_read_rounds(reader, section);
    if (old) {
        plan_others(reader, old);
    }
    if (hold) {
        plan->hold_ms = plan_ms(reader, hold, "cleared", 0, false);
        plan->reopen_ms = plan_ms(reader, hold, "reopen", 0, false);
        plan->close_ms = plan_ms(reader, hold, "close", 0, false);
        plan_others(reader, hold);
    }
    ticket_rules_read(reader->arena, complaints, section, &plan->ticket);
    plan_read_people(reader, section);
    plan_read_survey(reader, section);
    plan_read_relation(reader, section);
    plan_read_files(reader, section);
    plan_read_training(reader, section);
    plan_read_money(reader, section);
    plan->onsite_gate = plan_keep(reader, yaml_text(complaints, plan_leaf(reader, section, "onsite_gate", NULL),
                                               "a gate", ""));
    plan->approvals = plan_texts(reader, plan_leaf(reader, section, "approvals", NULL), "a list of words");
    plan_read_item_duties(reader, section);
    plan_others(reader, section);
}

/* ------------------------------------------------------------------ all of it */

static void read_head(struct plan_reader *reader, struct yaml_node *root)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *title = yaml_map(complaints, yaml_find(root, "title"), "a map {en, zh}");

    reader->plan->id =
        plan_keep(reader, yaml_id(complaints, yaml_need(complaints, root, "plan"), "a plan id"));
    reader->plan->version =
        plan_keep(reader, yaml_text(complaints, yaml_find(root, "version"), "a version", ""));
    reader->plan->title.en =
        plan_keep(reader, yaml_text(complaints, yaml_find(title, "en"), "English words", NULL));
    reader->plan->title.zh =
        plan_keep(reader, yaml_text(complaints, yaml_find(title, "zh"), "Chinese words", NULL));
    yaml_no_more(complaints, title);
    (void)yaml_find(root, "source");
}

static struct plan *empty_plan(struct arena *arena, const char *bytes, size_t size)
{
    struct plan *plan = arena_take(arena, sizeof(*plan));

    if (plan) {
        *plan = (struct plan){
            .time_zone = "UTC",
            .onsite_gate = "",
            .approvals = plan_no_texts,
            .start_order = plan_no_texts,
            .free_causes = plan_no_texts,
            .excluded = plan_no_texts,
            .g1_outage_services = plan_no_texts,
            .overlays = plan_no_texts,
            .phases = {"warranty", "after_warranty"},
            .price = price_rules_usual(),
            .bytes = bytes,
            .size = size,
        };
        hash_hex(hash_bytes(bytes, size), plan->hash);
    }
    return plan;
}

static void read_sections(struct plan_reader *reader, struct yaml_node *root)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *section = yaml_map(complaints, yaml_need(complaints, root, "period"), "a map"), *items;

    if (section) {
        read_period(reader, section);
    }
    section = yaml_map(complaints, yaml_need(complaints, root, "staff"), "a map");
    plan_read_staff(reader, section);
    items = yaml_map(complaints, yaml_need(complaints, root, "items"), "a map");
    if (items) {
        read_items(reader, items);
    }
    plan_read_alarms(reader, yaml_map(complaints, yaml_find(root, "alarms"), "a map"));
    section = yaml_map(complaints, yaml_need(complaints, root, "clocks"), "a map");
    if (section) {
        plan_read_clocks(reader, section);
    }
    plan_read_owed(reader, items);
    yaml_no_more(complaints, root);
}

/* ERR_FORMAT without a plan: no map at all. Otherwise complaints say whether it is right. */
static enum err read_all(struct arena *arena, const char *bytes, size_t size,
                         struct complaints *complaints, const struct plan **ret_plan)
{
    struct plan_reader reader = {.arena = arena, .complaints = complaints};
    struct yaml_node *root;
    enum err err;

    reader.plan = empty_plan(arena, bytes, size);
    if (!reader.plan) {
        return ERR_NOMEM;
    }
    err = plan_layers(&reader, bytes, size, &root);
    if (err) {
        return err;
    }
    reader.plan->root = root;
    read_head(&reader, root);
    read_sections(&reader, root);
    if (arena_failed(arena)) { /* some word of it may be missing */
        complain_at(complaints, 1, 1, "expected a smaller file, found more than its memory holds");
        return ERR_NOMEM;
    }
    *ret_plan = reader.plan;
    return ERR_OK;
}

enum err plan_read(struct arena *arena, const char *bytes, size_t size,
                   struct complaints *complaints, const struct plan **ret_plan)
{
    size_t before = complaints->count;
    const struct plan *plan;
    enum err err = read_all(arena, bytes, size, complaints, &plan);

    if (err || complaints->count > before) {
        return err ? err : ERR_FORMAT;
    }
    *ret_plan = plan;
    return ERR_OK;
}

enum err plan_read_kept(struct arena *arena, const char *bytes, size_t size,
                        const struct plan **ret_plan)
{
    struct complaints complaints = {.path = "kept", .arena = arena};
    const struct plan *plan;
    enum err err = read_all(arena, bytes, size, &complaints, &plan);

    if (err || !plan->id) {
        return err ? err : ERR_FORMAT;
    }
    *ret_plan = plan;
    return ERR_OK;
}
