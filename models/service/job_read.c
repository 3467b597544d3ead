/* A job plan from YAML. */
#include <string.h>

#include "models/base/hash.h"
#include "models/base/text.h"
#include "models/service/job.h"

#define FRESH_MS (15 * 60000) /* preset */
#define WORDS_MOST 100

struct reader {
    struct arena *arena;
    struct complaints *complaints;
    const struct job_world *world;
    struct job *job;
};

static const char *const nothing[] = {NULL};

static const char *keep(struct reader *reader, const char *words)
{
    return words ? arena_text(reader->arena, words, strlen(words)) : NULL;
}

static struct words2 read_words(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *map = yaml_map(reader->complaints, node, "words {en, zh}");
    struct words2 words = {NULL, NULL};

    if (map) {
        words.en = keep(reader, yaml_text(reader->complaints, yaml_find(map, "en"), "a text", NULL));
        words.zh = keep(reader, yaml_text(reader->complaints, yaml_find(map, "zh"), "a text", NULL));
        yaml_no_more(reader->complaints, map);
    }
    return words;
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

static const char *const *read_texts(struct reader *reader, struct yaml_node *node, const char *what)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, what);
    size_t count = 0, i = 0;
    const char **texts = list ? room(reader, list, sizeof(*texts), WORDS_MOST, &count) : NULL;

    for (node = texts ? list->first : NULL; node && i < count; node = node->next) {
        const char *words = keep(reader, yaml_text(reader->complaints, node, "a word", ""));

        texts[i++] = words ? words : "";
    }
    return texts ? texts : nothing;
}

/* The id of a map that stands in a list. */
static const char *read_id(struct reader *reader, struct yaml_node *map)
{
    struct yaml_node *node = map ? yaml_need(reader->complaints, map, "id") : NULL;
    const char *id = keep(reader, yaml_id(reader->complaints, node, "an id"));

    return id ? id : ""; /* or there was no memory for it */
}

static void need_own(struct reader *reader, struct yaml_node *map, const char *id, bool taken)
{
    if (taken) {
        complain(reader->complaints, yaml_find(map, "id"), "expected an id of its own, found '%s' again", id);
    }
}

static bool read_limits(struct reader *reader, struct yaml_node *node, double *ret_least, double *ret_most)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "limits [least, most]");

    if (!list) {
        return false;
    }
    if (list->count != 2) {
        complain(reader->complaints, list, "expected limits [least, most], found %zu values", list->count);
        return false;
    }
    *ret_least = yaml_number(reader->complaints, list->first, "a number", -1e15, 1e15, 0);
    *ret_most = yaml_number(reader->complaints, list->first->next, "a number", -1e15, 1e15, 0);
    if (*ret_least > *ret_most) {
        complain(reader->complaints, list, "expected limits [least, most], found the greater first");
    }
    return true;
}

/* ------------------------------------------------------------------ what the profiles have to know */

/* A point that every profile of the job has; a job without profiles names none for sure. */
static void check_point(struct reader *reader, struct yaml_node *node, const char *point)
{
    for (size_t i = 0; reader->world && point && i < reader->world->profile_count; i++) {
        const struct profile *profile = reader->world->profiles[i];

        for (const char *const *name = reader->job->profiles; *name; name++) {
            if (strcmp(*name, profile->id) == 0 && profile_point(profile, point) < 0) {
                complain(reader->complaints, node, "expected a point of profile %s, found '%s'", *name, point);
                return;
            }
        }
    }
}

static const struct profile *profile_called(const struct reader *reader, const char *id)
{
    for (size_t i = 0; i < reader->world->profile_count; i++) {
        if (strcmp(reader->world->profiles[i]->id, id) == 0) {
            return reader->world->profiles[i];
        }
    }
    return NULL;
}

/* A fault that one of the job's profiles (or, where it names none, any profile) knows. */
static bool is_fault(const struct reader *reader, const char *fault)
{
    for (size_t i = 0; i < reader->world->profile_count; i++) {
        const struct profile *profile = reader->world->profiles[i];
        bool mine = !reader->job->profiles[0];

        for (const char *const *name = reader->job->profiles; *name; name++) {
            mine = mine || strcmp(*name, profile->id) == 0;
        }
        if (mine && profile_fault(profile, fault) >= 0) {
            return true;
        }
    }
    return false;
}

