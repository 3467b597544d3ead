/* Polling one device, and what of it is said. */
#include "agent/acquire/device.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "models/base/text.h"
#include "models/fault/judge.h"
#include "models/profile/sweep.h"

#define GROUPS_MOST      16   /* different periods in a profile */
#define LOST_AFTER       3    /* polls without a reply (interfaces.md 8) */
#define BACK_OFF_MOST_MS 30000
#define BATCH_MOST       512

struct group { /* points of one period */
    int64_t every_ms, next_ms;
    size_t *order;
    size_t count;
    struct sweep_read *reads;
    size_t read_count;
};

struct told { /* what was last reported of a point */
    bool any, has_value;
    enum quality quality;
    double value;
    char *text;
    int64_t t_ms;
};

struct device {
    struct device_options options;
    struct arena *arena;
    struct judge *judge;
    struct group groups[GROUPS_MOST];
    size_t group_count;
    struct told *told;
    struct reading *now; /* the newest reading of each point */
    char (*now_text)[2 * REGISTER_STRING_MOST + 1];
    bool *refused;       /* the device has no such register: asked no more */
    size_t refused_count;
    uint16_t max_registers, gap; /* learned downwards from the profile's */
    struct verdict *verdicts;
    struct outgoing *batch;
    size_t batch_count;
    int silent_polls;
    bool lost, checked, fits;
    int64_t back_off_ms, retry_ms; /* boot clock */
    uint64_t random;
    int64_t polls, refusals;
};

/* ------------------------------------------------------------------ opening */

static uint64_t draw(struct device *device)
{
    device->random ^= device->random >> 12;
    device->random ^= device->random << 25;
    device->random ^= device->random >> 27;
    return device->random * 2685821657736338717ULL >> 11;
}

static struct group *group_of(struct device *device, int64_t every_ms)
{
    for (size_t i = 0; i < device->group_count; i++) {
        if (device->groups[i].every_ms == every_ms) {
            return &device->groups[i];
        }
    }
    if (device->group_count == GROUPS_MOST) { /* the nearest shorter one serves */
        struct group *best = &device->groups[0];

        for (size_t i = 1; i < GROUPS_MOST; i++) {
            struct group *group = &device->groups[i];

            if (group->every_ms < every_ms && group->every_ms > best->every_ms) {
                best = group;
            }
        }
        return best;
    }
    device->groups[device->group_count].every_ms = every_ms;
    return &device->groups[device->group_count++];
}

/* Reads for the group's points; those the device refused are read one by one no more. */
static void plan_group(struct device *device, struct group *group)
{
    const struct profile *profile = device->options.profile;
    size_t count = 0;

    for (size_t i = 0; i < profile->point_count; i++) {
        if (group_of(device, profile->points[i].every_ms) == group && !device->refused[i]) {
            group->order[count++] = i;
        }
    }
    group->count = count;
    sweep_plan(profile, device->max_registers, device->gap, group->order, count, group->reads,
               &group->read_count);
}

static enum err open_groups(struct device *device)
{
    const struct profile *profile = device->options.profile;
    size_t points = profile->point_count;
    int64_t now_ms = clock_boot_ms();

    for (size_t i = 0; i < points; i++) {
        (void)group_of(device, profile->points[i].every_ms);
    }
    for (size_t i = 0; i < device->group_count; i++) {
        struct group *group = &device->groups[i];
        int64_t spread = group->every_ms < 1000 ? group->every_ms : 1000;

        group->order = arena_array(device->arena, points, sizeof(*group->order));
        group->reads = arena_array(device->arena, points, sizeof(*group->reads));
        if (!group->order || !group->reads) {
            return ERR_NOMEM;
        }
        /* devices of a wire begin apart, so that their polls do not bunch */
        group->next_ms = now_ms + (int64_t)(draw(device) % (uint64_t)spread) / 4;
        plan_group(device, group);
    }
    return ERR_OK;
}

