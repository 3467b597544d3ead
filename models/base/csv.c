#include "models/base/csv.h"

#include <string.h>

#include "models/base/text.h"

/* ------------------------------------------------------------------ cells */

struct csv { /* where in the bytes */
    struct arena *arena;
    struct complaints *complaints;
    const char *at, *end;
    int line, column;
};

struct cell {
    const char *text;
    int line, column;
    bool last; /* of its row */
};

static void step(struct csv *csv)
{
    csv->column++;
    if (*csv->at++ == '\n') {
        csv->line++;
        csv->column = 1;
    }
}

static bool at_end(const struct csv *csv)
{
    return csv->at == csv->end || *csv->at == ',' || *csv->at == '\n' ||
           (*csv->at == '\r' && (csv->at + 1 == csv->end || csv->at[1] == '\n'));
}

/* In quotes, which are doubled within; the bytes behind the first one up to the one that closes. */
static const char *read_quoted(struct csv *csv, const struct cell *cell)
{
    const char *from = csv->at + 1, *close = from;
    size_t size = 0;
    char *text;

    while (close < csv->end && (*close != '"' || (close + 1 < csv->end && close[1] == '"'))) {
        close += *close == '"' ? 2 : 1;
    }
    text = arena_take(csv->arena, (size_t)(close - from) + 1);
    for (const char *at = from; text && at < close; at += *at == '"' ? 2 : 1) {
        text[size++] = *at;
    }
    if (close == csv->end) {
        complain_at(csv->complaints, cell->line, cell->column, "expected a quote that closes, found the end of the file");
    }
    while (csv->at < close || (csv->at == close && close < csv->end)) {
        step(csv);
    }
    return text;
}

static const char *read_plain(struct csv *csv)
{
    const char *from = csv->at;

    while (!at_end(csv)) {
        step(csv);
    }
    return arena_text(csv->arena, from, (size_t)(csv->at - from));
}

static struct cell read_cell(struct csv *csv)
{
    struct cell cell = {.line = csv->line, .column = csv->column};
    const char *text = csv->at < csv->end && *csv->at == '"' ? read_quoted(csv, &cell) : read_plain(csv);

    cell.text = text ? text : "";
    if (!at_end(csv)) {
        complain_at(csv->complaints, csv->line, csv->column, "expected a comma or the end of the line behind a quote, found '%c'",
                    *csv->at);
        (void)read_plain(csv);
    }
    if (csv->at < csv->end && *csv->at == '\r') {
        step(csv);
    }
    cell.last = csv->at == csv->end || *csv->at == '\n';
    if (csv->at < csv->end) {
        step(csv);
    }
    return cell;
}

/* ------------------------------------------------------------------ in */

static struct yaml_node *new_node(struct csv *csv, enum yaml_kind kind, const struct cell *cell)
{
    struct yaml_node *node = arena_take(csv->arena, sizeof(*node));

    if (node) {
        *node = (struct yaml_node){.kind = kind, .text = kind == YAML_SCALAR ? cell->text : "", .line = cell->line,
                                   .column = cell->column, .key_line = 1, .key_column = 1, .arena = csv->arena,
                                   .path = csv->complaints->path};
    }
    return node;
}

static void hang(struct yaml_node *parent, struct yaml_node *child)
{
    struct yaml_node **at = &parent->first;

    while (*at) {
        at = &(*at)->next;
    }
    *at = child;
    parent->count++;
}

/* The child of that name, or of that number in a list; made when it is not there. NULL: no memory, or another kind. */
static struct yaml_node *child_of(struct csv *csv, struct yaml_node *parent, const char *key, enum yaml_kind kind,
                                  const struct cell *cell)
{
    struct yaml_node *child = parent->first;

    while (child && child->key && strcmp(child->key, key) != 0) {
        child = child->next;
    }
    if (!child) {
        child = new_node(csv, kind, cell);
        if (child) {
            child->key = key;
            hang(parent, child);
        }
    }
    return child && child->kind == kind ? child : NULL;
}

static bool is_number(const char *words)
{
    return words[0] && words[strspn(words, "0123456789")] == '\0';
}

static void put_words(struct csv *csv, struct yaml_node *list, const struct cell *cell)
{
    for (const char *at = cell->text; *at;) {
        size_t size = strcspn(at, ";");
        struct yaml_node *word = size ? new_node(csv, YAML_SCALAR, cell) : NULL;
        const char *text = word ? arena_text(csv->arena, at, size) : NULL;

        if (text) {
            word->text = text;
            hang(list, word);
        }
        at += size + (at[size] == ';');
    }
}

