/* Where a piece of equipment stands and what was promised for it. */
#pragma once

#include "models/service/plan.h"
#include "models/service/warranty.h"
#include "server/case/office.h"

/* Texts live in office->arena. */
struct place {
    int64_t equipment, agent, site, calendar; /* row ids; 0: none */
    const char *name, *title;
    const char *site_title, *time_zone;
    const struct profile *profile; /* NULL: unknown */
    const struct plan *plan;       /* NULL only when the server has no plan at all */
    const char *contract;          /* its id in the fleet file; NULL: none holds */
    bool over;                     /* agreements held here and none does any more: nothing new is planned */
    char level;                    /* A B C */
    bool remote_area, critical, claimed;
    struct warranty_dates dates;
};

/* equipment 0: only the site is known (or nothing: site 0). ERR_NOT_FOUND. */
enum err place_find(struct office *office, struct sql *sql, int64_t equipment, int64_t site,
                    int64_t now_ms, struct place *ret_place) MUST_CHECK;
/* The civil day of an instant at the place. */
int32_t place_day(struct office *office, const struct place *place, int64_t ms);