enum err device_open(const struct device_options *options, struct device **ret_device)
{
    size_t points = options->profile->point_count;
    struct device *device = calloc(1, sizeof(*device));
    enum err err;

    if (!device) {
        return ERR_NOMEM;
    }
    device->options = *options;
    device->random = options->seed | 1;
    device->max_registers = options->profile->max_registers;
    device->gap = options->profile->gap;
    err = arena_open(8 * 1024 * 1024, &device->arena);
    if (!err) {
        err = judge_open(options->profile, &device->judge);
    }
    if (!err) {
        device->told = arena_array(device->arena, points, sizeof(*device->told));
        device->now = arena_array(device->arena, points, sizeof(*device->now));
        device->refused = arena_array(device->arena, points, sizeof(*device->refused));
        device->now_text = calloc(points, sizeof(*device->now_text));
        device->verdicts = arena_array(device->arena, options->profile->fault_count + 1,
                                       sizeof(*device->verdicts));
        if (!device->told || !device->now || !device->refused || !device->now_text ||
            !device->verdicts) {
            err = ERR_NOMEM;
        }
    }
    if (!err) {
        err = open_groups(device);
    }
    if (err) {
        device_close(device);
        return err;
    }
    *ret_device = device;
    return ERR_OK;
}

static void drop_batch(struct device *device)
{
    for (size_t i = 0; i < device->batch_count; i++) {
        char *text;

        memcpy(&text, &device->batch[i].reading.text, sizeof(text));
        free(text);
    }
    free(device->batch);
    device->batch = NULL;
    device->batch_count = 0;
}

void device_close(struct device *device)
{
    if (!device) {
        return;
    }
    drop_batch(device);
    for (size_t i = 0; device->told && i < device->options.profile->point_count; i++) {
        free(device->told[i].text);
    }
    judge_close(device->judge);
    arena_close(device->arena);
    free(device->now_text);
    free(device);
}

bool device_is_silent(const struct device *device)
{
    return device->silent_polls > 0;
}

const char *device_id(const struct device *device)
{
    return device->options.id;
}

/* ------------------------------------------------------------------ reporting */

static void send_batch(struct device *device)
{
    struct parcel *parcel;

    if (device->batch_count == 0) {
        return;
    }
    parcel = parcel_make(PARCEL_READINGS, device->batch[0].reading.t_ms);
    if (!parcel) {
        drop_batch(device);
        return;
    }
    parcel->readings = device->batch;
    parcel->count = device->batch_count;
    device->batch = NULL;
    device->batch_count = 0;
    device->options.give(device->options.context, parcel);
}

static void add_to_batch(struct device *device, size_t point, const struct reading *reading)
{
    struct outgoing *one;

    if (!device->batch) {
        device->batch = calloc(BATCH_MOST, sizeof(*device->batch));
        if (!device->batch) {
            return;
        }
    }
    one = &device->batch[device->batch_count++];
    one->equipment = device->options.id;
    one->point = device->options.profile->points[point].name;
    one->reading = *reading;
    one->reading.text = reading->text ? strdup(reading->text) : NULL;
    if (device->batch_count == BATCH_MOST) {
        send_batch(device);
    }
}

/* interfaces.md 8, "Reporting" */
static bool is_news(const struct point *point, const struct told *told,
                    const struct reading *reading)
{
    double moved = fabs(reading->value - told->value);

    if (!told->any || told->quality != reading->quality || told->has_value != reading->has_value ||
        reading->t_ms - told->t_ms >= point->heartbeat_ms || reading->t_ms < told->t_ms) {
        return true;
    }
    if (!reading->has_value) {
        return false;
    }
    if (reading->text || told->text) {
        return !text_same(reading->text, told->text);
    }
    /* a hair of rounding must not hide a step of exactly one deadband */
    return point->deadband > 0 ? moved >= point->deadband - 1e-9 * point->deadband : moved > 0;
}

