/* The thread of a wire. */
#include "agent/acquire/bus.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "host/queue.h"
#include "models/base/text.h"

#define JOBS_MOST  32
#define STACK_SIZE (512 * 1024)

struct bus {
    struct bus_options options;
    struct master master;
    struct device **devices;
    int64_t *next_ms;
    struct queue *jobs;
    pthread_t thread;
    bool running;
    struct arena *arena; /* of one job */
};

static void free_job(void *item)
{
    struct bus_job *job = item;

    if (job) {
        free(job->args);
        free(job);
    }
}

/* open: what the command changed of a fault, for the next start; NULL: nothing. */
static void reply(struct bus *bus, const struct bus_job *job, const char *state,
                  const char *reason, const struct json_out *result, const struct open_fault *open)
{
    struct parcel *parcel = parcel_make(PARCEL_REPLY, clock_wall_ms());
    struct json_out out = json_out(60 * 1024);

    json_open_object(&out);
    json_text(&out, "command", job->id);
    json_text(&out, "state", state);
    if (reason && reason[0]) {
        json_text(&out, "reason", reason);
    }
    if (result && result->size && !result->err) {
        json_raw(&out, "result", result->bytes);
    }
    json_close_object(&out);
    if (parcel && !out.err) {
        parcel->body = strdup(out.bytes);
        parcel->command = strdup(job->id);
        if (open) {
            parcel->open = *open;
        }
        bus->options.give(bus->options.context, parcel);
    } else {
        parcel_free(parcel);
    }
    json_out_free(&out);
}

static enum device_outcome write_point(struct bus *bus, struct device *device,
                                       const struct device_options *options,
                                       const struct bus_job *job, const struct cJSON *args,
                                       struct json_out *result, struct text *reason)
{
    const char *name = "";
    double value = 0;
    enum device_outcome outcome = device_may_write(device, args, &name, &value, reason);

    if (outcome != DEVICE_DONE) {
        return outcome;
    }
    if (bus->options.intend(bus->options.context, job->id, job->equipment,
                            &options->profile->points[profile_point(options->profile, name)],
                            reason)) {
        return DEVICE_REFUSED;
    }
    return device_write(device, name, value, result, reason);
}

static void do_job(struct bus *bus, const struct bus_job *job)
{
    static const char *const states[] = {"done", "refused", "failed", "unknown"};
    enum device_outcome outcome = DEVICE_UNKNOWN;
    struct json_out result = json_out(56 * 1024);
    const struct open_fault *reset = NULL;
    const struct cJSON *args = NULL;
    TEXT(reason, 300);

    arena_reset(bus->arena);
    if (job->args && json_parse(bus->arena, job->args, strlen(job->args), &args, NULL)) {
        args = NULL;
    }
    for (size_t i = 0; i < bus->options.device_count; i++) {
        struct device *device = bus->devices[i];

        if (strcmp(device_id(device), job->equipment) != 0) {
            continue;
        }
        if (strcmp(job->name, "read") == 0) {
            outcome = device_read(device, args, &result, &reason);
        } else if (strcmp(job->name, "write") == 0) {
            outcome =
                write_point(bus, device, &bus->options.devices[i], job, args, &result, &reason);
        } else if (strcmp(job->name, "reset") == 0) {
            outcome = device_reset(device, args, &reset, &reason);
        } else {
            outcome = device_inspect(device, &result, &reason);
        }
    }
    if (result.err) {
        outcome = DEVICE_FAILED;
        text_clear(&reason);
        text_add(&reason, "the result does not fit into a message");
    }
    reply(bus, job, states[outcome], reason.at, &result, reset);
    json_out_free(&result);
}

static void take_job(struct bus *bus, struct bus_job *job)
{
    if (atomic_load(&bus->master.stopping)) {
        free_job(job); /* not begun: the next start says that its outcome is unknown */
        return;
    }
    if (job->expires_ms && clock_wall_ms() > job->expires_ms) {
        reply(bus, job, "expired", "the command came too late", NULL, NULL);
    } else {
        do_job(bus, job);
    }
    free_job(job);
}

