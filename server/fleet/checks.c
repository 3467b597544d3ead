/* Lines of an inspection from the values that were read. */
#include "server/fleet/checks.h"

#include <string.h>

#include "models/fault/judge.h"
#include "models/profile/inspection.h"

/* Values that are not good, or of no point of the profile, are not known to the lines. */
static enum err take_point(struct judge *judge, const struct profile *profile,
                           const struct cJSON *item, int64_t now_ms)
{
    int point = profile_point(profile, json_text_or(item, "name", ""));
    struct reading reading = {.t_ms = now_ms, .quality = QUALITY_GOOD, .has_value = true};

    if (point < 0 || !json_as_number(json_field(item, "value"), &reading.value) ||
        strcmp(json_text_or(item, "quality", "good"), "good") != 0) {
        return ERR_OK;
    }
    return judge_take(judge, (size_t)point, &reading);
}

/* A profile that says nothing of inspections is looked at by its faults: 1 when it holds now, without any delay. What
 * asks for more than the values of now is left out. */
static void put_fault(const struct judge *judge, const struct fault_rule *rule, struct json_out *out)
{
    struct expr_value holds = judge_evaluate(judge, rule->when);
    const struct inspection_line line = {
        .id = rule->id, .title = rule->title, .has_green = true, .has_amber = rule->grade == 3, .amber_least = 1, .amber_most = 1};

    if (holds.known) {
        holds.number = holds.number < 0 || holds.number > 0;
        inspection_put(&line, holds, out);
    }
}

enum err checks_make(struct arena *arena, const struct profile *profile, const struct cJSON *points,
                     int64_t now_ms, struct json_out *out, const struct cJSON **ret_checks)
{
    size_t most = profile->fault_count + 1;
    struct verdict *verdicts = arena_array(arena, most, sizeof(*verdicts));
    struct judge *judge = NULL;
    enum err err;

    *ret_checks = NULL;
    err = verdicts ? judge_open(profile, &judge) : ERR_NOMEM;
    if (err) {
        return err;
    }
    for (const struct cJSON *item = json_first(points); item && !err; item = json_next(item)) {
        err = take_point(judge, profile, item, now_ms);
    }
    (void)judge_decide(judge, now_ms, verdicts, most);
    json_open_list(out);
    for (size_t i = 0; i < profile->inspection_count; i++) {
        inspection_put(&profile->inspection[i], judge_evaluate(judge, profile->inspection[i].is), out);
    }
    for (size_t i = 0; profile->inspection_count == 0 && i < profile->fault_count; i++) {
        put_fault(judge, &profile->faults[i], out);
    }
    json_close_list(out);
    judge_close(judge);
    err = err ? err : out->err;
    return err ? err : json_parse(arena, out->bytes, out->size, ret_checks, NULL);
}