static void report(struct device *device, size_t point, const struct reading *reading)
{
    struct told *told = &device->told[point];

    device->now[point] = *reading;
    if (reading->text) {
        snprintf(device->now_text[point], sizeof(device->now_text[point]), "%s", reading->text);
        device->now[point].text = device->now_text[point];
    }
    (void)!judge_take(device->judge, point, reading);
    if (!is_news(&device->options.profile->points[point], told, reading)) {
        return;
    }
    free(told->text);
    *told = (struct told){true,           reading->has_value, reading->quality,
                          reading->value, NULL,               reading->t_ms};
    told->text = reading->text ? strdup(reading->text) : NULL;
    add_to_batch(device, point, reading);
}

static void report_nothing(struct device *device, size_t point, enum quality quality, int64_t t_ms)
{
    struct reading reading = {.t_ms = t_ms, .quality = quality};

    report(device, point, &reading);
}

/* ------------------------------------------------------------------ faults */

static void put_event_head(struct device *device, const struct verdict *verdict,
                           struct json_out *out)
{
    const struct fault_rule *rule = &device->options.profile->faults[verdict->fault];

    json_open_object(out);
    json_text(out, "kind", "fault");
    json_text(out, "equipment", device->options.id);
    json_text(out, "fault", rule->id);
    json_text(out, "state", fault_state_names[verdict->state]);
    json_int(out, "grade", verdict->grade);
    json_int(out, "onset", verdict->onset_ms);
    json_int(out, "detected", verdict->detected_ms);
    if (verdict->state == FAULT_CLEARED) {
        json_int(out, "cleared", verdict->cleared_ms);
    }
    json_key(out, "evidence");
    judge_evidence(device->judge, verdict->fault, out);
    json_close_object(out);
}

static void give_event(struct device *device, struct json_out *out, int64_t t_ms)
{
    struct parcel *parcel = parcel_make(PARCEL_EVENT, t_ms);

    if (parcel && !out->err) {
        parcel->body = strdup(out->bytes);
        device->options.give(device->options.context, parcel);
    } else {
        parcel_free(parcel);
    }
    json_out_free(out);
}

static void decide(struct device *device, int64_t t_ms)
{
    size_t count = judge_decide(device->judge, t_ms, device->verdicts,
                                device->options.profile->fault_count);

    for (size_t i = 0; i < count; i++) {
        struct json_out out = json_out(32 * 1024);

        put_event_head(device, &device->verdicts[i], &out);
        give_event(device, &out, device->verdicts[i].t_ms);
    }
}

static void say_bus(struct device *device, bool lost, const char *en, const char *zh)
{
    const struct master_counters *counters = &device->options.master->counters;
    struct json_out out = json_out(8 * 1024);

    json_open_object(&out);
    json_text(&out, "kind", "bus");
    json_text(&out, "bus", device->options.bus);
    json_int(&out, "unit_id", device->options.unit_id);
    json_key(&out, "equipment");
    json_open_list(&out);
    json_put_text(&out, device->options.id);
    json_close_list(&out);
    json_text(&out, "state", lost ? "lost" : "back");
    json_key(&out, "diagnosis");
    json_open_object(&out);
    json_text(&out, "en", en);
    json_text(&out, "zh", zh);
    json_close_object(&out);
    json_key(&out, "counters");
    json_open_object(&out);
    json_int(&out, "requests", counters->requests);
    json_int(&out, "answers", counters->answers);
    json_int(&out, "timeouts", counters->timeouts);
    json_int(&out, "exceptions", counters->exceptions);
    json_int(&out, "strays", counters->strays);
    json_int(&out, "latency_ms", counters->latency_ms);
    json_close_object(&out);
    json_close_object(&out);
    give_event(device, &out, clock_wall_ms());
}

/* ------------------------------------------------------------------ polling */

static struct master_request request_for(const struct device *device, enum register_table table,
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
        report_nothing(device, index, QUALITY_INVALID, t_ms);
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
    report(device, index, &reading);
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
        report_nothing(device, group->order[i], quality, t_ms);
    }
}

