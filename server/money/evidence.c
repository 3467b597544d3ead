/* What telemetry says of a plan's exclusions: each expression judged at the fault's onset over the stored readings,
 * kept with the readings that it was judged by. */
#include <math.h>
#include <string.h>

#include "server/money/money.h"
#include "server/store/readings.h"

#define HELD_MS  (3 * 3600000LL) /* a value is reported by deadband and heartbeat: it holds so long */

struct seen { /* of one point over one window that ends at the onset */
    bool known, started;
    double first, last, least, most, area;
    int64_t from_ms, at_ms, since_ms, last_ms, first_ms;
    bool failed;
};

struct look { /* at one piece of equipment */
    struct sql *sql;
    const struct profile *profile;
    int64_t equipment, at_ms;
    enum err err;
    const char *missing; /* the first name that the profile does not have */
};

/* A value holds until the next one. */
static void hold(struct seen *seen, int64_t until_ms)
{
    int64_t from_ms = seen->since_ms > seen->from_ms ? seen->since_ms : seen->from_ms;

    if (seen->known && until_ms > from_ms) {
        seen->area += seen->last * (double)(until_ms - from_ms);
    }
}

static bool add(void *context, const struct reading *reading)
{
    struct seen *seen = context;

    seen->failed = reading->quality == QUALITY_INVALID || reading->quality == QUALITY_RANGE;
    if (reading->quality != QUALITY_GOOD || !reading->has_value || reading->text) {
        return true;
    }
    hold(seen, reading->t_ms);
    if (reading->t_ms <= seen->from_ms || !seen->started) { /* what held at the window's beginning */
        seen->first = seen->least = seen->most = reading->value;
        seen->first_ms = reading->t_ms > seen->from_ms ? reading->t_ms : seen->from_ms;
        seen->area = 0;
        seen->started = true;
    } else {
        seen->least = reading->value < seen->least ? reading->value : seen->least;
        seen->most = reading->value > seen->most ? reading->value : seen->most;
    }
    seen->known = true;
    seen->last = reading->value;
    seen->since_ms = seen->last_ms = reading->t_ms;
    return true;
}

static struct seen look_at(struct look *look, size_t point, int64_t window_ms)
{
    struct seen seen = {.from_ms = look->at_ms - window_ms, .at_ms = look->at_ms};
    int64_t row = sql_find_int(look->sql, 0, "SELECT id FROM point WHERE equipment = ?1 AND name = ?2", "it",
                               look->equipment, look->profile->points[point].name);

    if (row) {
        enum err err = readings_each(look->sql, row, seen.from_ms - HELD_MS, look->at_ms + 1, add, &seen);

        look->err = look->err ? look->err : err;
        hold(&seen, look->at_ms);
    }
    return seen;
}

/* ------------------------------------------------------------------ what expressions ask */

static struct expr_value known(double number)
{
    return (struct expr_value){true, number};
}

static struct expr_value ask_point(const void *context, size_t point)
{
    struct look *look = (struct look *)(uintptr_t)context;
    struct seen seen = look_at(look, point, 0);

    return seen.known ? known(seen.last) : (struct expr_value){0};
}

static struct expr_value ask_age(const void *context, size_t point)
{
    struct look *look = (struct look *)(uintptr_t)context;
    struct seen seen = look_at(look, point, EXPR_WINDOW_MOST_MS);

    return seen.known ? known((double)(look->at_ms - seen.last_ms) / 1000) : (struct expr_value){0};
}

static struct expr_value ask_window(const void *context, enum expr_window_kind kind, size_t point, int64_t window_ms)
{
    struct look *look = (struct look *)(uintptr_t)context;
    struct seen seen = look_at(look, point, window_ms);
    double minutes = (double)(look->at_ms - seen.first_ms) / 60000;

    if (kind == EXPR_FAILED) {
        return known(seen.failed);
    }
    if (!seen.known) {
        return (struct expr_value){0};
    }
    switch (kind) {
    case EXPR_MIN:
        return known(seen.least);
    case EXPR_MAX:
        return known(seen.most);
    case EXPR_MEAN:
        return known(minutes > 0 ? seen.area / (minutes * 60000) : seen.last);
    case EXPR_CHANGED:
        return known(seen.most > seen.least);
    case EXPR_RATE:
        return minutes > 0 ? known((seen.last - seen.first) / minutes) : (struct expr_value){0};
    case EXPR_FAILED:
        break;
    }
    return (struct expr_value){0};
}

static struct expr_value ask_derived(const void *context, size_t derived)
{
    struct look *look = (struct look *)(uintptr_t)context;
    struct expr_inputs inputs = {look, ask_point, ask_derived, ask_age, ask_window};

    return expr_evaluate(look->profile->derived[derived].is, &inputs);
}

/* A point first, then a derived point, then a role, as in profiles. */
static struct expr_name look_up(const void *context, const char *name)
{
    struct look *look = (struct look *)(uintptr_t)context;
    int point = profile_point(look->profile, name), derived = profile_derived(look->profile, name);

