/* The catalogue of notices: read, checked, filled in. */
#include "models/service/notice.h"

#include <string.h>

const char *const notice_field_names[] = {
    "number", "title", "equipment", "state",  "next", "due",  "technician", "phone",
    "from",   "to",    "warranty",  "advice", "link", "note", "resolution", "missing",
    "grade",  NULL,
};

/* The field that begins at `at`, just behind the brace; -1: none of that name. */
static int find_field(const char *at, size_t size)
{
    for (int i = 0; notice_field_names[i]; i++) {
        if (strlen(notice_field_names[i]) == size && strncmp(notice_field_names[i], at, size) == 0) {
            return i;
        }
    }
    return -1;
}

static const char *read_template(struct arena *arena, struct complaints *complaints, struct yaml_node *map,
                                 const char *language)
{
    struct yaml_node *node = yaml_need(complaints, map, language);
    const char *words = yaml_text(complaints, node, "words", "");

    for (const char *at = strchr(words, '{'); at; at = strchr(at + 1, '{')) {
        const char *end = strchr(at, '}');

        if (!end || find_field(at + 1, (size_t)(end - at - 1)) < 0) {
            TEXT(known, 200);

            for (int i = 0; notice_field_names[i]; i++) {
                text_addf(&known, "%s%s", i ? " " : "", notice_field_names[i]);
            }
            complain(complaints, node, "expected a field such as {number}, one of %s, found '%.20s'", known.at, at);
            break;
        }
    }
    return arena_text(arena, words, strlen(words));
}

static struct words2 read_words(struct arena *arena, struct complaints *complaints, struct yaml_node *map,
                                const char *key)
{
    struct yaml_node *node = yaml_map(complaints, yaml_need(complaints, map, key), "a map {en, zh}");
    struct words2 words = {"", ""};

    if (node) {
        words.en = read_template(arena, complaints, node, "en");
        words.zh = read_template(arena, complaints, node, "zh");
        yaml_no_more(complaints, node);
    }
    return words;
}

static const char *const *read_list(struct arena *arena, struct complaints *complaints, struct yaml_node *node,
                                    const char *what)
{
    struct yaml_node *list = yaml_list(complaints, node, what);
    const char **texts = arena_array(arena, (list ? list->count : 0) + 1, sizeof(*texts));
    size_t count = 0;

    for (struct yaml_node *item = list && texts ? list->first : NULL; item; item = item->next) {
        const char *words = yaml_text(complaints, item, what, "");

        texts[count++] = arena_text(arena, words, strlen(words));
    }
    if (texts) {
        texts[count] = NULL;
    }
    return texts;
}

static void read_rule(struct arena *arena, struct complaints *complaints, struct yaml_node *map,
                      struct notice_rule *rule)
{
    static const char *const readers[] = {"customer", "desk", "staff", NULL};
    const char *id = yaml_id(complaints, yaml_need(complaints, map, "id"), "a notice's id"), *topic;

    rule->id = id ? arena_text(arena, id, strlen(id)) : "";
    rule->on = read_list(arena, complaints, yaml_need(complaints, map, "on"), "a list of steps");
    rule->rows = read_list(arena, complaints, yaml_find(map, "rows"), "a list of row ids");
    rule->urgent = yaml_bool(complaints, yaml_find(map, "urgent"), "true or false", false);
    rule->to = (enum notice_to)yaml_choice(complaints, yaml_find(map, "to"), "a reader", readers, 0);
    topic = yaml_find(map, "topic") ? yaml_id(complaints, yaml_find(map, "topic"), "a topic") : NULL;
    rule->topic = topic ? arena_text(arena, topic, strlen(topic)) : NULL;
    rule->subject = read_words(arena, complaints, map, "subject");
    rule->body = read_words(arena, complaints, map, "body");
    if (yaml_find(map, "sms")) {
        rule->sms = read_words(arena, complaints, map, "sms");
    }
    yaml_no_more(complaints, map);
}

enum err notices_read(struct arena *arena, const char *bytes, size_t size, struct complaints *complaints,
                      const struct notices **ret_notices)
{
    struct notices *notices = arena_take(arena, sizeof(*notices));
    struct notice_rule *rules;
    struct yaml_node *root, *list;
    enum err err = yaml_parse(arena, bytes, size, complaints, &root);

    if (err || !notices) {
        return err ? err : ERR_NOMEM;
    }
    if (!yaml_map(complaints, root, "a map: a catalogue of notices")) {
        return ERR_FORMAT;
    }
    list = yaml_list(complaints, yaml_need(complaints, root, "notices"), "a list of notices");
    rules = arena_array(arena, (list ? list->count : 0) + 1, sizeof(*rules));
    if (!rules) {
        return ERR_NOMEM;
    }
    *notices = (struct notices){rules, 0};
    for (struct yaml_node *node = list ? list->first : NULL; node; node = node->next) {
        if (!yaml_map(complaints, node, "a notice")) {
            continue;
        }
        read_rule(arena, complaints, node, &rules[notices->count]);
        for (size_t i = 0; i < notices->count; i++) {
            if (strcmp(rules[i].id, rules[notices->count].id) == 0) {
                complain(complaints, node, "expected another id, found '%.64s' twice", rules[i].id);
            }
        }
        notices->count++;
    }
    yaml_no_more(complaints, root);
    *ret_notices = notices;
    return ERR_OK;
}

bool notice_is_on(const struct notice_rule *rule, const char *step)
{
    for (const char *const *on = rule->on; on && *on; on++) {
        if (strcmp(*on, step) == 0) {
            return true;
        }
    }
    return false;
}

void notice_step_word(const char *step, char *word, size_t room)
{
    const char *at = strncmp(step, "action.", 7) == 0 ? step + 7 : step;
    size_t size = strcspn(at, ".");

    size = size < room - 1 ? size : room - 1;
    memcpy(word, at, size);
    word[size] = '\0';
}

static void add_value(const char *value, struct text *to)
{
    for (const char *at = value && value[0] ? value : "-"; *at; at++) {
        bool plain = (unsigned char)*at >= ' ' && *at != 0x7f;

        text_add_bytes(to, plain ? at : " ", 1);
    }
}

void notice_render(const char *template, const char *const values[NOTICE_FIELDS], struct text *to)
{
    for (const char *at = template; *at;) {
        const char *end = *at == '{' ? strchr(at, '}') : NULL;
        int field = end ? find_field(at + 1, (size_t)(end - at - 1)) : -1;

        if (field >= 0) {
            add_value(values[field], to);
            at = end + 1;
        } else {
            text_add_bytes(to, at++, 1);
        }
    }
}
