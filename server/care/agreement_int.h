/* What the files of agreements share. */
#pragma once

#include "models/base/zone.h"
#include "server/care/care_int.h"

struct agreement_row { /* texts live in the arena */
    int64_t id, site, customer, ended_ms;
    const char *name, *doc, *plan_id, *level;
    const struct plan *plan;
    const struct zone *zone;
    struct agreement agreement;
    int32_t today;
    enum agreement_state state;
};

/* A day of a row; NULL: AGREEMENT_NO_DAY. */
int32_t agreement_day(const struct sql_rows *rows, int column);
/* ERR_NOT_FOUND: also when its plan is no longer there. */
enum err agreement_read(struct arena *arena, struct sql *sql, struct rules *rules, const char *time_zone, int64_t id,
                        int64_t now_ms, struct agreement_row *row) MUST_CHECK;
/* A line of its time line, once an id. */
enum err agreement_line(struct sql *sql, int64_t contract, int64_t at_ms, const char *who, const char *what, const char *id,
                        const char *note) MUST_CHECK;
/* The fleet file's row as it is now. */
enum err agreement_put_doc(struct care *care, struct sql *sql, int64_t id) MUST_CHECK;
/* Another term, with the text of its plan. */
enum err agreement_put_term(struct sql *sql, const struct agreement_row *row, const struct plan *plan, const char *plan_id, const char *level,
                            int32_t from, int32_t to, const char *who, int64_t now_ms) MUST_CHECK;
/* The term that runs is on record before anything changes it. */
enum err agreement_first_term(struct sql *sql, const struct agreement_row *row, int64_t now_ms) MUST_CHECK;
