/* What the files of this room share. */
#pragma once

#include "models/inspection/checklist.h"
#include "server/case/place.h"
#include "server/inspection/inspection.h"

struct facts { /* of one inspection */
    struct office *office;
    struct sql *sql;
    const struct place *place;
    const struct cJSON *health; /* as the agent answered; NULL: it did not */
    const struct cJSON *checks; /* lines of the profile; NULL: none */
    int64_t now_ms;
    bool phone;                 /* a person can be asked */
};

/* The number of a line and its evidence (a JSON object). ERR_NOT_FOUND: the line is not for this equipment. */
enum err facts_find(struct facts *facts, const struct check_line *line, struct check_value *ret_value,
                    struct json_out *evidence) MUST_CHECK;

struct inspected { /* a row; texts in office->arena */
    int64_t id, equipment, created_ms, done_ms, period_day, version;
    const char *number, *state, *way, *verdict, *result, *points, *checks, *health;
};
enum err inspected_read(struct arena *arena, struct sql *sql, int64_t id, struct inspected *ret_inspected) MUST_CHECK;

/* Every line answered: the inspection is done at at_ms. */
enum err inspection_finish(struct sql *sql, const struct inspected *inspected, int64_t at_ms, int64_t now_ms) MUST_CHECK;
/* The equipment was inspected: that is what the month owed. */
enum err inspection_kept(struct sql *sql, int64_t equipment, int64_t at_ms) MUST_CHECK;
/* inspection.result from its lines. */
enum err inspection_grade(struct sql *sql, int64_t inspection) MUST_CHECK;
enum err inspection_line_of_time(struct sql *sql, int64_t inspection, const struct action *action, const char *line,
                                 int64_t at_ms, int64_t now_ms) MUST_CHECK;
enum err inspection_changed(struct sql *sql, int64_t inspection, int64_t now_ms) MUST_CHECK;
/* Its report, which was approved, goes to its readers. */
enum err inspection_send(struct office *office, struct sql *sql, int64_t inspection, int64_t now_ms) MUST_CHECK;
/* {note?}: a person's word that the report may leave the house; *ret_final: that was the last one that was missing. */
enum err inspection_approve(struct sql *sql, const struct inspected *inspected, const struct action *action, int64_t at_ms,
                            bool *ret_final, struct text *why) MUST_CHECK;
/* The readers of its report have changed: when all have it, that is noted and the duty is met. */
enum err inspection_received(struct sql *sql, int64_t inspection) MUST_CHECK;
/* Proposals that the checklist makes of this equipment now, each once. */
enum err proposals_make(struct office *office, struct sql *sql, const struct place *place, int64_t inspection,
                        int64_t now_ms) MUST_CHECK;
