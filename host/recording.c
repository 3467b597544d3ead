/* Rows of a CSV as readings. */
#include "host/recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/file.h"
#include "models/base/civil.h"
#include "models/base/yaml.h"

#define LINE_MOST 16384

struct recording {
    struct arena *arena;
    FILE *csv;
    const char *time_column;
    int64_t zone_ms;
    struct yaml_node *points;
    const char *names[RECORDING_COLUMNS]; /* the point of each column; NULL: none */
    const char *titles[RECORDING_COLUMNS];
    double scales[RECORDING_COLUMNS], offsets[RECORDING_COLUMNS];
    int columns, time_index;
    int64_t rows, skipped;
    int64_t bytes; /* of the file; -1: not known */
};

/* Cells may stand in quotes; a quote within one is not looked for. */
static int split(char *line, char **fields)
{
    int count = 0;

    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; at && count < RECORDING_COLUMNS; count++) {
        char *end = at[0] == '"' ? strchr(at + 1, '"') : NULL, *comma = strchr(end ? end : at, ',');

        fields[count] = end ? at + 1 : at;
        if (end) {
            *end = '\0';
        }
        if (comma) {
            *comma = '\0';
        }
        at = comma ? comma + 1 : NULL;
    }
    return count;
}

static void read_map(struct recording *recording, struct complaints *complaints)
{
    struct yaml_node *root;
    char *bytes;
    size_t size;

    if (file_read(recording->arena, complaints->path, 1 << 20, &bytes, &size)) {
        complain_at(complaints, 1, 1, "expected a file that can be read, found none");
        return;
    }
    if (yaml_parse(recording->arena, bytes, size, complaints, &root) ||
        !yaml_map(complaints, root, "a map: time, zone_offset, points")) {
        return;
    }
    recording->time_column = yaml_text(complaints, yaml_need(complaints, root, "time"), "a column", "");
    recording->zone_ms = yaml_int(complaints, yaml_find(root, "zone_offset"), "minutes", -900, 900, 0) * 60000;
    recording->points = yaml_map(complaints, yaml_need(complaints, root, "points"), "a map {column: point}");
    yaml_no_more(complaints, root);
}

/* What the map says of a column. */
static void read_column(struct recording *recording, struct complaints *complaints, struct yaml_node *node, int column)
{
    bool whole = node->kind == YAML_MAP;
    struct yaml_node *point = whole ? yaml_need(complaints, node, "point") : node;

    recording->names[column] = yaml_text(complaints, point, "a point", "");
    if (whole) {
        recording->scales[column] = yaml_number(complaints, yaml_find(node, "scale"), "a factor", -1e12, 1e12, 1);
        recording->offsets[column] = yaml_number(complaints, yaml_find(node, "offset"), "an offset", -1e12, 1e12, 0);
        yaml_no_more(complaints, node);
    }
}

static bool is_time(const struct recording *recording, const char *title)
{
    const char *found = recording->time_column ? NULL : strstr(" " RECORDING_TIME_NAMES " ", title);

    return recording->time_column ? strcmp(title, recording->time_column) == 0
                                  : title[0] && found && found[-1] == ' ' && found[strlen(title)] == ' ';
}

/* Which column is which; a column of the map that the file lacks is a complaint. */
static void read_head(struct recording *recording, struct complaints *complaints,
                      bool (*knows)(void *context, const char *point), void *context)
{
    char line[LINE_MOST], *fields[RECORDING_COLUMNS];

    if (!fgets(line, sizeof(line), recording->csv)) {
        complain_at(complaints, 1, 1, "expected a recording with a head line, found none");
        return;
    }
    recording->columns = split(line, fields);
    recording->time_index = -1;
    for (int i = 0; i < recording->columns; i++) {
        const char *title = arena_text(recording->arena, fields[i], strlen(fields[i]));
        struct yaml_node *node = title && recording->points ? yaml_find(recording->points, title) : NULL;

        title = title ? title : "";
        recording->titles[i] = title;
        recording->scales[i] = 1;
        if (is_time(recording, title)) {
            recording->time_index = recording->time_index < 0 ? i : recording->time_index;
        } else if (node) {
            read_column(recording, complaints, node, i);
            if (knows && recording->names[i] && !knows(context, recording->names[i])) {
                complain(complaints, node, "expected a point of the profile, found '%.80s'", recording->names[i]);
            }
        } else if (!recording->points && (!knows || knows(context, title))) {
            recording->names[i] = title;
        }
    }
    for (struct yaml_node *node = recording->points ? recording->points->first : NULL; node; node = node->next) {
        if (!node->asked) {
            complain_key(complaints, node, "expected a column of the recording, found '%.80s'", node->key);
        }
    }
    if (recording->time_index < 0) {
        complain_at(complaints, 1, 1, "expected a column of times (%.80s) in the recording, found none",
                    recording->time_column ? recording->time_column : RECORDING_TIME_NAMES);
    }
}