/* One cell into its row, along the path of its column. */
static void put_cell(struct csv *csv, struct yaml_node *row, const char *path, const struct cell *cell)
{
    struct yaml_node *at = row;

    while (at) {
        size_t size = strcspn(path, ".");
        const char *next = path[size] ? path + size + 1 : NULL;
        bool words = !next && size > 2 && memcmp(path + size - 2, "[]", 2) == 0;
        const char *key = arena_text(csv->arena, path, words ? size - 2 : size);
        size_t next_size = next ? strcspn(next, ".") : 0;
        const char *next_key = next ? arena_text(csv->arena, next, next_size) : NULL;
        enum yaml_kind kind = words || (next_key && is_number(next_key)) ? YAML_LIST : next ? YAML_MAP : YAML_SCALAR;
        struct yaml_node *child = key ? child_of(csv, at, key, kind, cell) : NULL;

        if (!child) {
            complain_at(csv->complaints, cell->line, cell->column, "expected one column for each field, found '%.80s' in two forms",
                        key ? key : "");
        } else if (words) {
            put_words(csv, child, cell);
        } else if (!next) {
            child->text = cell->text;
        }
        at = next ? child : NULL;
        path = next;
    }
}

/* A path of the alphabet of keys; sites[] at its end. */
static bool is_path(const char *path)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

    for (;;) {
        size_t size = strspn(path, letters);

        path += size;
        if (size == 0 || size > 64) {
            return false;
        }
        if (strcmp(path, "") == 0 || strcmp(path, "[]") == 0) {
            return true;
        }
        if (*path++ != '.') {
            return false;
        }
    }
}

static size_t read_header(struct csv *csv, const char **names)
{
    size_t count = 0;
    struct cell cell = {.last = csv->at == csv->end};

    if (cell.last) {
        complain_at(csv->complaints, 1, 1, "expected a header line, found nothing");
    }
    while (!cell.last) {
        cell = read_cell(csv);
        if (count == CSV_COLUMNS_MOST) {
            complain_at(csv->complaints, cell.line, cell.column, "expected at most %d columns, found more", CSV_COLUMNS_MOST);
            return count;
        }
        if (!is_path(cell.text)) {
            complain_at(csv->complaints, cell.line, cell.column, "expected a column such as id or title.en, found '%.80s'",
                        cell.text);
        }
        for (size_t i = 0; i < count; i++) {
            if (strcmp(names[i], cell.text) == 0) {
                complain_at(csv->complaints, cell.line, cell.column, "expected a column once, found '%.80s' again", cell.text);
            }
        }
        names[count++] = cell.text;
    }
    return count;
}

/* NULL: a line without anything. */
static struct yaml_node *read_row(struct csv *csv, const char *const *names, size_t count)
{
    struct cell cell = {.line = csv->line, .column = csv->column};
    struct yaml_node *row = new_node(csv, YAML_MAP, &cell);
    bool blank = true;

    for (size_t i = 0; !cell.last; i++) {
        cell = read_cell(csv);
        if (i >= count) {
            if (cell.text[0] || !cell.last) {
                complain_at(csv->complaints, cell.line, cell.column, "expected %zu cells, found more", count);
            }
        } else if (row && cell.text[0]) {
            put_cell(csv, row, names[i], &cell);
            blank = false;
        }
    }
    return blank ? NULL : row;
}

enum err csv_parse(struct arena *arena, const char *bytes, size_t size, struct complaints *complaints,
                   struct yaml_node **ret_list)
{
    struct csv csv = {.arena = arena, .complaints = complaints, .at = bytes, .end = bytes + size, .line = 1, .column = 1};
    const char **names = arena_array(arena, CSV_COLUMNS_MOST, sizeof(*names));
    struct cell first = {.text = "", .line = 1, .column = 1};
    struct yaml_node *list = new_node(&csv, YAML_LIST, &first);
    size_t before = complaints->count, count;

    if (!names || !list) {
        return ERR_NOMEM;
    }
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        csv.at += 3;
    }
    count = read_header(&csv, names);
    for (struct yaml_node **tail = &list->first; csv.at < csv.end && complaints->count == before;) {
        struct yaml_node *row = read_row(&csv, names, count);

        if (row) {
            *tail = row;
            tail = &row->next;
            list->count++;
        }
    }
    if (arena_failed(arena)) {
        return ERR_NOMEM;
    }
    *ret_list = list;
    return complaints->count > before ? ERR_FORMAT : ERR_OK;
}

/* ------------------------------------------------------------------ out */

struct columns {
    struct arena *arena;
    const char *names[CSV_COLUMNS_MOST];
    size_t count;
    bool many; /* there were more */
};

static bool is_words(const struct cJSON *list)
{
    for (const struct cJSON *item = json_first(list); item; item = json_next(item)) {
        const char *text = json_as_text(item);

        if (!text || text[0] == '\0' || strchr(text, ';')) {
            return false;
        }
    }
    return json_is_list(list) && json_first(list);
}

