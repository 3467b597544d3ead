/* YAML by libfyaml's events into a tree of ours. The only place that includes libfyaml. */
#include "models/base/yaml.h"

#include <libfyaml.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/base/text.h"

#define YAML_DEPTH_MOST 64
#define YAML_NODES_MOST 200000
#define KNOWN_STEP      8 /* keys noted in one piece */

/* ------------------------------------------------------------------ complaints */

/* "file:3:7: error: …", kept in the arena. what: error or warning. */
static const char *PRINTF_LIKE(4, 0) keep_line(struct complaints *complaints, const struct yaml_node *at_node,
                                               const char *what, const char *format, va_list list)
{
    const char *kept;
    char words[1024];
    int head, rest;

    head = snprintf(words, sizeof(words), "%s:%d:%d: %s: ", at_node->path ? at_node->path : complaints->path,
                    at_node->line, at_node->column, what);
    if (head < 0 || (size_t)head >= sizeof(words)) {
        head = 0;
    }
    rest = vsnprintf(words + head, sizeof(words) - (size_t)head, format, list);
    if (rest < 0) {
        words[head] = '\0';
    }
    for (char *at = words; *at; at++) {
        if ((unsigned char)*at < 0x20) {
            *at = ' '; /* what was found may have been several lines; a complaint is one */
        }
    }
    kept = arena_text(complaints->arena, words, strlen(words));
    return kept ? kept : "out of memory for complaints";
}

static void PRINTF_LIKE(5, 0) complain_list(struct complaints *complaints, const char *path, int line,
                                            int column, const char *format, va_list list)
{
    const struct yaml_node at = {.path = path, .line = line, .column = column};

    complaints->count++;
    if (complaints->count <= COMPLAINTS_MOST) {
        complaints->lines[complaints->count - 1] = keep_line(complaints, &at, "error", format, list);
    }
}

void complain_softly(struct complaints *complaints, const struct yaml_node *node, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    complaints->warning_count++;
    if (complaints->warning_count <= COMPLAINTS_MOST) {
        complaints->warnings[complaints->warning_count - 1] = keep_line(complaints, node, "warning", format, list);
    }
    va_end(list);
}

void complain_at(struct complaints *complaints, int line, int column, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    complain_list(complaints, NULL, line, column, format, list);
    va_end(list);
}

void complain(struct complaints *complaints, const struct yaml_node *node, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    complain_list(complaints, node->path, node->line, node->column, format, list);
    va_end(list);
}

void complain_key(struct complaints *complaints, const struct yaml_node *node, const char *format,
                  ...)
{
    va_list list;

    va_start(list, format);
    complain_list(complaints, node->path, node->key ? node->key_line : node->line,
                  node->key ? node->key_column : node->column, format, list);
    va_end(list);
}

/* ------------------------------------------------------------------ the tree */

struct builder {
    struct arena *arena;
    struct complaints *complaints;
    struct level { /* an open map or list */
        struct yaml_node *node, *last;
        const char *key; /* of a map: the key that waits for its value */
        int key_line, key_column;
        bool key_again; /* it had a value before */
    } levels[YAML_DEPTH_MOST];
    size_t depth, nodes;
    struct yaml_node *root;
    const char *bytes; /* of the file */
    size_t size;
    bool stop; /* a complaint that makes going on useless */
};

static void give_up(struct builder *builder, const struct fy_mark *mark, const char *words)
{
    complain_at(builder->complaints, mark ? mark->line + 1 : 1, mark ? mark->column + 1 : 1, "%s",
                words);
    builder->stop = true;
}

static const char *token_text(struct builder *builder, struct fy_token *token)
{
    size_t size = 0;
    const char *words = token ? fy_token_get_text(token, &size) : NULL;
    const char *copy;

    if (words && memchr(words, '\0', size)) {
        complain_at(builder->complaints, fy_token_start_mark(token)->line + 1,
                    fy_token_start_mark(token)->column + 1,
                    "expected text, found a character NUL");
        return "";
    }
    copy = arena_text(builder->arena, words ? words : "", words ? size : 0);
    if (!copy) {
        give_up(builder, NULL, "expected a smaller file, found more than its memory holds");
        return "";
    }
    return copy;
}