    if (point < 0 && derived < 0) {
        point = profile_role(look->profile, name);
    }
    if (point >= 0) {
        return (struct expr_name){EXPR_NAME_POINT, (size_t)point};
    }
    if (derived >= 0) {
        return (struct expr_name){EXPR_NAME_DERIVED, (size_t)derived};
    }
    look->missing = look->missing ? look->missing : name;
    return (struct expr_name){EXPR_NAME_NONE, 0};
}

/* ------------------------------------------------------------------ kept */

struct put {
    struct look *look;
    struct json_out *out;
};

static void put_instant(struct json_out *out, const char *name, int64_t ms)
{
    TEXT(words, 48);

    zone_write(zone_utc(), ms, &words);
    json_text(out, name, ms > 0 ? words.at : NULL);
}

static void put_known(struct json_out *out, const char *name, bool is_known, double value)
{
    if (is_known) {
        json_number(out, name, value);
    } else {
        json_null(out, name);
    }
}

static void put_reading(void *context, size_t point, int64_t window_ms)
{
    struct put *put = context;
    struct seen seen = look_at(put->look, point, window_ms);
    struct json_out *out = put->out;

    json_open_object(out);
    json_text(out, "point", put->look->profile->points[point].name);
    json_text(out, "unit", put->look->profile->points[point].unit);
    put_known(out, "value", seen.known, seen.last);
    put_instant(out, "at", seen.last_ms);
    if (window_ms > 0) {
        json_int(out, "window_s", window_ms / 1000);
        put_known(out, "min", seen.known, seen.least);
        put_known(out, "max", seen.known, seen.most);
    }
    json_close_object(out);
}

static void put_readings(struct look *look, const struct expr *expr, struct json_out *out)
{
    struct put put = {look, out};

    json_key(out, "readings");
    json_open_list(out);
    if (expr) {
        expr_each_point(expr, put_reading, &put);
    }
    json_close_list(out);
}

/* holds: true, false, or null when telemetry cannot say. */
static void judge_one(struct office *office, struct look *look, const struct plan_exclusion *exclusion,
                      struct json_out *out)
{
    struct expr_inputs inputs = {look, ask_point, ask_derived, ask_age, ask_window};
    struct expr_value value = {0};
    const struct expr *expr = NULL;
    TEXT(why, 200);
    int column;

    look->missing = NULL;
    if (!look->profile) {
        text_add(&why, "the equipment's profile is not known");
    } else if (expr_compile(office->arena, exclusion->when, look_up, look, &expr, &why, &column)) {
        expr = NULL;
        text_clear(&why);
        text_addf(&why, "the equipment does not measure %s", look->missing ? look->missing : "that");
    } else {
        value = expr_evaluate(expr, &inputs);
        if (!value.known) {
            text_add(&why, "there are no readings around the fault");
        }
    }
    if (value.known) {
        json_bool(out, "holds", fabs(value.number) > 0);
    } else {
        json_null(out, "holds");
    }
    json_text(out, "why", why.length ? why.at : NULL);
    put_readings(look, expr, out);
}

/* S0-92: the fleet says of a component that it was not approved. */
static void judge_approved(struct sql *sql, const struct ticket *ticket, struct json_out *out)
{
    bool foreign = sql_find_int(sql, 0,
                                "SELECT 1 FROM component c JOIN ticket t ON t.equipment = c.equipment AND t.component ="
                                " c.class WHERE t.id = ?1 AND c.approved = 0 LIMIT 1",
                                "i", ticket->id) != 0;

    json_bool(out, "holds", foreign);
    json_text(out, "why", "the list of installed components");
    json_key(out, "readings");
    json_open_list(out);
    json_close_list(out);
}

static bool is_in(const char *const *words, const char *word)
{
    for (; words && *words; words++) {
        if (strcmp(*words, word) == 0) {
            return true;
        }
    }
    return false;
}

enum err money_evidence(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t onset_ms,
                        struct json_out *out)
{
    const struct plan *plan = ticket->plan;
    struct look look = {.sql = sql, .equipment = ticket->equipment, .at_ms = onset_ms};
    struct place place;
    enum err err = place_find(office, sql, ticket->equipment, ticket->site, onset_ms, &place);

    if (err) {
        return err;
    }
    look.profile = place.profile;
    json_open_list(out);
    for (size_t i = 0; plan && i < plan->exclusion_count; i++) {
        const struct plan_exclusion *exclusion = &plan->exclusions[i];

        if (exclusion->group && !is_in(plan->excluded, exclusion->group)) {
            continue;
        }
        json_open_object(out);
        json_text(out, "code", exclusion->code);
        json_key(out, "title");
        json_open_object(out);
        json_text(out, "en", exclusion->title.en);
        json_text(out, "zh", exclusion->title.zh);
        json_close_object(out);
        json_text(out, "party", exclusion->party);
        json_text(out, "when", exclusion->when);
        if (exclusion->when) {
            judge_one(office, &look, exclusion, out);
        } else if (strcmp(exclusion->code, "not_approved") == 0) {
            judge_approved(sql, ticket, out);
        } else { /* only people see it */
            json_null(out, "holds");
            json_null(out, "why");
        }
        json_close_object(out);
    }
    json_close_list(out);
    return look.err ? look.err : out->err;
}
