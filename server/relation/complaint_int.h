/* What the files of complaints share. */
#pragma once

#include "models/service/complaint.h"
#include "server/relation/complaint.h"

struct complaint { /* a row as far as rules need it; texts in office->arena */
    int64_t id, customer, site, equipment, ticket, team, technician, owner, level, version;
    const char *number, *code, *kind, *severity;
    enum complaint_state state;
    const struct plan *plan; /* NULL: the server has none */
    const char *time_zone;
    int64_t calendar;
};

enum err complaint_load(struct office *office, struct sql *sql, int64_t id, struct complaint *ret_complaint) MUST_CHECK;
/* The first level from `level` on whose people are not complained of, and who of them has least to do; owner 0: nobody. */
enum err complaint_owner(struct office *office, struct sql *sql, const struct complaint *complaint, int64_t level,
                         int64_t now_ms, int64_t *ret_level, int64_t *ret_owner) MUST_CHECK;
/* Whether that person (a technician's row) is, or belongs to, or leads what is complained of. */
enum err complaint_bars(struct office *office, struct sql *sql, const struct complaint *complaint, int64_t person,
                        bool *ret_bars) MUST_CHECK;
/* It goes to the next level: another owner, a line, a word to him. */
enum err complaint_up(struct office *office, struct sql *sql, const struct complaint *complaint, int64_t from_level,
                      const char *who, const char *action, const char *action_id, const char *note, int64_t at_ms,
                      int64_t now_ms) MUST_CHECK;
enum err complaint_line(struct sql *sql, int64_t complaint, int64_t at_ms, int64_t now_ms, const char *who,
                        const char *action, const char *action_id, const char *note) MUST_CHECK;
/* The owner, or the office when there is none, learns the number and what happened; not what it is about. */
enum err complaint_tell(struct office *office, struct sql *sql, const struct complaint *complaint, const char *step,
                        const char *sentence, int64_t now_ms) MUST_CHECK;
/* Its customer gets the words of that step of the catalogue. */
enum err complaint_say(struct office *office, struct sql *sql, const struct complaint *complaint, const char *step,
                       const char *key, const char *note, int64_t now_ms) MUST_CHECK;
extern const char *const complaint_duties[]; /* in the order of enum plan_complaint_limit */
