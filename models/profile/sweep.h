/*
 * The fewest Modbus reads that cover a set of points: no read longer than the device's largest
 * block, no unused stretch longer than its gap, none over a hole, a point never split over two reads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/profile/profile.h"

struct sweep_hole { /* registers that the device does not give; count 0: no read goes across address */
    enum register_table table;
    uint16_t address, count;
};

struct sweep_limits { /* what a device takes */
    uint16_t max_registers; /* 1 … 125 (bits: 16 × that, at most 2000) */
    uint16_t gap;
    const struct sweep_hole *holes;
    size_t hole_count;
};

struct sweep_read {
    enum register_table table;
    uint16_t address;
    uint16_t count; /* registers or bits */
    uint16_t first; /* first of its points in sweep_plan's order */
    uint16_t points; /* how many of them */
};

/* Sorts the wanted points (indexes) by table and address, as the reads take them. */
void sweep_sort(const struct profile *profile, size_t *order, size_t count);
/* One read for order[first], and for as many of those behind it, before end, as it can hold. */
struct sweep_read sweep_one(const struct profile *profile, const struct sweep_limits *limits,
                            const size_t *order, size_t first, size_t end);
/* The read that holds order[first … end), whatever the limits are. */
struct sweep_read sweep_span(const struct profile *profile, const size_t *order, size_t first,
                             size_t end);
/*
 * order: indexes of the wanted points, which sweep_plan sorts. reads has room for as many as there
 * are points. A point wider than max_registers gets a read of its own, with what lies wholly inside
 * it. Least by greedy, which is exact for intervals under limits that a part of a read keeps if the whole does.
 */
void sweep_plan(const struct profile *profile, const struct sweep_limits *limits, size_t *order,
                size_t count, struct sweep_read *reads, size_t *ret_reads);
/* A read of these would touch one of the holes. */
bool sweep_meets_hole(const struct sweep_limits *limits, enum register_table table, unsigned address,
                      unsigned end);
/* First register behind a point. */
unsigned sweep_end_of(const struct register_spec *spec);
