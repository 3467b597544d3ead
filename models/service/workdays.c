/* Working hours, holidays and make-up days. */
#include "models/service/workdays.h"

#include <string.h>

#include "models/base/text.h"

#define DAY_MS     86400000
#define YEARS_DAYS 3660 /* how far a calendar without working time is searched */

struct workdays workdays_always(const struct zone *zone)
{
    struct workdays always = {.id = "always", .zone = zone};

    for (int day = 0; day < 7; day++) {
        always.week[day].count = 1;
        always.week[day].segments[0] = (struct workdays_segment){0, DAY_MS};
    }
    return always;
}

/* ------------------------------------------------------------------ reading */

/* "08:30" */
static bool read_clock(const char *words, int32_t *ret_ms)
{
    int64_t hour, minute;

    if (strlen(words) != 5 || words[2] != ':' || text_to_int(words, 2, &hour) ||
        text_to_int(words + 3, 2, &minute) || hour < 0 || hour > 24 || minute < 0 || minute > 59 ||
        (hour == 24 && minute > 0)) {
        return false;
    }
    *ret_ms = (int32_t)((hour * 60 + minute) * 60000);
    return true;
}

static void read_segment(struct complaints *complaints, struct yaml_node *node,
                         struct workdays_day *day)
{
    const char *words = yaml_text(complaints, node, "hours such as \"08:30-12:00\"", NULL);
    struct workdays_segment segment;
    char from[6] = {0};
    int32_t least = day->count ? day->segments[day->count - 1].to_ms : 0;

    if (!words) {
        return;
    }
    memcpy(from, words, strlen(words) == 11 ? 5 : 0);
    if (strlen(words) != 11 || words[5] != '-' || !read_clock(from, &segment.from_ms) ||
        !read_clock(words + 6, &segment.to_ms) || segment.from_ms >= segment.to_ms) {
        complain(complaints, node, "expected hours such as \"08:30-12:00\", found '%.40s'", words);
        return;
    }
    if (segment.from_ms < least || day->count == WORKDAYS_SEGMENTS_MOST) {
        complain(complaints, node, "expected at most %d spans, each after the one before, found '%.40s'",
                 WORKDAYS_SEGMENTS_MOST, words);
        return;
    }
    day->segments[day->count++] = segment;
}

void workdays_read_week(struct yaml_node *map, struct complaints *complaints,
                        struct workdays_day week[7])
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

    for (int i = 0; i < 7; i++) {
        struct yaml_node *list =
            yaml_list(complaints, yaml_find(map, names[i]), "a list of hours");

        for (struct yaml_node *node = list ? list->first : NULL; node; node = node->next) {
            read_segment(complaints, node, &week[i]);
        }
    }
    yaml_no_more(complaints, map);
}

static const int32_t *read_days(struct arena *arena, struct yaml_node *node,
                                struct complaints *complaints, size_t *ret_count)
{
    struct yaml_node *list = yaml_list(complaints, node, "a list of dates");
    int32_t *days = arena_array(arena, list ? list->count + 1 : 1, sizeof(*days));
    size_t count = 0;

    for (node = list && days ? list->first : NULL; node; node = node->next) {
        const char *words = yaml_text(complaints, node, "a date such as 2027-01-01", "");
        int32_t day;
        size_t at = count;

        if (civil_read_date(words, &day)) {
            complain(complaints, node, "expected a date such as 2027-01-01, found '%.40s'", words);
            continue;
        }
        for (; at > 0 && days[at - 1] > day; at--) {
            days[at] = days[at - 1];
        }
        days[at] = day;
        count++;
    }
    *ret_count = count;
    return days;
}