static bool in_quotes(struct fy_token *token)
{
    return token && (fy_token_scalar_style(token) == FYSS_SINGLE_QUOTED ||
                     fy_token_scalar_style(token) == FYSS_DOUBLE_QUOTED);
}

/* A key that was there before is told and marked as asked for, so that its value is left out and told
 * once only; the file is read on. */
static void take_key(struct builder *builder, struct level *level, struct fy_token *token)
{
    const struct fy_mark *mark = fy_token_start_mark(token);
    const char *key = token_text(builder, token);

    level->key_line = mark ? mark->line + 1 : 1;
    level->key_column = mark ? mark->column + 1 - in_quotes(token) : 1; /* it stands behind the quote */
    level->key_again = false;
    for (struct yaml_node *node = level->node->first; node; node = node->next) {
        if (strcmp(node->key, key) == 0) {
            complain_at(builder->complaints, level->key_line, level->key_column,
                        "expected each key once, found '%.80s' again", key);
            level->key_again = true;
            break;
        }
    }
    level->key = key;
}

/* A node in its place: the root, the next in a list, or the value of the waiting key. */
static struct yaml_node *add(struct builder *builder, enum yaml_kind kind,
                             const struct fy_mark *mark)
{
    struct yaml_node *node = arena_take(builder->arena, sizeof(*node));
    struct level *level = builder->depth ? &builder->levels[builder->depth - 1] : NULL;

    if (!node || ++builder->nodes > YAML_NODES_MOST) {
        give_up(builder, mark, "expected a smaller file, found more than its memory holds");
        return NULL;
    }
    node->kind = kind;
    node->arena = kind == YAML_MAP ? builder->arena : NULL;
    node->text = "";
    node->line = mark ? mark->line + 1 : level ? level->node->line : 1;
    node->column = mark ? mark->column + 1 : level ? level->node->column : 1;
    if (!level) {
        builder->root = node;
        return node;
    }
    if (level->node->kind == YAML_MAP) {
        node->key = level->key;
        node->key_line = level->key_line;
        node->key_column = level->key_column;
        level->key = NULL;
        if (level->key_again) {
            return node; /* read, so that its mistakes are told; but it belongs to no map */
        }
    }
    if (level->last) {
        level->last->next = node;
    } else {
        level->node->first = node;
    }
    level->last = node;
    level->node->count++;
    return node;
}

static bool wants_key(const struct builder *builder)
{
    const struct level *level = builder->depth ? &builder->levels[builder->depth - 1] : NULL;

    return level && level->node->kind == YAML_MAP && !level->key;
}

/* A block's mark is the line behind its sign: back to the "|" or ">" that begins it. */
static void find_block(const struct builder *builder, const struct fy_mark *mark,
                       struct yaml_node *node)
{
    size_t end = mark->input_pos < builder->size ? mark->input_pos : builder->size, from;
    int column = 1;

    end -= end > 0 && builder->bytes[end - 1] == '\n';
    for (from = end; from > 0 && builder->bytes[from - 1] != '\n'; from--) {
    }
    for (size_t at = from; at < end; at++) {
        char c = builder->bytes[at];

        if ((c == '|' || c == '>') && (at == from || builder->bytes[at - 1] == ' ')) {
            node->line = mark->line;
            node->column = column;
            return;
        }
        column += ((unsigned char)c & 0xc0) != 0x80; /* a character, not a byte */
    }
}

static bool is_null(const char *words)
{
    return strcmp(words, "~") == 0 || strcmp(words, "null") == 0 || strcmp(words, "Null") == 0 ||
           strcmp(words, "NULL") == 0;
}

