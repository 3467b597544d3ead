/* Profiles from anywhere: refused with complaints, each with its place; or one that can be judged by and
 * swept. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "models/fault/judge.h"
#include "models/profile/sweep.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void use(struct arena *arena, const struct profile *profile)
{
    size_t *order = arena_array(arena, profile->point_count, sizeof(*order)), reads, covered = 0;
    struct sweep_read *list = arena_array(arena, profile->point_count, sizeof(*list));
    struct verdict verdicts[PROFILE_FAULTS_MOST];
    struct sweep_limits limits = {profile->max_registers, profile->gap, NULL, 0};
    struct judge *judge;

    if (!order || !list || judge_open(profile, &judge)) {
        return;
    }
    for (size_t i = 0; i < profile->point_count; i++) {
        order[i] = i;
    }
    sweep_plan(profile, &limits, order, profile->point_count, list, &reads);
    for (size_t i = 0; i < reads; i++) {
        covered += list[i].points;
    }
    if (covered != profile->point_count) {
        abort();
    }
    for (int64_t t_ms = 1790000000000; t_ms < 1790000000000 + 20 * 60000; t_ms += 60000) {
        for (size_t i = 0; i < profile->point_count; i++) {
            struct reading reading = {.t_ms = t_ms, .has_value = true, .value = (double)(t_ms / 60000 % 7) * (double)(i + 1)};

            if (judge_take(judge, i, &reading)) {
                abort();
            }
        }
        if (judge_decide(judge, t_ms, verdicts, PROFILE_FAULTS_MOST) > profile->fault_count) {
            abort();
        }
    }
    judge_close(judge);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct complaints complaints = {.path = "p"};
    const struct profile *profile;
    enum err err;

    if (arena_open(32 << 20, &complaints.arena)) {
        return 0;
    }
    err = profile_read(complaints.arena, (const char *)bytes, size, &complaints, &profile);
    if (err == ERR_FORMAT && complaints.count == 0) {
        abort();
    }
    for (size_t i = 0; i < complaints.count && i < COMPLAINTS_MOST; i++) {
        if (strncmp(complaints.lines[i], "p:", 2) != 0 || strchr(complaints.lines[i], '\n') || !strstr(complaints.lines[i], ": error: expected ")) {
            abort();
        }
    }
    if (!err) {
        use(complaints.arena, profile);
    }
    arena_close(complaints.arena);
    return 0;
}
