/* A course from YAML. */
#include <string.h>

#include "models/base/hash.h"
#include "models/training/course.h"

struct reader {
    struct arena *arena;
    struct complaints *complaints;
    struct training_course *course;
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
        words.en = keep(reader, yaml_text(reader->complaints, yaml_need(reader->complaints, map, "en"), "a text", NULL));
        words.zh = keep(reader, yaml_text(reader->complaints, yaml_need(reader->complaints, map, "zh"), "a text", NULL));
        yaml_no_more(reader->complaints, map);
    }
    return words;
}

/* Room for the items of a list of at most COURSE_ITEMS_MOST. */
static void *room(struct reader *reader, struct yaml_node *list, size_t size, size_t *ret_count)
{
    size_t count = list ? list->count : 0;
    void *items;

    if (count > COURSE_ITEMS_MOST) {
        complain(reader->complaints, list, "expected at most %d, found %zu", COURSE_ITEMS_MOST, count);
        count = COURSE_ITEMS_MOST;
    }
    items = arena_array(reader->arena, count + 1, size);
    *ret_count = items ? count : 0;
    if (items) {
        memset(items, 0, (count + 1) * size);
    }
    return items;
}

/* Ids, or words of a list of names (NULL: any id). */
static const char *const *read_ids(struct reader *reader, struct yaml_node *node, const char *what, const char *const *names)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, what);
    size_t count = 0, i = 0;
    const char **ids = list ? room(reader, list, sizeof(*ids), &count) : NULL;

    for (node = ids ? list->first : NULL; node && i < count; node = node->next) {
        const char *id = names ? names[yaml_choice(reader->complaints, node, what, names, 0)]
                               : keep(reader, yaml_id(reader->complaints, node, "an id"));

        ids[i++] = id ? id : "";
    }
    return ids ? ids : nothing;
}

static const char *read_id(struct reader *reader, struct yaml_node *map)
{
    const char *id = keep(reader, yaml_id(reader->complaints, yaml_need(reader->complaints, map, "id"), "an id"));

    return id ? id : "";
}

/* ids lie `stride` bytes apart, the first field of each item. */
static void need_own(struct reader *reader, struct yaml_node *map, const void *items, size_t at, size_t stride)
{
    const char *const *mine = (const void *)((const char *)items + at * stride);

    for (size_t k = 0; (*mine)[0] && k < at; k++) {
        const char *const *other = (const void *)((const char *)items + k * stride);

        if (strcmp(*mine, *other) == 0) {
            complain(reader->complaints, yaml_find(map, "id"), "expected an id of its own, found '%s' again", *mine);
            return;
        }
    }
}

static void read_topics(struct reader *reader, struct yaml_node *list)
{
    struct complaints *complaints = reader->complaints;
    struct course_topic *topics = room(reader, list, sizeof(*topics), &reader->course->topic_count);
    size_t i = 0;

    for (struct yaml_node *node = list ? list->first : NULL; node && i < reader->course->topic_count; node = node->next, i++) {
        topics[i].id = "";
        if (yaml_map(complaints, node, "a topic {id, title, required, faults}")) {
            topics[i].id = read_id(reader, node);
            topics[i].title = read_words(reader, yaml_need(complaints, node, "title"));
            topics[i].required = yaml_bool(complaints, yaml_find(node, "required"), "true or false", true);
            topics[i].faults = yaml_bool(complaints, yaml_find(node, "faults"), "true or false", false);
            need_own(reader, node, topics, i, sizeof(*topics));
            yaml_no_more(complaints, node);
        }
    }
    reader->course->topics = topics;
}

static void read_goals(struct reader *reader, struct yaml_node *list)
{
    struct words2 *goals = room(reader, list, sizeof(*goals), &reader->course->goal_count);
    size_t i = 0;

    for (struct yaml_node *node = list ? list->first : NULL; node && i < reader->course->goal_count; node = node->next) {
        goals[i++] = read_words(reader, node);
    }
    reader->course->goals = goals;
}