/* Where a value's first character stands, its quote included. Nothing stands at its key. */
static void place(const struct builder *builder, struct fy_token *token, struct yaml_node *node)
{
    const struct fy_mark *mark = fy_token_start_mark(token);

    if (!mark || (node->text[0] == '\0' && !node->quoted)) {
        if (node->key) {
            node->line = node->key_line;
            node->column = node->key_column;
        }
        return;
    }
    node->column -= in_quotes(token); /* the mark stands behind the quote */
    if (node->quoted && !in_quotes(token) && mark->line > 0) {
        find_block(builder, mark, node);
    }
}

static void take_scalar(struct builder *builder, struct fy_event *event)
{
    struct fy_token *token = event->scalar.value;
    struct yaml_node *node;

    if (wants_key(builder)) {
        take_key(builder, &builder->levels[builder->depth - 1], token);
        return;
    }
    node = add(builder, YAML_SCALAR, fy_event_start_mark(event));
    if (node) {
        node->text = token_text(builder, token);
        node->quoted = token && fy_token_scalar_style(token) != FYSS_PLAIN;
        if (!node->quoted && is_null(node->text)) {
            node->text = "";
        } else {
            place(builder, token, node);
        }
    }
}

/* Anchors, aliases and tags: a file of ours says everything where it stands. */
static bool is_plain(struct builder *builder, struct fy_event *event)
{
    struct fy_token *anchor = NULL, *tag = NULL;
    const struct fy_mark *mark;

    if (event->type == FYET_ALIAS) {
        give_up(builder, fy_event_start_mark(event), "expected a value, found an alias");
        return false;
    }
    if (event->type == FYET_SCALAR) {
        anchor = event->scalar.anchor;
        tag = event->scalar.tag;
    } else if (event->type == FYET_MAPPING_START) {
        anchor = event->mapping_start.anchor;
        tag = event->mapping_start.tag;
    } else if (event->type == FYET_SEQUENCE_START) {
        anchor = event->sequence_start.anchor;
        tag = event->sequence_start.tag;
    }
    if (!anchor && !tag) {
        return true;
    }
    mark = fy_token_start_mark(anchor ? anchor : tag);
    complain_at(builder->complaints, mark ? mark->line + 1 : 1,
                mark ? mark->column + 1 - (anchor != NULL) : 1, /* it stands behind the "&" */
                "expected a value, found %s", anchor ? "an anchor" : "a tag");
    builder->stop = true;
    return false;
}

static void take_start(struct builder *builder, struct fy_event *event, enum yaml_kind kind)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    struct yaml_node *node;

    if (wants_key(builder)) {
        give_up(builder, mark, "expected a word as key, found a map or a list");
        return;
    }
    if (builder->depth == YAML_DEPTH_MOST) {
        give_up(builder, mark, "expected at most 64 levels, found more");
        return;
    }
    node = add(builder, kind, mark);
    if (node) {
        builder->levels[builder->depth++] = (struct level){.node = node};
    }
}

static void take_event(struct builder *builder, struct fy_event *event)
{
    enum fy_event_type type = event->type;

    if (!is_plain(builder, event)) {
        return;
    }
    if (type == FYET_SCALAR) {
        take_scalar(builder, event);
    } else if (type == FYET_MAPPING_START) {
        take_start(builder, event, YAML_MAP);
    } else if (type == FYET_SEQUENCE_START) {
        take_start(builder, event, YAML_LIST);
    } else if (type == FYET_MAPPING_END || type == FYET_SEQUENCE_END) {
        builder->depth -= builder->depth > 0;
    } else if (type == FYET_DOCUMENT_START && builder->root) {
        give_up(builder, fy_event_start_mark(event), "expected one document, found another");
    }
}

