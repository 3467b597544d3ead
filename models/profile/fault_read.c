/* Fault rules of a profile, from YAML. */
#include <string.h>

#include "models/base/text.h"
#include "models/profile/profile_int.h"

static const char *const domain_names[] = {"hardware", "software", "external", NULL};

/* A NULL-ended list of texts; never NULL. */
static const char *const *read_texts(struct profile_reader *reader, struct yaml_node *node,
                                     const char *what)
{
    static const char *const none[] = {NULL};
    struct yaml_node *list = yaml_list(reader->complaints, node, what);
    const char **texts = list ? arena_array(reader->arena, list->count + 1, sizeof(*texts)) : NULL;
    size_t i = 0;

    if (!texts) {
        return none;
    }
    for (node = list->first; node; node = node->next) {
        texts[i++] = profile_words(reader, yaml_text(reader->complaints, node, "a word", ""));
    }
    return texts;
}

static void read_cause(struct profile_reader *reader, struct yaml_node *node,
                       struct fault_cause *cause)
{
    struct yaml_node *map = yaml_map(reader->complaints, node, "a cause {cause, odds, …}");

    cause->cause = "";
    cause->parts = read_texts(reader, yaml_find(map, "parts"), "a list of parts");
    cause->tools = read_texts(reader, yaml_find(map, "tools"), "a list of tools");
    if (!map) {
        return;
    }
    cause->cause = profile_words(
        reader, yaml_text(reader->complaints, yaml_need(reader->complaints, map, "cause"),
                          "the name of a cause", ""));
    cause->odds = yaml_number(reader->complaints, yaml_find(map, "odds"), "odds", 0, 1, 0);
    cause->skill = profile_words(
        reader, yaml_text(reader->complaints, yaml_find(map, "skill"), "a skill", NULL));
    (void)yaml_find(map, "title");
    yaml_no_more(reader->complaints, map);
}

static void read_causes(struct profile_reader *reader, struct yaml_node *node,
                        struct fault_rule *fault)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of causes");
    struct fault_cause *causes =
        profile_array(reader, list, sizeof(*causes), 64, &fault->cause_count);
    size_t i = 0;

    for (node = list ? list->first : NULL; node && i < fault->cause_count; node = node->next) {
        read_cause(reader, node, &causes[i++]);
    }
    fault->causes = causes;
}

static void read_remote(struct profile_reader *reader, struct yaml_node *node,
                        struct fault_rule *fault)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of remote steps");
    struct words2 *steps = profile_array(reader, list, sizeof(*steps), 64, &fault->remote_count);
    size_t i = 0;

    for (node = list ? list->first : NULL; node && i < fault->remote_count; node = node->next) {
        if (node->kind == YAML_SCALAR) {
            steps[i].en = profile_words(reader, node->text);
        } else {
            steps[i] = profile_words2(reader, node);
        }
        i++;
    }
    fault->remote = steps;
}

static void read_rung(struct profile_reader *reader, struct yaml_node *node,
                      struct fault_rung *rung)
{
    struct yaml_node *map = yaml_map(reader->complaints, node, "a rung {after or when, grade}");

    rung->after_ms = -1;
    rung->grade = 3;
    if (!map) {
        return;
    }
    rung->after_ms =
        yaml_duration_ms(reader->complaints, yaml_find(map, "after"), "a time since onset", -1);
    rung->when = profile_expr(reader, yaml_find(map, "when"), NULL);
    if (!yaml_find(map, "after") && !yaml_find(map, "when")) {
        complain(reader->complaints, map, "expected 'after' or 'when', found neither");
    }
    rung->grade = (int)yaml_int(reader->complaints, yaml_need(reader->complaints, map, "grade"),
                                "a grade", 1, 3, 3);
    yaml_no_more(reader->complaints, map);
}

static void read_ladder(struct profile_reader *reader, struct yaml_node *node,
                        struct fault_rule *fault)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a ladder: a list of rungs");
    struct fault_rung *rungs = profile_array(reader, list, sizeof(*rungs), 16, &fault->rung_count);
    size_t i = 0;

    for (node = list ? list->first : NULL; node && i < fault->rung_count; node = node->next) {
        read_rung(reader, node, &rungs[i++]);
    }
    fault->ladder = rungs;
}

/* S0-106, second limb: what may bring the equipment down is grade 2 before it does. */
static void check_danger(struct complaints *complaints, struct yaml_node *map, const struct fault_rule *fault)
{
    bool mild = fault->grade > 2;

    for (size_t i = 0; i < fault->rung_count; i++) {
        mild = mild || fault->ladder[i].grade > 2;
    }
    if (fault->danger && mild) {
        complain(complaints, yaml_find(map, "danger"), "expected a danger of grade 1 or 2 on every rung (S0-106), found 3");
    }
}

static void read_conditions(struct profile_reader *reader, struct yaml_node *map,
                            struct fault_rule *fault)
{
    struct complaints *complaints = reader->complaints;

