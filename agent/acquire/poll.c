/* Rounds of reads: blocks, and what the device refuses. */
#include "agent/acquire/device_int.h"
#include "host/clock.h"

#define BATCH_AGE_MOST_MS 200
#define APART_AGAIN_MS    3600000 /* the longest pause between two questions for a register that is not there … */
#define APART_POLLS_MOST  8       /* … and, in polls, for one that the device cannot give for the time being */
#define APART_KNOWN       64      /* polls before one is asked that was refused in an earlier run */

static struct sweep_limits limits_of(const struct device *device)
{
    return (struct sweep_limits){device->limits->max_registers, device->options.profile->gap,
                                 device->limits->holes, device->limits->hole_count};
}

/* A canary near the block is read along with it, if the device's limits allow that. */
static void take_along(const struct device *device, const struct sweep_limits *limits,
                       struct sweep_read *read)
{
    const struct profile *profile = device->options.profile;
    unsigned many = read->table == REGISTER_COIL || read->table == REGISTER_DISCRETE ? 16 : 1;

    for (size_t i = 0; i < profile->identity_count; i++) {
        const struct register_spec *canary = &profile->identity[i].reg;
        unsigned from = read->address, to = read->address + (unsigned)read->count;
        unsigned first = canary->address < from ? canary->address : from;
        unsigned end = sweep_end_of(canary) > to ? sweep_end_of(canary) : to;

        if (!profile->identity[i].canary || canary->table != read->table ||
            sweep_end_of(canary) + many * limits->gap < from || canary->address > to + many * limits->gap ||
            end - first > many * limits->max_registers || sweep_meets_hole(limits, read->table, first, end)) {
            continue;
        }
        read->address = (uint16_t)first;
        read->count = (uint16_t)(end - first);
    }
}

struct sweep_read device_block(const struct device *device, const struct group *group, size_t at)
{
    struct sweep_limits limits = limits_of(device);
    struct sweep_read read = sweep_one(device->options.profile, &limits, group->order, at, group->count);

    take_along(device, &limits, &read);
    return read;
}

/* ------------------------------------------------------------------ plans */

/* A hole covers the whole point: it is known that the device does not give it. */
static bool is_refused_before(const struct device *device, const struct register_spec *spec)
{
    for (size_t i = 0; i < device->limits->hole_count; i++) {
        const struct sweep_hole *hole = &device->limits->holes[i];

        if (hole->table == spec->table && hole->address <= spec->address &&
            hole->address + (unsigned)hole->count >= sweep_end_of(spec)) {
            return true;
        }
    }
    return false;
}

static void plan(struct device *device, struct group *group)
{
    const struct profile *profile = device->options.profile;

    group->count = 0;
    group->proven = false;
    for (size_t i = 0; i < profile->point_count; i++) {
        if (device_group_of(device, profile->points[i].every_ms) == group && !device->apart[i].set) {
            group->order[group->count++] = i;
        }
    }
    sweep_sort(profile, group->order, group->count);
}

void device_plan_all(struct device *device)
{
    const struct profile *profile = device->options.profile;

    for (size_t i = 0; i < profile->point_count; i++) {
        struct apart *apart = &device->apart[i];

        if (!apart->set && is_refused_before(device, &profile->points[i].reg)) {
            *apart = (struct apart){.set = true, .known = false, .pause = APART_KNOWN, .left = APART_KNOWN};
        }
    }
    for (size_t i = 0; i < device->group_count; i++) {
        plan(device, &device->groups[i]);
    }
    device->planned = device->limits->version;
    device->replan = false;
}

/* ------------------------------------------------------------------ one read */

struct master_request device_request(struct device *device, enum register_table table,
                                     uint16_t address, uint16_t count)
{
    return (struct master_request){
        .unit_id = device->options.unit_id,
        .unit = &device->unit,
        .table = table,
        .address = address,
        .count = count,
        .room = count,
        .timeout_ms = device->options.profile->timeout_ms,
        .pause_ms = device->options.profile->pause_ms,
    };
}

static void refuse_points(struct device *device, const size_t *order, size_t first, size_t count,
                          enum quality quality, int64_t t_ms)
{
    for (size_t i = first; i < first + count; i++) {
        device_report_nothing(device, order[i], quality, t_ms);
    }
}

static enum quality quality_of(int exception) /* interfaces.md 8, "Quality" */
{
    return exception >= 1 && exception <= 3 ? QUALITY_ILLEGAL : QUALITY_EXCEPTION;
}

static int longest_pause(const struct device *device, size_t index, enum quality quality)
{
    int64_t polls = APART_AGAIN_MS / device->options.profile->points[index].every_ms;

    return quality == QUALITY_EXCEPTION || polls < APART_POLLS_MOST ? APART_POLLS_MOST : (int)polls;
}

