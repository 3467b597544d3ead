/* Commands: read, write, inspect, reset. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/acquire/device_int.h"
#include "host/clock.h"
#include "models/base/text.h"
#include "models/profile/inspection.h"

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

struct device_order { /* a read or an inspection under way */
    struct device *device;
    bool inspect, asks, began;
    bool *wanted;
    struct group group;
    struct round round;
    size_t answers;
};

static bool is_known(const struct profile *profile, const struct cJSON *list, struct text *reason)
{
    for (const struct cJSON *item = json_first(list); item; item = json_next(item)) {
        const char *name = json_as_text(item);

        if (!name || profile_point(profile, name) < 0) {
            text_say(reason, ERR_OK, "no point called '%s'", name ? name : "?");
            return false;
        }
    }
    return true;
}

static void mark_wanted(const struct profile *profile, const struct cJSON *list, bool *wanted)
{
    for (size_t i = 0; i < profile->point_count; i++) {
        wanted[i] = list == NULL;
    }
    for (const struct cJSON *item = json_first(list); item; item = json_next(item)) {
        wanted[profile_point(profile, json_as_text(item))] = true;
    }
}

enum device_outcome device_order_begin(struct device *device, const struct cJSON *args, bool inspect,
                                       struct device_order **ret_order, struct text *reason)
{
    const struct profile *profile = device->options.profile;
    const struct cJSON *list = inspect ? NULL : json_field(args, "points");
    struct device_order *order;

    if (!is_known(profile, list, reason)) {
        return DEVICE_REFUSED;
    }
    order = calloc(1, sizeof(*order));
    if (order) {
        order->wanted = calloc(profile->point_count, sizeof(*order->wanted));
        order->group.order = calloc(profile->point_count, sizeof(*order->group.order));
    }
    if (!order || !order->wanted || !order->group.order) {
        device_order_end(order);
        text_say(reason, ERR_OK, "out of memory");
        return DEVICE_FAILED;
    }
    order->device = device;
    order->inspect = inspect;
    order->asks = !list || json_first(list);
    mark_wanted(profile, list, order->wanted);
    *ret_order = order;
    return DEVICE_DONE;
}

void device_order_end(struct device_order *order)
{
    if (order) {
        free(order->wanted);
        free(order->group.order);
        free(order);
    }
}

/* What was not read when the device fell silent. */
static void give_up(struct device_order *order)
{
    struct device *device = order->device;
    int64_t t_ms = clock_wall_ms();

    for (size_t i = order->round.at; i < order->group.count; i++) {
        device_report_nothing(device, order->group.order[i], QUALITY_TIMEOUT, t_ms);
    }
    for (size_t i = order->round.apart_at; i < device->options.profile->point_count; i++) {
        if (order->wanted[i] && device->apart[i].set) {
            device_report_nothing(device, i, QUALITY_TIMEOUT, t_ms);
        }
    }
    order->round.group = NULL;
}

static void begin_round(struct device_order *order)
{
    struct device *device = order->device;
    const struct profile *profile = device->options.profile;

    for (size_t i = 0; i < profile->point_count; i++) {
        if (order->wanted[i] && !device->apart[i].set) {
            order->group.order[order->group.count++] = i;
        }
    }
    sweep_sort(profile, order->group.order, order->group.count);
    device_round_begin(device, &order->round, &order->group, order->wanted);
    order->began = true;
}

static enum err order_transaction(struct device_order *order)
{
    struct device *device = order->device;

    if (!order->began && !device->checked && !device->identified) {
        enum err err = device_identity_step(device);

        if (err || device_has_identity(device)) {
            return err;
        }
    }
    if (!order->began) {
        begin_round(order);
        device->identified = device->checked; /* the next poll asks again who it is */
    }
    return device_round_step(device, &order->round);
}

static void put_health(struct device *device, struct json_out *out);

static void put_result(struct device_order *order, struct json_out *out)
{
    struct device *device = order->device;
    const struct profile *profile = device->options.profile;

    json_open_object(out);
    json_key(out, "points");
    json_open_list(out);
    for (size_t i = 0; i < profile->point_count; i++) {
        if (order->wanted[i]) {
            put_point(device, i, out);
        }
    }
    json_close_list(out);
    if (order->inspect) {
        json_key(out, "checks");
        json_open_list(out);
        for (size_t i = 0; i < profile->inspection_count; i++) {
            inspection_put(&profile->inspection[i],
                           judge_evaluate(device->judge, profile->inspection[i].is), out);
        }
        json_close_list(out);
        put_health(device, out);
    }
    json_close_object(out);
}

