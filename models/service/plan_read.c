/* A service plan from YAML, with the validator's rules (service-terms.md 3). */
#include <string.h>

#include "models/base/civil.h"
#include "models/base/hash.h"
#include "models/base/text.h"
#include "models/service/plan_int.h"

static const char *const no_texts[] = {NULL};

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
        return no_texts;
    }
    for (node = list->first; node; node = node->next) {
        texts[count++] = plan_keep(reader, yaml_text(reader->complaints, node, "a word", ""));
    }
    return texts;
}

/* ------------------------------------------------------------------ leaves: value and origin */

static bool is_leaf(struct yaml_node *node)
{
    return node && node->kind == YAML_MAP && yaml_find(node, "value");
}

static struct plan_origin read_origin(struct plan_reader *reader, struct yaml_node *leaf)
{
    static const char *const flags[] = {"S", "A", NULL};
    struct plan_origin origin = {.ids = no_texts};
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
    if (!is_leaf(leaf)) {
        complain(reader->complaints, leaf, "expected {value, origin, ids}, found another map");
        return NULL;
    }
    origin = read_origin(reader, leaf);
    if (ret_origin) {
        *ret_origin = origin;
    }
    return yaml_find(leaf, "value");
}

/* Leaves that the program does not need yet: their form is checked all the same. */
static void check_rest(struct plan_reader *reader, struct yaml_node *node)
{
    if (!node || !yaml_map(reader->complaints, node, "{value, origin, ids}")) {
        return;
    }
    if (yaml_find(node, "value") || yaml_find(node, "origin")) {
        (void)yaml_need(reader->complaints, node, "value");
        (void)read_origin(reader, node);
        return;
    }
    for (struct yaml_node *child = node->first; child; child = child->next) {
        child->asked = true;
        check_rest(reader, child);
    }
}

/* Of a section: every child nobody asked for. */
void plan_others(struct plan_reader *reader, struct yaml_node *section)
{
    for (struct yaml_node *child = section ? section->first : NULL; child; child = child->next) {
        if (!child->asked) {
            child->asked = true;
            check_rest(reader, child);
        }
    }
}

/* ------------------------------------------------------------------ clocks */

static struct plan_limit read_limit(struct plan_reader *reader, struct yaml_node *leaf)
{
    struct plan_limit limit = {.set = false};
    struct duration none = {0, DURATION_S};
    struct yaml_node *value = yaml_need(reader->complaints, leaf, "value");

    limit.origin = read_origin(reader, leaf);
    limit.limit = yaml_duration(reader->complaints, value, "a limit", none);
    limit.set = value && limit.limit.count > 0;
    return limit;
}

/* The limit called key of a target; not set when it is not there. */
struct plan_limit plan_limit_at(struct plan_reader *reader, struct yaml_node *map, const char *key)
{
    struct yaml_node *leaf =
        yaml_map(reader->complaints, yaml_find(map, key), "{value, origin, ids}");

    return leaf ? read_limit(reader, leaf) : (struct plan_limit){.set = false};
}

/* One limit for all levels, or a map A, B, C. */
static void read_grade(struct plan_reader *reader, struct yaml_node *node,
                       struct plan_limit limits[PLAN_LEVELS])
{
    static const char *const levels[] = {"A", "B", "C"};

    node = yaml_map(reader->complaints, node, "{value, origin} or a map of service levels");
    if (!node) {
        return;
    }
    if (is_leaf(node)) {
        limits[0] = limits[1] = limits[2] = read_limit(reader, node);
        return;
    }
    for (int i = 0; i < PLAN_LEVELS; i++) {
        limits[i] = plan_limit_at(reader, node, levels[i]);
    }
    yaml_no_more(reader->complaints, node);
}

/* -1, 0, 1; hours and days are compared as ms, a working day as 24 h. */
static int compare(struct duration a, struct duration b)
{
    static const int64_t ms[] = {1, 1000, 60000, 3600000, 86400000, 86400000, 2592000000, 31536000000};
    int64_t x = a.count * ms[a.unit], y = b.count * ms[b.unit];

    return x < y ? -1 : x > y;
}

/* The value of a limit where the plan says it: for the grade or for all, for the level or for all. */
static struct yaml_node *limit_place(struct yaml_node *target, int grade, int level)
{
    static const char *const grades[] = {"g1", "g2", "g3"}, *const levels[] = {"A", "B", "C"};
    struct yaml_node *place = yaml_find(target, grades[grade]);

    place = place ? place : yaml_find(target, "all");
    place = place && !is_leaf(place) ? yaml_find(place, levels[level]) : place;
    return place && yaml_find(place, "value") ? yaml_find(place, "value") : target;
}