/* The point stands alone from now on; it is asked again with growing pauses. */
static void put_apart(struct device *device, size_t index, enum quality quality, int64_t t_ms)
{
    const struct register_spec *spec = &device->options.profile->points[index].reg;
    struct apart *apart = &device->apart[index];
    int most = longest_pause(device, index, quality);

    if (quality == QUALITY_ILLEGAL) {
        limits_add_hole(device->limits, &(struct sweep_hole){spec->table, spec->address,
                                                             (uint16_t)(sweep_end_of(spec) - spec->address)});
    }
    apart->pause = !apart->set ? 1 : apart->pause * 2 < most ? apart->pause * 2 : most;
    apart->left = apart->pause;
    device->replan = device->replan || !apart->set;
    apart->set = apart->known = true;
    device_report_nothing(device, index, quality, t_ms);
}

static void take_back(struct device *device, size_t index)
{
    const struct register_spec *spec = &device->options.profile->points[index].reg;

    device->apart[index] = (struct apart){.set = false};
    device->replan = true;
    limits_drop_holes(device->limits, spec->table, spec->address, sweep_end_of(spec));
}

/* A point that is read by itself: an answer, or what is said of it instead. */
static enum err read_alone(struct device *device, size_t index, int *ret_exception)
{
    const struct register_spec *spec = &device->options.profile->points[index].reg;
    struct master_request request =
        device_request(device, spec->table, spec->address, register_width(spec));
    uint16_t words[REGISTER_STRING_MOST];
    enum err err = master_read(device->options.master, &request, words, ret_exception);
    int64_t t_ms = clock_wall_ms();

    if (!err) {
        if (device->apart[index].set) {
            take_back(device, index);
        }
        device_decode_point(device, index, words, t_ms);
    } else if (err == ERR_DENIED && !master_is_gateways_word(*ret_exception)) {
        if (device->apart[index].set) {
            put_apart(device, index, quality_of(*ret_exception), t_ms);
        } else {
            device_report_nothing(device, index, quality_of(*ret_exception), t_ms);
        }
    }
    return err;
}

enum err device_read_point(struct device *device, size_t index)
{
    int exception;
    enum err err = read_alone(device, index, &exception);

    if (err && err != ERR_DENIED) {
        device_report_nothing(device, index, QUALITY_TIMEOUT, clock_wall_ms());
    }
    return err;
}

/* ------------------------------------------------------------------ rounds */

void device_round_begin(struct device *device, struct round *round, struct group *group,
                        const bool *wanted)
{
    if (!wanted && (device->replan || device->planned != device->limits->version)) {
        device_plan_all(device);
    }
    *round = (struct round){.group = group, .wanted = wanted};
}

/* The next point that stands apart and is asked now. false: none is left. */
static bool next_apart(struct device *device, struct round *round, size_t *ret_index)
{
    const struct profile *profile = device->options.profile;

    for (; round->apart_at < profile->point_count; round->apart_at++) {
        size_t i = round->apart_at;
        struct apart *apart = &device->apart[i];
        const struct point *point = &profile->points[i];

        if (!apart->set || (round->wanted ? !round->wanted[i]
                                          : device_group_of(device, point->every_ms) != round->group)) {
            continue;
        }
        if (!round->wanted && apart->left > 1) {
            apart->left--;
            device_report_nothing(device, i, apart->known ? device->now[i].quality : QUALITY_ILLEGAL,
                                  clock_wall_ms());
            apart->known = true;
            continue;
        }
        *ret_index = i;
        return true;
    }
    return false;
}

static uint16_t registers_of(const struct sweep_read *read)
{
    bool bits = read->table == REGISTER_COIL || read->table == REGISTER_DISCRETE;

    return bits ? 0 : read->count;
}

/* Two points in the same registers (bits of a word, say). */
static bool is_same_place(const struct profile *profile, size_t a, size_t b)
{
    const struct register_spec *x = &profile->points[a].reg, *y = &profile->points[b].reg;

    return x->table == y->table && x->address == y->address && sweep_end_of(x) == sweep_end_of(y);
}

/* The hunt's last word: the point itself, or the registers between it and the one before. */
static void end_hunt(struct device *device, struct round *round, enum hunt_end end, int64_t t_ms)
{
    const struct profile *profile = device->options.profile;
    const size_t *order = round->group->order;
    size_t at = round->hunt.good, next = at + 1;

    if (end == HUNT_POINT) {
        put_apart(device, order[at], quality_of(round->exception), t_ms);
        for (; next < round->group->count && is_same_place(profile, order[at], order[next]); next++) {
            put_apart(device, order[next], quality_of(round->exception), t_ms);
        }
    } else {
        struct sweep_read before = sweep_span(profile, order, round->hunt.first, at);

        limits_cut(device->limits, before.table, (uint16_t)(before.address + before.count),
                   profile->points[order[at]].reg.address, registers_of(&before), round->exception);
    }
    round->at = next;
}