bool device_order_step(struct device_order *order, enum device_outcome *ret_outcome,
                       struct json_out *result, struct text *reason)
{
    struct device *device = order->device;
    enum err err = order_transaction(order);

    if (atomic_load(&device->options.master->stopping)) {
        return false; /* nobody was asked */
    }
    if (!err) {
        device_answered(device);
        order->round.retried = false;
    } else if (!order->round.retried && device->silent_polls == 0) {
        order->round.retried = true;
        return false;
    } else {
        if (!order->began) {
            begin_round(order);
        }
        order->answers = order->round.answers;
        give_up(order);
    }
    if (!order->began || order->round.group) {
        return false;
    }
    order->answers = err ? order->answers : order->round.answers;
    device_decide(device);
    put_result(order, result);
    device_send(device);
    *ret_outcome = DEVICE_DONE;
    if (order->answers == 0 && order->asks) {
        text_say(reason, ERR_OK, "the device does not answer");
        *ret_outcome = DEVICE_FAILED;
    }
    return true;
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
    if (!device->checked && device_check_identity(device)) {
        text_say(reason, ERR_OK, "the device does not answer");
        return DEVICE_FAILED;
    }
    if (!device->fits) {
        text_say(reason, ERR_OK, "the device is not what its profile says");
        return DEVICE_REFUSED;
    }
    *ret_point = point->name;
    return DEVICE_DONE;
}

/* What the registers are to hold; the neighbours of a masked value stay as they are. */
static enum err words_for(struct device *device, const struct register_spec *spec,
                          const struct master_request *request, double value, uint16_t *words)
{
    int exception;
    enum err err = ERR_OK;

    if (spec->mask != UINT64_MAX) {
        err = master_read(device->options.master, request, words, &exception);
    }
    return err ? err : register_encode(spec, value, words);
}

/* The device shows what was written to it. */
static bool reads_back(struct device *device, size_t index, const uint16_t *words)
{
    struct register_value expected;

    return !device_read_point(device, index) && device->now[index].has_value &&
           !register_decode(&device->options.profile->points[index].reg, words, &expected) &&
           fabs(device->now[index].value - expected.number) <= 1e-9 * fabs(expected.number);
}

enum device_outcome device_write(struct device *device, const char *name, double value,
                                 struct json_out *result, struct text *reason)
{
    size_t index = (size_t)profile_point(device->options.profile, name);
    const struct register_spec *spec = &device->options.profile->points[index].reg;
    uint16_t width = register_is_bit(spec) ? 1 : register_width(spec);
    uint16_t words[REGISTER_STRING_MOST] = {0};
    struct master_request request = device_request(device, spec->table, spec->address, width);
    int exception = 0;
    enum err err = words_for(device, spec, &request, value, words);
    bool sent = !err;

    if (sent) {
        err = master_write(device->options.master, &request, words, &exception);
    }
    /* an answer may have been lost on its way back: the register has the last word */
    if (sent && err != ERR_DENIED && reads_back(device, index, words)) {
        json_open_object(result);
        json_text(result, "point", name);
        json_number(result, "value", device->now[index].value);
        json_close_object(result);
        device_send(device);
        return DEVICE_DONE;
    }
    device_send(device);
    if (err == ERR_DENIED) {
        text_say(reason, err, "the device refused with exception %d", exception);
    } else if (err) {
        text_say(reason, err, "the write failed: %s", err_text(err));
    } else {
        text_say(reason, ERR_OK, "the device does not show the value that was written");
    }
    return DEVICE_FAILED;
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
    if (device->options.health) {
        json_key(out, "agent");
        device->options.health(device->options.context, out);
    }
    json_close_object(out);
}

enum device_outcome device_reset(struct device *device, const struct cJSON *args,
                                 const struct open_fault **ret_open, struct text *reason)
{
    const char *name = json_text_or(args, "fault", "");
    int fault = profile_fault(device->options.profile, name);

    if (fault < 0 || !device->options.profile->faults[fault].latching) {
        text_say(reason, ERR_OK, fault < 0 ? "no fault called '%.64s'"
                                           : "'%.64s' does not latch: it clears by itself", name);
        return DEVICE_REFUSED;
    }
    if (!judge_is_open(device->judge, (size_t)fault)) {
        text_say(reason, ERR_OK, "'%.64s' is not open", name);
        return DEVICE_REFUSED;
    }
    judge_reset(device->judge, (size_t)fault);
    device->open[fault].reset = true;
    *ret_open = &device->open[fault];
    return DEVICE_DONE;
}