static void check_levels(struct plan_reader *reader, struct yaml_node *node,
                         const struct plan_target *target, int grade)
{
    for (int level = 1; level < PLAN_LEVELS; level++) {
        const struct plan_limit *better = &target->limits[grade][level - 1];
        const struct plan_limit *limit = &target->limits[grade][level];

        if (limit->set && better->set && compare(better->limit, limit->limit) > 0) {
            complain(reader->complaints, limit_place(node, grade, level - 1),
                     "expected level %c not to be slower than level %c at grade %d, found it slower",
                     'A' + level - 1, 'A' + level, grade + 1);
        }
    }
}

/* Each mistake is told once, though it may show at every level. */
static void check_order(struct plan_reader *reader, struct yaml_node *node,
                        const struct plan_target *target)
{
    const struct plan_limit *emergency = &target->emergency;
    bool told[PLAN_GRADES] = {false};

    for (int grade = 0; grade < PLAN_GRADES; grade++) {
        check_levels(reader, node, target, grade);
        for (int level = 0; level < PLAN_LEVELS; level++) {
            const struct plan_limit *limit = &target->limits[grade][level];
            const struct plan_limit *worse =
                grade + 1 < PLAN_GRADES ? &target->limits[grade + 1][level] : limit;

            if (!told[grade] && limit->set && worse->set && compare(limit->limit, worse->limit) > 0) {
                told[grade] = true;
                complain(reader->complaints, limit_place(node, grade, level),
                         "expected grade %d not to be slower than grade %d at level %c, found it slower",
                         grade + 1, grade + 2, 'A' + level);
            }
        }
    }
    for (int level = 0; level < PLAN_LEVELS; level++) {
        const struct plan_limit *limit = &target->limits[0][level];

        if (emergency->set && limit->set && compare(emergency->limit, limit->limit) > 0) {
            complain(reader->complaints, yaml_find(yaml_find(node, "emergency"), "value"),
                     "expected the emergency limit not to be slower than grade 1, found it slower");
            return;
        }
    }
}

static double read_share(struct plan_reader *reader, struct yaml_node *map, const char *key)
{
    return yaml_number(reader->complaints, plan_leaf(reader, map, key, NULL), "a share", 0, 1, 0);
}

static void read_target(struct plan_reader *reader, struct yaml_node *node, struct plan_target *target)
{
    static const char *const grades[] = {"g1", "g2", "g3"};
    struct yaml_node *map = yaml_map(reader->complaints, node, "a target {start, stop, …}");
    struct yaml_node *one;

    target->kind = plan_keep(reader, node->key);
    if (!map) {
        return;
    }
    target->start = (enum plan_start)yaml_choice(
        reader->complaints, yaml_need(reader->complaints, map, "start"), "a start", plan_start_names, 0);
    target->stop = (enum plan_stop)yaml_choice(
        reader->complaints, yaml_need(reader->complaints, map, "stop"), "a stop", plan_stop_names, 0);
    one = yaml_find(map, "all");
    if (one) {
        read_grade(reader, one, target->limits[0]);
        memcpy(target->limits[1], target->limits[0], sizeof(target->limits[0]));
        memcpy(target->limits[2], target->limits[0], sizeof(target->limits[0]));
    }
    for (int i = 0; i < PLAN_GRADES; i++) {
        if (yaml_find(map, grades[i])) {
            read_grade(reader, yaml_find(map, grades[i]), target->limits[i]);
        }
    }
    target->emergency = plan_limit_at(reader, map, "emergency");
    target->remote_area = plan_limit_at(reader, map, "remote_area");
    target->aim = plan_limit_at(reader, map, "target");
    target->cap_onsite = read_share(reader, map, "cap_onsite");
    target->warn = read_share(reader, map, "warn");
    (void)yaml_find(map, "calendar");
    yaml_no_more(reader->complaints, map);
    check_order(reader, node, target);
}

static const struct plan_target *find_target(const struct plan *plan, enum plan_stop stop)
{
    for (size_t i = 0; i < plan->target_count; i++) {
        if (plan->targets[i].stop == stop) {
            return &plan->targets[i];
        }
    }
    return NULL;
}

/* S0-108: no grade without a response and an arrival clock. */
static void check_no_blank(struct plan_reader *reader, struct yaml_node *map, enum plan_stop stop)
{
    const struct plan_target *target = find_target(reader->plan, stop);

    if (!target) {
        complain(reader->complaints, map, "expected a clock that stops on '%s', found none",
                 plan_stop_names[stop]);
        return;
    }
    for (int grade = 0; grade < PLAN_GRADES; grade++) {
        if (!target->limits[grade][2].set) {
            complain(reader->complaints, map, "expected a limit of '%s' for grade %d, found none",
                     target->kind, grade + 1);
        }
    }
}

