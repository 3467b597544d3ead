/*
 * Levelling. The least share is found by halving: with days of share × capacity, a job a time is put on the earliest
 * day of its window, the job whose window ends first before the others. For jobs of one length this finds a place for
 * all whenever there is one (the classical earliest-deadline rule). Then each job takes the day it likes best among
 * those that leave a place for all the others.
 */
#include "models/service/level.h"

#include <stdlib.h>
#include <string.h>

#include "models/service/routing.h"

#define SHARE_MOST 100000 /* in 1/1000 of a day's capacity: a hundred days in one */

struct level {
    const struct level_day *days;
    int day_count;
    const struct level_job *jobs;
    size_t job_count;
    struct level_place *places;
    size_t *order;   /* jobs that want a day, the most pressing first */
    size_t open;     /* how many */
    int32_t *load;   /* of each day, with what is placed */
    int32_t *trial;  /* … of a trial */
    bool *done;      /* of a trial: per job */
};

static int64_t room(const struct level *level, int day, int share)
{
    return (int64_t)level->days[day].minutes * share / 1000;
}

static bool is_open(const struct level *level, const struct level_job *job, int day)
{
    return day >= job->first && day <= job->last && level->days[day].minutes > 0 && !(job->closed && job->closed[day]);
}

static bool has_any_day(const struct level *level, const struct level_job *job)
{
    for (int day = job->first < 0 ? 0 : job->first; day <= job->last && day < level->day_count; day++) {
        if (is_open(level, job, day)) {
            return true;
        }
    }
    return false;
}

/* true when all jobs from `from` on (in order) find a day at that share, beside what is loaded. The most pressing of
 * those whose window is open takes what a day has left. */
static bool fits(const struct level *level, size_t from, int share)
{
    size_t left = level->open - from;

    memcpy(level->trial, level->load, (size_t)level->day_count * sizeof(*level->trial));
    memset(level->done, 0, level->open * sizeof(*level->done));
    for (int day = 0; day < level->day_count && left > 0; day++) {
        for (size_t i = from; i < level->open; i++) {
            const struct level_job *job = &level->jobs[level->order[i]];

            if (!level->done[i] && is_open(level, job, day) &&
                level->trial[day] + job->minutes <= room(level, day, share)) {
                level->done[i] = true;
                level->trial[day] += job->minutes;
                left--;
            }
        }
    }
    return left == 0;
}

static int least_share(const struct level *level)
{
    int least = 0, most = SHARE_MOST;

    if (!fits(level, 0, most)) {
        return SHARE_MOST;
    }
    while (most - least > 1) {
        int middle = (least + most) / 2;

        if (fits(level, 0, middle)) {
            most = middle;
        } else {
            least = middle;
        }
    }
    return most;
}

/* How far the nearest job of that day is; -1: none is near enough. */
static double nearest(const struct level *level, const struct level_job *job, int day, int64_t *ret_id)
{
    double best = -1;

    *ret_id = 0;
    for (size_t i = 0; i < level->job_count; i++) {
        const struct level_job *other = &level->jobs[i];
        bool same = job->site && job->site == other->site;
        double km;

        if (other == job || level->places[i].day != day) {
            continue;
        }
        if (same) {
            km = 0;
        } else if (job->has_place && other->has_place) {
            km = routing_distance(job->lat, job->lon, other->lat, other->lon);
        } else {
            continue;
        }
        if ((same || km <= job->group_km) &&
            (best < 0 || km < best || (km <= best && other->id < *ret_id))) {
            best = km;
            *ret_id = other->id;
        }
    }
    return best;
}

static int away(const struct level_job *job, int day)
{
    return abs(day - job->due);
}

struct liking { /* of a day by a job */
    bool near;
    double km;
    int away, day;
};

/* Near another one first, the nearer the better; then near the plan's date; then the earlier. */
static bool is_better(const struct liking *a, const struct liking *b)
{
    if (a->near != b->near) {
        return a->near;
    }
    if (a->near && (a->km < b->km || a->km > b->km)) {
        return a->km < b->km;
    }
    return a->away != b->away ? a->away < b->away : a->day < b->day;
}