/*
 * The device refuses the block: the fault may be one register in it, which is hunted for (hunt.h) and remembered, so
 * that this is paid once (agent.md 0, 6).
 */
static void take_refusal(struct device *device, struct round *round, const struct sweep_read *read,
                         int exception, int64_t t_ms)
{
    device->refusals++;
    round->refused = true;
    round->exception = exception;
    if (exception < 2 || exception > 4) { /* about all of it */
        refuse_points(device, round->group->order, read->first, read->points, quality_of(exception), t_ms);
        round->at = read->first + (size_t)read->points;
    } else if (read->points == 1) {
        put_apart(device, round->group->order[read->first], quality_of(exception), t_ms);
        round->at = read->first + 1U;
    } else {
        hunt_begin(&round->hunt, read->first, read->first + (size_t)read->points);
    }
}

static struct sweep_read next_read(const struct device *device, const struct round *round)
{
    size_t first, end;

    if (!round->hunt.active) {
        return device_block(device, round->group, round->at);
    }
    hunt_next(&round->hunt, &first, &end);
    return sweep_span(device->options.profile, round->group->order, first, end);
}

static void take_answer(struct device *device, struct round *round, const struct sweep_read *read,
                        const uint16_t *words, int64_t t_ms)
{
    round->answers++;
    limits_given(device->limits, registers_of(read));
    device_decode(device, read, round->group->order, words, t_ms);
    if (!round->hunt.active) {
        round->at = read->first + (size_t)read->points;
    }
}

/*
 * A register whose value is known says something else: the block is asked for once more, as after silence; when it says
 * so again, it is asked who it is before anything is believed.
 */
static enum err disbelieve(struct device *device, struct round *round, const struct sweep_read *read,
                           int64_t t_ms)
{
    device->unit.counters.strays++;
    device->options.master->counters.strays++;
    if (!round->retried) {
        return ERR_FORMAT;
    }
    refuse_points(device, round->group->order, read->first, read->points, QUALITY_INVALID, t_ms);
    round->answers++;
    round->refused = true;
    round->hunt.active = false;
    round->at = read->first + (size_t)read->points;
    device->checked = device->identified = false;
    return ERR_OK;
}

static enum err block_step(struct device *device, struct round *round)
{
    struct sweep_read read = next_read(device, round);
    struct master_request request = device_request(device, read.table, read.address, read.count);
    bool hunting = round->hunt.active;
    uint16_t words[2000];
    int exception;
    enum err err;
    int64_t t_ms;

    request.proven = round->group->proven && !hunting;
    err = master_read(device->options.master, &request, words, &exception);
    t_ms = clock_wall_ms();
    if (err && (err != ERR_DENIED || master_is_gateways_word(exception))) {
        return err;
    }
    if (!err && device->fits && device_disproves(device, &read, words)) {
        return disbelieve(device, round, &read, t_ms);
    }
    if (!err) {
        take_answer(device, round, &read, words, t_ms);
    }
    if (hunting) {
        enum hunt_end end = hunt_took(&round->hunt, !err);

        round->exception = err ? exception : round->exception;
        if (end != HUNT_GOES_ON) {
            end_hunt(device, round, end, t_ms);
        }
    } else if (err) {
        round->answers++;
        take_refusal(device, round, &read, exception, t_ms);
    }
    return ERR_OK;
}

static enum err apart_step(struct device *device, struct round *round, size_t index)
{
    int exception = 0;
    enum err err = read_alone(device, index, &exception);

    if (err && (err != ERR_DENIED || master_is_gateways_word(exception))) {
        return err;
    }
    round->answers++;
    round->apart_at = index + 1;
    return ERR_OK;
}

/* Readings are accepted a second after the read: on a slow wire they do not wait for the poll's end. */
static void send_early(struct device *device)
{
    if (device->batch_count > 0 &&
        clock_wall_ms() - device->batch[0].reading.t_ms > BATCH_AGE_MOST_MS) {
        device_send(device);
    }
}

enum err device_round_step(struct device *device, struct round *round)
{
    enum err err = ERR_OK;
    size_t index = 0;

    if (round->at < round->group->count) {
        err = block_step(device, round);
    } else if (next_apart(device, round, &index)) {
        err = apart_step(device, round, index);
    }
    if (err) {
        return err;
    }
    send_early(device);
    if (round->at >= round->group->count && !next_apart(device, round, &index)) {
        round->group->proven = !round->refused;
        round->group = NULL;
    }
    return ERR_OK;
}