static void read_material(struct reader *reader, struct yaml_node *list)
{
    struct complaints *complaints = reader->complaints;
    struct course_material *items = room(reader, list, sizeof(*items), &reader->course->material_count);
    size_t i = 0;

    for (struct yaml_node *node = list ? list->first : NULL; node && i < reader->course->material_count; node = node->next, i++) {
        items[i].id = "";
        if (yaml_map(complaints, node, "material {id, title, form}")) {
            items[i].id = read_id(reader, node);
            items[i].title = read_words(reader, yaml_need(complaints, node, "title"));
            items[i].form = keep(reader, yaml_id(complaints, yaml_find(node, "form"), "a form such as manual or video"));
            need_own(reader, node, items, i, sizeof(*items));
            yaml_no_more(complaints, node);
        }
    }
    reader->course->material = items;
}

static void read_choices(struct reader *reader, struct yaml_node *list, struct course_question *question)
{
    struct complaints *complaints = reader->complaints;
    struct course_choice *choices = room(reader, list, sizeof(*choices), &question->choice_count);
    size_t i = 0, right = 0;

    for (struct yaml_node *node = list ? list->first : NULL; node && i < question->choice_count; node = node->next, i++) {
        choices[i].id = "";
        if (yaml_map(complaints, node, "a choice {id, title, right}")) {
            choices[i].id = read_id(reader, node);
            choices[i].title = read_words(reader, yaml_need(complaints, node, "title"));
            choices[i].right = yaml_bool(complaints, yaml_find(node, "right"), "true or false", false);
            need_own(reader, node, choices, i, sizeof(*choices));
            yaml_no_more(complaints, node);
        }
        right += choices[i].right;
    }
    if (list && (question->choice_count < 2 || right == 0)) {
        complain(complaints, list, "expected two choices or more and one that is right, found %zu and %zu", question->choice_count,
                 right);
    }
    question->choices = choices;
}

static void read_question(struct reader *reader, struct yaml_node *node, struct course_question *question)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *choices;

    question->id = read_id(reader, node);
    question->title = read_words(reader, yaml_need(complaints, node, "title"));
    question->must = yaml_bool(complaints, yaml_find(node, "must"), "true or false", false);
    question->practical = yaml_bool(complaints, yaml_find(node, "practical"), "true or false", false);
    choices = yaml_list(complaints, yaml_find(node, "choices"), "a list of choices");
    if (question->practical ? choices != NULL : choices == NULL) {
        complain(complaints, node, "expected either choices or practical: true, found %s",
                 question->practical ? "both" : "neither");
    }
    read_choices(reader, choices, question);
    yaml_no_more(complaints, node);
}

static void read_exam(struct reader *reader, struct yaml_node *node)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *map = yaml_map(complaints, node, "an exam {pass, questions}"), *list;
    struct training_course *course = reader->course;
    struct course_question *questions;
    size_t i = 0;

    if (!map) {
        return;
    }
    course->pass = yaml_number(complaints, yaml_find(map, "pass"), "a share", 0, 1, 0.8);
    list = yaml_list(complaints, yaml_need(complaints, map, "questions"), "a list of questions");
    questions = room(reader, list, sizeof(*questions), &course->question_count);
    for (node = list ? list->first : NULL; node && i < course->question_count; node = node->next, i++) {
        questions[i].id = "";
        if (yaml_map(complaints, node, "a question {id, title, choices} or {id, title, practical}")) {
            read_question(reader, node, &questions[i]);
            need_own(reader, node, questions, i, sizeof(*questions));
        }
    }
    course->questions = questions;
    yaml_no_more(complaints, map);
}

