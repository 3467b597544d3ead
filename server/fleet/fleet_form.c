/* The fleet as files: several read as one, and written again as they can be read. */
#include <string.h>

#include "models/base/csv.h"
#include "models/base/json.h"
#include "models/base/text.h"
#include "server/fleet/fleet_file.h"
#include "server/fleet/fleet_file_int.h"

int fleet_section(const char *name)
{
    for (int i = 0; i < FLEET_SECTIONS; i++) {
        if (strcmp(fleet_sections[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

/* ------------------------------------------------------------------ in */

static void set_path(struct yaml_node *node, const char *path)
{
    node->path = path;
    for (struct yaml_node *child = node->first; child; child = child->next) {
        set_path(child, path);
    }
}

/* The section that a CSV file is called after; its rows as the one child of a map. */
static enum err read_csv(struct arena *arena, const char *path, const char *bytes, size_t size,
                         struct complaints *complaints, struct yaml_node **ret_root)
{
    const char *stem = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    char *name = arena_text(arena, stem, strlen(stem) - 4);
    struct yaml_node *root = arena_take(arena, sizeof(*root)), *list;
    enum err err;

    if (!name || !root) {
        return ERR_NOMEM;
    }
    if (fleet_section(name) < 0) {
        complain_at(complaints, 1, 1, "expected a file called after a section, as sites.csv, found '%.80s'", stem);
        return ERR_FORMAT;
    }
    err = csv_parse(arena, bytes, size, complaints, &list);
    if (err) {
        return err;
    }
    list->key = name;
    *root = (struct yaml_node){.kind = YAML_MAP, .text = "", .line = 1, .column = 1, .first = list, .count = 1, .arena = arena};
    *ret_root = root;
    return ERR_OK;
}

/* The children of a section behind those that another file brought. */
static void join(struct yaml_node *to, struct yaml_node *from)
{
    struct yaml_node **at = &to->first;

    while (*at) {
        at = &(*at)->next;
    }
    *at = from->first;
    to->count += from->count;
}

enum err fleet_add(struct arena *arena, const char *path, const char *bytes, size_t size, struct complaints *complaints,
                   struct yaml_node **io_root)
{
    size_t length = strlen(path), before = complaints->count;
    bool csv = length > 4 && strcmp(path + length - 4, ".csv") == 0;
    struct yaml_node *root, *next;
    enum err err = csv ? read_csv(arena, path, bytes, size, complaints, &root)
                       : yaml_parse(arena, bytes, size, complaints, &root);

    if (err || !yaml_map(complaints, root, "a map: a fleet file")) {
        return err ? err : ERR_FORMAT;
    }
    set_path(root, path);
    if (!*io_root) {
        *io_root = root;
        return complaints->count > before ? ERR_FORMAT : ERR_OK;
    }
    for (struct yaml_node *section = root->first; section; section = next) {
        struct yaml_node *there = (*io_root)->first, **end = &(*io_root)->first;

        next = section->next;
        while (there && strcmp(there->key, section->key) != 0) {
            end = &there->next;
            there = there->next;
        }
        section->next = NULL;
        if (!there) {
            *end = section;
            (*io_root)->count++;
        } else if (yaml_list(complaints, section, "a list of rows") && there->kind == YAML_LIST) {
            join(there, section);
        }
    }
    return complaints->count > before ? ERR_FORMAT : ERR_OK;
}

/* ------------------------------------------------------------------ out */

/* A number as JSON writes it. */
static bool is_number(const char *text)
{
    const char *digits = text + (text[0] == '-');
    double number;

    return strchr("123456789", digits[0]) && digits[0] && !text_to_number(text, strlen(text), &number)
               ? strchr("0123456789", text[strlen(text) - 1]) != NULL
               : strcmp(digits, "0") == 0 || (strncmp(digits, "0.", 2) == 0 && digits[2 + strspn(digits + 2, "0123456789")] == 0 &&
                                              digits[2]);
}

/* Texts that were numbers and truths in the file are that again. */
static void put_plain(struct json_out *out, const struct cJSON *value)
{
    const char *text = json_as_text(value);

    if (text && (is_number(text) || strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) {
        json_put_raw(out, text, strlen(text));
    } else if (json_is_object(value)) {
        json_open_object(out);
        for (const struct cJSON *item = json_first(value); item; item = json_next(item)) {
            json_key(out, json_name(item));
            put_plain(out, item);
        }
        json_close_object(out);
    } else if (json_is_list(value)) {
        json_open_list(out);
        for (const struct cJSON *item = json_first(value); item; item = json_next(item)) {
            put_plain(out, item);
        }
        json_close_list(out);
    } else {
        json_put_value(out, value);
    }
}

static void ask(struct sql *sql, struct sql_rows *rows, int section)
{
    static const char *const asks[] = {
        "SELECT doc FROM customer ORDER BY id",   "SELECT doc FROM calendar ORDER BY id",
        "SELECT doc FROM site ORDER BY id",       "SELECT doc FROM team ORDER BY id",
        "SELECT doc FROM technician ORDER BY id", "SELECT doc FROM equipment WHERE doc IS NOT NULL ORDER BY id",
        "SELECT doc FROM contract ORDER BY id",   "SELECT doc FROM depot ORDER BY id",
        "SELECT doc FROM part ORDER BY id",       "SELECT doc FROM roster ORDER BY id",
        "SELECT doc FROM contact ORDER BY id",    "SELECT doc FROM supplier ORDER BY id",
        "SELECT doc FROM price_list ORDER BY id", "SELECT doc FROM operator ORDER BY id",
        "SELECT doc FROM design ORDER BY id",     "SELECT doc FROM library ORDER BY id",
        "SELECT doc FROM bulletin ORDER BY id",
        "SELECT as_now FROM tool ORDER BY id", "SELECT doc FROM course_taken WHERE revoked_ms IS NULL ORDER BY id",
    };

    _Static_assert(sizeof(asks) / sizeof(asks[0]) == FLEET_SECTIONS, "every section can be exported");
    sql_find(sql, rows, asks[section], "");
}

static void put_line(struct json_out *out, const char *words)
{
    out->comma = false;
    json_put_raw(out, words, strlen(words));
    out->comma = false;
}

/* A line a row: JSON, which YAML is a superset of. */
static enum err put_rows(struct sql *sql, struct arena *arena, int section, enum fleet_form form, struct json_out *out)
{
    struct sql_rows rows;
    enum err err = ERR_OK;

    ask(sql, &rows, section);
    while (!err && sql_next(&rows)) {
        const char *doc = sql_text(&rows, 0);
        const struct cJSON *row;

        err = json_parse(arena, doc, strlen(doc), &row, NULL);
        if (form == FLEET_YAML) {
            put_line(out, "  - ");
        }
        if (!err) {
            put_plain(out, row);
        }
        if (form == FLEET_YAML) {
            put_line(out, "\n");
        }
        if (form != FLEET_CSV) {
            arena_reset(arena);
        }
    }
    return sql_end(&rows) ? ERR_IO : err ? err : out->err;
}

static enum err put_csv(struct sql *sql, struct arena *arena, int section, struct json_out *out)
{
    struct json_out list = json_out(out->ceiling);
    const struct cJSON *items;
    enum err err;

    json_open_list(&list);
    err = put_rows(sql, arena, section, FLEET_CSV, &list);
    json_close_list(&list);
    if (!err) {
        err = list.err ? list.err : json_parse(arena, list.bytes, list.size, &items, NULL);
    }
    if (!err) {
        err = csv_put(arena, items, false, out);
    }
    json_out_free(&list);
    return err;
}

static bool has_rows(struct sql *sql, int section)
{
    struct sql_rows rows;
    bool found;

    ask(sql, &rows, section);
    found = sql_next(&rows);
    return !sql_end(&rows) && found;
}

enum err fleet_put(struct sql *sql, struct arena *arena, int section, enum fleet_form form, struct json_out *out)
{
    enum err err = ERR_OK;

    if (form == FLEET_CSV) {
        return section < 0 ? ERR_RANGE : put_csv(sql, arena, section, out);
    }
    if (form == FLEET_JSON) {
        json_open_object(out);
    }
    for (int i = section < 0 ? 0 : section; !err && i < FLEET_SECTIONS && (section < 0 || i == section); i++) {
        if (form == FLEET_JSON) {
            json_key(out, fleet_sections[i]);
            json_open_list(out);
            err = put_rows(sql, arena, i, form, out);
            json_close_list(out);
        } else if (has_rows(sql, i)) {
            put_line(out, fleet_sections[i]);
            put_line(out, ":\n");
            err = put_rows(sql, arena, i, form, out);
        }
    }
    if (form == FLEET_JSON) {
        json_close_object(out);
    }
    return err ? err : out->err;
}