/* What a target takes of the way to the arrival: nothing when the plan has none; -1: no hours. */
static int64_t share_of(const struct plan_target *target, int grade, int level, int64_t whole_ms)
{
    const struct plan_limit *limit = target ? &target->limits[grade][level] : NULL;
    int64_t ms;

    if (limit && limit->set && target->aim.set) {
        limit = &target->aim;
    }
    if (!limit || !limit->set) {
        return 0;
    }
    if (duration_ms(limit->limit, &ms)) {
        return -1;
    }
    if (target->cap_onsite > 0 && (double)ms > target->cap_onsite * (double)whole_ms) {
        ms = (int64_t)(target->cap_onsite * (double)whole_ms);
    }
    return ms;
}

/* C-25: forwarding and arranging must leave time to travel. */
static void check_discipline(struct plan_reader *reader, struct yaml_node *map)
{
    const struct plan_target *dispatch = find_target(reader->plan, PLAN_DISPATCHED);
    const struct plan_target *assign = find_target(reader->plan, PLAN_ASSIGNED);
    const struct plan_target *arrive = find_target(reader->plan, PLAN_ARRIVED);

    for (int grade = 0; arrive && grade < PLAN_GRADES; grade++) {
        for (int level = 0; level < PLAN_LEVELS; level++) {
            const struct plan_limit *limit = &arrive->limits[grade][level];
            int64_t whole, a, b;

            if (!limit->set || duration_ms(limit->limit, &whole)) {
                continue;
            }
            a = share_of(dispatch, grade, level, whole);
            b = share_of(assign, grade, level, whole);
            if (a >= 0 && b >= 0 && a + b >= whole) {
                complain(reader->complaints, map,
                         "expected dispatch and assignment to leave time to travel before '%s', "
                         "found none at grade %d, level %c (C-25)",
                         arrive->kind, grade + 1, 'A' + level);
                return;
            }
        }
    }
}

static void read_targets(struct plan_reader *reader, struct yaml_node *map)
{
    struct plan_target *targets;

    if (!map) {
        return;
    }
    targets = arena_array(reader->arena, map->count + 1, sizeof(*targets));
    if (!targets) {
        return;
    }
    reader->plan->targets = targets;
    for (struct yaml_node *node = map->first; node; node = node->next) {
        node->asked = true;
        read_target(reader, node, &targets[reader->plan->target_count++]);
    }
    check_no_blank(reader, map, PLAN_RESPONSE);
    check_no_blank(reader, map, PLAN_ARRIVED);
    check_discipline(reader, map);
}

static int64_t read_ms(struct plan_reader *reader, struct yaml_node *map, const char *key,
                       int64_t fallback, bool needed)
{
    struct yaml_node *value = plan_leaf(reader, map, key, NULL);

    if (!value && needed && map && !yaml_find(map, key)) {
        complain(reader->complaints, map, "expected the key '%s', found none", key);
    }
    return yaml_duration_ms(reader->complaints, value, "a time", fallback);
}

static void read_clocks(struct plan_reader *reader, struct yaml_node *section)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *calendar = yaml_map(complaints, yaml_find(section, "calendar"), "a map");
    struct yaml_node *grade =
        yaml_map(complaints, yaml_need(complaints, section, "grade"), "a map of grading rules");
    struct yaml_node *services;

    if (calendar) {
        reader->plan->time_zone = plan_keep(reader, yaml_text(complaints, plan_leaf(reader, calendar, "tz", NULL),
                                                         "a time zone", "UTC"));
        plan_others(reader, calendar);
    }
    if (grade) {
        reader->plan->g1_outage_ms = read_ms(reader, grade, "g1_outage", 600000, true);
        reader->plan->link_loss_limit_ms = read_ms(reader, grade, "link_loss_limit", 14400000, true);
        reader->plan->link_loss_delay_ms = read_ms(reader, grade, "link_loss_delay", 600000, false);
        services = plan_leaf(reader, grade, "g1_outage_services", NULL);
        if (!services && !yaml_find(grade, "g1_outage_services")) {
            complain(complaints, grade, "expected the key 'g1_outage_services', found none");
        }
        (void)plan_texts(reader, services, "a list of services");
        plan_others(reader, grade);
    }
    read_targets(reader, yaml_map(complaints, yaml_need(complaints, section, "targets"),
                                  "a map of targets"));
    plan_others(reader, section);
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
        class->origin.ids = no_texts;
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
        plan_others(reader, map);
    }
    plan_others(reader, section);
}

/* ------------------------------------------------------------------ items: visits */