/* What who passes has. */
static void read_gives(struct reader *reader, struct yaml_node *node)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *map = yaml_map(complaints, node, "a map {level, certificate, skill_level, valid, warn, exam}");
    struct training_course *course = reader->course;
    struct duration none = {0, DURATION_D};

    course->level = course_level_names[0];
    course->valid = none;
    course->warn_days = 30;
    if (!map) {
        return;
    }
    course->level = course_level_names[yaml_choice(complaints, yaml_find(map, "level"), "a level", course_level_names, 0)];
    course->certificate = keep(reader, yaml_id(complaints, yaml_find(map, "certificate"), "a type of certificate"));
    course->skill_level = (int)yaml_int(complaints, yaml_find(map, "skill_level"), "a level of skill", 1, 5, 0);
    course->valid = yaml_duration(complaints, yaml_find(map, "valid"), "a duration such as 24mo", none);
    course->warn_days = yaml_int(complaints, yaml_find(map, "warn"), "days", 0, 1000, course->warn_days);
    course->exam = yaml_bool(complaints, yaml_find(map, "exam"), "true or false", false);
    yaml_no_more(complaints, map);
}

static void read_occasions(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of occasions");

    for (node = list ? list->first : NULL; node; node = node->next) {
        reader->course->occasions |= 1U << yaml_choice(reader->complaints, node, "an occasion", course_occasion_names, 0);
    }
}

static void read_course(struct reader *reader, struct yaml_node *root)
{
    struct complaints *complaints = reader->complaints;
    struct training_course *course = reader->course;

    course->id = keep(reader, yaml_id(complaints, yaml_need(complaints, root, "course"), "an id"));
    course->id = course->id ? course->id : "";
    course->version = yaml_int(complaints, yaml_need(complaints, root, "version"), "a version", 1, 1000000000, 1);
    course->title = read_words(reader, yaml_need(complaints, root, "title"));
    course->kind = (enum course_kind)yaml_choice(complaints, yaml_need(complaints, root, "kind"), "a kind of course",
                                                 course_kind_names, 0);
    read_occasions(reader, yaml_find(root, "occasions"));
    course->profiles = read_ids(reader, yaml_find(root, "profiles"), "a list of profiles", NULL);
    course->audience = read_ids(reader, yaml_need(complaints, root, "audience"), "a list of who comes", course_audience_names);
    course->modes = read_ids(reader, yaml_find(root, "modes"), "a list of modes", course_mode_names);
    course->trainer = read_ids(reader, yaml_find(root, "trainer"), "a list of certificates", NULL);
    course->before = read_ids(reader, yaml_find(root, "requires"), "a list of courses", NULL);
    course->duration_ms = yaml_duration_ms(complaints, yaml_need(complaints, root, "duration"), "a duration such as 2h", 0);
    course->every = yaml_duration(complaints, yaml_find(root, "every"), "a duration such as 12mo",
                                  (struct duration){0, DURATION_D});
    read_topics(reader, yaml_list(complaints, yaml_need(complaints, root, "topics"), "a list of topics"));
    read_goals(reader, yaml_list(complaints, yaml_find(root, "goals"), "a list of words {en, zh}"));
    read_material(reader, yaml_list(complaints, yaml_find(root, "material"), "a list of material"));
    read_exam(reader, yaml_find(root, "exam"));
    read_gives(reader, yaml_find(root, "gives"));
    yaml_no_more(complaints, root);
}

enum err course_read(struct arena *arena, const char *bytes, size_t size, struct complaints *complaints,
                     const struct training_course **ret_course)
{
    struct training_course *course = arena_take(arena, sizeof(*course));
    struct reader reader = {arena, complaints, course};
    size_t before = complaints->count;
    struct yaml_node *root;
    enum err err;

    if (!course) {
        return ERR_NOMEM;
    }
    *course = (struct training_course){.id = ""};
    err = yaml_parse(arena, bytes, size, complaints, &root);
    if (!err && yaml_map(complaints, root, "a map: a course")) {
        read_course(&reader, root);
    }
    if (!err && arena_failed(arena)) { /* some word of it may be missing */
        complain_at(complaints, 1, 1, "expected a smaller file, found more than its memory holds");
        return ERR_NOMEM;
    }
    hash_hex(hash_bytes(bytes, size), course->hash);
    *ret_course = course;
    return err ? err : complaints->count > before ? ERR_FORMAT : ERR_OK;
}
