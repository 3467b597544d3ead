/* One device: its life, its turns, its silence. */
#include <stdlib.h>

#include "agent/acquire/device_int.h"
#include "host/clock.h"
#include "models/base/text.h"

#define LOST_AFTER       3 /* polls without a reply (interfaces.md 8) */
#define GATEWAY_LOST_MS  10000 /* it has to say so long that nobody answers behind it */
#define PATIENCE_MS      5000
#define PROBE_LEAST_MS   50
#define BACK_OFF_MOST_MS 30000
#define WIRE_BACK_OFF_MOST_MS 5000 /* while the wire itself is not there */

static uint64_t draw(struct device *device)
{
    device->random ^= device->random >> 12;
    device->random ^= device->random << 25;
    device->random ^= device->random >> 27;
    return device->random * 2685821657736338717ULL >> 11;
}

struct group *device_group_of(struct device *device, int64_t every_ms)
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

/* Everything is asked once at the start, and then in its place of the period. */
static enum err open_groups(struct device *device)
{
    const struct device_options *options = &device->options;
    const struct profile *profile = options->profile;

    for (size_t i = 0; i < profile->point_count; i++) {
        (void)device_group_of(device, profile->points[i].every_ms);
    }
    for (size_t i = 0; i < device->group_count; i++) {
        struct group *group = &device->groups[i];

        group->order = arena_array(device->arena, profile->point_count, sizeof(*group->order));
        if (!group->order) {
            return ERR_NOMEM;
        }
        group->phase_ms =
            turns_phase(options->index, options->count, group->every_ms, options->beat_ms);
        group->next_ms = options->anchor_ms;
    }
    device_plan_all(device);
    return ERR_OK;
}

/* What was open when the program ended, by the spool's word. */
static void remember_faults(struct device *device)
{
    const struct profile *profile = device->options.profile;

    for (size_t i = 0; i < profile->fault_count; i++) {
        device->open[i] = (struct open_fault){device->options.id, profile->faults[i].id, false, 0, 0, false};
    }
    for (size_t i = 0; i < device->options.open_count; i++) {
        const struct open_fault *was = &device->options.open[i];

        if (!text_same(was->equipment, device->options.id)) {
            continue;
        }
        if (was->fault[0] == '\0') { /* the device itself had fallen silent */
            device->lost = true;
            device->silent_polls = LOST_AFTER;
        }
        for (size_t k = 0; k < profile->fault_count; k++) {
            if (text_same(was->fault, profile->faults[k].id)) {
                device->open[k].is_open = true;
                device->open[k].grade = was->grade;
                device->open[k].onset_ms = was->onset_ms;
                device->open[k].reset = was->reset;
            }
        }
    }
}

void device_restore(struct device *device)
{
    for (size_t i = 0; i < device->options.profile->fault_count; i++) {
        if (device->open[i].is_open) {
            judge_restore(device->judge, i, device->open[i].grade, device->open[i].onset_ms);
            if (device->open[i].reset) {
                judge_reset(device->judge, i);
            }
        }
    }
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
    device->limits = device_limits(device);
    device->identity_fits = true;
    device->retry_ms = options->anchor_ms;
    err = device->limits ? arena_open(8 * 1024 * 1024, &device->arena) : ERR_NOMEM;
    if (!err) {
        err = judge_open(options->profile, &device->judge);
    }
    if (!err) {
        device->told = arena_array(device->arena, points, sizeof(*device->told));
        device->now = arena_array(device->arena, points, sizeof(*device->now));
        device->apart = arena_array(device->arena, points, sizeof(*device->apart));
        device->open = arena_array(device->arena, options->profile->fault_count + 1,
                                   sizeof(*device->open));
        device->now_text = arena_array(device->arena, points, sizeof(*device->now_text));
        device->verdicts = arena_array(device->arena, options->profile->fault_count + 1,
                                       sizeof(*device->verdicts));
        for (size_t i = 0; i < points && !device->plausible; i++) {
            if (options->profile->points[i].step > 0) {
                device->plausible = arena_array(device->arena, points, sizeof(*device->plausible));
            }
        }
        if (!device->told || !device->now || !device->apart || !device->open || !device->now_text ||
            !device->verdicts) {
            err = ERR_NOMEM;
        }
    }
    if (!err) {
        err = open_groups(device);
    }
    if (!err) {
        remember_faults(device);
        device_restore(device);
    }
    if (err) {
        device_close(device);
        return err;
    }
    *ret_device = device;
    return ERR_OK;
}

