/* Where a part for a job is taken from, every place with its reason. */
#pragma once

#include "models/service/plan.h"
#include "models/stock/allocate.h"
#include "server/case/office.h"

#define ALLOCATION_MOST 200

struct allocation_ask {
    int64_t part, count, order; /* rows */
    double within_km;           /* farther depots are left out; 0: none is */
    bool supplier;              /* the supplier stands among the places */
    int64_t now_ms;
};

struct allocation {
    int64_t due_ms; /* the ticket's repair or spare-part clock, whichever is first; INT64_MAX: none runs */
    struct allocate_place places[ALLOCATION_MOST]; /* best first */
    size_t count;
};

/* Runs on any connection; what it needs of the office are its rules and its arena. */
enum err allocation_find(struct office *office, struct sql *sql, const struct allocation_ask *ask,
                         struct allocation *ret_allocation) MUST_CHECK;