    fault->when = profile_expr(reader, yaml_need(complaints, map, "when"), &fault->when_text);
    fault->for_ms = yaml_duration_ms(complaints, yaml_find(map, "for"), "an on-delay", 0);
    fault->clear = profile_expr(reader, yaml_find(map, "clear"), NULL);
    fault->clear_for_ms =
        yaml_duration_ms(complaints, yaml_find(map, "clear_for"), "an off-delay", 0);
    fault->grade =
        (int)yaml_int(complaints, yaml_need(complaints, map, "grade"), "a grade", 1, 3, 3);
    read_ladder(reader, yaml_find(map, "ladder"), fault);
    fault->safety = yaml_bool(complaints, yaml_find(map, "safety"), "true or false", false);
    fault->danger = yaml_bool(complaints, yaml_find(map, "danger"), "true or false", false);
    check_danger(complaints, map, fault);
    fault->latching = yaml_bool(complaints, yaml_find(map, "latching"), "true or false", false);
}

static void read_fault(struct profile_reader *reader, struct yaml_node *map,
                       struct fault_rule *fault)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *id, *domain;

    fault->id = fault->component = "";
    fault->domain = domain_names[0];
    fault->grade = 3;
    map = yaml_map(complaints, map, "a fault {id, when, grade, component}");
    if (!map) {
        return;
    }
    id = yaml_need(complaints, map, "id");
    fault->id = profile_words(reader, yaml_id(complaints, id, "an id"));
    if (!fault->id) {
        fault->id = "";
    } else if (profile_fault(reader->profile, fault->id) >= 0) {
        complain(complaints, id, "expected an id of its own, found '%s' again", fault->id);
    }
    fault->title = profile_words2(reader, yaml_find(map, "title"));
    if (!fault->title.en) {
        fault->title.en = fault->id;
    }
    read_conditions(reader, map, fault);
    domain = yaml_find(map, "domain");
    fault->domain = domain_names[yaml_choice(complaints, domain, "a domain", domain_names, 0)];
    fault->component =
        profile_words(reader, yaml_text(complaints, yaml_need(complaints, map, "component"),
                                        "a warranty class", ""));
    fault->service = profile_words(reader, yaml_text(complaints, yaml_find(map, "service"), "a service", NULL));
    read_causes(reader, yaml_find(map, "causes"), fault);
    read_remote(reader, yaml_find(map, "remote"), fault);
    fault->advice = profile_words2(reader, yaml_find(map, "advice"));
    (void)yaml_find(map, "inhibited_by"); /* read when all faults are known */
    yaml_no_more(complaints, map);
}

static void read_inhibition(struct profile_reader *reader, struct yaml_node *map, size_t index,
                            struct fault_rule *fault)
{
    struct yaml_node *list = yaml_list(reader->complaints, yaml_find(map, "inhibited_by"),
                                       "a list of fault ids");
    size_t *indexes =
        profile_array(reader, list, sizeof(*indexes), PROFILE_FAULTS_MOST, &fault->inhibited_count);
    size_t i = 0;

    for (struct yaml_node *node = list ? list->first : NULL; node && i < fault->inhibited_count;
         node = node->next) {
        int other = profile_fault(reader->profile,
                                  yaml_text(reader->complaints, node, "a fault id", ""));

        if (other < 0 || (size_t)other == index) {
            complain(reader->complaints, node, "expected the id of another fault, found '%.80s'",
                     node->text);
            other = (int)index;
        }
        indexes[i++] = (size_t)other;
    }
    fault->inhibited_by = indexes;
}

/* 0: not looked at, 1: on the path, 2: done */
static bool has_ring(const struct profile *profile, size_t index, unsigned char *state)
{
    const struct fault_rule *fault = &profile->faults[index];

    state[index] = 1;
    for (size_t i = 0; i < fault->inhibited_count; i++) {
        size_t other = fault->inhibited_by[i];

        if (other != index && (state[other] == 1 || (state[other] == 0 && has_ring(profile, other, state)))) {
            return true;
        }
    }
    state[index] = 2;
    return false;
}

void profile_faults_read(struct profile_reader *reader, struct yaml_node *list)
{
    struct profile *profile = reader->profile;
    unsigned char state[PROFILE_FAULTS_MOST] = {0};
    struct fault_rule *faults;
    size_t count, i = 0;

    list = yaml_list(reader->complaints, list, "a list of faults");
    faults = profile_array(reader, list, sizeof(*faults), PROFILE_FAULTS_MOST, &count);
    profile->faults = faults;
    for (struct yaml_node *node = list ? list->first : NULL; node && profile->fault_count < count;
         node = node->next) {
        struct fault_rule fault = {0};

        read_fault(reader, node, &fault);
        faults[profile->fault_count++] = fault;
    }
    for (struct yaml_node *node = list ? list->first : NULL; node && i < count; node = node->next) {
        read_inhibition(reader, node, i, &faults[i]);
        i++;
    }
    i = 0;
    for (struct yaml_node *node = list ? list->first : NULL; node && i < count; node = node->next) {
        if (state[i] == 0 && has_ring(profile, i, state)) {
            complain(reader->complaints, yaml_find(node, "inhibited_by"),
                     "expected no ring of inhibitions, found one through '%s'", faults[i].id);
            return;
        }
        i++;
    }
}
