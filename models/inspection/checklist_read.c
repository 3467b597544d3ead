/* A checklist from YAML. */
#include <string.h>

#include "models/base/hash.h"
#include "models/base/text.h"
#include "models/inspection/checklist.h"

#define OVER_MS (30 * 86400000LL) /* preset of a span */

struct reader {
    struct arena *arena;
    struct complaints *complaints;
};

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

static const char *read_id(struct reader *reader, struct yaml_node *map, const char *key)
{
    const char *id = keep(reader, yaml_id(reader->complaints, yaml_need(reader->complaints, map, key), "an id"));

    return id ? id : "";
}

static void read_limits(struct reader *reader, struct yaml_node *node, struct check_line *line)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "limits [least, most]");

    if (list && list->count != 2) {
        complain(reader->complaints, list, "expected limits [least, most], found %zu values", list->count);
    } else if (list) {
        line->least = yaml_number(reader->complaints, list->first, "a number", -1e15, 1e15, 0);
        line->most = yaml_number(reader->complaints, list->first->next, "a number", -1e15, 1e15, 0);
        if (line->least > line->most) {
            complain(reader->complaints, list, "expected limits [least, most], found the greater first");
        }
    }
}

static void read_line(struct reader *reader, struct yaml_node *map, struct check_line *line)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *point;

    line->id = read_id(reader, map, "id");
    line->title = read_words(reader, yaml_need(complaints, map, "title"));
    line->look = (enum check_look)yaml_choice(complaints, yaml_need(complaints, map, "look"), "what it looks at", look_names,
                                              LOOK_PERSON);
    point = line->look == LOOK_VALUE ? yaml_need(complaints, map, "point") : yaml_find(map, "point");
    line->point = keep(reader, yaml_id(complaints, point, "the name or the role of a point"));
    line->of = (enum check_of)yaml_choice(complaints, yaml_find(map, "of"), "a way", check_of_names, OF_LAST);
    line->over_ms = yaml_duration_ms(complaints, yaml_find(map, "over"), "a duration", OVER_MS);
    line->samples = yaml_int(complaints, yaml_find(map, "samples"), "a number of readings", 0, 1000000000, 0);
    read_limits(reader, yaml_need(complaints, map, "limits"), line);
    line->grade = (int)yaml_int(complaints, yaml_find(map, "grade"), "a grade", 1, 3, 0);
    line->ask = read_words(reader, yaml_find(map, "ask"));
    line->advice = read_words(reader, yaml_find(map, "advice"));
    yaml_no_more(complaints, map);
}

static void read_proposal(struct reader *reader, struct yaml_node *map, struct proposal_rule *rule)
{
    struct complaints *complaints = reader->complaints;

    rule->id = read_id(reader, map, "id");
    rule->title = read_words(reader, yaml_need(complaints, map, "title"));
    rule->kind = yaml_choice(complaints, yaml_need(complaints, map, "kind"), "a kind", proposal_kind_names, 0);
    rule->look = (enum proposal_look)yaml_choice(complaints, yaml_need(complaints, map, "look"), "what it looks at",
                                                 proposal_look_names, 0);
    rule->component = keep(reader, yaml_id(complaints, yaml_find(map, "component"), "a component class"));
    rule->over_ms = yaml_duration_ms(complaints, yaml_find(map, "over"), "a duration", 365 * 86400000LL);
    rule->at_least = yaml_number(complaints, yaml_need(complaints, map, "at_least"), "a number", 0, 1e12, 0);
    rule->reason = read_words(reader, yaml_need(complaints, map, "reason"));
    yaml_no_more(complaints, map);
}

/* Room for the items of a list of at most CHECKLIST_LINES_MOST. */
static void *room(struct reader *reader, struct yaml_node *list, size_t size, size_t *ret_count)
{
    size_t count = list ? list->count : 0;
    void *items;

    if (count > CHECKLIST_LINES_MOST) {
        complain(reader->complaints, list, "expected at most %d, found %zu", CHECKLIST_LINES_MOST, count);
        count = CHECKLIST_LINES_MOST;
    }
    items = arena_array(reader->arena, count + 1, size);
    *ret_count = items ? count : 0;
    if (items) {
        memset(items, 0, (count + 1) * size);
    }
    return items;
}

static void say_again(struct reader *reader, struct yaml_node *map, const char *id)
{
    complain(reader->complaints, yaml_find(map, "id"), "expected an id of its own, found '%s' again", id);
}

static void read_lines(struct reader *reader, struct yaml_node *list, struct checklist *checklist)
{
    struct check_line *lines = room(reader, list, sizeof(*lines), &checklist->line_count);
    size_t i = 0;

    checklist->lines = lines;
    for (struct yaml_node *node = list ? list->first : NULL; node && i < checklist->line_count; node = node->next, i++) {
        lines[i].id = "";
        if (yaml_map(reader->complaints, node, "a line {id, title, look, limits}")) {
            read_line(reader, node, &lines[i]);
        }
        for (size_t k = 0; k < i; k++) {
            if (lines[i].id[0] && strcmp(lines[k].id, lines[i].id) == 0) {
                say_again(reader, node, lines[i].id);
            }
        }
    }
}

static void read_proposals(struct reader *reader, struct yaml_node *list, struct checklist *checklist)
{
    struct proposal_rule *rules = room(reader, list, sizeof(*rules), &checklist->proposal_count);
    size_t i = 0;

    checklist->proposals = rules;
    for (struct yaml_node *node = list ? list->first : NULL; node && i < checklist->proposal_count; node = node->next, i++) {
        rules[i].id = "";
        if (yaml_map(reader->complaints, node, "a proposal {id, title, kind, look, at_least, reason}")) {
            read_proposal(reader, node, &rules[i]);
        }
        for (size_t k = 0; k < i; k++) {
            if (rules[i].id[0] && strcmp(rules[k].id, rules[i].id) == 0) {
                say_again(reader, node, rules[i].id);
            }
        }
    }
}

enum err checklist_read(struct arena *arena, const char *bytes, size_t size, struct complaints *complaints,
                        const struct checklist **ret_checklist)
{
    struct checklist *checklist = arena_take(arena, sizeof(*checklist));
    struct reader reader = {arena, complaints};
    size_t before = complaints->count;
    struct yaml_node *root;
    enum err err;

    if (!checklist) {
        return ERR_NOMEM;
    }
    memset(checklist, 0, sizeof(*checklist));
    err = yaml_parse(arena, bytes, size, complaints, &root);
    if (!err && yaml_map(complaints, root, "a map: a checklist")) {
        checklist->id = read_id(&reader, root, "checklist");
        checklist->version = yaml_int(complaints, yaml_need(complaints, root, "version"), "a version", 1, 1000000000, 1);
        checklist->title = read_words(&reader, yaml_need(complaints, root, "title"));
        read_lines(&reader, yaml_list(complaints, yaml_need(complaints, root, "lines"), "a list of lines"), checklist);
        read_proposals(&reader, yaml_list(complaints, yaml_find(root, "proposals"), "a list of proposals"), checklist);
        yaml_no_more(complaints, root);
    }
    if (!err && arena_failed(arena)) { /* some word of it may be missing */
        complain_at(complaints, 1, 1, "expected a smaller file, found more than its memory holds");
        return ERR_NOMEM;
    }
    hash_hex(hash_bytes(bytes, size), checklist->hash);
    *ret_checklist = checklist;
    return err ? err : complaints->count > before ? ERR_FORMAT : ERR_OK;
}
