/* One device: its life, its turns, its silence. */
#include <stdlib.h>

#include "agent/acquire/device_int.h"
#include "host/clock.h"
#include "models/base/text.h"

#define LOST_AFTER       3 /* polls without a reply (interfaces.md 8) */
#define BACK_OFF_MOST_MS 30000

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

static enum err open_groups(struct device *device)
{
    const struct profile *profile = device->options.profile;
    size_t points = profile->point_count;
    int64_t now_ms = clock_boot_ms();

    for (size_t i = 0; i < points; i++) {
        (void)device_group_of(device, profile->points[i].every_ms);
    }
    for (size_t i = 0; i < device->group_count; i++) {
        struct group *group = &device->groups[i];
        int64_t spread = group->every_ms < 1000 ? group->every_ms : 1000;

        group->order = arena_array(device->arena, points, sizeof(*group->order));
        group->reads = arena_array(device->arena, points, sizeof(*group->reads));
        if (!group->order || !group->reads) {
            return ERR_NOMEM;
        }
        /*
         * Devices of a wire begin apart, so that their polls do not bunch, but on a common beat of four
         * in that time: waking up costs more than asking a device.
         */
        group->next_ms = now_ms + (int64_t)(draw(device) % (uint64_t)spread) / 4;
        group->next_ms += spread / 16 - group->next_ms % (spread / 16 > 0 ? spread / 16 : 1);
        device_plan(device, group);
    }
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
    device->max_registers = options->profile->max_registers;
    device->gap = options->profile->gap;
    err = arena_open(8 * 1024 * 1024, &device->arena);
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

static void silent(struct device *device, int64_t boot_ms)
{
    int64_t t_ms = clock_wall_ms();
    int64_t least = device->groups[0].every_ms < 1000 ? device->groups[0].every_ms : 1000;

    for (size_t i = 0; i < device->options.profile->point_count; i++) {
        if (!device->apart[i].set) {
            device_report_nothing(device, i, QUALITY_TIMEOUT, t_ms);
        }
    }
    device_decide(device);
    device->silent_polls++;
    if (device->silent_polls == LOST_AFTER) {
        device->lost = true;
        device_say_bus(device, true, "no reply: power, wiring, address, baud rate or parity",
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
        device_say_bus(device, false, "the device answers again", "设备恢复应答");
    }
    device->lost = false;
    device->silent_polls = 0;
    device->back_off_ms = 0;
}

/* One cheap question to a silent device; a refusal is an answer too. */
static bool probe(struct device *device)
{
    const struct register_spec *spec = &device->options.profile->points[0].reg;
    struct master_request request = device_request(device, spec->table, spec->address, 1);
    uint16_t words[1];
    int exception;
    enum err err = master_read(device->options.master, &request, words, &exception);

    return !err || err == ERR_DENIED;
}

static void poll_due(struct device *device, int64_t boot_ms)
{
    enum err err = device->checked ? ERR_OK : device_check_identity(device);

    for (size_t i = 0; !err && i < device->group_count; i++) {
        struct group *group = &device->groups[i];

        if (group->next_ms > boot_ms) {
            continue;
        }
        device->polls++;
        err = device_poll(device, group);
        group->next_ms += group->every_ms;
        if (group->next_ms <= boot_ms) { /* behind: keep the beat, skip what was missed */
            group->next_ms += (boot_ms - group->next_ms) / group->every_ms * group->every_ms +
                              group->every_ms;
        }
    }
    if (err && atomic_load(&device->options.master->stopping)) {
        return; /* nobody was asked: nothing is known */
    }
    if (err) {
        silent(device, boot_ms);
    } else {
        answered(device);
        device_decide(device);
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
            if (atomic_load(&device->options.master->stopping)) {
                return INT64_MAX;
            }
            silent(device, boot_ms);
            device_send(device);
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
    device_send(device);
    next_ms = device->silent_polls > 0 ? device->retry_ms : INT64_MAX;
    for (size_t i = 0; device->silent_polls == 0 && i < device->group_count; i++) {
        if (device->groups[i].next_ms < next_ms) {
            next_ms = device->groups[i].next_ms;
        }
    }
    return next_ms;
}