static void say_syntax(struct builder *builder, struct fy_diag *diag)
{
    struct fy_diag_error *error;
    void *iterator = NULL;
    size_t before = builder->complaints->count;

    while ((error = fy_diag_errors_iterate(diag, &iterator)) != NULL) {
        complain_at(builder->complaints, error->line > 0 ? error->line : 1,
                    error->column > 0 ? error->column : 1, "expected YAML, found: %s",
                    error->msg ? error->msg : "an error");
    }
    if (builder->complaints->count == before) {
        complain_at(builder->complaints, 1, 1, "expected YAML, found something else");
    }
}

static void parse(struct builder *builder, const char *bytes, size_t size)
{
    struct fy_diag_cfg diag_cfg;
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG};
    struct fy_parser *parser = NULL;
    struct fy_event *event;

    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    diag_cfg.output_fn = NULL;
    cfg.diag = fy_diag_create(&diag_cfg);
    if (cfg.diag) {
        fy_diag_set_collect_errors(cfg.diag, true);
        parser = fy_parser_create(&cfg);
    }
    if (!parser || fy_parser_set_string(parser, bytes, size)) {
        give_up(builder, NULL, "expected enough memory to read the file, found none");
    } else {
        while (!builder->stop && (event = fy_parser_parse(parser)) != NULL) {
            take_event(builder, event);
            fy_parser_event_free(parser, event);
        }
        if (!builder->stop && fy_parser_get_stream_error(parser)) {
            say_syntax(builder, cfg.diag);
            builder->stop = true;
        }
    }
    fy_parser_destroy(parser);
    fy_diag_destroy(cfg.diag);
}

/* Where the text ends to be UTF-8. */
static void say_where_not_utf8(struct complaints *complaints, const char *bytes, size_t size)
{
    size_t at = 0;
    int line = 1, column = 1;

    while (at < size) {
        size_t length = 1;

        while (at + length < size && ((unsigned char)bytes[at + length] & 0xc0) == 0x80) {
            length++;
        }
        if (!text_is_utf8(bytes + at, length)) {
            break;
        }
        column = bytes[at] == '\n' ? 1 : column + 1;
        line += bytes[at] == '\n';
        at += length;
    }
    complain_at(complaints, line, column, "expected UTF-8 text, found byte 0x%02x",
                at < size ? (unsigned)(unsigned char)bytes[at] : 0U);
}

enum err yaml_parse(struct arena *arena, const char *bytes, size_t size,
                    struct complaints *complaints, struct yaml_node **ret_root)
{
    struct builder *builder = arena_take(arena, sizeof(*builder));
    size_t before = complaints->count;

    if (!builder) {
        return ERR_NOMEM;
    }
    builder->arena = arena;
    builder->complaints = complaints;
    if (!text_is_utf8(bytes, size)) {
        say_where_not_utf8(complaints, bytes, size);
        return ERR_FORMAT;
    }
    builder->bytes = bytes;
    builder->size = size;
    parse(builder, bytes, size);
    if (!builder->root && complaints->count == before) {
        (void)add(builder, YAML_MAP, NULL);
    }
    if (builder->stop || !builder->root) {
        return ERR_FORMAT;
    }
    if (builder->root->kind == YAML_SCALAR && builder->root->text[0] == '\0' &&
        !builder->root->quoted) {
        builder->root->kind = YAML_MAP; /* a file of comments only */
        builder->root->arena = arena;
    }
    *ret_root = builder->root;
    return ERR_OK;
}

/* ------------------------------------------------------------------ readers */

struct yaml_known { /* some of the keys, in the order in which they were asked for */
    const char *keys[KNOWN_STEP];
    size_t count;
    struct yaml_known *next;
};

/* Notes that map was asked for key, in words of its own: the asker's may not live as long. When memory ends the list is
 * short; nothing else suffers. */
