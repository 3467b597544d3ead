#include "models/paper/paper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const paper_kinds[] = {"work_order", "ticket", "track", "analysis", "equipment", "voucher", "quotation",
                                   "invoice", "claim", "settlement", "inspection", "inspection_readings", "inspection_order", "review",
                                   "complaint", "opinions", "questionnaire", "register", "entry", "customer", "service", "operation", "repairs", "papers", "site_rules", "shift", "design", "training", "certificate", "tool", "invitation", "agreement", "off_boarding", NULL};

/* ------------------------------------------------------------------ found */

/* Of a list the item that a number names, else the first one's field. */
static const struct cJSON *step(const struct cJSON *from, const char *key)
{
    char *end;
    unsigned long index = strtoul(key, &end, 10);

    if (!json_is_list(from)) {
        return json_field(from, key);
    }
    from = json_first(from);
    if (*key == '\0' || *end != '\0') {
        return from ? json_field(from, key) : NULL;
    }
    while (from && index-- > 0) {
        from = json_next(from);
    }
    return from;
}

static const struct cJSON *find(const struct cJSON *from, const char *path)
{
    if (strcmp(path, ".") == 0) {
        return from;
    }
    while (from && *path) {
        size_t size = strcspn(path, ".");
        char key[64] = "";

        if (size >= sizeof(key)) {
            return NULL;
        }
        memcpy(key, path, size);
        from = step(from, key);
        path += size + (path[size] == '.');
    }
    return from;
}

/* ------------------------------------------------------------------ put */

static void put_title(struct json_out *out, const struct paper_title *title)
{
    json_text(out, "en", title->en);
    json_text(out, "zh", title->zh);
}

static void put_titles(struct json_out *out, const char *name, const struct paper_title *list, size_t count)
{
    json_key(out, name);
    json_open_list(out);
    for (size_t i = 0; i < count; i++) {
        json_open_object(out);
        put_title(out, &list[i]);
        json_close_object(out);
    }
    json_close_list(out);
}

static const struct paper_title *word_for(const struct paper_words *words, const struct cJSON *value)
{
    const char *text = json_as_text(value);
    bool yes;

    if (!text && json_as_bool(value, &yes)) {
        text = yes ? "true" : "false";
    }
    for (size_t i = 0; text && words && i < words->count; i++) {
        if (strcmp(words->list[i].value, text) == 0) {
            return &words->list[i].title;
        }
    }
    return NULL;
}

static void put_money(struct json_out *out, int64_t hundredths)
{
    uint64_t size = hundredths < 0 ? 0 - (uint64_t)hundredths : (uint64_t)hundredths;
    char words[32];

    snprintf(words, sizeof(words), "%s%llu.%02llu", hundredths < 0 ? "-" : "", (unsigned long long)(size / 100),
             (unsigned long long)(size % 100));
    json_put_text(out, words);
}

static void put_value(struct json_out *out, const struct cJSON *from, const struct paper_field *field)
{
    const struct cJSON *value = find(from, field->at);
    const struct paper_title *word = word_for(field->words, value);
    int64_t whole;

    if (field->at_zh) {
        json_open_object(out);
        json_text(out, "en", json_as_text(value));
        json_text(out, "zh", json_as_text(find(from, field->at_zh)));
        json_close_object(out);
    } else if (!value) {
        json_put_null(out);
    } else if (word) {
        json_open_object(out);
        json_key(out, "code");
        json_put_value(out, value);
        put_title(out, word);
        json_close_object(out);
    } else if (field->money && json_as_int(value, &whole)) {
        put_money(out, whole);
    } else {
        json_put_value(out, value);
    }
}

static void put_table(struct json_out *out, const struct cJSON *object, const struct paper_table *table)
{
    json_open_object(out);
    put_title(out, &table->title);
    json_key(out, "columns");
    json_open_list(out);
    for (size_t i = 0; i < table->column_count; i++) {
        json_open_object(out);
        put_title(out, &table->columns[i].title);
        json_close_object(out);
    }
    json_close_list(out);
    json_key(out, "rows");
    json_open_list(out);
    for (const struct cJSON *row = json_first(find(object, table->at)); row; row = json_next(row)) {
        json_open_list(out);
        for (size_t i = 0; i < table->column_count; i++) {
            put_value(out, row, &table->columns[i]);
        }
        json_close_list(out);
    }
    json_close_list(out);
    json_close_object(out);
}

void paper_fill(const struct paper *paper, const struct cJSON *object, struct json_out *out)
{
    json_open_object(out);
    json_text(out, "document", paper->id);
    json_text(out, "form", paper->form);
    json_key(out, "template");
    json_open_object(out);
    json_int(out, "version", paper->version);
    json_text(out, "hash", paper->hash);
    json_close_object(out);
    put_title(out, &paper->title);
    json_key(out, "fields");
    json_open_list(out);
    for (size_t i = 0; i < paper->field_count; i++) {
        json_open_object(out);
        put_title(out, &paper->fields[i].title);
        json_key(out, "value");
        put_value(out, object, &paper->fields[i]);
        json_close_object(out);
    }
    json_close_list(out);
    json_key(out, "tables");
    json_open_list(out);
    for (size_t i = 0; i < paper->table_count; i++) {
        put_table(out, object, &paper->tables[i]);
    }
    json_close_list(out);
    put_titles(out, "notes", paper->notes, paper->note_count);
    put_titles(out, "signs", paper->signs, paper->sign_count);
    json_close_object(out);
}