static enum err poll_read(struct device *device, struct group *group,
                          const struct sweep_read *read, bool *io_learned);

/*
 * The device refuses the block: the fault may be one register in it. Half of the points each, until
 * the bad ones stand alone; they are remembered, so that this is paid once (agent.md 0, 6).
 */
static enum err split(struct device *device, struct group *group, const struct sweep_read *read,
                      enum quality quality, int64_t t_ms, bool *io_learned)
{
    const struct profile *profile = device->options.profile;
    size_t half = read->points / 2;
    enum err err = ERR_OK;

    *io_learned = true;
    if (read->points == 1) {
        device->refused[group->order[read->first]] = true;
        device->refused_count++;
        refuse_points(device, group, read->first, 1, quality, t_ms);
        return ERR_OK;
    }
    for (size_t part = 0; !err && part < 2; part++) {
        size_t first = read->first + (part ? half : 0), count = part ? read->points - half : half;
        struct sweep_read reads[PROFILE_POINTS_MOST];
        size_t made;

        sweep_plan(profile, device->max_registers, device->gap, group->order + first, count, reads,
                   &made);
        for (size_t i = 0; !err && i < made; i++) {
            reads[i].first += first;
            err = poll_read(device, group, &reads[i], io_learned);
        }
    }
    return err;
}

static enum err poll_read(struct device *device, struct group *group, const struct sweep_read *read,
                          bool *io_learned)
{
    struct master_request request =
        request_for(device, read->table, read->address, read->count);
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
    if (exception == 2 || exception == 3) {
        return split(device, group, read, QUALITY_ILLEGAL, t_ms, io_learned);
    }
    refuse_points(device, group, read->first, read->points,
                  exception == 1 ? QUALITY_ILLEGAL : QUALITY_EXCEPTION, t_ms);
    return ERR_OK;
}

static void silent(struct device *device, int64_t boot_ms)
{
    int64_t t_ms = clock_wall_ms();
    int64_t least = device->groups[0].every_ms < 1000 ? device->groups[0].every_ms : 1000;

    for (size_t i = 0; i < device->options.profile->point_count; i++) {
        if (!device->refused[i]) {
            report_nothing(device, i, QUALITY_TIMEOUT, t_ms);
        }
    }
    decide(device, t_ms);
    device->silent_polls++;
    if (device->silent_polls == LOST_AFTER) {
        device->lost = true;
        say_bus(device, true, "no reply: power, wiring, address, baud rate or parity",
                "设备无应答：请检查电源、接线、地址、波特率和校验位");
    }
    device->checked = false;
    device->back_off_ms = device->back_off_ms ? device->back_off_ms * 2 : least;
    if (device->back_off_ms > BACK_OFF_MOST_MS) {
        device->back_off_ms = BACK_OFF_MOST_MS;
    }
    device->retry_ms = boot_ms + device->back_off_ms * 3 / 4 +
                       (int64_t)(draw(device) % (uint64_t)(device->back_off_ms / 2 + 1));
}

static void answered(struct device *device)
{
    if (device->lost) {
        say_bus(device, false, "the device answers again", "设备恢复应答");
    }
    device->lost = false;
    device->silent_polls = 0;
    device->back_off_ms = 0;
}

/* Registers that prove that the profile fits; before that no value is believed. */
static enum err check_identity(struct device *device)
{
    const struct profile *profile = device->options.profile;
    bool fits = true;