static int64_t size_of(FILE *file)
{
    struct stat stat;

    return fstat(fileno(file), &stat) == 0 && S_ISREG(stat.st_mode) ? (int64_t)stat.st_size : -1;
}

struct recording *recording_open(const char *csv, const char *map, bool (*knows)(void *context, const char *point),
                                 void *context)
{
    struct recording *recording = calloc(1, sizeof(*recording));
    struct complaints complaints = {.path = map ? map : csv};

    if (!recording || arena_open(4 << 20, &recording->arena)) {
        free(recording);
        return NULL;
    }
    complaints.arena = recording->arena;
    if (map) {
        read_map(recording, &complaints);
    }
    recording->csv = strcmp(csv, "-") == 0 ? stdin : fopen(csv, "r");
    if (!recording->csv) {
        fprintf(stderr, "%s:1:1: error: expected a recording that can be read, found none\n", csv);
    } else if (complaints.count == 0) {
        recording->bytes = size_of(recording->csv);
        read_head(recording, &complaints, knows, context);
    }
    for (size_t i = 0; i < complaints.count && i < COMPLAINTS_MOST; i++) {
        fprintf(stderr, "%s\n", complaints.lines[i]);
    }
    if (!recording->csv || complaints.count) {
        recording_close(recording);
        return NULL;
    }
    return recording;
}

void recording_close(struct recording *recording)
{
    if (!recording) {
        return;
    }
    if (recording->csv && recording->csv != stdin) {
        fclose(recording->csv);
    }
    arena_close(recording->arena);
    free(recording);
}

/* 2016-12-28 14:24, with or without seconds, T or a blank between; a zone behind it counts. */
static bool read_time(const struct recording *recording, const char *words, int64_t *ret_ms)
{
    TEXT(instant, 64);
    double seconds;

    if (!text_to_number(words, strlen(words), &seconds) && seconds > 1e6) {
        *ret_ms = (int64_t)(seconds * 1000);
        return true;
    }
    if (!civil_read_instant(words, ret_ms)) {
        return true;
    }
    text_addf(&instant, "%.19s%sZ", words, strlen(words) == 16 ? ":00" : "");
    if (civil_read_instant(instant.at, ret_ms)) {
        return false;
    }
    *ret_ms -= recording->zone_ms;
    return true;
}

bool recording_next(struct recording *recording, struct recording_row *row)
{
    char line[LINE_MOST], *fields[RECORDING_COLUMNS];

    while (fgets(line, sizeof(line), recording->csv)) {
        int count = split(line, fields);

        row->count = 0;
        if (count <= recording->time_index || !read_time(recording, fields[recording->time_index], &row->t_ms)) {
            recording->skipped++;
            continue;
        }
        for (int i = 0; i < count && i < recording->columns; i++) {
            double value;

            if (recording->names[i] && !text_to_number(fields[i], strlen(fields[i]), &value)) {
                row->columns[row->count] = i;
                row->points[row->count] = recording->names[i];
                row->values[row->count++] = value * recording->scales[i] + recording->offsets[i];
            }
        }
        recording->rows++;
        return true;
    }
    return false;
}

int64_t recording_rows(const struct recording *recording)
{
    return recording->rows;
}

int64_t recording_skipped(const struct recording *recording)
{
    return recording->skipped;
}

int recording_columns(const struct recording *recording)
{
    return recording->columns;
}

int recording_time(const struct recording *recording)
{
    return recording->time_index;
}

const char *recording_point(const struct recording *recording, int column)
{
    return recording->names[column];
}

const char *recording_title(const struct recording *recording, int column)
{
    return recording->titles[column];
}

int64_t recording_zone_ms(const struct recording *recording)
{
    return recording->zone_ms;
}

double recording_share(const struct recording *recording)
{
    long at = recording->bytes > 0 ? ftell(recording->csv) : -1;

    return at < 0 ? -1 : (double)at / (double)recording->bytes;
}
