/* Verdicts of an inspection. */
#include "models/inspection/checklist.h"

#define NO_CHANGE 0.1 /* of the distance from the limits */

const char *const look_names[] = {"value",         "good_share", "silence", "outages", "reconnects",  "restarts",
                                  "spool",         "dropped",    "device_errors", "clock", "config", "version",
                                  "certificate",   "repeated_fault", "open_tickets", "profile_checks", "person", NULL};
const char *const look_units[] = {"", "1", "h", "1", "1", "1", "1", "1", "1", "s", "1", "1", "d", "1", "1", "1", "1"};
const char *const check_of_names[] = {"last", "mean", "least", "most", NULL};
const char *const proposal_look_names[] = {"age", "faults", "repairs", "cost", NULL};
const char *const proposal_kind_names[] = {"upgrade", "rebuild", "replacement", NULL};
const char *const check_verdict_names[] = {"fail", "unknown", "pass", NULL};
const char *const check_change_names[] = {"worse", "same", "better", NULL};
const char *const check_light_names[] = {"green", "amber", "red", NULL};

enum check_verdict check_judge(const struct check_line *line, const struct check_value *value)
{
    if (!value->known || value->samples < line->samples) {
        return CHECK_UNKNOWN;
    }
    return value->number >= line->least && value->number <= line->most ? CHECK_PASS : CHECK_FAIL;
}

static double distance(const struct check_line *line, double number)
{
    return number < line->least ? line->least - number : number > line->most ? number - line->most : 0;
}

enum check_change check_compare(const struct check_line *line, enum check_verdict before, double number_before,
                                enum check_verdict now, double number_now)
{
    double was = distance(line, number_before), is = distance(line, number_now);
    double greater = was > is ? was : is;

    if (before != now) {
        return now > before ? CHANGE_BETTER : CHANGE_WORSE;
    }
    if (now != CHECK_FAIL || (is > was ? is - was : was - is) <= NO_CHANGE * greater) {
        return CHANGE_SAME;
    }
    return is < was ? CHANGE_BETTER : CHANGE_WORSE;
}

enum check_light check_light(enum check_verdict verdict, int grade)
{
    if (verdict == CHECK_PASS) {
        return LIGHT_GREEN;
    }
    return verdict == CHECK_FAIL && (grade == 1 || grade == 2) ? LIGHT_RED : LIGHT_AMBER;
}

int64_t inspection_moment(int64_t from_ms, int64_t until_ms, uint64_t key)
{
    int64_t usable = (until_ms - from_ms) / 10 * 9;

    return usable > 0 ? from_ms + (int64_t)(key % (uint64_t)usable) : from_ms;
}