    for (size_t i = 0; i < profile->identity_count; i++) {
        const struct profile_identity *identity = &profile->identity[i];
        struct master_request request =
            request_for(device, identity->reg.table, identity->reg.address,
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
    if (!fits && device->fits != fits) {
        say_bus(device, false, "the device is not what its profile says: values are not believed",
                "设备与配置的型号不符：读数不予采信");
    }
    device->fits = fits;
    device->checked = true;
    return ERR_OK;
}

static enum err poll_group(struct device *device, struct group *group)
{
    size_t refused = device->refused_count;
    bool learned = false;
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < group->read_count; i++) {
        struct sweep_read read = group->reads[i];

        err = poll_read(device, group, &read, &learned);
    }
    if (learned && !err) {
        if (device->refused_count == refused) { /* no point is to blame: a hole, or the length */
            if (device->gap > 0) {
                device->gap = 0;
            } else if (device->max_registers > 1) {
                device->max_registers /= 2;
            }
        }
        for (size_t i = 0; i < device->group_count; i++) {
            plan_group(device, &device->groups[i]);
        }
    }
    return err;
}

/* One cheap question to a silent device. */
static bool probe(struct device *device)
{
    struct group *group = &device->groups[0];
    struct master_request request;
    uint16_t words[2000];
    int exception;
    enum err err;

    if (group->read_count == 0) {
        return true;
    }
    request = request_for(device, group->reads[0].table, group->reads[0].address, 1);
    err = master_read(device->options.master, &request, words, &exception);
    return !err || err == ERR_DENIED;
}

static void poll_due(struct device *device, int64_t boot_ms)
{
    enum err err = device->checked ? ERR_OK : check_identity(device);

    for (size_t i = 0; !err && i < device->group_count; i++) {
        struct group *group = &device->groups[i];

        if (group->next_ms > boot_ms) {
            continue;
        }
        device->polls++;
        err = poll_group(device, group);
        group->next_ms += group->every_ms;
        if (group->next_ms <= boot_ms) { /* behind: keep the beat, skip what was missed */
            group->next_ms += (boot_ms - group->next_ms) / group->every_ms * group->every_ms +
                              group->every_ms;
        }
    }
    if (err) {
        silent(device, boot_ms);
    } else {
        answered(device);
        decide(device, clock_wall_ms());
    }
}

int64_t device_turn(struct device *device, int64_t boot_ms)
{
    int64_t next_ms = INT64_MAX;

    for (size_t i = 0; i < device->group_count; i++) {
        if (device->groups[i].next_ms < next_ms) {
            next_ms = device->groups[i].next_ms;
        }
    }
    if (device->silent_polls > 0) {
        if (boot_ms < device->retry_ms) {
            return device->retry_ms;
        }
        if (!probe(device)) {
            silent(device, boot_ms);
            send_batch(device);
            return device->retry_ms;
        }
        next_ms = boot_ms;
        for (size_t i = 0; i < device->group_count; i++) {
            device->groups[i].next_ms = boot_ms;
        }
    }
    if (boot_ms < next_ms) {
        return next_ms;
    }
    poll_due(device, boot_ms);
    send_batch(device);
    next_ms = device->silent_polls > 0 ? device->retry_ms : INT64_MAX;
    for (size_t i = 0; device->silent_polls == 0 && i < device->group_count; i++) {
        if (device->groups[i].next_ms < next_ms) {
            next_ms = device->groups[i].next_ms;
        }
    }
    return next_ms;
}

/* ------------------------------------------------------------------ commands */

/* Reads one point now; the newest reading is in device->now. */
static enum err read_now(struct device *device, size_t index)
{
    const struct register_spec *spec = &device->options.profile->points[index].reg;
    struct master_request request = request_for(
        device, spec->table, spec->address, register_is_bit(spec) ? 1 : register_width(spec));
    uint16_t words[REGISTER_STRING_MOST];
    int exception;
    enum err err = master_read(device->options.master, &request, words, &exception);
    int64_t t_ms = clock_wall_ms();