/* The device whose turn is next; the longest overdue first, so that each gets its turn. */
static size_t first_due(const struct bus *bus)
{
    size_t best = 0;

    for (size_t i = 1; i < bus->options.device_count; i++) {
        if (bus->next_ms[i] < bus->next_ms[best]) {
            best = i;
        }
    }
    return best;
}

static void *run(void *context)
{
    struct bus *bus = context;
    enum err err = ERR_OK;

    while (err != ERR_CLOSED) {
        size_t next = first_due(bus);
        int64_t now_ms = clock_boot_ms();
        int64_t wait_ms = bus->options.device_count ? bus->next_ms[next] - now_ms : 60000;
        void *job;

        err = queue_take(bus->jobs, wait_ms > 0 ? wait_ms : 0, &job);
        if (!err) {
            take_job(bus, job);
        }
        now_ms = clock_boot_ms();
        if (err != ERR_CLOSED && bus->options.device_count && bus->next_ms[next] <= now_ms) {
            bus->next_ms[next] = device_turn(bus->devices[next], now_ms);
        }
    }
    return NULL;
}

static enum err start(struct bus *bus)
{
    pthread_attr_t attributes;
    int code;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    code = pthread_create(&bus->thread, &attributes, run, bus);
    pthread_attr_destroy(&attributes);
    bus->running = code == 0;
    return code ? ERR_NOMEM : ERR_OK;
}

enum err bus_open(const struct bus_options *options, struct bus **ret_bus)
{
    struct bus *bus = calloc(1, sizeof(*bus));
    enum err err;

    if (!bus) {
        return ERR_NOMEM;
    }
    bus->options = *options;
    master_init(&bus->master, &options->link);
    bus->devices = calloc(options->device_count + 1, sizeof(*bus->devices));
    bus->next_ms = calloc(options->device_count + 1, sizeof(*bus->next_ms));
    err = bus->devices && bus->next_ms ? queue_open(JOBS_MOST, 1024 * 1024, &bus->jobs) : ERR_NOMEM;
    if (!err) {
        err = arena_open(1024 * 1024, &bus->arena);
    }
    for (size_t i = 0; !err && i < options->device_count; i++) {
        struct device_options device = options->devices[i];

        device.master = &bus->master;
        device.give = options->give;
        device.wants = options->wants;
        device.context = options->context;
        device.bus = options->name;
        device.health = options->health;
        device.open = options->open;
        device.open_count = options->open_count;
        device.seed = options->seed + 0x9e3779b97f4a7c15ULL * (i + 1);
        err = device_open(&device, &bus->devices[i]);
    }
    if (!err) {
        err = start(bus);
    }
    if (err) {
        bus_close(bus);
        return err;
    }
    *ret_bus = bus;
    return ERR_OK;
}

void bus_stop(struct bus *bus)
{
    if (bus) {
        master_stop(&bus->master);
        queue_stop(bus->jobs);
    }
}

void bus_close(struct bus *bus)
{
    if (!bus) {
        return;
    }
    master_stop(&bus->master);
    if (bus->jobs) {
        queue_stop(bus->jobs);
    }
    if (bus->running) {
        pthread_join(bus->thread, NULL);
    }
    for (size_t i = 0; bus->devices && i < bus->options.device_count; i++) {
        device_close(bus->devices[i]);
    }
    queue_close(bus->jobs, free_job);
    arena_close(bus->arena);
    master_done(&bus->master);
    free(bus->devices);
    free(bus->next_ms);
    free(bus);
}

enum err bus_give(struct bus *bus, struct bus_job *job)
{
    enum err err = queue_put(bus->jobs, job, sizeof(*job), 0);

    if (err) {
        free_job(job);
    }
    return err;
}
