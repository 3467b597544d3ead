/* The operation review of a site or a contract over a span (S0-08): computed from rows, on any connection. */
#pragma once

#include "models/base/zone.h"
#include "server/fleet/rules.h"
#include "server/store/sql.h"

#define REVIEW_EQUIPMENT_MOST 500
#define REVIEW_YIELDS_MOST    100 /* pieces of equipment whose energy is added up */

struct review_asked {
    const char *kind;       /* site or contract */
    int64_t site, contract; /* row id of the one that is asked for, the other one 0 */
    int64_t from_ms, to_ms, now_ms;
    const struct zone *zone;
    struct rules *rules;
};

/* An object: subject, summary, equipment, faults, clocks, risks, proposals, formulas. */
enum err review_show(struct sql *sql, const struct review_asked *asked, struct json_out *out) MUST_CHECK;