static void note_key(struct yaml_node *map, const char *key)
{
    struct yaml_known **at = &map->known;

    for (; *at; at = &(*at)->next) {
        for (size_t i = 0; i < (*at)->count; i++) {
            if ((*at)->keys[i] == key || strcmp((*at)->keys[i], key) == 0) {
                return;
            }
        }
        if ((*at)->count < KNOWN_STEP) {
            break;
        }
    }
    if (!*at) {
        *at = map->arena ? arena_take(map->arena, sizeof(**at)) : NULL;
    }
    key = *at ? arena_text(map->arena, key, strlen(key)) : NULL;
    if (key) {
        (*at)->keys[(*at)->count++] = key;
    }
}

struct yaml_node *yaml_find(struct yaml_node *map, const char *key)
{
    if (!map || map->kind != YAML_MAP) {
        return NULL;
    }
    note_key(map, key);
    for (struct yaml_node *node = map->first; node; node = node->next) {
        if (strcmp(node->key, key) == 0) {
            node->asked = true;
            return node;
        }
    }
    return NULL;
}

struct yaml_node *yaml_need(struct complaints *complaints, struct yaml_node *map, const char *key)
{
    struct yaml_node *node = yaml_find(map, key);

    if (!node && map && map->kind == YAML_MAP) {
        complain(complaints, map, "expected the key '%s', found none", key);
    }
    return node;
}

static const char *found(const struct yaml_node *node)
{
    return node->kind == YAML_MAP ? "a map" : node->kind == YAML_LIST ? "a list" : NULL;
}

/* "expected WHAT, found …" at the node. */
static void complain_found(struct complaints *complaints, const struct yaml_node *node,
                           const char *what)
{
    if (found(node)) {
        complain(complaints, node, "expected %s, found %s", what, found(node));
    } else if (node->text[0] == '\0') {
        complain(complaints, node, "expected %s, found nothing", what);
    } else {
        complain(complaints, node, "expected %s, found '%.80s'", what, node->text);
    }
}

struct yaml_node *yaml_map(struct complaints *complaints, struct yaml_node *node, const char *what)
{
    if (node && node->kind != YAML_MAP) {
        complain_found(complaints, node, what);
        return NULL;
    }
    return node;
}

struct yaml_node *yaml_list(struct complaints *complaints, struct yaml_node *node,
                            const char *what)
{
    if (node && node->kind != YAML_LIST) {
        complain_found(complaints, node, what);
        return NULL;
    }
    return node;
}

static void complain_unknown(struct complaints *complaints, const struct yaml_node *map,
                             const struct yaml_node *node)
{
    TEXT(words, 700);

    for (const struct yaml_known *known = map->known; known; known = known->next) {
        for (size_t i = 0; i < known->count; i++) {
            text_addf(&words, " %s", known->keys[i]);
        }
    }
    complain_key(complaints, node, "expected a known key, one of%s, found '%.80s'", words.at,
                 node->key);
}

void yaml_no_more(struct complaints *complaints, struct yaml_node *map)
{
    if (!map || map->kind != YAML_MAP) {
        return;
    }
    for (struct yaml_node *node = map->first; node; node = node->next) {
        if (!node->asked) {
            complain_unknown(complaints, map, node);
        }
    }
}

static bool is_word(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && (node->quoted || node->text[0] != '\0');
}

const char *yaml_text(struct complaints *complaints, struct yaml_node *node, const char *what,
                      const char *fallback)
{
    if (!node) {
        return fallback;
    }
    if (!is_word(node)) {
        complain_found(complaints, node, what);
        return fallback;
    }
    return node->text;
}

double yaml_number(struct complaints *complaints, struct yaml_node *node, const char *what,
                   double least, double most, double fallback)
{
    double number;

    if (!node) {
        return fallback;
    }
    if (node->kind != YAML_SCALAR || node->quoted ||
        text_to_number(node->text, strlen(node->text), &number)) {
        complain_found(complaints, node, what);
        return fallback;
    }
    if (number < least || number > most) {
        complain(complaints, node, "expected %s from %g to %g, found '%.40s'", what, least, most,
                 node->text);
        return fallback;
    }
    return number;
}

