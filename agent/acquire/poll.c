/* Registers to readings: blocks, what the device refuses, and who it is. */
#include "agent/acquire/device_int.h"
#include "host/clock.h"
#include "host/log.h"

#define APART_MOST        8   /* polls between two questions for a point that was refused */
#define BATCH_AGE_MOST_MS 200

void device_plan(struct device *device, struct group *group)
{
    const struct profile *profile = device->options.profile;
    size_t count = 0;

    for (size_t i = 0; i < profile->point_count; i++) {
        if (device_group_of(device, profile->points[i].every_ms) == group && !device->apart[i].set) {
            group->order[count++] = i;
        }
    }
    group->count = count;
    sweep_plan(profile, device->max_registers, device->gap, group->order, count, group->reads,
               &group->read_count);
}

struct master_request device_request(const struct device *device, enum register_table table,
                                         uint16_t address, uint16_t count)
{
    return (struct master_request){
        .unit_id = device->options.unit_id,
        .table = table,
        .address = address,
        .count = count,
        .timeout_ms = device->options.profile->timeout_ms,
        .pause_ms = device->options.profile->pause_ms,
        .retry = device->silent_polls == 0,
    };
}

/* A marker of a signed register may be written as -1 or as 65535: both are meant. */
static bool is_invalid(const struct point *point, const struct register_value *value)
{
    unsigned width = register_width(&point->reg);
    int64_t turn = value->raw < 0 && width < 4 ? (int64_t)1 << (16 * width) : 0;

    for (size_t i = 0; i < point->invalid_count; i++) {
        if (point->invalid[i] == value->raw || point->invalid[i] == value->raw + turn) {
            return true;
        }
    }
    return false;
}

static void decode_point(struct device *device, size_t index, const uint16_t *words, int64_t t_ms)
{
    const struct point *point = &device->options.profile->points[index];
    struct reading reading = {.t_ms = t_ms, .quality = QUALITY_GOOD};
    struct register_value value;
    enum err err = register_decode(&point->reg, words, &value);

    if (err || !device->fits || is_invalid(point, &value)) {
        device_report_nothing(device, index, QUALITY_INVALID, t_ms);
        return;
    }
    reading.has_value = true;
    if (value.is_text) {
        reading.text = value.text;
    } else {
        reading.value = value.number;
        if (point->has_range && (value.number < point->least || value.number > point->most)) {
            reading.quality = QUALITY_RANGE;
        }
    }
    device_report(device, index, &reading);
}

static void decode_read(struct device *device, const struct group *group,
                        const struct sweep_read *read, const uint16_t *words, int64_t t_ms)
{
    for (size_t i = 0; i < read->points; i++) {
        size_t index = group->order[read->first + i];
        const struct point *point = &device->options.profile->points[index];

        decode_point(device, index, words + (point->reg.address - read->address), t_ms);
    }
}

static void refuse_points(struct device *device, const struct group *group, size_t first,
                          size_t count, enum quality quality, int64_t t_ms)
{
    for (size_t i = first; i < first + count; i++) {
        device_report_nothing(device, group->order[i], quality, t_ms);
    }
}

struct learning { /* what a poll shows of the device's limits */
    bool refused; /* a block was refused that may be too long or have a hole in it */
    bool apart;   /* a point of its own is to blame */
};

static enum err poll_read(struct device *device, struct group *group,
                          const struct sweep_read *read, struct learning *learning);

static enum quality quality_of(int exception) /* interfaces.md 8, "Quality" */
{
    return exception >= 1 && exception <= 3 ? QUALITY_ILLEGAL : QUALITY_EXCEPTION;
}

/* The point stands alone from now on; it is asked again with growing pauses. */
static void put_apart(struct device *device, size_t index, enum quality quality, int64_t t_ms)
{
    struct apart *apart = &device->apart[index];

    apart->pause = !apart->set ? 1 : apart->pause < APART_MOST ? apart->pause * 2 : APART_MOST;
    apart->left = apart->pause;
    apart->set = true;
    device_report_nothing(device, index, quality, t_ms);
}

/*
 * The device refuses the block: the fault may be one register in it. Half of the points each, until
 * the bad ones stand alone; they are remembered, so that this is paid once (agent.md 0, 6).
 */
static enum err split(struct device *device, struct group *group, const struct sweep_read *read,
                      int exception, int64_t t_ms, struct learning *learning)
{
    const struct profile *profile = device->options.profile;
    size_t half = read->points / 2;
    enum err err = ERR_OK;

    if (read->points == 1) {
        learning->apart = true;
        put_apart(device, group->order[read->first], quality_of(exception), t_ms);
        return ERR_OK;
    }
    learning->refused = learning->refused || exception != 4;
    for (size_t part = 0; !err && part < 2; part++) {
        size_t first = read->first + (part ? half : 0), count = part ? read->points - half : half;
        struct sweep_read reads[PROFILE_POINTS_MOST];
        size_t made;

        sweep_plan(profile, device->max_registers, device->gap, group->order + first, count, reads,
                   &made);
        for (size_t i = 0; !err && i < made; i++) {
            reads[i].first = (uint16_t)(reads[i].first + first);
            err = poll_read(device, group, &reads[i], learning);
        }
    }
    return err;
}