    if (!err) {
        device->fits = device->fits || device->options.profile->identity_count == 0;
        decode_point(device, index, words, t_ms);
    } else {
        report_nothing(device, index,
                       err != ERR_DENIED                   ? QUALITY_TIMEOUT
                       : exception >= 1 && exception <= 3 ? QUALITY_ILLEGAL
                                                           : QUALITY_EXCEPTION,
                       t_ms);
    }
    return err;
}

static void put_point(struct device *device, size_t index, struct json_out *out)
{
    const struct point *point = &device->options.profile->points[index];
    const struct reading *reading = &device->now[index];

    json_open_object(out);
    json_text(out, "name", point->name);
    json_key(out, "value");
    if (!reading->has_value) {
        json_put_null(out);
    } else if (reading->text) {
        json_put_text(out, reading->text);
    } else {
        json_put_number(out, reading->value);
    }
    json_text(out, "unit", point->unit);
    json_text(out, "quality", quality_names[reading->quality]);
    json_int(out, "t", reading->t_ms);
    json_close_object(out);
}

enum device_outcome device_read(struct device *device, const struct cJSON *args,
                                struct json_out *result, struct text *reason)
{
    const struct cJSON *list = json_field(args, "points");
    size_t answers = 0, asked = 0;

    for (const struct cJSON *item = json_first(list); item; item = json_next(item)) {
        const char *name = json_as_text(item);

        if (!name || profile_point(device->options.profile, name) < 0) {
            text_say(reason, ERR_OK, "no point called '%s'", name ? name : "?");
            return DEVICE_REFUSED;
        }
    }
    json_open_object(result);
    json_key(result, "points");
    json_open_list(result);
    for (size_t i = 0; i < device->options.profile->point_count; i++) {
        bool wanted = list == NULL;

        for (const struct cJSON *item = json_first(list); item; item = json_next(item)) {
            wanted = wanted || text_same(json_as_text(item), device->options.profile->points[i].name);
        }
        if (wanted) {
            enum err err = read_now(device, i);

            asked++;
            answers += !err || err == ERR_DENIED;
            put_point(device, i, result);
        }
    }
    json_close_list(result);
    json_close_object(result);
    send_batch(device);
    if (asked > 0 && answers == 0) {
        text_say(reason, ERR_OK, "the device does not answer");
        return DEVICE_FAILED;
    }
    return DEVICE_DONE;
}

enum device_outcome device_may_write(struct device *device, const struct cJSON *args,
                                     const char **ret_point, double *ret_value, struct text *reason)
{
    const char *name = json_text_or(args, "point", "");
    int index = profile_point(device->options.profile, name);
    const struct point *point;

    if (index < 0) {
        text_say(reason, ERR_OK, "no point called '%s'", name);
        return DEVICE_REFUSED;
    }
    point = &device->options.profile->points[index];
    if (!point->may_write) {
        text_say(reason, ERR_OK, "'%s' may not be written: it is not on the profile's list", name);
        return DEVICE_REFUSED;
    }
    if (!json_as_number(json_field(args, "value"), ret_value)) {
        text_say(reason, ERR_OK, "value: expected a number");
        return DEVICE_REFUSED;
    }
    if (*ret_value < point->write_least || *ret_value > point->write_most) {
        text_say(reason, ERR_OK, "'%s' may be written from %g to %g only", name, point->write_least,
                 point->write_most);
        return DEVICE_REFUSED;
    }
    *ret_point = point->name;
    return DEVICE_DONE;
}

enum device_outcome device_write(struct device *device, const char *name, double value,
                                 struct json_out *result, struct text *reason)
{
    size_t index = (size_t)profile_point(device->options.profile, name);
    const struct register_spec *spec = &device->options.profile->points[index].reg;
    uint16_t width = register_is_bit(spec) ? 1 : register_width(spec), words[4] = {0};
    struct master_request request = request_for(device, spec->table, spec->address, width);
    int exception;
    enum err err = ERR_OK;

