/* The next step of an escalation, from its ledger. */
#include "models/service/escalation.h"

#include <string.h>

const char *const escalation_on_names[] = {
    "emergency",   "unacknowledged", "not_dispatched", "not_accepted",    "refused",
    "not_departed", "part_missing",  "will_breach",    "breached",        "bounced",
    "not_implemented", "not_cleared", "rca_overdue", "manual",        NULL,
};
const char *const escalation_to_names[] = {"dispatcher", "on_call",   "owner",      "team_lead",
                                           "supervisor", "technical", "leadership", NULL};
const char *const escalation_channel_names[] = {"log", "webhook", "mail", "sms", NULL};

int escalation_on_read(const char *name)
{
    for (int i = 0; name && escalation_on_names[i]; i++) {
        if (strcmp(escalation_on_names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

/* When the hold of an acknowledgement ends; INT64_MAX: never. */
static int64_t hold_end(const struct escalation_rule *rule, int64_t at_ms)
{
    return rule->ack_ms > 0 ? at_ms + rule->ack_ms : INT64_MAX;
}

/*
 * The instant at which `budget_ms` of the rule's time have passed: acknowledgements hold it. One that comes
 * while another one holds prolongs it.
 */
static int64_t instant_of(const struct escalation_rule *rule, int64_t since_ms,
                          const struct escalation_event *events, size_t count, int64_t budget_ms)
{
    int64_t at_ms = since_ms;

    for (size_t i = 0; i < count; i++) {
        int64_t end_ms;

        if (events[i].kind != ESCALATION_ACKNOWLEDGE) {
            continue;
        }
        end_ms = hold_end(rule, events[i].at_ms);
        if (events[i].at_ms > at_ms) {
            if (budget_ms <= events[i].at_ms - at_ms) {
                return at_ms + budget_ms;
            }
            budget_ms -= events[i].at_ms - at_ms;
        } else if (end_ms <= at_ms) {
            continue; /* before the rule's time began */
        }
        if (end_ms == INT64_MAX) {
            return INT64_MAX;
        }
        at_ms = end_ms > at_ms ? end_ms : at_ms;
    }
    return at_ms + budget_ms;
}

/* The last repetition of a step that was taken; -1: none. */
static int64_t taken_of(const struct escalation_event *events, size_t count, int step)
{
    int64_t taken = -1;

    for (size_t i = 0; i < count; i++) {
        if (events[i].kind == ESCALATION_STEP && events[i].step == step && events[i].repetition > taken) {
            taken = events[i].repetition;
        }
    }
    return taken;
}

static bool is_over(const struct escalation_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (events[i].kind == ESCALATION_END) {
            return true;
        }
    }
    return false;
}

/* How much of the rule's time has passed: the inverse of instant_of. */
static int64_t passed_at(const struct escalation_rule *rule, int64_t since_ms,
                         const struct escalation_event *events, size_t count, int64_t now_ms)
{
    int64_t at_ms = since_ms, passed_ms = 0;

    for (size_t i = 0; i < count && at_ms < now_ms; i++) {
        int64_t end_ms;

        if (events[i].kind != ESCALATION_ACKNOWLEDGE || events[i].at_ms >= now_ms) {
            continue;
        }
        end_ms = hold_end(rule, events[i].at_ms);
        passed_ms += events[i].at_ms > at_ms ? events[i].at_ms - at_ms : 0;
        at_ms = end_ms > at_ms ? end_ms : at_ms;
    }
    return at_ms < now_ms ? passed_ms + (now_ms - at_ms) : passed_ms;
}

static int64_t most_of(const struct escalation_step *step)
{
    return step->repeat_ms <= 0 ? 0 : step->times > 0 ? step->times : INT64_MAX;
}

size_t escalation_look(const struct escalation_rule *rule, int64_t since_ms,
                       const struct escalation_event *events, size_t count, int64_t now_ms,
                       struct escalation_due due[ESCALATION_STEPS_MOST], int64_t *ret_next_ms)
{
    int64_t passed_ms = passed_at(rule, since_ms, events, count, now_ms);
    int64_t next = INT64_MAX; /* of the rule's time */
    size_t found = 0;
    int reached = -1; /* the highest step that is due */

    *ret_next_ms = INT64_MAX;
    if (is_over(events, count)) {
        return 0;
    }
    if (now_ms < since_ms) {
        *ret_next_ms = rule->step_count ? since_ms + rule->steps[0].wait_ms : INT64_MAX;
        return 0;
    }
    while (reached + 1 < (int)rule->step_count && rule->steps[reached + 1].wait_ms <= passed_ms) {
        reached++;
    }
    if (reached + 1 < (int)rule->step_count) {
        next = rule->steps[reached + 1].wait_ms;
    }
    for (int i = 0; i <= reached; i++) { /* of a lower one no repeats: a higher one has taken over */
        const struct escalation_step *step = &rule->steps[i];
        int64_t taken = taken_of(events, count, i), repetition = 0;

        if (i == reached && step->repeat_ms > 0) {
            repetition = (passed_ms - step->wait_ms) / step->repeat_ms;
            repetition = repetition < most_of(step) ? repetition : most_of(step);
        }
        if (repetition > taken) {
            due[found++] = (struct escalation_due){
                .step = i,
                .repetition = repetition,
                .due_ms = instant_of(rule, since_ms, events, count,
                                     step->wait_ms + repetition * step->repeat_ms),
            };
        }
        if (i == reached && repetition < most_of(step) &&
            step->wait_ms + (repetition + 1) * step->repeat_ms < next) {
            next = step->wait_ms + (repetition + 1) * step->repeat_ms;
        }
    }
    if (next < INT64_MAX) {
        *ret_next_ms = instant_of(rule, since_ms, events, count, next);
    }
    return found;
}

/* ------------------------------------------------------------------ in working time */

static int64_t passed(const struct workdays *workdays, int64_t since_ms, int64_t at_ms)
{
    return at_ms < since_ms ? at_ms - since_ms : workdays_between(workdays, since_ms, at_ms);
}

/* Back from working time: nothing has passed until work begins. */
static int64_t instant_in(const struct workdays *workdays, int64_t since_ms, int64_t budget_ms)
{
    int64_t at_ms;

    if (budget_ms > 0) {
        return workdays_add(workdays, since_ms, budget_ms);
    }
    at_ms = workdays_add(workdays, since_ms, 1);
    return at_ms == INT64_MAX ? at_ms : at_ms - 1;
}

size_t escalation_look_in(const struct escalation_rule *rule, const struct workdays *workdays, int64_t since_ms,
                          struct escalation_event *events, size_t count, int64_t now_ms,
                          struct escalation_due due[ESCALATION_STEPS_MOST], int64_t *ret_next_ms)
{
    bool works = workdays_between(workdays, now_ms - 1, now_ms + 1) > 0; /* the closing time belongs to the day */
    size_t found;
    int64_t next_ms;

    if (now_ms < since_ms) {
        *ret_next_ms = since_ms;
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        events[i].at_ms = passed(workdays, since_ms, events[i].at_ms);
    }
    found = escalation_look(rule, 0, events, count, passed(workdays, since_ms, now_ms), due, &next_ms);
    for (size_t i = 0; i < found; i++) { /* one that was acknowledged in the night before it was told: due is now */
        int64_t budget_ms = passed(workdays, since_ms, now_ms);

        budget_ms = due[i].due_ms < budget_ms ? due[i].due_ms : budget_ms;
        due[i].due_ms = instant_in(workdays, since_ms, budget_ms);
        due[i].due_ms = due[i].due_ms < now_ms ? due[i].due_ms : now_ms;
    }
    *ret_next_ms = next_ms == INT64_MAX ? next_ms : instant_in(workdays, since_ms, next_ms);
    if (found && !works) {
        *ret_next_ms = instant_in(workdays, now_ms, 0);
        return 0;
    }
    return found;
}
