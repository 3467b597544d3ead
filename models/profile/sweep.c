/* Points to the fewest reads. */
#include "models/profile/sweep.h"

unsigned sweep_end_of(const struct register_spec *spec)
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
    return sweep_end_of(x) != sweep_end_of(y) ? sweep_end_of(x) > sweep_end_of(y) : a < b; /* what holds the other first */
}

/* Insertion sort: the points of a profile mostly stand in order already. */
void sweep_sort(const struct profile *profile, size_t *order, size_t count)
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

bool sweep_meets_hole(const struct sweep_limits *limits, enum register_table table, unsigned address,
                      unsigned end)
{
    for (size_t i = 0; i < limits->hole_count; i++) {
        const struct sweep_hole *hole = &limits->holes[i];

        if (hole->table == table && hole->address < end &&
            (hole->count > 0 ? hole->address + (unsigned)hole->count > address
                             : hole->address > address)) {
            return true;
        }
    }
    return false;
}

static void widen(struct sweep_read *read, const struct register_spec *spec)
{
    unsigned end = read->address + (unsigned)read->count;

    if (sweep_end_of(spec) > end) {
        read->count = (uint16_t)(sweep_end_of(spec) - read->address);
    }
    read->points++;
}

static struct sweep_read begin(const struct profile *profile, const size_t *order, size_t first)
{
    const struct register_spec *spec = &profile->points[order[first]].reg;

    return (struct sweep_read){
        .table = spec->table,
        .address = spec->address,
        .count = (uint16_t)(sweep_end_of(spec) - spec->address),
        .first = (uint16_t)first,
        .points = 1,
    };
}

static bool takes(const struct sweep_read *read, const struct sweep_limits *limits,
                  const struct register_spec *spec)
{
    unsigned many = register_is_bit(spec) ? 16 : 1, most = many * limits->max_registers;
    unsigned end = read->address + (unsigned)read->count, joined = sweep_end_of(spec);

    if (spec->table != read->table) {
        return false;
    }
    if (joined <= end) { /* also inside a point that is wider than a read may be */
        return true;
    }
    return spec->address <= end + many * limits->gap &&
           joined - read->address <= (most > 2000 ? 2000 : most) &&
           !sweep_meets_hole(limits, read->table, read->address, joined);
}

struct sweep_read sweep_one(const struct profile *profile, const struct sweep_limits *limits,
                            const size_t *order, size_t first, size_t end)
{
    struct sweep_read read = begin(profile, order, first);

    for (size_t i = first + 1; i < end && takes(&read, limits, &profile->points[order[i]].reg); i++) {
        widen(&read, &profile->points[order[i]].reg);
    }
    return read;
}

struct sweep_read sweep_span(const struct profile *profile, const size_t *order, size_t first,
                             size_t end)
{
    struct sweep_read read = begin(profile, order, first);

    for (size_t i = first + 1; i < end; i++) {
        widen(&read, &profile->points[order[i]].reg);
    }
    return read;
}

void sweep_plan(const struct profile *profile, const struct sweep_limits *limits, size_t *order,
                size_t count, struct sweep_read *reads, size_t *ret_reads)
{
    size_t made = 0;

    sweep_sort(profile, order, count);
    for (size_t at = 0; at < count; at += reads[made++].points) {
        reads[made] = sweep_one(profile, limits, order, at, count);
    }
    *ret_reads = made;
}