void device_close(struct device *device)
{
    if (!device) {
        return;
    }
    device_drop_batch(device);
    for (size_t i = 0; device->told && i < device->options.profile->point_count; i++) {
        free(device->told[i].text);
    }
    judge_close(device->judge);
    arena_close(device->arena);
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

/* ------------------------------------------------------------------ silence */

static int64_t least_every(const struct device *device)
{
    int64_t least = 1000;

    for (size_t i = 0; i < device->group_count; i++) {
        least = device->groups[i].every_ms < least ? device->groups[i].every_ms : least;
    }
    return least;
}

static void tell_silence(struct device *device)
{
    int64_t t_ms = clock_wall_ms();

    for (size_t i = 0; i < device->options.profile->point_count; i++) {
        if (!device->apart[i].set) {
            device_report_nothing(device, i, device->silence, t_ms);
        }
    }
    device_decide(device);
}

/* A gateway that says it for a moment may only be busy. */
static bool is_lost(const struct device *device, int64_t boot_ms)
{
    return device->silent_polls >= LOST_AFTER &&
           (device->silence == QUALITY_TIMEOUT || boot_ms - device->silent_since_ms >= GATEWAY_LOST_MS);
}

static void fall_silent(struct device *device, enum err err, int64_t boot_ms)
{
    device->wire_gone = err == ERR_CLOSED;
    device->silence = err == ERR_DENIED ? QUALITY_EXCEPTION : QUALITY_TIMEOUT;
    device->round.group = NULL;
    device->identity_at = 0;
    device->checked = device->identified = false;
    tell_silence(device);
    device->silent_since_ms = device->silent_polls++ > 0 ? device->silent_since_ms : boot_ms;
    if (!device->lost && is_lost(device, boot_ms)) {
        device->lost = true;
        device_say_bus(device, true, "no reply: power, wiring, address, baud rate or parity",
                       "设备无应答：请检查电源、接线、地址、波特率和校验位");
    }
    device->retry_ms = boot_ms + turns_back_off(&device->back_off_ms, least_every(device),
                                                device->wire_gone ? WIRE_BACK_OFF_MOST_MS : BACK_OFF_MOST_MS,
                                                draw(device));
    device_send(device);
}

void device_answered(struct device *device)
{
    device->heard = true;
    if (device->lost) {
        device_say_bus(device, false, "the device answers again", "设备恢复应答");
    }
    device->lost = device->wire_gone = false;
    device->silent_polls = 0;
    device->back_off_ms = 0;
}

void device_wire_is_back(struct device *device, int64_t boot_ms)
{
    if (device->silent_polls > 0 && device->wire_gone) {
        device->retry_ms = boot_ms;
        device->back_off_ms = 0;
    }
}

/*
 * A device that is known to be lost is given as long as the others of its wire need, four times over, and every
 * fourth time its own time-out: it may be slower than they are. Not on TCP: a gateway waits for it all the same, and
 * the others with it.
 */
static int64_t probe_timeout_ms(const struct device *device)
{
    int64_t full_ms = device->options.profile->timeout_ms;
    int64_t usual_ms = 4 * device->options.master->usual_us / 1000;

    if (!device->options.master->link.is_serial || device->silent_polls < LOST_AFTER || device->silent_polls % 4 == 0 || usual_ms == 0) {
        return full_ms;
    }
    usual_ms = usual_ms < PROBE_LEAST_MS ? PROBE_LEAST_MS : usual_ms;
    return usual_ms < full_ms ? usual_ms : full_ms;
}

/* A gateway's word that nobody answers behind it (exceptions 10 and 11) is silence too. */
static enum err probe(struct device *device)
{
    const struct register_spec *spec = &device->options.profile->points[0].reg;
    struct master_request request = device_request(device, spec->table, spec->address, 1);
    int exception;
    enum err err;

    if (device->groups[0].count > 0) { /* the beginning of a block that it gives */
        struct sweep_read read = device_block(device, &device->groups[0], 0);

        request = device_request(device, read.table, read.address, 1);
        request.room = read.count;
        request.proven = device->groups[0].proven;
    }
    request.timeout_ms = probe_timeout_ms(device);
    err = master_probe(device->options.master, &request, &exception);
    return err == ERR_DENIED && !master_is_gateways_word(exception) ? ERR_OK : err;
}

/* ------------------------------------------------------------------ turns */

struct turn device_wants_turn(const struct device *device)
{
    bool serial = device->options.master->link.is_serial;
    struct turn turn = {
        .due_ms = device->retry_ms,
        .probe = device->silent_polls > 0 || !device->heard,
        .cost_ms = probe_timeout_ms(device) * (serial ? 2 : 1),
        .patience_ms = device->back_off_ms,
    };

    if (!device->heard && device->silent_polls == 0) { /* at the start it may wait for a gap of the others */
        turn.patience_ms = 2 * device->options.beat_ms < PATIENCE_MS ? 2 * device->options.beat_ms : PATIENCE_MS;
    }
    if (device->wire_gone) {
        turn.cost_ms = 0; /* connecting costs the others nothing: they have no wire either */
    }
    if (device->silent_polls > 0 || device->round.group || device->identity_at > 0) {
        return turn; /* what is under way was due when it began */
    }
    turn.due_ms = TURNS_NEVER;
    for (size_t i = 0; i < device->group_count; i++) {
        if (device->groups[i].next_ms < turn.due_ms) {
            turn.due_ms = device->groups[i].next_ms;
        }
    }
    return turn;
}

/* The group whose turn it is; the longest overdue first. */
static struct group *due_group(struct device *device)
{
    struct group *due = &device->groups[0];

    for (size_t i = 1; i < device->group_count; i++) {
        if (device->groups[i].next_ms < due->next_ms) {
            due = &device->groups[i];
        }
    }
    return due;
}

static void end_poll(struct device *device, struct group *group, int64_t boot_ms)
{
    device->polls++;
    device->identified = device->checked;
    group->next_ms = turns_next(device->options.anchor_ms, group->phase_ms, group->every_ms, boot_ms);
    device_decide(device);
    device_send(device);
}

/* It is not what its profile says: there is nothing to ask it for. */
static void disbelieve(struct device *device, const struct group *group)
{
    int64_t t_ms = clock_wall_ms();

    for (size_t i = 0; i < group->count; i++) {
        device_report_nothing(device, group->order[i], QUALITY_INVALID, t_ms);
    }
}

/* One step of the poll that is due: who it is, if that is not known, then the group's reads. */
static enum err poll_step(struct device *device, int64_t boot_ms)
{
    struct group *group = device->round.group;
    enum err err;

    if (!device->identified) {
        err = device_identity_step(device);
        if (err || device_has_identity(device)) {
            return err;
        }
    }
    if (!group) {
        group = due_group(device);
        if (!device->fits) {
            disbelieve(device, group);
            end_poll(device, group, boot_ms);
            return ERR_OK;
        }
        device->retry_ms = group->next_ms; /* what is under way keeps its place */
        device_round_begin(device, &device->round, group, NULL);
    }
    err = device_round_step(device, &device->round);
    if (!err && !device->round.group) {
        end_poll(device, group, boot_ms);
    }
    return err;
}

void device_step(struct device *device, int64_t boot_ms)
{
    bool was_silent = device->silent_polls > 0;
    enum err err = was_silent ? probe(device) : poll_step(device, boot_ms);

    if (atomic_load(&device->options.master->stopping)) {
        return; /* nobody was asked: nothing is known */
    }
    if (!err) {
        if (was_silent) {
            for (size_t i = 0; i < device->group_count; i++) {
                device->groups[i].next_ms = boot_ms;
            }
        }
        device->round.retried = false;
        device_answered(device);
    } else if (device->heard && !was_silent && !device->round.retried) {
        device->round.retried = true; /* once more, when the others have had their turns */
    } else {
        device->round.retried = false;
        fall_silent(device, err, clock_boot_ms());
    }
}
