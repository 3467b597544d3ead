/* Rules across the targets of a plan (service-terms.md 3, "Plan validator rules"). */
#include "models/service/plan_int.h"

static const struct plan_target *find_target(const struct plan *plan, enum plan_stop stop)
{
    for (size_t i = 0; i < plan->target_count; i++) {
        if (plan->targets[i].stop == stop) {
            return &plan->targets[i];
        }
    }
    return NULL;
}

/* S0-108: no grade without a response and an arrival clock, at any level. */
static void check_no_blank(struct plan_reader *reader, struct yaml_node *map, enum plan_stop stop)
{
    const struct plan_target *target = find_target(reader->plan, stop);

    if (!target) {
        complain(reader->complaints, map, "expected a clock that stops on '%s', found none",
                 plan_stop_names[stop]);
        return;
    }
    for (int grade = 0; grade < PLAN_GRADES; grade++) {
        for (int level = 0; level < PLAN_LEVELS; level++) {
            if (!target->limits[grade][level].set) {
                complain_key(reader->complaints, target->node,
                            "expected a limit of '%s' for grade %d at level %c, found none (S0-108)",
                            target->kind, grade + 1, 'A' + level);
                level = PLAN_LEVELS;
            }
        }
    }
}

/* One case of a plan: a grade and level, or the emergency. */
struct situation {
    int grade, level;
    bool emergency;
};

static struct plan_limit limit_in(const struct plan_target *target, const struct situation *is)
{
    return is->emergency && target->emergency.set ? target->emergency : target->limits[is->grade][is->level];
}

/* What a target takes of the way to the arrival: nothing when the plan has none; -1: no hours. */
static int64_t share_of(const struct plan_target *target, const struct situation *is, int64_t whole_ms)
{
    struct plan_limit limit = {.set = false};
    int64_t ms;

    if (target) {
        limit = limit_in(target, is);
        limit = limit.set && target->aim.set ? target->aim : limit;
    }
    if (!limit.set) {
        return 0;
    }
    if (duration_ms(limit.limit, &ms)) {
        return -1;
    }
    if (target->cap_onsite > 0 && (double)ms > target->cap_onsite * (double)whole_ms) {
        ms = (int64_t)(target->cap_onsite * (double)whole_ms);
    }
    return ms;
}

/* true: the case was complained of. */
static bool check_case(struct plan_reader *reader, const struct plan_target *arrive, const struct situation *is)
{
    const struct plan *plan = reader->plan;
    const char *emergency = is->emergency ? ", in an emergency" : "";
    struct plan_limit limit = limit_in(arrive, is);
    int64_t whole, a, b, c;

    if (!limit.set || duration_ms(limit.limit, &whole)) {
        return false;
    }
    a = share_of(find_target(plan, PLAN_DISPATCHED), is, whole);
    b = share_of(find_target(plan, PLAN_ASSIGNED), is, whole);
    c = share_of(find_target(plan, PLAN_CHECKED), is, whole);
    if (a >= 0 && b >= 0 && (a + b >= whole || a + b + plan->travel_ms > whole)) {
        complain_key(reader->complaints, arrive->node,
                    "expected dispatch and assignment to leave time to travel before '%s', "
                    "found too little at grade %d, level %c%s (C-25)",
                    arrive->kind, is->grade + 1, 'A' + is->level, emergency);
        return true;
    }
    if (c >= whole) {
        complain_key(reader->complaints, arrive->node,
                    "expected the supervision before '%s' is due, found it at or after at grade %d, "
                    "level %c%s (C-25)",
                    arrive->kind, is->grade + 1, 'A' + is->level, emergency);
        return true;
    }
    return false;
}

/* C-25: forwarding and arranging must leave time to travel; each clock that ends on site is told once. */
static void check_arrival(struct plan_reader *reader, const struct plan_target *arrive)
{
    for (int grade = 0; grade < PLAN_GRADES; grade++) {
        for (int level = 0; level < PLAN_LEVELS; level++) {
            struct situation is = {grade, level, false}, urgent = {grade, level, true};

            if (check_case(reader, arrive, &is) ||
                (grade == 0 && arrive->emergency.set && check_case(reader, arrive, &urgent))) {
                return;
            }
        }
    }
}

/* The shortest promise of that end at a grade, over its levels, in ms; 0: none. A working day is taken for a day. */
static int64_t shortest(const struct plan *plan, enum plan_stop stop, int grade)
{
    int64_t least = 0, ms;

    for (size_t i = 0; i < plan->target_count; i++) {
        for (int level = 0; plan->targets[i].stop == stop && level < PLAN_LEVELS; level++) {
            struct plan_limit limit = plan->targets[i].limits[grade][level];

            limit.limit.unit = limit.limit.unit == DURATION_WD ? DURATION_D : limit.limit.unit;
            if (limit.set && !duration_ms(limit.limit, &ms) && (!least || ms < least)) {
                least = ms;
            }
        }
    }
    return least;
}

/* A part that has to be sent for comes after the repair is due, and the plan promises no spare before that. */
void plan_check_parts(struct plan_reader *reader, struct yaml_node *travel)
{
    const struct plan *plan = reader->plan;

    for (int grade = 0; grade < PLAN_GRADES; grade++) {
        int64_t repair = shortest(plan, PLAN_CLEARED_STOP, grade), spare = shortest(plan, PLAN_DELIVERED, grade);

        if (repair && plan->part_lead_ms > repair && (!spare || spare > repair)) {
            complain_softly(reader->complaints, travel,
                            "expected a part that no depot has (part_lead) before the repair of grade %d is due, found it "
                            "later, and no spare promised before that",
                            grade + 1);
            return;
        }
    }
}

void plan_check_targets(struct plan_reader *reader, struct yaml_node *map)
{
    const struct plan *plan = reader->plan;

    check_no_blank(reader, map, PLAN_RESPONSE);
    check_no_blank(reader, map, PLAN_ARRIVED);
    for (size_t i = 0; i < plan->target_count; i++) {
        if (plan->targets[i].stop == PLAN_ARRIVED) {
            check_arrival(reader, &plan->targets[i]);
        }
    }
}
