/*
 * The fewest Modbus reads that cover a set of points: no read longer than the device's largest
 * block, no unused stretch longer than its gap, a point never split over two reads.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/profile/profile.h"

struct sweep_read {
    enum register_table table;
    uint16_t address;
    uint16_t count; /* registers or bits */
    uint16_t first; /* first of its points in sweep_plan's order */
    uint16_t points; /* how many of them */
};

/*
 * order: indexes of the wanted points, which sweep_plan sorts by table and address. reads has room
 * for as many as there are points. max_registers 1 … 125 (bits: 16 × that, at most 2000).
 * A point wider than max_registers gets a read of its own, with what lies wholly inside it. Least by greedy, which is exact for
 * intervals with a length and a gap limit.
 */
void sweep_plan(const struct profile *profile, uint16_t max_registers, uint16_t gap, size_t *order,
                size_t count, struct sweep_read *reads, size_t *ret_reads);
