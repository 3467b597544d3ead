/*
 * CSV (RFC 4180) as the same trees that YAML gives, so that one reader serves both; and lists of objects as CSV.
 * A column's name is a path: `name`, `title.en`, `components.0.class`; `sites[]` is a list of words with ; between.
 */
#pragma once

#include "models/base/json.h"
#include "models/base/yaml.h"

#define CSV_COLUMNS_MOST 500

/*
 * The rows under a header line, as a list of maps; an empty cell is no key. Lines and columns of the nodes are those of
 * the cells (columns count bytes from 1). Commas; cells in quotes may hold commas, quotes twice and line ends; a mark of
 * UTF-8 at the beginning and CR before LF are let go. Complaints: a row with more cells than the header, a quote that
 * never closes, a column twice or not of its form, no header. ERR_FORMAT with complaints.
 */
enum err csv_parse(struct arena *arena, const char *bytes, size_t size, struct complaints *complaints,
                   struct yaml_node **ret_list) MUST_CHECK;

/* One cell, in quotes where it needs them. guarded: as below. */
void csv_put_text(struct json_out *out, const char *words, bool guarded);

/*
 * A list of objects, a line each, under the names of all their fields in the order of their first appearance; what
 * csv_parse reads back alike. Cells that a spreadsheet would take for a formula get a ' before them when guarded
 * (OWASP); such a file is for people's eyes, not for reading in again. ERR_RANGE: more columns than CSV_COLUMNS_MOST.
 */
enum err csv_put(struct arena *arena, const struct cJSON *items, bool guarded, struct json_out *out) MUST_CHECK;
