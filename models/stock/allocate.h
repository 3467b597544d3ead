/*
 * Where a part is taken from (S1-47): of the depots that have enough, first those from which it is there in time, the
 * cheapest first; then the others, the soonest first. What cannot be taken from stands behind, with the reason.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum allocate_reason {
    ALLOCATE_IN_TIME,
    ALLOCATE_LATE,
    ALLOCATE_TOO_FEW,  /* some, but not enough */
    ALLOCATE_NONE,
    ALLOCATE_REASONS,
};
extern const char *const allocate_reason_names[ALLOCATE_REASONS];

struct allocate_place {
    int64_t depot, rack; /* depot 0: the supplier */
    int64_t free;        /* pieces that may be taken */
    int64_t ready_ms;    /* till it leaves: picked, or delivered by the supplier */
    int64_t travel_ms;   /* to the site */
    int64_t cost;        /* of the way, hundredths or km: whatever all places are measured in */
    int64_t order;       /* tie-break: earlier end of shelf life, then row id */
    /* filled in */
    enum allocate_reason reason;
    int64_t there_ms; /* when it would be on site */
    int64_t spare_ms; /* till the time it is due; below 0: late */
};

/* due_ms INT64_MAX: no hurry. Sorts places, best first. */
void allocate_rank(struct allocate_place *places, size_t count, int64_t wanted, int64_t now_ms, int64_t due_ms);
