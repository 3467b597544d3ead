/* The thread of a wire. */
#include "agent/acquire/bus.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "host/log.h"
#include "host/queue.h"
#include "models/base/text.h"

#define JOBS_MOST  32
#define STACK_SIZE (512 * 1024)

struct bus {
    struct bus_options options;
    struct master master;
    struct device **devices;
    struct turns turns;
    struct turn_state *states;
    struct limits *book; /* what is known of each kind of device */
    size_t book_count, book_room;
    int64_t connects; /* of the wire, as far as the devices know */
    struct queue *jobs;
    struct bus_job *job; /* the command under way */
    struct device_order *order; /* … and its steps, when it has some */
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

/* ------------------------------------------------------------------ commands */

static const char *const states[] = {"done", "refused", "failed", "unknown"};

static int device_of(const struct bus *bus, const char *equipment)
{
    for (size_t i = 0; i < bus->options.device_count; i++) {
        if (strcmp(device_id(bus->devices[i]), equipment) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static void end_job(struct bus *bus)
{
    device_order_end(bus->order);
    free_job(bus->job);
    bus->order = NULL;
    bus->job = NULL;
}

static void answer(struct bus *bus, enum device_outcome outcome, struct json_out *result,
                   struct text *reason, const struct open_fault *reset)
{
    if (result->err) {
        outcome = DEVICE_FAILED;
        text_say(reason, ERR_OK, "the result does not fit into a message");
    }
    reply(bus, bus->job, states[outcome], reason->at, result, reset);
    end_job(bus);
}

/* What is done in one go; reading and inspecting are only begun. */
static enum device_outcome begin_job(struct bus *bus, size_t index, const struct cJSON *args,
                                     struct json_out *result, struct text *reason,
                                     const struct open_fault **ret_reset)
{
    const struct bus_job *job = bus->job;
    struct device *device = bus->devices[index];

    if (strcmp(job->name, "write") == 0) {
        return write_point(bus, device, &bus->options.devices[index], job, args, result, reason);
    }
    if (strcmp(job->name, "reset") == 0) {
        return device_reset(device, args, ret_reset, reason);
    }
    return device_order_begin(device, args, strcmp(job->name, "inspect") == 0, &bus->order, reason);
}

static void take_job(struct bus *bus, struct bus_job *job)
{
    struct json_out result = json_out(56 * 1024);
    const struct open_fault *reset = NULL;
    const struct cJSON *args = NULL;
    enum device_outcome outcome = DEVICE_UNKNOWN;
    int index = device_of(bus, job->equipment);
    TEXT(reason, 300);

    bus->job = job;
    arena_reset(bus->arena);
    if (job->args && json_parse(bus->arena, job->args, strlen(job->args), &args, NULL)) {
        args = NULL;
    }
    if (job->expires_ms && clock_wall_ms() > job->expires_ms) {
        reply(bus, job, "expired", "the command came too late", NULL, NULL);
        end_job(bus);
    } else {
        if (index >= 0) {
            outcome = begin_job(bus, (size_t)index, args, &result, &reason, &reset);
        }
        if (!bus->order) {
            answer(bus, outcome, &result, &reason, reset);
        }
    }
    json_out_free(&result);
}

static void step_job(struct bus *bus)
{
    struct json_out result = json_out(56 * 1024);
    enum device_outcome outcome;
    TEXT(reason, 300);

    if (bus->job->expires_ms && clock_wall_ms() > bus->job->expires_ms) {
        reply(bus, bus->job, "expired", "its time was over before all was read", NULL, NULL);
        end_job(bus);
    } else if (device_order_step(bus->order, &outcome, &result, &reason)) {
        answer(bus, outcome, &result, &reason, NULL);
    }
    json_out_free(&result);
}

/* ------------------------------------------------------------------ turns */

static void say_turn(struct bus *bus, size_t index)
{
    struct turn turn = device_wants_turn(bus->devices[index]);

    turns_set(&bus->turns, index, &turn);
}

/* A command may have changed what a device wants, a connect what all of them want. */
static void say_turns(struct bus *bus)
{
    bool anew = bus->connects != bus->master.counters.reconnects;

    bus->connects = bus->master.counters.reconnects;
    for (size_t i = 0; i < bus->options.device_count; i++) {
        if (anew) {
            device_wire_is_back(bus->devices[i], clock_boot_ms());
        }
        say_turn(bus, i);
    }
}

/* While nothing is due: what has been learned goes to the spool. */
static void keep_learned(struct bus *bus)
{
    for (size_t i = 0; i < bus->book_count; i++) {
        struct limits *limits = &bus->book[i];
        struct parcel *parcel;
        TEXT(words, 2048);

        if (limits->kept == limits->version) {
            continue;
        }
        limits->kept = limits->version;
        limits_write(limits, &words);
        parcel = parcel_make(PARCEL_LEARNED, clock_wall_ms());
        if (parcel) {
            parcel->command = strdup(limits->key);
            parcel->body = strdup(words.at);
            bus->options.give(bus->options.context, parcel);
        }
    }
}

/* What was picked has its turn. */
static void do_turn(struct bus *bus, const struct turn_pick *pick)
{
    int64_t began_ms = clock_boot_ms();
    int64_t connects = bus->connects;

    if (pick->kind == TURN_ORDER) {
        step_job(bus);
    } else {
        device_step(bus->devices[pick->device], began_ms);
        say_turn(bus, pick->device);
    }
    turns_spent(&bus->turns, pick, (clock_boot_ms() - began_ms) * 1000 + 500);
    if (pick->kind == TURN_ORDER || connects != bus->master.counters.reconnects) {
        say_turns(bus);
    }
}

/* A new command is taken when the one before is done; else the queue is where the thread sleeps. */
static enum err take_command(struct bus *bus, const struct turn_pick *pick)
{
    int64_t wait_ms = pick->kind == TURN_NONE ? pick->wait_ms : clock_boot_ms();
    enum err err;
    void *job;

    if (pick->kind == TURN_NONE) {
        keep_learned(bus);
    }
    if (bus->job) {
        return atomic_load(&bus->master.stopping) ? ERR_CLOSED : ERR_TIMEOUT;
    }
    wait_ms -= clock_boot_ms();
    wait_ms = wait_ms < 0 ? 0 : wait_ms > 60000 ? 60000 : wait_ms;
    err = queue_take(bus->jobs, wait_ms, &job);
    if (!err && atomic_load(&bus->master.stopping)) {
        free_job(job); /* not begun: the next start says that its outcome is unknown */
    } else if (!err) {
        int64_t began_ms = clock_boot_ms();

        take_job(bus, job);
        turns_spent(&bus->turns, &(struct turn_pick){.kind = TURN_ORDER}, (clock_boot_ms() - began_ms) * 1000);
        say_turns(bus);
    }
    return err;
}

static void *run(void *context)
{
    struct bus *bus = context;
    enum err err = ERR_OK;

    say_turns(bus);
    while (err != ERR_CLOSED) {
        struct turn_pick pick = turns_pick(&bus->turns, clock_boot_ms(), bus->order != NULL);

        err = take_command(bus, &pick);
        if (err == ERR_TIMEOUT && pick.kind != TURN_NONE) {
            do_turn(bus, &pick);
        }
    }
    keep_learned(bus);
    end_job(bus); /* begun and not answered: the next start says so */
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

/* ------------------------------------------------------------------ opening */

static struct limits *limits_of(void *context, const char *key, uint16_t max_registers)
{
    struct bus *bus = context;

    for (size_t i = 0; i < bus->book_count; i++) {
        if (strcmp(bus->book[i].key, key) == 0) {
            return &bus->book[i];
        }
    }
    if (bus->book_count == bus->book_room) {
        return NULL;
    }
    limits_init(&bus->book[bus->book_count], key, max_registers);
    for (size_t i = 0; i < bus->options.learned_count; i++) {
        const struct learned *one = &bus->options.learned[i];

        if (strcmp(one->key, key) == 0 && limits_read(&bus->book[bus->book_count], one->words)) {
            log_warn("what was learned of %s cannot be read: it is learned anew", key);
        }
    }
    return &bus->book[bus->book_count++];
}

/* The shortest period on the wire: the beat that all polls keep. */
static int64_t beat_of(const struct bus_options *options)
{
    int64_t beat_ms = 60000;

    for (size_t i = 0; i < options->device_count; i++) {
        const struct profile *profile = options->devices[i].profile;

        for (size_t k = 0; k < profile->point_count; k++) {
            beat_ms = profile->points[k].every_ms < beat_ms ? profile->points[k].every_ms : beat_ms;
        }
    }
    return beat_ms;
}

static enum err open_devices(struct bus *bus, int64_t anchor_ms)
{
    const struct bus_options *options = &bus->options;
    int64_t beat_ms = beat_of(options);
    enum err err = ERR_OK;

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
        device.index = i;
        device.count = options->device_count;
        device.anchor_ms = anchor_ms;
        device.beat_ms = beat_ms;
        device.limits_of = limits_of;
        device.bus_context = bus;
        err = device_open(&device, &bus->devices[i]);
    }
    return err;
}

enum err bus_open(const struct bus_options *options, struct bus **ret_bus)
{
    struct bus *bus = calloc(1, sizeof(*bus));
    size_t count = options->device_count;
    int64_t now_ms = clock_boot_ms();
    enum err err;

    if (!bus) {
        return ERR_NOMEM;
    }
    bus->options = *options;
    master_init(&bus->master, &options->link);
    bus->book_room = 2 * count + 2; /* a kind for each, and firmware that changes */
    bus->devices = calloc(count + 1, sizeof(*bus->devices));
    bus->states = calloc(count + 1, sizeof(*bus->states));
    bus->book = calloc(bus->book_room, sizeof(*bus->book));
    err = bus->devices && bus->states && bus->book ? queue_open(JOBS_MOST, 1024 * 1024, &bus->jobs)
                                                   : ERR_NOMEM;
    if (!err) {
        err = arena_open(1024 * 1024, &bus->arena);
    }
    if (!err) {
        turns_init(&bus->turns, bus->states, count, now_ms);
        err = open_devices(bus, now_ms + (int64_t)(options->seed % 250)); /* wires do not begin together */
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
    free(bus->states);
    free(bus->book);
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
