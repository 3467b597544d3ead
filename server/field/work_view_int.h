/* What the files share that show a work order. Each writes its own fields into the object that is open. */
#pragma once

#include "server/field/work_int.h"

struct view {
    struct sql *sql;
    int64_t order;
    const struct zone *zone; /* of the order's site */
    struct arena *arena;
    struct json_out *out;
};

void view_ms(struct json_out *out, const char *name, const struct zone *zone, int64_t ms);
void view_time(struct view *view, const char *name, const struct sql_rows *rows, int column);
void view_real(struct json_out *out, const char *name, const struct sql_rows *rows, int column);
void view_both(struct json_out *out, const char *name, const char *en, const char *zh);

enum err view_steps(struct view *view) MUST_CHECK;
enum err view_gates(struct view *view) MUST_CHECK;
enum err view_overrides(struct view *view) MUST_CHECK;
/* What is still open before each stage, in words. */
/* Papers of the equipment that is handed over: what is there, and what is missing by its plan. */
enum err view_papers(struct view *view, struct rules *rules, const struct order *order) MUST_CHECK;
enum err view_open(struct view *view, struct rules *rules, const struct order *order) MUST_CHECK;
enum err view_tests(struct view *view) MUST_CHECK;

enum err view_parts(struct view *view) MUST_CHECK;
enum err view_hours(struct view *view) MUST_CHECK;
enum err view_lines(struct view *view, const char *name, const char *form) MUST_CHECK;
enum err view_signatures(struct view *view) MUST_CHECK;
enum err view_timeline(struct view *view) MUST_CHECK;
enum err view_children(struct view *view) MUST_CHECK;