/* The days that a job may have, the best liked first. */
static size_t like_days(const struct level *level, const struct level_job *job, int share, struct liking *likings)
{
    int most = share > (int)(job->fill * 1000) ? share : (int)(job->fill * 1000);
    size_t count = 0;

    for (int day = job->first < 0 ? 0 : job->first; day <= job->last && day < level->day_count; day++) {
        struct liking liking = {.away = away(job, day), .day = day};
        int64_t id;
        size_t at;

        if (!is_open(level, job, day) || level->load[day] + job->minutes > room(level, day, most)) {
            continue;
        }
        liking.km = nearest(level, job, day, &id);
        liking.near = id != 0;
        for (at = count; at > 0 && is_better(&liking, &likings[at - 1]); at--) {
            likings[at] = likings[at - 1];
        }
        likings[at] = liking;
        count++;
    }
    return count;
}

static void put(struct level *level, size_t index, int day)
{
    const struct level_job *job = &level->jobs[index];
    struct level_place *place = &level->places[index];
    int32_t minutes = level->days[day].minutes;

    place->near_km = nearest(level, job, day, &place->near);
    place->day = day;
    level->load[day] += job->minutes;
    place->share = minutes > 0 ? (int)((int64_t)level->load[day] * 100 / minutes) : 0;
    place->over = level->load[day] > minutes;
}

/* No day has room: the one that is least over. */
static int least_full(const struct level *level, const struct level_job *job)
{
    int best = LEVEL_NONE;
    double least = 0;

    for (int day = job->first < 0 ? 0 : job->first; day <= job->last && day < level->day_count; day++) {
        double full;

        if (!is_open(level, job, day)) {
            continue;
        }
        full = (double)(level->load[day] + job->minutes) / level->days[day].minutes;
        if (best == LEVEL_NONE || full < least) {
            best = day;
            least = full;
        }
    }
    return best;
}

static void place_one(struct level *level, size_t at, int share, struct liking *likings)
{
    size_t index = level->order[at];
    const struct level_job *job = &level->jobs[index];
    size_t count = like_days(level, job, share, likings);
    int day = LEVEL_NONE;

    for (size_t i = 0; i < count && day == LEVEL_NONE; i++) {
        level->load[likings[i].day] += job->minutes;
        if (fits(level, at + 1, share)) {
            day = likings[i].day;
        }
        level->load[likings[i].day] -= job->minutes;
    }
    put(level, index, day != LEVEL_NONE ? day : least_full(level, job));
}

/* ------------------------------------------------------------------ the jobs in their order */

static int compare(const struct level_job *a, const struct level_job *b)
{
    if (a->last != b->last) {
        return a->last < b->last ? -1 : 1;
    }
    if (a->first != b->first) {
        return a->first < b->first ? -1 : 1;
    }
    return a->id < b->id ? -1 : a->id > b->id;
}

static void sort(struct level *level)
{
    for (size_t i = 1; i < level->open; i++) {
        size_t one = level->order[i], at = i;

        for (; at > 0 && compare(&level->jobs[one], &level->jobs[level->order[at - 1]]) < 0; at--) {
            level->order[at] = level->order[at - 1];
        }
        level->order[at] = one;
    }
}

/* What has a day keeps it; what can have none is said so; the others want one. */
static void begin(struct level *level)
{
    for (int day = 0; day < level->day_count; day++) {
        level->load[day] = level->days[day].booked;
    }
    for (size_t i = 0; i < level->job_count; i++) {
        const struct level_job *job = &level->jobs[i];

        level->places[i] = (struct level_place){.day = LEVEL_NONE};
        if (job->fixed >= 0 && job->fixed < level->day_count) {
            put(level, i, job->fixed);
        } else if (has_any_day(level, job)) {
            level->order[level->open++] = i;
        }
    }
    sort(level);
}

enum err level_find(struct arena *arena, const struct level_day *days, size_t day_count, const struct level_job *jobs,
                    size_t job_count, struct level_place *places)
{
    struct level level = {.days = days, .day_count = (int)day_count, .jobs = jobs, .job_count = job_count, .places = places};
    struct liking *likings = arena_array(arena, day_count + 1, sizeof(*likings));
    int share;

    level.order = arena_array(arena, job_count + 1, sizeof(*level.order));
    level.load = arena_array(arena, day_count + 1, sizeof(*level.load));
    level.trial = arena_array(arena, day_count + 1, sizeof(*level.trial));
    level.done = arena_array(arena, job_count + 1, sizeof(*level.done));
    if (!likings || !level.order || !level.load || !level.trial || !level.done) {
        return ERR_NOMEM;
    }
    begin(&level);
    share = least_share(&level);
    for (size_t i = 0; i < level.open; i++) {
        place_one(&level, i, share, likings);
    }
    return ERR_OK;
}