int64_t yaml_int(struct complaints *complaints, struct yaml_node *node, const char *what,
                 int64_t least, int64_t most, int64_t fallback)
{
    int64_t number;

    if (!node) {
        return fallback;
    }
    if (node->kind != YAML_SCALAR || node->quoted ||
        text_to_int(node->text, strlen(node->text), &number)) {
        complain_found(complaints, node, what);
        return fallback;
    }
    if (number < least || number > most) {
        complain(complaints, node, "expected %s from %lld to %lld, found '%.40s'", what,
                 (long long)least, (long long)most, node->text);
        return fallback;
    }
    return number;
}

bool yaml_bool(struct complaints *complaints, struct yaml_node *node, const char *what,
               bool fallback)
{
    if (!node) {
        return fallback;
    }
    if (node->kind == YAML_SCALAR && !node->quoted) {
        if (strcmp(node->text, "true") == 0) {
            return true;
        }
        if (strcmp(node->text, "false") == 0) {
            return false;
        }
    }
    complain_found(complaints, node, what);
    return fallback;
}

struct duration yaml_duration(struct complaints *complaints, struct yaml_node *node,
                              const char *what, struct duration fallback)
{
    struct duration duration;

    if (!node) {
        return fallback;
    }
    if (node->kind != YAML_SCALAR || duration_read(node->text, &duration)) {
        TEXT(words, 160);

        text_addf(&words, "%s with its unit (500ms 90s 10m 4h 3wd 2d 1mo 3y)", what);
        complain_found(complaints, node, words.at);
        return fallback;
    }
    return duration;
}

int64_t yaml_duration_ms(struct complaints *complaints, struct yaml_node *node, const char *what,
                         int64_t fallback)
{
    struct duration duration;
    int64_t ms;

    if (!node) {
        return fallback;
    }
    if (node->kind != YAML_SCALAR || duration_read(node->text, &duration) ||
        duration_ms(duration, &ms)) {
        TEXT(words, 160);

        text_addf(&words, "%s with its unit (500ms 90s 10m 4h 2d)", what);
        complain_found(complaints, node, words.at);
        return fallback;
    }
    return ms;
}

int64_t yaml_size(struct complaints *complaints, struct yaml_node *node, const char *what,
                  int64_t least, int64_t fallback)
{
    int64_t bytes;

    if (!node) {
        return fallback;
    }
    if (node->kind != YAML_SCALAR || duration_size(node->text, &bytes)) {
        TEXT(words, 160);

        text_addf(&words, "%s in bytes or with KiB, MiB, GiB", what);
        complain_found(complaints, node, words.at);
        return fallback;
    }
    if (bytes < least) {
        complain(complaints, node, "expected %s of at least %lld bytes, found '%.40s'", what,
                 (long long)least, node->text);
        return fallback;
    }
    return bytes;
}

const char *yaml_id(struct complaints *complaints, struct yaml_node *node, const char *what)
{
    if (!node) {
        return NULL;
    }
    if (node->kind != YAML_SCALAR || !text_is_id(node->text)) {
        TEXT(words, 160);

        text_addf(&words, "%s of 1 to 64 characters A-Z a-z 0-9 _ -", what);
        complain_found(complaints, node, words.at);
        return NULL;
    }
    return node->text;
}

int yaml_choice(struct complaints *complaints, struct yaml_node *node, const char *what,
                const char *const *names, int fallback)
{
    TEXT(words, 400);

    if (!node) {
        return fallback;
    }
    text_addf(&words, "%s, one of", what);
    for (int i = 0; names[i]; i++) {
        if (node->kind == YAML_SCALAR && strcmp(node->text, names[i]) == 0) {
            return i;
        }
        text_addf(&words, " %s", names[i]);
    }
    complain_found(complaints, node, words.at);
    return fallback;
}
