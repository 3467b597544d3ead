/* Commands: read, write, inspect, reset. */
#include <math.h>
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
    if (!device->checked) {
        (void)!device_check_identity(device);
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
            enum err err = device_read_point(device, i);

            asked++;
            answers += !err || err == ERR_DENIED;
            put_point(device, i, result);
        }
    }
    json_close_list(result);
    json_close_object(result);
    device_send(device);
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

enum device_outcome device_inspect(struct device *device, struct json_out *result,
                                   struct text *reason)
{
    const struct profile *profile = device->options.profile;
    size_t answers = 0;

    if (!device->checked) {
        (void)!device_check_identity(device);
    }
    for (size_t i = 0; i < profile->point_count; i++) {
        enum err err = device_read_point(device, i);

        answers += !err || err == ERR_DENIED;
        if (err && err != ERR_DENIED && i >= 2 && answers == 0) {
            break; /* it is dead: the wire belongs to the others */
        }
    }
    device_decide(device);
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
        inspection_put(&profile->inspection[i],
                       judge_evaluate(device->judge, profile->inspection[i].is), result);
    }
    json_close_list(result);
    put_health(device, result);
    json_close_object(result);
    device_send(device);
    if (answers == 0) {
        text_say(reason, ERR_OK, "the device does not answer");
        return DEVICE_FAILED;
    }
    return DEVICE_DONE;
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