/* "03-15/05-15" */
static bool read_window(const char *words, struct plan_window *window)
{
    int64_t parts[4];

    if (strlen(words) != 11 || words[2] != '-' || words[5] != '/' || words[8] != '-') {
        return false;
    }
    for (size_t i = 0; i < 4; i++) {
        if (text_to_int(words + 3 * i, 2, &parts[i])) {
            return false;
        }
    }
    *window = (struct plan_window){(int)parts[0], (int)parts[1], (int)parts[2], (int)parts[3]};
    for (size_t i = 0; i < 4; i += 2) { /* 29 February is no day of every year */
        if (parts[i] < 1 || parts[i] > 12 || parts[i + 1] < 1 ||
            parts[i + 1] > civil_month_length(2001, (int)parts[i])) {
            return false;
        }
    }
    return parts[0] * 100 + parts[1] <= parts[2] * 100 + parts[3];
}

static void read_windows(struct plan_reader *reader, struct yaml_node *list)
{
    struct plan_window *windows;

    list = yaml_list(reader->complaints, list, "a list of season windows");
    windows = list ? arena_array(reader->arena, list->count + 1, sizeof(*windows)) : NULL;
    if (!windows) {
        return;
    }
    reader->plan->windows = windows;
    for (struct yaml_node *node = list->first; node; node = node->next) {
        const char *words = yaml_text(reader->complaints, node, "a window such as 03-15/05-15", "");

        if (!read_window(words, &windows[reader->plan->window_count])) {
            complain(reader->complaints, node, "expected a window such as 03-15/05-15, found '%.40s'",
                     words);
            continue;
        }
        reader->plan->window_count++;
    }
}

static void read_items(struct plan_reader *reader, struct yaml_node *section)
{
    struct complaints *complaints = reader->complaints;
    struct plan *plan = reader->plan;
    struct yaml_node *visits = yaml_map(complaints, yaml_need(complaints, section, "visits"), "a map");
    struct yaml_node *charge = yaml_map(complaints, yaml_find(section, "charge"), "a map");
    struct yaml_node *hold = yaml_map(complaints, yaml_find(section, "hold"), "a map");

    if (visits) {
        plan->visits_per_year = (int)yaml_int(
            complaints, plan_leaf(reader, visits, "per_year", NULL), "visits a year", 0, 12, 0);
        plan->visit_spacing =
            yaml_duration(complaints, plan_leaf(reader, visits, "spacing", NULL), "a spacing",
                          (struct duration){plan->visits_per_year ? 12 / plan->visits_per_year : 12,
                                            DURATION_MO});
        plan->visit_tolerance = yaml_duration(
            complaints, plan_leaf(reader, visits, "tolerance", NULL), "a tolerance",
            (struct duration){30, DURATION_D});
        read_windows(reader, plan_leaf(reader, visits, "season_windows", NULL));
        plan_others(reader, visits);
    }
    if (charge) {
        struct yaml_node *consent = plan_leaf(reader, charge, "consent_before_repair", NULL);
        const char *words = yaml_text(complaints, consent, "required or not_required", "");

        plan->consent_before_repair = strcmp(words, "required") == 0 || strcmp(words, "true") == 0;
        plan_others(reader, charge);
    }
    if (hold) {
        plan->hold_ms = read_ms(reader, hold, "cleared", 0, false);
        plan->reopen_ms = read_ms(reader, hold, "reopen", 0, false);
        plan->close_ms = read_ms(reader, hold, "close", 0, false);
        plan_others(reader, hold);
    }
    plan->onsite_gate = plan_keep(reader, yaml_text(complaints, plan_leaf(reader, section, "onsite_gate", NULL),
                                               "a gate", ""));
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
            .start_order = no_texts,
            .free_causes = no_texts,
            .excluded = no_texts,
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
    struct yaml_node *section = yaml_map(complaints, yaml_need(complaints, root, "period"), "a map");

    if (section) {
        read_period(reader, section);
    }
    section = yaml_map(complaints, yaml_need(complaints, root, "staff"), "a map");
    plan_read_staff(reader, section);
    section = yaml_map(complaints, yaml_need(complaints, root, "items"), "a map");
    if (section) {
        read_items(reader, section);
    }
    section = yaml_map(complaints, yaml_need(complaints, root, "clocks"), "a map");
    if (section) {
        read_clocks(reader, section);
    }
    yaml_no_more(complaints, root);
}

/* ERR_FORMAT without a plan: no map at all. Otherwise complaints say whether it is right. */
static enum err read_all(struct arena *arena, const char *bytes, size_t size,
                         struct complaints *complaints, const struct plan **ret_plan)
{
    struct plan_reader reader = {.arena = arena, .complaints = complaints};
    struct yaml_node *root;
    enum err err = yaml_parse(arena, bytes, size, complaints, &root);

    if (err) {
        return err;
    }
    reader.plan = empty_plan(arena, bytes, size);
    if (!reader.plan) {
        return ERR_NOMEM;
    }
    if (!yaml_map(complaints, root, "a map: a service plan")) {
        return ERR_FORMAT;
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