/* Calls see with the path of every value below value. */
static void walk(struct columns *columns, const struct cJSON *value, const char *path,
                 void (*see)(struct columns *columns, const char *path, const struct cJSON *value))
{
    bool list = json_is_list(value);
    size_t index = 0;

    if ((!list && !json_is_object(value)) || is_words(value)) {
        see(columns, path, value);
        return;
    }
    for (const struct cJSON *item = json_first(value); item; item = json_next(item), index++) {
        TEXT(name, 300);

        text_addf(&name, "%s%s", path, path[0] ? "." : "");
        if (list) {
            text_addf(&name, "%zu", index);
        } else {
            text_add(&name, json_name(item));
        }
        text_add(&name, is_words(item) ? "[]" : "");
        if (!name.cut) {
            walk(columns, item, name.at, see);
        }
    }
}

static void see_column(struct columns *columns, const char *path, const struct cJSON *value)
{
    const char *name;

    (void)value;
    for (size_t i = 0; i < columns->count; i++) {
        if (strcmp(columns->names[i], path) == 0) {
            return;
        }
    }
    name = columns->count < CSV_COLUMNS_MOST ? arena_text(columns->arena, path, strlen(path)) : NULL;
    columns->many = columns->many || !name;
    if (name) {
        columns->names[columns->count++] = name;
    }
}

struct line { /* the values of a row, by column */
    struct columns columns; /* first, so that walk's functions find the rest */
    const struct columns *all;
    const struct cJSON *values[CSV_COLUMNS_MOST];
};

static void see_value(struct columns *columns, const char *path, const struct cJSON *value)
{
    struct line *line = (struct line *)columns;

    for (size_t i = 0; i < line->all->count; i++) {
        if (strcmp(line->all->names[i], path) == 0) {
            line->values[i] = value;
            return;
        }
    }
}

static void put_raw(struct json_out *out, const char *words, size_t size)
{
    json_put_raw(out, words, size);
    out->comma = false;
}

void csv_put_text(struct json_out *out, const char *words, bool guarded)
{
    bool quotes = words[strcspn(words, ",\"\r\n")] != '\0' || words[0] == ' ';
    bool guard = guarded && words[0] && strchr("=+-@\t\r", words[0]);

    if (!quotes && !guard) {
        put_raw(out, words, strlen(words));
        return;
    }
    put_raw(out, "\"'", guard ? 2 : 1);
    for (; *words; words++) {
        put_raw(out, "\"", *words == '"');
        put_raw(out, words, 1);
    }
    put_raw(out, "\"", 1);
}

static void put_value(struct json_out *out, const struct cJSON *value, bool guarded)
{
    const char *text = json_as_text(value);
    struct json_out words = json_out(65536);

    if (!value || json_is_null(value)) {
        return;
    }
    if (text) {
        csv_put_text(out, text, guarded);
        return;
    }
    for (const struct cJSON *item = json_is_list(value) ? json_first(value) : NULL; item; item = json_next(item)) {
        put_raw(&words, json_as_text(item), strlen(json_as_text(item)));
        put_raw(&words, ";", json_next(item) ? 1 : 0);
    }
    if (json_is_list(value)) {
        csv_put_text(out, words.bytes ? words.bytes : "", guarded);
    } else if (!json_is_object(value)) {
        json_put_value(out, value);
        out->comma = false;
    }
    out->err = out->err ? out->err : words.err;
    json_out_free(&words);
}

enum err csv_put(struct arena *arena, const struct cJSON *items, bool guarded, struct json_out *out)
{
    struct columns *columns = arena_take(arena, sizeof(*columns));
    struct line *line = arena_take(arena, sizeof(*line));

    if (!columns || !line) {
        return ERR_NOMEM;
    }
    columns->arena = arena;
    for (const struct cJSON *item = json_first(items); item; item = json_next(item)) {
        walk(columns, item, "", see_column);
    }
    for (size_t i = 0; i < columns->count; i++) {
        csv_put_text(out, columns->names[i], false);
        put_raw(out, i + 1 < columns->count ? "," : "\r\n", i + 1 < columns->count ? 1 : 2);
    }
    line->all = columns;
    for (const struct cJSON *item = json_first(items); item; item = json_next(item)) {
        memset(line->values, 0, sizeof(line->values));
        walk(&line->columns, item, "", see_value);
        for (size_t i = 0; i < columns->count; i++) {
            put_value(out, line->values[i], guarded);
            put_raw(out, i + 1 < columns->count ? "," : "\r\n", i + 1 < columns->count ? 1 : 2);
        }
    }
    return columns->many ? ERR_RANGE : arena_failed(arena) ? ERR_NOMEM : out->err;
}