    if (spec->mask != UINT64_MAX) { /* its neighbours in the word stay as they are */
        err = master_read(device->options.master, &request, words, &exception);
    }
    if (!err) {
        err = register_encode(spec, value, words);
    }
    if (!err) {
        err = master_write(device->options.master, &request, words, &exception);
    }
    if (err) {
        text_say(reason, err, "the write failed: %s", err_text(err));
        return err == ERR_TIMEOUT || err == ERR_FORMAT || err == ERR_CLOSED ? DEVICE_UNKNOWN
                                                                            : DEVICE_FAILED;
    }
    if (read_now(device, index) || !device->now[index].has_value ||
        fabs(device->now[index].value - value) > fabs(spec->scale) / 2 + 1e-9) {
        text_say(reason, ERR_OK, "the device does not show the value that was written");
        send_batch(device);
        return DEVICE_FAILED;
    }
    json_open_object(result);
    json_text(result, "point", name);
    json_number(result, "value", device->now[index].value);
    json_close_object(result);
    send_batch(device);
    return DEVICE_DONE;
}

static void put_check(struct device *device, const struct inspection_line *line,
                      struct json_out *out)
{
    struct expr_value value = judge_evaluate(device->judge, line->is);
    const char *light = "amber";

    if (value.known) {
        bool green = line->has_green && value.number >= line->green_least &&
                     value.number <= line->green_most;
        bool amber = line->has_amber && value.number >= line->amber_least &&
                     value.number <= line->amber_most;

        light = green ? "green" : amber ? "amber" : "red";
    }
    json_open_object(out);
    json_text(out, "id", line->id);
    json_key(out, "title");
    json_open_object(out);
    json_text(out, "en", line->title.en);
    json_text(out, "zh", line->title.zh);
    json_close_object(out);
    json_key(out, "reading");
    if (value.known) {
        json_put_number(out, value.number);
    } else {
        json_put_null(out);
    }
    json_key(out, "limit");
    json_open_list(out);
    json_put_number(out, line->green_least);
    json_put_number(out, line->green_most);
    json_close_list(out);
    json_text(out, "light", light);
    json_close_object(out);
}

static void put_health(struct device *device, struct json_out *out)
{
    const struct master_counters *counters = &device->options.master->counters;

    json_key(out, "health");
    json_open_object(out);
    json_text(out, "bus", device->options.bus);
    json_int(out, "unit_id", device->options.unit_id);
    json_int(out, "requests", counters->requests);
    json_int(out, "answers", counters->answers);
    json_int(out, "timeouts", counters->timeouts);
    json_int(out, "exceptions", counters->exceptions);
    json_int(out, "strays", counters->strays);
    json_int(out, "reconnects", counters->reconnects);
    json_int(out, "latency_ms", counters->latency_ms);
    json_int(out, "polls", device->polls);
    json_bool(out, "identity", device->fits);
    json_text(out, "version", HELIOGRAPH_VERSION);
    json_close_object(out);
}

enum device_outcome device_inspect(struct device *device, struct json_out *result,
                                   struct text *reason)
{
    const struct profile *profile = device->options.profile;
    size_t answers = 0;

    if (!device->checked) {
        (void)!check_identity(device);
    }
    for (size_t i = 0; i < profile->point_count; i++) {
        enum err err = read_now(device, i);

        answers += !err || err == ERR_DENIED;
        if (err && err != ERR_DENIED && i >= 2 && answers == 0) {
            break; /* it is dead: the wire belongs to the others */
        }
    }
    decide(device, clock_wall_ms());
    json_open_object(result);
    json_key(result, "points");
    json_open_list(result);
    for (size_t i = 0; i < profile->point_count; i++) {
        put_point(device, i, result);
    }
    json_close_list(result);
    json_key(result, "checks");
    json_open_list(result);
    for (size_t i = 0; i < profile->inspection_count; i++) {
        put_check(device, &profile->inspection[i], result);
    }
    json_close_list(result);
    put_health(device, result);
    json_close_object(result);
    send_batch(device);
    if (answers == 0) {
        text_say(reason, ERR_OK, "the device does not answer");
        return DEVICE_FAILED;
    }
    return DEVICE_DONE;
}
