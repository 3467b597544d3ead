/* Points to the fewest reads. */
#include "models/profile/sweep.h"

#include <stdbool.h>

static unsigned end_of(const struct register_spec *spec)
{
    return spec->address + (unsigned)(register_is_bit(spec) ? 1 : register_width(spec));
}

static bool before(const struct profile *profile, size_t a, size_t b)
{
    const struct register_spec *x = &profile->points[a].reg, *y = &profile->points[b].reg;

    if (x->table != y->table) {
        return x->table < y->table;
    }
    if (x->address != y->address) {
        return x->address < y->address;
    }
    return end_of(x) != end_of(y) ? end_of(x) > end_of(y) : a < b; /* what holds the other first */
}

/* Insertion sort: the points of a profile mostly stand in order already. */
static void sort(const struct profile *profile, size_t *order, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        size_t one = order[i], at = i;

        while (at > 0 && before(profile, one, order[at - 1])) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = one;
    }
}

void sweep_plan(const struct profile *profile, uint16_t max_registers, uint16_t gap, size_t *order,
                size_t count, struct sweep_read *reads, size_t *ret_reads)
{
    size_t made = 0;

    sort(profile, order, count);
    for (size_t i = 0; i < count; i++) {
        const struct register_spec *spec = &profile->points[order[i]].reg;
        unsigned most = register_is_bit(spec) ? 16U * max_registers : max_registers;
        unsigned slack = register_is_bit(spec) ? 16U * gap : gap;
        struct sweep_read *read = made > 0 ? &reads[made - 1] : NULL;
        unsigned end = end_of(spec);

        if (read && read->table == spec->table) {
            unsigned read_end = read->address + (unsigned)read->count;
            unsigned joined = end > read_end ? end : read_end;

            if (end <= read_end || /* inside a point that is wider than a read may be */
                (spec->address <= read_end + slack &&
                 joined - read->address <= (most > 2000 ? 2000 : most))) {
                read->count = (uint16_t)(joined - read->address);
                read->points++;
                continue;
            }
        }
        reads[made++] = (struct sweep_read){
            .table = spec->table,
            .address = spec->address,
            .count = (uint16_t)(end - spec->address),
            .first = (uint16_t)i,
            .points = 1,
        };
    }
    *ret_reads = made;
}
