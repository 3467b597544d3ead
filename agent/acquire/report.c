/* What a device says: readings that are news, faults, trouble on the wire. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/acquire/device_int.h"
#include "host/clock.h"
#include "models/base/text.h"

#define BATCH_MOST   512 /* and no more than a poll of all points brings */
#define STEP_BACK_MS 2000 /* less is an adjustment, not a step */

void device_drop_batch(struct device *device)
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

void device_send(struct device *device)
{
    struct parcel *parcel;

    if (device->batch_count == 0) {
        return;
    }
    parcel = parcel_make(PARCEL_READINGS, device->batch[0].reading.t_ms);
    if (!parcel) {
        device_drop_batch(device);
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
    size_t points = device->options.profile->point_count;
    size_t room = points < BATCH_MOST ? points : BATCH_MOST;
    struct outgoing *one;

    if (!device->batch) {
        device->batch = malloc(room * sizeof(*device->batch));
        if (!device->batch) {
            return;
        }
    }
    one = &device->batch[device->batch_count++];
    one->equipment = device->options.id;
    one->point = device->options.profile->points[point].name;
    one->reading = *reading;
    one->reading.text = reading->text ? strdup(reading->text) : NULL;
    if (device->batch_count == room) {
        device_send(device);
    }
}

/* interfaces.md 8, "Reporting" */
static bool is_news(const struct point *point, const struct told *told,
                    const struct reading *reading)
{
    double moved = fabs(reading->value - told->value);
    /* the next poll, a tenth of a period late, would come after the heartbeat was due */
    int64_t next_ms = reading->t_ms + point->every_ms - point->every_ms / 10;

    if (!told->any || told->quality != reading->quality || told->has_value != reading->has_value ||
        next_ms - told->t_ms > point->heartbeat_ms || reading->t_ms < told->t_ms) {
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

/* The clock was put back: judging begins anew with what is open, else it would wait for the old time. */
static void judge_anew(struct device *device)
{
    struct judge *judge;

    if (judge_open(device->options.profile, &judge)) {
        return;
    }
    judge_close(device->judge);
    device->judge = judge;
    device_restore(device);
}

/* Few points are texts: room for one is taken when it first comes. */
static void keep_text(struct device *device, size_t point, const char *words)
{
    if (!device->now_text[point]) {
        device->now_text[point] = arena_take(device->arena, DEVICE_TEXT_SIZE);
    }
    if (device->now_text[point]) {
        snprintf(device->now_text[point], DEVICE_TEXT_SIZE, "%s", words);
    }
    device->now[point].text = device->now_text[point] ? device->now_text[point] : "";
}

void device_report(struct device *device, size_t point, const struct reading *reading)
{
    struct told *told = &device->told[point];

    if (reading->t_ms < device->newest_ms - STEP_BACK_MS) {
        judge_anew(device);
        device->newest_ms = reading->t_ms;
    }
    if (reading->t_ms > device->newest_ms) {
        device->newest_ms = reading->t_ms;
    }
    device->now[point] = *reading;
    if (reading->text) {
        keep_text(device, point, reading->text);
    }
    (void)!judge_take(device->judge, point, reading);
    if (device->options.wants && !device->options.wants(device->options.context)) {
        return;
    }
    if (!is_news(&device->options.profile->points[point], told, reading)) {
        return;
    }
    free(told->text);
    *told = (struct told){true,           reading->has_value, reading->quality,
                          reading->value, NULL,               reading->t_ms};
    told->text = reading->text ? strdup(reading->text) : NULL;
    add_to_batch(device, point, reading);
}

void device_report_nothing(struct device *device, size_t point, enum quality quality,
                           int64_t t_ms)
{
    struct reading reading = {.t_ms = t_ms, .quality = quality};

    device_report(device, point, &reading);
}

/* ------------------------------------------------------------------ faults */

static void put_event(struct device *device, const struct verdict *verdict,
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

/* open: what is to be known of it after a restart. */
static void give_event(struct device *device, struct json_out *out, int64_t t_ms,
                       const struct open_fault *open)
{
    struct parcel *parcel = parcel_make(PARCEL_EVENT, t_ms);

    if (parcel && !out->err) {
        parcel->body = strdup(out->bytes);
        parcel->open = *open;
        device->options.give(device->options.context, parcel);
    } else {
        parcel_free(parcel);
    }
    json_out_free(out);
}

void device_decide(struct device *device)
{
    size_t count = judge_decide(device->judge, device->newest_ms, device->verdicts,
                                device->options.profile->fault_count);

    for (size_t i = 0; i < count; i++) {
        const struct verdict *verdict = &device->verdicts[i];
        struct json_out out = json_out(32 * 1024);
        struct open_fault *open = &device->open[verdict->fault];

        open->is_open = verdict->state != FAULT_CLEARED;
        open->reset = open->reset && verdict->state == FAULT_REGRADED;
        open->grade = verdict->grade;
        open->onset_ms = verdict->onset_ms;
        put_event(device, verdict, &out);
        give_event(device, &out, verdict->t_ms, open);
    }
}

void device_say_bus(struct device *device, bool lost, const char *en, const char *zh)
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
    give_event(device, &out, clock_wall_ms(),
               &(struct open_fault){device->options.id, "", lost, 0, clock_wall_ms(), false});
}