/* Profiles may be shipped without this server's having them: then nothing can be said against their faults. */
static void check_for(struct reader *reader, struct yaml_node *faults)
{
    bool all = reader->world != NULL;

    for (const char *const *name = reader->job->profiles; all && *name; name++) {
        all = profile_called(reader, *name) != NULL;
    }
    for (struct yaml_node *node = all && faults && faults->kind == YAML_LIST ? faults->first : NULL; node;
         node = node->next) {
        if (node->kind == YAML_SCALAR && reader->world->profile_count > 0 && !is_fault(reader, node->text)) {
            complain(reader->complaints, node, "expected a fault of the job's profiles, found '%.64s'", node->text);
        }
    }
}

/* ------------------------------------------------------------------ the parts of a file */

static void read_for(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *map = yaml_map(reader->complaints, node, "a map {profiles, faults, components}");
    struct job *job = reader->job;

    job->profiles = job->faults = job->components = nothing;
    if (map) {
        job->profiles = read_texts(reader, yaml_find(map, "profiles"), "a list of profiles");
        job->faults = read_texts(reader, yaml_find(map, "faults"), "a list of faults");
        job->components = read_texts(reader, yaml_find(map, "components"), "a list of warranty classes");
        check_for(reader, yaml_find(map, "faults"));
        yaml_no_more(reader->complaints, map);
    }
}

static void read_precautions(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of precautions");
    struct job_precaution *items = room(reader, list, sizeof(*items), 32, &reader->job->precaution_count);
    size_t i = 0;

    for (node = list ? list->first : NULL; node && i < reader->job->precaution_count; node = node->next) {
        struct yaml_node *map = yaml_map(reader->complaints, node, "a precaution {id, title}");
        bool taken = false;

        items[i].id = read_id(reader, map);
        items[i].title = read_words(reader, map ? yaml_need(reader->complaints, map, "title") : NULL);
        for (size_t k = 0; k < i; k++) {
            taken = taken || strcmp(items[k].id, items[i].id) == 0;
        }
        need_own(reader, map, items[i].id, taken && items[i].id[0]);
        yaml_no_more(reader->complaints, map);
        i++;
    }
    reader->job->precautions = items;
}

static void read_advice(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of words {en, zh}");
    struct words2 *items = room(reader, list, sizeof(*items), 32, &reader->job->advice_count);
    size_t i = 0;

    for (node = list ? list->first : NULL; node && i < reader->job->advice_count; node = node->next) {
        items[i++] = read_words(reader, node);
    }
    reader->job->advice = items;
}

static void read_needs(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *map = yaml_map(reader->complaints, node, "a map of stages");

    for (int stage = 0; map && stage < JOB_STAGES; stage++) {
        struct yaml_node *list =
            yaml_list(reader->complaints, yaml_find(map, job_stage_names[stage]), "a list of needs");

        for (struct yaml_node *item = list ? list->first : NULL; item; item = item->next) {
            reader->job->needs[stage] |=
                1U << yaml_choice(reader->complaints, item, "a need", job_need_names, 0);
        }
    }
    if (map) {
        yaml_no_more(reader->complaints, map);
    }
}

static void read_gates(struct reader *reader, struct yaml_node *node)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *list = yaml_list(complaints, node, "a list of gates");
    struct job_gate *items = room(reader, list, sizeof(*items), 32, &reader->job->gate_count);
    size_t i = 0;

    for (node = list ? list->first : NULL; node && i < reader->job->gate_count; node = node->next) {
        struct yaml_node *map = yaml_map(complaints, node, "a gate {id, title, before}");
        struct yaml_node *before = map ? yaml_need(complaints, map, "before") : NULL;
        bool taken = false, known = false;

        items[i].id = read_id(reader, map);
        items[i].title = read_words(reader, map ? yaml_need(complaints, map, "title") : NULL);
        items[i].before =
            (enum job_stage)yaml_choice(complaints, before, "a stage", job_stage_names, JOB_START);
        items[i].written = yaml_bool(complaints, yaml_find(map, "written"), "true or false", false);
        items[i].must = yaml_bool(complaints, yaml_find(map, "must"), "true or false", true);
        items[i].another = yaml_bool(complaints, yaml_find(map, "another"), "true or false", false);
        items[i].manager = yaml_bool(complaints, yaml_find(map, "manager"), "true or false", false);
        items[i].after = keep(reader, yaml_id(complaints, yaml_find(map, "after"), "an earlier gate"));
        items[i].optional = keep(reader, yaml_id(complaints, yaml_find(map, "optional"), "a word"));
        for (size_t k = 0; k < i; k++) {
            taken = taken || strcmp(items[k].id, items[i].id) == 0;
            known = known || text_same(items[k].id, items[i].after);
        }
        need_own(reader, map, items[i].id, taken && items[i].id[0]);
        if (items[i].after && !known) {
            complain(complaints, yaml_find(map, "after"), "expected a gate that stands above, found '%s'", items[i].after);
        }
        yaml_no_more(complaints, map);
        i++;
    }
    reader->job->gates = items;
}

