/*
 * The life of agreements, customers who leave, and the care of data: what is kept how long, what is taken away, who looked
 * at it. Pages: docs/agreements.md, docs/data-care.md. Belongs to the committing thread except where it says otherwise.
 */
#pragma once

#include "models/service/agreement.h"
#include "server/case/office.h"

enum care_class { /* of data, each kept for its own time */
    CARE_READINGS, CARE_PHOTOS, CARE_NOTICES, CARE_LOGS, CARE_ACCESS, CARE_EXPORTS, CARE_CONTACTS,
    CARE_CLASSES,
};
extern const char *const care_class_names[]; /* readings photos … NULL-ended: the keys of server.yaml's keep */

struct care_options {
    struct office_options office;
    const int64_t *keep_ms;  /* CARE_CLASSES of them */
    const char *folder;      /* exports are written there */
    int64_t export_bytes;    /* … of at most so many bytes */
};
struct care;
enum err care_open(const struct care_options *options, struct care **ret_care) MUST_CHECK;
void care_close(struct care *care);
/* A small piece of whatever is to do: agreements that end, exports, removals, purges. *ret_more: there is more now;
 * *ret_plan: visits are to be planned anew. */
enum err care_turn(struct care *care, struct sql *sql, int64_t now_ms, bool *ret_more, bool *ret_plan) MUST_CHECK;

/* ---- agreements: sign renew cancel withdraw cover note. ERR_NOT_FOUND ERR_STATE ERR_FORMAT with why. */
enum err agreement_act(struct care *care, struct sql *sql, int64_t contract, const struct action *action, int64_t now_ms,
                       struct text *why) MUST_CHECK;
/* On any connection. ERR_NOT_FOUND. */
enum err agreement_view(struct sql *sql, struct rules *rules, const char *time_zone, int64_t contract, int64_t now_ms,
                        struct json_out *out) MUST_CHECK;

/* ---- a customer leaves: {agreement, reason} begins; settle export revoke confirm hand_over skip finish abort. */
enum err leaving_begin(struct care *care, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                       struct text *why) MUST_CHECK;
enum err leaving_act(struct care *care, struct sql *sql, int64_t leaving, const struct action *action, int64_t now_ms,
                     struct text *why) MUST_CHECK;
enum err leaving_view(struct sql *sql, const struct zone *zone, int64_t leaving, struct json_out *out) MUST_CHECK;

/* ---- everything of a customer in one file (tar): {customer}. */
enum err export_begin(struct care *care, struct sql *sql, const struct action *action, int64_t customer, int64_t leaving,
                      int64_t now_ms, int64_t *ret_id, struct text *why) MUST_CHECK;
enum err export_view(struct sql *sql, const struct zone *zone, int64_t export, struct json_out *out) MUST_CHECK;
/* Where the file of that number lies. */
void export_path(const struct care *care, const char *number, struct text *to);

/* ---- a person's data is taken away: {kind: customer technician, id, reason}. */
enum err removal_begin(struct care *care, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                       struct text *why) MUST_CHECK;
enum err removal_view(struct sql *sql, const struct zone *zone, int64_t removal, struct json_out *out) MUST_CHECK;

/* Classes of data with how long they are kept and what was purged. */
enum err care_classes(const struct care *care, struct sql *sql, const struct zone *zone, struct json_out *out) MUST_CHECK;
