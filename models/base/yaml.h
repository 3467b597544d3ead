/*
 * YAML 1.2 text to a tree of nodes that know where they stood, and readers that collect every
 * complaint of a file instead of stopping at the first. The only place that includes libfyaml.
 *
 * A reader asks a map for its keys one by one; every key that was asked for is marked, and
 * yaml_no_more() complains about the rest and says which keys there are: exactly those that the
 * reader asked for. After the whole file has been read the caller looks at complaints.count once.
 *
 * A complaint is a line "PATH:LINE:COLUMN: error: expected …, found …", both counted from 1.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/duration.h"
#include "models/base/err.h"

enum yaml_kind {
    YAML_SCALAR,
    YAML_LIST,
    YAML_MAP,
};

struct yaml_known; /* the keys that a map was asked for */

struct yaml_node {
    enum yaml_kind kind;
    const char *text; /* scalar: its text; otherwise "" */
    bool quoted;      /* scalar: stood in quotes or as a block, so it is a string */
    const char *path; /* the file, when it is another than the complaints'; NULL: theirs */
    int line, column; /* of the value, from 1 */
    const char *key;  /* name in the parent map, or NULL */
    int key_line, key_column;
    bool asked; /* a reader wanted this key */
    struct yaml_node *first, *next; /* children in order; next brother */
    size_t count;                   /* children */
    struct arena *arena;            /* of a map: where the keys that it is asked for are noted */
    struct yaml_known *known;
};

#define COMPLAINTS_MOST 200 /* lines kept; further ones are counted only */

struct complaints {
    const char *path;    /* as given in the configuration; stands before every line */
    struct arena *arena; /* holds the lines */
    const char *lines[COMPLAINTS_MOST];
    size_t count; /* all, also those beyond COMPLAINTS_MOST */
    const char *warnings[COMPLAINTS_MOST]; /* what is no mistake and should be looked at */
    size_t warning_count; /* all of them */
};

void complain_at(struct complaints *complaints, int line, int column, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* At the value. */
void complain(struct complaints *complaints, const struct yaml_node *node, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* A warning at the value: the file is taken all the same. */
void complain_softly(struct complaints *complaints, const struct yaml_node *node, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* At the key (a wrong or double key). */
void complain_key(struct complaints *complaints, const struct yaml_node *node, const char *format,
                  ...) PRINTF_LIKE(3, 4);

/*
 * The tree of bytes[0..size), kept in arena. Syntax errors, anchors, aliases, tags, more than 64
 * levels and more than 200,000 nodes are complaints; then ERR_FORMAT. A double key is a complaint as
 * well, but the tree is there (with the first value), so that the rest of the file can be read:
 * whoever reads asks complaints->count at the end. An empty file is an empty map; ~ and null are
 * nothing.
 */
enum err yaml_parse(struct arena *arena, const char *bytes, size_t size,
                    struct complaints *complaints, struct yaml_node **ret_root) MUST_CHECK;

/* The child called key, marked as asked; NULL when it is not there or map is NULL or no map. */
struct yaml_node *yaml_find(struct yaml_node *map, const char *key);
/* As yaml_find, but a missing key is a complaint at the map. */
struct yaml_node *yaml_need(struct complaints *complaints, struct yaml_node *map, const char *key);
/* Checks the kind; the node, or NULL with a complaint. NULL node gives NULL without a word. */
struct yaml_node *yaml_map(struct complaints *complaints, struct yaml_node *node, const char *what);
struct yaml_node *yaml_list(struct complaints *complaints, struct yaml_node *node,
                            const char *what);
/* Every key of map that was not asked for is a complaint at the key, which names the known ones. */
void yaml_no_more(struct complaints *complaints, struct yaml_node *map);

/* Scalars. Each complains when node is of another form and then gives the fallback; a NULL node
 * gives the fallback silently. `what` names what was expected: "a name", "an address". */
const char *yaml_text(struct complaints *complaints, struct yaml_node *node, const char *what,
                      const char *fallback);
double yaml_number(struct complaints *complaints, struct yaml_node *node, const char *what,
                   double least, double most, double fallback);
int64_t yaml_int(struct complaints *complaints, struct yaml_node *node, const char *what,
                 int64_t least, int64_t most, int64_t fallback);
bool yaml_bool(struct complaints *complaints, struct yaml_node *node, const char *what,
               bool fallback); /* true or false */
/* An exact duration in ms (500ms 90s 10m 4h 2d). */
int64_t yaml_duration_ms(struct complaints *complaints, struct yaml_node *node, const char *what,
                         int64_t fallback);
struct duration yaml_duration(struct complaints *complaints, struct yaml_node *node,
                              const char *what, struct duration fallback);
/* Bytes: 1048576, 256MiB. */
int64_t yaml_size(struct complaints *complaints, struct yaml_node *node, const char *what,
                  int64_t least, int64_t fallback);
/* 1 to 64 characters of the id alphabet. */
const char *yaml_id(struct complaints *complaints, struct yaml_node *node, const char *what);
/* Index of the text in names (NULL-ended), or fallback with a complaint that lists them. */
int yaml_choice(struct complaints *complaints, struct yaml_node *node, const char *what,
                const char *const *names, int fallback);