static void read_tests(struct reader *reader, struct yaml_node *node)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *list = yaml_list(complaints, node, "a list of tests");
    struct job_test *items = room(reader, list, sizeof(*items), 64, &reader->job->test_count);
    size_t i = 0;

    for (node = list ? list->first : NULL; node && i < reader->job->test_count; node = node->next) {
        struct yaml_node *map = yaml_map(complaints, node, "a test {id, title, point, limits}");
        struct yaml_node *point = map ? yaml_need(complaints, map, "point") : NULL;

        items[i].id = read_id(reader, map);
        items[i].title = read_words(reader, yaml_find(map, "title"));
        items[i].point = keep(reader, yaml_id(complaints, point, "a point"));
        check_point(reader, point, items[i].point);
        (void)read_limits(reader, map ? yaml_need(complaints, map, "limits") : NULL, &items[i].least,
                          &items[i].most);
        yaml_no_more(complaints, map);
        i++;
    }
    reader->job->tests = items;
}

static void read_choices(struct reader *reader, struct yaml_node *node, struct job_step *step)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of choices");
    struct job_choice *items = room(reader, list, sizeof(*items), 32, &step->choice_count);
    size_t i = 0;

    for (node = list ? list->first : NULL; node && i < step->choice_count; node = node->next) {
        struct yaml_node *map = yaml_map(reader->complaints, node, "a choice {id, title}");

        items[i].id = read_id(reader, map);
        items[i].title = read_words(reader, yaml_find(map, "title"));
        items[i].fails = yaml_bool(reader->complaints, yaml_find(map, "fails"), "true or false", false);
        yaml_no_more(reader->complaints, map);
        i++;
    }
    step->choices = items;
}

/* What a step of one type needs and others may not have. */
static void check_step(struct reader *reader, struct yaml_node *map, const struct job_step *step)
{
    static const struct {
        const char *key;
        unsigned types; /* a bit each */
    } owned[] = {
        {"limits", 1U << JOB_NUMBER | 1U << JOB_MEASURE},
        {"choices", 1U << JOB_CHOICE},
        {"point", 1U << JOB_MEASURE},
        {"part", 1U << JOB_PART},
        {"expect", 1U << JOB_CHECK},
    };

    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) {
        struct yaml_node *node = yaml_find(map, owned[i].key);

        if (node && !(owned[i].types >> step->type & 1)) {
            complain_key(reader->complaints, node, "expected no %s in a step of type %s, found it", owned[i].key,
                         job_type_names[step->type]);
        }
    }
    if (step->type == JOB_MEASURE) {
        (void)yaml_need(reader->complaints, map, "point");
    }
    if (step->type == JOB_CHOICE) {
        (void)yaml_need(reader->complaints, map, "choices");
    }
}

