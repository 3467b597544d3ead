/* A line a minute: naive on purpose. */
#include "minutes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

void minutes_hours(struct minutes *minutes, const char *hours)
{
    char words[400], *rest = NULL;
    int first = 0, last = 6;

    snprintf(words, sizeof(words), "%s", *hours ? hours : "mon-sun 00:00-24:00");
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        int h1, m1, h2, m2;

        if (sscanf(word, "%d:%d-%d:%d", &h1, &m1, &h2, &m2) == 4) {
            for (int day = first; day <= last; day++) {
                int n = minutes->spans[day]++;

                minutes->from[day][n] = h1 * 60 + m1;
                minutes->to[day][n] = h2 * 60 + m2;
            }
            continue;
        }
        for (int day = 0; day < 7; day++) {
            if (strncmp(word, names[day], 3) == 0) {
                first = last = day;
            }
        }
        for (int day = 0; word[3] == '-' && day < 7; day++) {
            if (strncmp(word + 4, names[day], 3) == 0) {
                last = day;
            }
        }
    }
}

static bool is_listed(const char dates[][11], int count, const char *date)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(dates[i], date) == 0) {
            return true;
        }
    }
    return false;
}

/* The weekday whose hours hold on a date; -1: nobody works. */
static int pattern(const struct minutes *minutes, const char *date, int weekday)
{
    if (is_listed(minutes->workdays, minutes->workday_count, date)) {
        for (int day = 0; minutes->spans[weekday] == 0 && day < 7; day++) {
            if (minutes->spans[day]) {
                return day;
            }
        }
        return weekday;
    }
    return is_listed(minutes->holidays, minutes->holiday_count, date) ? -1 : weekday;
}

void minutes_fill(struct minutes *minutes, int64_t from_ms, int64_t to_ms)
{
    char before[11] = "", date[32];
    int day = -1, hours = -1;

    setenv("TZ", minutes->zone, 1);
    tzset();
    minutes->base_ms = from_ms;
    minutes->count = (to_ms - from_ms) / MINUTE;
    minutes->day = calloc((size_t)minutes->count, sizeof(*minutes->day));
    minutes->of_day = calloc((size_t)minutes->count, sizeof(*minutes->of_day));
    minutes->is_work = calloc((size_t)minutes->count, sizeof(*minutes->is_work));
    if (!minutes->day || !minutes->of_day || !minutes->is_work) {
        abort();
    }
    for (int64_t i = 0; i < minutes->count; i++) {
        time_t now = (time_t)((from_ms + i * MINUTE) / 1000);
        struct tm local;
        int minute;

        localtime_r(&now, &local);
        minute = local.tm_hour * 60 + local.tm_min;
        if (i == 0 || minute == 0 || local.tm_mday != atoi(before + 8)) {
            strftime(date, sizeof(date), "%Y-%m-%d", &local);
            if (strcmp(date, before) != 0) {
                day++;
                memcpy(before, date, 11);
                hours = pattern(minutes, date, (local.tm_wday + 6) % 7);
            }
        }
        minutes->day[i] = (int16_t)day;
        minutes->of_day[i] = (int16_t)minute;
        for (int n = 0; hours >= 0 && n < minutes->spans[hours]; n++) {
            if (minute >= minutes->from[hours][n] && minute < minutes->to[hours][n]) {
                minutes->is_work[i] = 1;
            }
        }
    }
}

void minutes_free(struct minutes *minutes)
{
    free(minutes->day);
    free(minutes->of_day);
    free(minutes->is_work);
}

int64_t minutes_next_work(const struct minutes *minutes, int64_t at_ms)
{
    int64_t i = (at_ms - minutes->base_ms + MINUTE - 1) / MINUTE;

    while (i < minutes->count && !minutes->is_work[i]) {
        i++;
    }
    return minutes->base_ms + i * MINUTE;
}

static bool is_stopped(int64_t at_ms, const struct stop *stops, int stop_count)
{
    for (int i = 0; i < stop_count; i++) {
        if (at_ms >= stops[i].from_ms && at_ms < stops[i].to_ms) {
            return true;
        }
    }
    return false;
}

int64_t minutes_stopped(int64_t from_ms, int64_t to_ms, const struct stop *stops, int stop_count)
{
    int64_t sum = 0;

    for (int64_t at = from_ms; at < to_ms; at += MINUTE) {
        sum += is_stopped(at, stops, stop_count) ? MINUTE : 0;
    }
    return sum;
}

static int64_t spend(const struct minutes *minutes, int64_t budget_ms, bool working_hours, int64_t started_ms,
                     const struct stop *stops, int stop_count)
{
    for (int64_t i = (started_ms - minutes->base_ms) / MINUTE; i < minutes->count; i++) {
        int64_t at = minutes->base_ms + i * MINUTE;

        if ((working_hours && !minutes->is_work[i]) || is_stopped(at, stops, stop_count)) {
            continue;
        }
        if (budget_ms <= MINUTE) {
            return at + budget_ms;
        }
        budget_ms -= MINUTE;
    }
    return MINUTES_BEYOND;
}

/* Days after the first: a working day counts when some of its working time was not paused. */
static int64_t spend_workdays(const struct minutes *minutes, int64_t count, int64_t started_ms,
                              const struct stop *stops, int stop_count)
{
    int64_t i = (started_ms - minutes->base_ms) / MINUTE, end = -1;
    int16_t first = minutes->day[i], day = first;
    bool counts = false;

    for (; i < minutes->count; i++) {
        if (minutes->day[i] != day) {
            count -= day != first && counts;
            if (count == 0) {
                return minutes->base_ms + (end + 1) * MINUTE;
            }
            day = minutes->day[i];
            counts = false;
        }
        if (minutes->is_work[i]) {
            end = i;
            counts = counts || !is_stopped(minutes->base_ms + i * MINUTE, stops, stop_count);
        }
    }
    return MINUTES_BEYOND;
}

/* Civil days: the first does not count, one that was paused from beginning to end neither, and the last
 * moves to a working day. */
static int64_t spend_days(const struct minutes *minutes, int64_t count, int64_t started_ms,
                          const struct stop *stops, int stop_count)
{
    int64_t i = (started_ms - minutes->base_ms) / MINUTE;
    int16_t first = minutes->day[i], day = first;
    bool counts = false, works = false;

    for (; i < minutes->count; i++) {
        if (minutes->day[i] != day) {
            count -= day != first && counts && count > 0;
            if (count == 0 && works) {
                return minutes->base_ms + i * MINUTE;
            }
            day = minutes->day[i];
            counts = works = false;
        }
        works = works || minutes->is_work[i];
        counts = counts || !is_stopped(minutes->base_ms + i * MINUTE, stops, stop_count);
    }
    return MINUTES_BEYOND;
}

int64_t minutes_due(const struct minutes *minutes, int64_t count, const char *unit, bool working_hours,
                    int64_t started_ms, const struct stop *stops, int stop_count)
{
    if (strcmp(unit, "wd") == 0) {
        return spend_workdays(minutes, count, started_ms, stops, stop_count);
    }
    if (strcmp(unit, "d") == 0) {
        return spend_days(minutes, count, started_ms, stops, stop_count);
    }
    return spend(minutes, count * (strcmp(unit, "h") == 0 ? HOUR : strcmp(unit, "s") == 0 ? 1000 : MINUTE),
                 working_hours, started_ms, stops, stop_count);
}
