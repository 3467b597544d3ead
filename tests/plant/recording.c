/* Rows of a CSV as readings. */
#include "recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/file.h"
#include "models/base/civil.h"
#include "models/base/yaml.h"

#define LINE_MOST 4096

struct recording {
    struct arena *arena;
    FILE *csv;
    const char *time_column;
    int64_t zone_ms;
    struct yaml_node *points;
    const char *names[RECORDING_COLUMNS]; /* the point of each column; NULL: none */
    int columns, time_index;
    int64_t rows, skipped;
};

static int split(char *line, char **fields)
{
    int count = 0;

    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; at && count < RECORDING_COLUMNS; count++) {
        char *comma = strchr(at, ',');

        fields[count] = at;
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

/* Which column is which; a column of the map that the file lacks is a complaint. */
static void read_head(struct recording *recording, struct complaints *complaints)
{
    char line[LINE_MOST], *fields[RECORDING_COLUMNS];

    if (!recording->points || !fgets(line, sizeof(line), recording->csv)) {
        complain_at(complaints, 1, 1, "expected a recording with a head line, found none");
        return;
    }
    recording->columns = split(line, fields);
    recording->time_index = -1;
    for (int i = 0; i < recording->columns; i++) {
        struct yaml_node *point = yaml_find(recording->points, arena_text(recording->arena, fields[i], strlen(fields[i])));

        recording->names[i] = point ? yaml_text(complaints, point, "a point", "") : NULL;
        recording->time_index = strcmp(fields[i], recording->time_column) == 0 ? i : recording->time_index;
    }
    for (struct yaml_node *node = recording->points->first; node; node = node->next) {
        if (!node->asked) {
            complain_key(complaints, node, "expected a column of the recording, found '%.80s'", node->key);
        }
    }
    if (recording->time_index < 0) {
        complain_at(complaints, 1, 1, "expected the column '%.80s' in the recording, found none", recording->time_column);
    }
}

struct recording *recording_open(const char *csv, const char *map)
{
    struct recording *recording = calloc(1, sizeof(*recording));
    struct complaints complaints = {.path = map};

    if (!recording || arena_open(4 << 20, &recording->arena)) {
        free(recording);
        return NULL;
    }
    complaints.arena = recording->arena;
    read_map(recording, &complaints);
    recording->csv = strcmp(csv, "-") == 0 ? stdin : fopen(csv, "r");
    if (!recording->csv) {
        fprintf(stderr, "%s:1:1: error: expected a recording that can be read, found none\n", csv);
    } else if (complaints.count == 0) {
        read_head(recording, &complaints);
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

static bool read_time(const struct recording *recording, const char *words, int64_t *ret_ms)
{
    TEXT(instant, 64);
    double seconds;

    if (!text_to_number(words, strlen(words), &seconds) && seconds > 1e6) {
        *ret_ms = (int64_t)(seconds * 1000);
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
            if (recording->names[i] && !text_to_number(fields[i], strlen(fields[i]), &row->values[row->count])) {
                row->points[row->count++] = recording->names[i];
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