static enum err poll_read(struct device *device, struct group *group, const struct sweep_read *read,
                          struct learning *learning)
{
    struct master_request request =
        device_request(device, read->table, read->address, read->count);
    uint16_t words[2000];
    int exception;
    enum err err = master_read(device->options.master, &request, words, &exception);
    int64_t t_ms = clock_wall_ms();

    if (!err) {
        decode_read(device, group, read, words, t_ms);
        return ERR_OK;
    }
    if (err != ERR_DENIED) {
        return err;
    }
    device->refusals++;
    if (exception >= 2 && exception <= 4) { /* it may be about one register of the block */
        return split(device, group, read, exception, t_ms, learning);
    }
    refuse_points(device, group, read->first, read->points, quality_of(exception), t_ms);
    return ERR_OK;
}

/* Registers that prove that the profile fits; before that no value is believed. */
enum err device_check_identity(struct device *device)
{
    const struct profile *profile = device->options.profile;
    bool fits = true;

    for (size_t i = 0; i < profile->identity_count; i++) {
        const struct profile_identity *identity = &profile->identity[i];
        struct master_request request =
            device_request(device, identity->reg.table, identity->reg.address,
                        register_is_bit(&identity->reg) ? 1 : register_width(&identity->reg));
        struct register_value value;
        uint16_t words[REGISTER_STRING_MOST];
        int exception;
        enum err err = master_read(device->options.master, &request, words, &exception);

        if (err && err != ERR_DENIED) {
            return err;
        }
        fits = fits && !err && !register_decode(&identity->reg, words, &value) &&
               value.raw >= identity->least && value.raw <= identity->most;
    }
    if (!fits && !device->misfit_told) {
        log_warn("%s is not what profile %s says: its values are not believed", device->options.id,
                 profile->id);
        device_say_bus(device, false, "the device is not what its profile says: values are not believed",
                "设备与配置的型号不符：读数不予采信");
    }
    device->misfit_told = !fits;
    device->fits = fits;
    device->checked = fits; /* another device may be put there */
    return ERR_OK;
}

/* No point is to blame: a hole, or the length. */
static void learn(struct device *device)
{
    if (device->gap > 0) {
        device->gap = 0;
    } else if (device->max_registers > 1) {
        device->max_registers /= 2;
    }
}

static void plan_all(struct device *device)
{
    for (size_t i = 0; i < device->group_count; i++) {
        device_plan(device, &device->groups[i]);
    }
}

enum err device_read_point(struct device *device, size_t index)
{
    const struct register_spec *spec = &device->options.profile->points[index].reg;
    struct master_request request = device_request(        device, spec->table, spec->address, register_is_bit(spec) ? 1 : register_width(spec));
    uint16_t words[REGISTER_STRING_MOST];
    int exception;
    enum err err = master_read(device->options.master, &request, words, &exception);
    int64_t t_ms = clock_wall_ms();

    if (!err) {
        device->apart[index].set = false;
        decode_point(device, index, words, t_ms);
    } else if (err == ERR_DENIED && device->apart[index].set) {
        put_apart(device, index, quality_of(exception), t_ms);
    } else {
        device_report_nothing(device, index,
                              err == ERR_DENIED ? quality_of(exception) : QUALITY_TIMEOUT, t_ms);
    }
    return err;
}

/* Points that the device refused before: each by itself, now and then, and before its heartbeat. */
static enum err poll_apart(struct device *device, const struct group *group)
{
    const struct profile *profile = device->options.profile;
    bool back = false;
    enum err err = ERR_OK;

    for (size_t i = 0; i < profile->point_count && (!err || err == ERR_DENIED); i++) {
        struct apart *apart = &device->apart[i];
        const struct point *point = &profile->points[i];
        bool due = clock_wall_ms() + point->every_ms - device->told[i].t_ms > point->heartbeat_ms;

        if (!apart->set || device_group_of(device, point->every_ms) != group ||
            (--apart->left > 0 && !due)) {
            continue;
        }
        err = device_read_point(device, i);
        back = back || !apart->set;
    }
    if (back) {
        plan_all(device);
    }
    return err == ERR_DENIED ? ERR_OK : err;
}

/* Readings are accepted a second after the read: on a slow wire they do not wait for the poll's end. */
static void send_early(struct device *device)
{
    if (device->batch_count > 0 &&
        clock_wall_ms() - device->batch[0].reading.t_ms > BATCH_AGE_MOST_MS) {
        device_send(device);
    }
}

enum err device_poll(struct device *device, struct group *group)
{
    struct learning learning = {false, false};
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < group->read_count; i++) {
        struct sweep_read read = group->reads[i];

        err = poll_read(device, group, &read, &learning);
        send_early(device);
    }
    if (!err) {
        err = poll_apart(device, group);
    }
    if (!err && learning.refused && !learning.apart) {
        learn(device);
    }
    if (learning.refused || learning.apart) {
        plan_all(device);
    }
    return err;
}
