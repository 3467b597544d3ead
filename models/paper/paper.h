/*
 * Papers: what stands on a printed document, and where in an object of the API it is found. Plain data in an
 * arena, never changed after paper_read(). The file's form stands in docs/paper-format.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/base/json.h"
#include "models/base/text.h"
#include "models/base/yaml.h"

struct paper_title {
    const char *en, *zh;
};

struct paper_word { /* what is printed for a value */
    const char *value;
    struct paper_title title;
};

struct paper_words {
    const char *id;
    const struct paper_word *list;
    size_t count;
};

/* Words that all papers of a folder may use: files that begin with `dictionary` instead of `paper`. */
struct paper_dictionary {
    const struct paper_words *list;
    size_t count;
    const struct paper_dictionary *next;
};

struct paper_field {
    const char *at; /* keys with dots between; of a list the first, or the one that a number names; . is the object itself */
    const char *at_zh; /* where its Chinese stands, when it is a title in two fields; NULL: nowhere else */
    struct paper_title title;
    const struct paper_words *words; /* or NULL: as it is */
    bool money;                      /* a whole number of hundredths */
};

struct paper_table {
    const char *at; /* a list; a row for each item */
    struct paper_title title;
    const struct paper_field *columns;
    size_t column_count;
};

struct paper {
    const char *id;
    const char *form; /* its number in the house's list of documents, as D-17 */
    int64_t version;  /* of the file, as its writer counts */
    char hash[17];    /* of the file's bytes */
    const char *of;   /* the kind of object that it is made of, as work_order */
    struct paper_title title;
    const struct paper_field *fields;
    size_t field_count;
    const struct paper_table *tables;
    size_t table_count;
    const struct paper_title *notes; /* printed below */
    size_t note_count;
    const struct paper_title *signs; /* a line to sign for each */
    size_t sign_count;
};

/* Kinds of objects that papers are made of, ended by NULL: work_order ticket … */
extern const char *const paper_kinds[];

/* Reads and checks; everything that is wrong is in complaints. shared: may be NULL. */
enum err paper_read(struct arena *arena, const char *bytes, size_t size, const struct paper_dictionary *shared,
                    struct complaints *complaints, const struct paper **ret_paper) MUST_CHECK;
/* ERR_NOT_FOUND, and not a word, when the file is a paper. */
enum err paper_read_dictionary(struct arena *arena, const char *bytes, size_t size, struct complaints *complaints,
                               struct paper_dictionary **ret_dictionary) MUST_CHECK;

/*
 * The paper filled from an object: {document, form, template {version, hash}, en, zh, fields [{en, zh, value}],
 * tables [{en, zh, columns [{en, zh}], rows [[value]]}], notes [{en, zh}], signs [{en, zh}]}. A value that is not
 * there is null; one that has words is {code, en, zh}.
 */
void paper_fill(const struct paper *paper, const struct cJSON *object, struct json_out *out);