static void read_step(struct reader *reader, struct yaml_node *map, struct job_step *step)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *type = map ? yaml_need(complaints, map, "type") : NULL, *point = yaml_find(map, "point");

    step->id = read_id(reader, map);
    step->title = read_words(reader, map ? yaml_need(complaints, map, "title") : NULL);
    step->hint = read_words(reader, yaml_find(map, "hint"));
    step->type = (enum job_type)yaml_choice(complaints, type, "a type", job_type_names, JOB_CHECK);
    step->required = yaml_bool(complaints, yaml_find(map, "required"), "true or false", false);
    step->expect = yaml_bool(complaints, yaml_find(map, "expect"), "true or false", true);
    step->unit = keep(reader, yaml_text(complaints, yaml_find(map, "unit"), "a unit", NULL));
    step->unit = step->unit ? step->unit : "";
    step->has_limits = read_limits(reader, yaml_find(map, "limits"), &step->least, &step->most);
    read_choices(reader, yaml_find(map, "choices"), step);
    step->point = keep(reader, yaml_id(complaints, point, "a point"));
    check_point(reader, point, step->point);
    step->part = keep(reader, yaml_id(complaints, yaml_find(map, "part"), "a part"));
    step->tool = keep(reader, yaml_id(complaints, yaml_find(map, "tool"), "a class of tools"));
    step->component = keep(reader, yaml_text(complaints, yaml_find(map, "component"), "a warranty class", NULL));
    step->grade = (int)yaml_int(complaints, yaml_find(map, "grade"), "a grade", 1, 3, 0);
    if (type) {
        check_step(reader, map, step);
    }
    yaml_no_more(complaints, map);
}

static void read_steps(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of steps");
    struct job_step *items = room(reader, list, sizeof(*items), JOB_STEPS_MOST, &reader->job->step_count);
    size_t i = 0;

    for (node = list ? list->first : NULL; node && i < reader->job->step_count; node = node->next) {
        struct yaml_node *map = yaml_map(reader->complaints, node, "a step {id, title, type}");
        bool taken = false;

        read_step(reader, map, &items[i]);
        for (size_t k = 0; k < i; k++) {
            taken = taken || strcmp(items[k].id, items[i].id) == 0;
        }
        need_own(reader, map, items[i].id, taken && items[i].id[0]);
        i++;
    }
    reader->job->steps = items;
}

static void read_root(struct reader *reader, struct yaml_node *root)
{
    struct complaints *complaints = reader->complaints;
    struct job *job = reader->job;
    const char *id = yaml_id(complaints, yaml_need(complaints, root, "job"), "a job id");
    struct yaml_node *kind = yaml_need(complaints, root, "kind");

    job->id = keep(reader, id);
    job->id = job->id ? job->id : "";
    job->version = yaml_int(complaints, yaml_need(complaints, root, "version"), "a version", 1, 1000000000, 1);
    job->title = read_words(reader, yaml_need(complaints, root, "title"));
    job->kind = (enum job_kind)yaml_choice(complaints, kind, "a kind", job_kind_names, JOB_CORRECTIVE);
    read_for(reader, yaml_find(root, "for"));
    job->duration_ms = yaml_duration_ms(complaints, yaml_find(root, "duration"), "a duration", 0);
    job->fresh_ms = yaml_duration_ms(complaints, yaml_find(root, "fresh"), "a duration", FRESH_MS);
    job->skills = read_texts(reader, yaml_find(root, "skills"), "a list of skills");
    job->tools = read_texts(reader, yaml_find(root, "tools"), "a list of tools");
    read_precautions(reader, yaml_find(root, "precautions"));
    read_advice(reader, yaml_find(root, "advice"));
    read_needs(reader, yaml_find(root, "needs"));
    read_gates(reader, yaml_find(root, "gates"));
    read_tests(reader, yaml_find(root, "tests"));
    read_steps(reader, yaml_need(complaints, root, "steps"));
    yaml_no_more(complaints, root);
}

enum err job_read(struct arena *arena, const char *bytes, size_t size, const struct job_world *world,
                  struct complaints *complaints, const struct job **ret_job)
{
    struct job *job = arena_take(arena, sizeof(*job));
    struct reader reader = {.arena = arena, .complaints = complaints, .world = world, .job = job};
    size_t before = complaints->count;
    struct yaml_node *root;
    enum err err;

    if (!job) {
        return ERR_NOMEM;
    }
    err = yaml_parse(arena, bytes, size, complaints, &root);
    if (err) {
        return err;
    }
    if (yaml_map(complaints, root, "a map: a job plan")) {
        read_root(&reader, root);
    }
    if (arena_failed(arena)) { /* some word of it may be missing */
        complain_at(complaints, 1, 1, "expected a smaller file, found more than its memory holds");
        return ERR_NOMEM;
    }
    if (complaints->count > before) {
        return ERR_FORMAT;
    }
    hash_hex(hash_bytes(bytes, size), job->hash);
    job->bytes = bytes;
    job->size = size;
    *ret_job = job;
    return ERR_OK;
}