void workdays_read(struct arena *arena, struct yaml_node *map, struct complaints *complaints,
                   workdays_zone find_zone, void *context, struct workdays *ret_workdays)
{
    struct workdays workdays = {.zone = zone_utc()};
    struct yaml_node *zone, *week;
    const char *name;

    map = yaml_map(complaints, map, "a calendar {id, time_zone, week}");
    if (!map) {
        return;
    }
    workdays.id = yaml_id(complaints, yaml_need(complaints, map, "id"), "an id");
    zone = yaml_need(complaints, map, "time_zone");
    name = yaml_text(complaints, zone, "a time zone such as Asia/Shanghai", NULL);
    if (name) {
        const struct zone *found = find_zone(context, name);

        if (!found) {
            complain(complaints, zone, "expected a time zone such as Asia/Shanghai, found '%.80s'",
                     name);
        }
        workdays.zone = found ? found : zone_utc();
    }
    week = yaml_find(map, "week");
    if (!week) { /* every hour but those of the holidays */
        memcpy(workdays.week, workdays_always(workdays.zone).week, sizeof(workdays.week));
    } else if (yaml_map(complaints, week, "a map of days to hours")) {
        workdays_read_week(week, complaints, workdays.week);
    }
    workdays.holidays =
        read_days(arena, yaml_find(map, "holidays"), complaints, &workdays.holiday_count);
    workdays.extra = read_days(arena, yaml_find(map, "workdays"), complaints, &workdays.extra_count);
    yaml_no_more(complaints, map);
    if (arena_failed(arena)) { /* some day of it may be missing */
        complain(complaints, map, "expected a smaller file, found more than its memory holds");
    }
    *ret_workdays = workdays;
}

/* ------------------------------------------------------------------ asking */

static bool has_day(const int32_t *days, size_t count, int32_t day)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (days[middle] < day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && days[low] == day;
}

static const struct workdays_day *hours_of(const struct workdays *workdays, int32_t day)
{
    static const struct workdays_day none = {.count = 0};
    const struct workdays_day *usual = &workdays->week[civil_weekday(day)];

    if (has_day(workdays->extra, workdays->extra_count, day)) {
        for (int i = 0; usual->count == 0 && i < 7; i++) {
            usual = &workdays->week[i]; /* worked as the first working weekday */
        }
        return usual;
    }
    return has_day(workdays->holidays, workdays->holiday_count, day) ? &none : usual;
}

bool workdays_is_working(const struct workdays *workdays, int32_t day)
{
    return hours_of(workdays, day)->count > 0;
}

/* Working ms of one day within [from_ms, to_ms). */
static int64_t between_in_day(const struct workdays *workdays, int32_t day, int64_t from_ms,
                              int64_t to_ms)
{
    const struct workdays_day *hours = hours_of(workdays, day);
    int64_t sum = 0;

    for (size_t i = 0; i < hours->count; i++) {
        int64_t begin = zone_instant(workdays->zone, day, hours->segments[i].from_ms);
        int64_t end = zone_instant(workdays->zone, day, hours->segments[i].to_ms);

        begin = begin > from_ms ? begin : from_ms;
        end = end < to_ms ? end : to_ms;
        sum += end > begin ? end - begin : 0;
    }
    return sum;
}

int64_t workdays_between(const struct workdays *workdays, int64_t from_ms, int64_t to_ms)
{
    int64_t sum = 0;
    int32_t last;

    if (to_ms <= from_ms) {
        return 0;
    }
    last = zone_day(workdays->zone, to_ms);
    for (int32_t day = zone_day(workdays->zone, from_ms); day <= last; day++) {
        sum += between_in_day(workdays, day, from_ms, to_ms);
    }
    return sum;
}

int64_t workdays_add(const struct workdays *workdays, int64_t from_ms, int64_t budget_ms)
{
    int32_t first = zone_day(workdays->zone, from_ms);

    if (budget_ms <= 0) {
        return from_ms;
    }
    for (int32_t day = first; day < first + YEARS_DAYS; day++) {
        const struct workdays_day *hours = hours_of(workdays, day);

        for (size_t i = 0; i < hours->count; i++) {
            int64_t begin = zone_instant(workdays->zone, day, hours->segments[i].from_ms);
            int64_t end = zone_instant(workdays->zone, day, hours->segments[i].to_ms);

            begin = begin > from_ms ? begin : from_ms;
            if (end <= begin) {
                continue;
            }
            if (end - begin >= budget_ms) {
                return begin + budget_ms;
            }
            budget_ms -= end - begin;
        }
    }
    return INT64_MAX;
}

int64_t workdays_add_days(const struct workdays *workdays, int64_t from_ms, int64_t count)
{
    int32_t day = zone_day(workdays->zone, from_ms), last = day + YEARS_DAYS;
    const struct workdays_day *hours;

    while (count > 0 && day < last) {
        day++;
        count -= workdays_is_working(workdays, day);
    }
    hours = hours_of(workdays, day);
    if (count > 0) {
        return INT64_MAX;
    }
    return zone_instant(workdays->zone, day,
                        hours->count ? hours->segments[hours->count - 1].to_ms : DAY_MS);
}
