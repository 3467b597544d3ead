/*
 * Days for visits: those near their window are put on days of their team, level by its capacity and near ones together
 * (models/service/level). A proposal: the plan's dates stay, and whoever has an appointment is never moved.
 */
#include <stdlib.h>
#include <string.h>

#include "models/service/level.h"
#include "models/service/plan_staff.h"
#include "server/fleet/crew.h"
#include "server/visit/visit_int.h"

#define SPREAD_ARENA   (64 << 20)
#define WANTED_MOST    4000 /* visits given a day in one turn; the others in the next */
#define JOBS_MOST      8000 /* of a team */
#define DAYS           400
#define TRAVEL_MINUTES 30   /* of a way that no plan says anything about */
#define DAY_MINUTES    480  /* of a person whose calendar says every hour of the day */
#define PATIENCE       6    /* days after which a day that went by is followed by another one */
#define DAY_MS         86400000LL

struct wanted { /* a visit that wants a day */
    int64_t visit, team;
    bool passed; /* it had a day, which went by */
    struct level_job job;
    double load_most; /* of the plan */
};

struct spread {
    struct office *office;
    struct sql *sql;
    struct arena *arena, *team_arena; /* of the turn; of one team at a time */
    const struct crew *crew;
    int32_t today;
    int64_t now_ms;
    struct wanted *wanted;
    size_t wanted_count;
};

/* ------------------------------------------------------------------ who wants a day */

static int ahead_most(struct rules *rules)
{
    int most = 21;

    for (size_t i = 0; i < rules_plan_count(rules); i++) {
        const struct plan_visits *visits = rules_plan_at(rules, i)->visits;

        most = visits && visits->ahead_days > most ? visits->ahead_days : most;
    }
    return most;
}

/* Days on which the place's own calendar is closed. */
static const unsigned char *closed_days(struct spread *spread, int64_t calendar)
{
    unsigned char *closed = NULL;
    const struct workdays *workdays = NULL;
    struct sql_rows rows;

    sql_find(spread->sql, &rows, "SELECT doc FROM calendar WHERE id = ?1", "i", calendar);
    if (sql_next(&rows)) {
        workdays = rules_calendar(spread->office->options.rules, sql_text(&rows, 0));
    }
    if (sql_end(&rows) || !workdays) {
        return NULL;
    }
    closed = arena_array(spread->arena, DAYS, sizeof(*closed));
    for (int day = 0; closed && day < DAYS; day++) {
        closed[day] = !workdays_is_working(workdays, spread->today + day);
    }
    return closed;
}

static int32_t job_minutes(struct spread *spread, const struct place *place)
{
    struct job_wanted wanted = {JOB_PREVENTIVE, place->profile ? place->profile->id : NULL, NULL, NULL};
    const struct job *job = rules_choose_job(spread->office->options.rules, &wanted);
    int64_t work_ms = job && job->duration_ms > 0 ? job->duration_ms : place->plan->staff->routing.order_ms;
    int64_t travel_ms = place->plan->travel_ms > 0 ? place->plan->travel_ms : TRAVEL_MINUTES * 60000;

    return (int32_t)((work_ms + travel_ms) / 60000);
}

static enum err read_site(struct spread *spread, const struct place *place, struct level_job *job)
{
    struct sql_rows rows;

    job->site = place->site;
    sql_find(spread->sql, &rows, "SELECT lat, lon FROM site WHERE id = ?1", "i", place->site);
    if (sql_next(&rows)) {
        job->lat = sql_real(&rows, 0);
        job->lon = sql_real(&rows, 1);
        job->has_place = job->lat < 0 || job->lat > 0 || job->lon < 0 || job->lon > 0;
    }
    return sql_end(&rows);
}

/* One visit as the levelling wants it; not when its plan gives days later. */
static enum err want(struct spread *spread, int64_t id)
{
    struct wanted *wanted = &spread->wanted[spread->wanted_count];
    struct visit_row_now visit;
    struct place place;
    TEXT(why, 300);
    int32_t from;
    enum err err;

    arena_reset(spread->office->arena);
    err = visit_load(spread->office, spread->sql, id, &visit);
    err = err ? err : place_find(spread->office, spread->sql, visit.equipment, 0, spread->now_ms, &place);
    if (err || !place.plan || !place.plan->visits) {
        return err;
    }
    from = visit.pull != VISIT_NO_DAY && visit.pull < visit.from ? visit.pull : visit.from;
    if (from > spread->today + place.plan->visits->ahead_days) {
        return ERR_OK;
    }
    from = from <= spread->today && visit.until > spread->today ? spread->today + 1 : from; /* not today any more */
    *wanted = (struct wanted){.visit = id, .passed = visit.target != VISIT_NO_DAY, .load_most = place.plan->staff->routing.load_most};
    wanted->team = visit.team ? visit.team : dispatch_team(spread->office, spread->sql, &place, 0, NULL, spread->now_ms, &why);
    wanted->job = (struct level_job){
        .id = id,
        .first = from - spread->today,
        .last = (visit.until >= spread->today ? visit.until : spread->today) - spread->today,
        .due = (visit.pull != VISIT_NO_DAY ? visit.pull : visit.due) - spread->today,
        .minutes = job_minutes(spread, &place),
        .fixed = LEVEL_NONE,
        .fill = place.plan->visits->fill,
        .group_km = place.plan->visits->group_km,
        .closed = closed_days(spread, place.calendar),
    };
    err = read_site(spread, &place, &wanted->job);
    if (!err && wanted->team) {
        spread->wanted_count++;
    }
    return err;
}

static int by_team(const void *a, const void *b)
{
    const struct wanted *x = a, *y = b;

    if (x->team != y->team) {
        return x->team < y->team ? -1 : 1;
    }
    return x->visit < y->visit ? -1 : x->visit > y->visit;
}

/* Visits without a day, or whose day has passed a while ago, and without an appointment. */
static enum err load_wanted(struct spread *spread)
{
    int64_t *ids = arena_array(spread->arena, WANTED_MOST, sizeof(*ids));
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    spread->wanted = arena_array(spread->arena, WANTED_MOST, sizeof(*spread->wanted));
    if (!ids || !spread->wanted) {
        return ERR_NOMEM;
    }
    sql_find(spread->sql, &rows,
             "SELECT v.id, v.window_start_day FROM (SELECT id FROM visit WHERE state IN ('planned', 'released') AND"
             " window_start_day <= ?1 UNION SELECT id FROM visit WHERE state IN ('planned', 'released') AND pull_day IS NOT"
             " NULL) x JOIN visit v ON v.id = x.id WHERE v.window_end_day >= ?2 AND (v.target_day IS NULL OR v.target_day < ?3)"
             " AND NOT EXISTS (SELECT 1 FROM work_order w WHERE w.visit = v.id AND w.state <> 'cancelled' AND (w.from_ms IS NOT"
             " NULL OR w.state NOT IN ('proposed', 'dispatched', 'refused'))) ORDER BY v.window_start_day, v.id LIMIT 4000",
             "iii", (int64_t)spread->today + ahead_most(spread->office->options.rules), (int64_t)spread->today,
             (int64_t)spread->today - PATIENCE);
    while (count < WANTED_MOST && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        err = want(spread, ids[i]);
    }
    qsort(spread->wanted, spread->wanted_count, sizeof(*spread->wanted), by_team);
    return err;
}

/* ------------------------------------------------------------------ what a team can do */

static int32_t minutes_of(const struct workdays *workdays, int32_t day)
{
    int64_t ms = workdays_is_working(workdays, day)
                     ? workdays_between(workdays, zone_instant(workdays->zone, day, 0), zone_instant(workdays->zone, day + 1, 0))
                     : 0;

    return ms >= 23 * 3600000 ? DAY_MINUTES : (int32_t)(ms / 60000);
}

static void count_days(const struct spread *spread, int64_t id, double share, struct level_day days[DAYS])
{
    const struct crew_team *team = crew_team_of(spread->crew, id);

    memset(days, 0, DAYS * sizeof(*days));
    for (int day = 0; team && day < DAYS; day++) {
        int32_t civil = spread->today + day, minutes = team->people ? 0 : minutes_of(&team->workdays, civil);

        for (size_t i = 0; team->people && i < spread->crew->person_count; i++) {
            const struct crew_person *person = &spread->crew->people[i];

            if (person->team == team && !crew_absence_on(person, civil)) {
                minutes += minutes_of(&person->workdays, civil);
            }
        }
        days[day].minutes = (int32_t)(minutes * share);
    }
}

/* Its appointments, and its visits that have a day: they keep it, and others go near them. */
static enum err load_fixed(struct spread *spread, int64_t team, struct level_job *jobs, size_t *io_count)
{
    int64_t from_ms = spread->now_ms - DAY_MS, to_ms = spread->now_ms + DAYS * DAY_MS;
    struct sql_rows rows;
    enum err err;

    sql_find(spread->sql, &rows,
             "SELECT w.id, w.from_ms, w.to_ms, w.site, s.lat, s.lon FROM work_order w LEFT JOIN site s ON s.id = w.site WHERE"
             " w.team = ?1 AND w.from_ms >= ?2 AND w.from_ms < ?3 AND w.ride IS NULL AND w.state NOT IN ('done', 'verified',"
             " 'closed', 'cancelled') ORDER BY w.id LIMIT 4000",
             "iii", team, from_ms, to_ms);
    while (*io_count < JOBS_MOST && sql_next(&rows)) {
        const struct crew_team *crew = crew_team_of(spread->crew, team);
        int32_t day = zone_day(crew ? crew->workdays.zone : zone_utc(), sql_int(&rows, 1));

        jobs[*io_count] = (struct level_job){.id = -sql_int(&rows, 0), .minutes = (int32_t)((sql_int(&rows, 2) - sql_int(&rows, 1)) / 60000),
                                             .fixed = day - spread->today, .site = sql_int(&rows, 3), .lat = sql_real(&rows, 4),
                                             .lon = sql_real(&rows, 5), .has_place = !sql_null(&rows, 4)};
        *io_count += jobs[*io_count].fixed >= 0 && jobs[*io_count].fixed < DAYS;
    }
    err = sql_end(&rows);
    sql_find(spread->sql, &rows,
             "SELECT v.id, v.target_day, e.site, s.lat, s.lon FROM visit v JOIN equipment e ON e.id = v.equipment LEFT JOIN"
             " site s ON s.id = e.site WHERE v.team = ?1 AND v.target_day BETWEEN ?2 AND ?3 AND v.state IN ('planned',"
             " 'released') AND NOT EXISTS (SELECT 1 FROM work_order w WHERE w.visit = v.id AND w.state <> 'cancelled' AND"
             " w.from_ms IS NOT NULL) ORDER BY v.id LIMIT 4000",
             "iii", team, (int64_t)spread->today, (int64_t)spread->today + DAYS - 1);
    while (*io_count < JOBS_MOST && sql_next(&rows)) {
        jobs[(*io_count)++] = (struct level_job){.id = sql_int(&rows, 0), .minutes = TRAVEL_MINUTES + 120, .fixed = (int)(sql_int(&rows, 1) - spread->today),
                                                 .site = sql_int(&rows, 2), .lat = sql_real(&rows, 3), .lon = sql_real(&rows, 4),
                                                 .has_place = !sql_null(&rows, 3)};
    }
    enum err end = sql_end(&rows);

    return err ? err : end;
}

/* ------------------------------------------------------------------ what is proposed */

/* Why that day, in words. */
static enum err explain(struct spread *spread, const struct wanted *wanted, const struct level_place *place,
                        struct text *why)
{
    struct sql_rows rows;

    if (place->day == LEVEL_NONE) {
        text_add(why, "nobody of the team works on a day of its window on which the place is open");
        return ERR_OK;
    }
    text_addf(why, "%sthe team's day is %d %% full", wanted->passed ? "the day it had went by; " : "", place->share);
    if (place->over) {
        text_add(why, ", more than it can do: no day of the window has room");
    }
    if (!place->near) {
        return ERR_OK;
    }
    sql_find(spread->sql, &rows,
             "SELECT COALESCE(s.title, s.name) FROM site s WHERE s.id = (SELECT e.site FROM visit v JOIN equipment e ON e.id ="
             " v.equipment WHERE v.id = ?1) OR s.id = (SELECT w.site FROM work_order w WHERE w.id = ?2)",
             "ii", place->near, -place->near);
    if (sql_next(&rows)) {
        text_addf(why, ", with %.80s (%.1f km)", sql_text(&rows, 0), place->near_km);
    }
    return sql_end(&rows);
}

static enum err propose(struct spread *spread, const struct wanted *wanted, const struct level_place *place)
{
    char day[11] = "no day";
    TEXT(why, 300);
    TEXT(note, 400);
    enum err err = explain(spread, wanted, place, &why);

    if (err || (place->day == LEVEL_NONE &&
                sql_find_int(spread->sql, 0, "SELECT 1 FROM visit WHERE id = ?1 AND target_day IS NULL AND target_why = ?2",
                             "it", wanted->visit, why.at))) {
        return err; /* said already */
    }
    if (place->day != LEVEL_NONE) {
        civil_write_date(spread->today + place->day, day);
    }
    text_addf(&note, "%s: %s", day, why.at);
    err = sql_run(spread->sql,
                  "UPDATE visit SET team = ?2, target_day = NULLIF(?3, 0), target_why = ?4, target_by = 'level' WHERE id = ?1",
                  "iiit", wanted->visit, wanted->team, place->day == LEVEL_NONE ? 0 : (int64_t)spread->today + place->day,
                  why.at);
    err = err ? err : visit_line(spread->sql, wanted->visit, spread->now_ms, "heliograph", "level", NULL, note.at, NULL);
    return err ? err : visit_touched(spread->sql, wanted->visit, spread->now_ms);
}

/* The visits of one team, together. */
static enum err spread_team(struct spread *spread, const struct wanted *wanted, size_t count)
{
    struct arena *arena = spread->team_arena;
    struct level_day *days = arena_array(arena, DAYS, sizeof(*days));
    struct level_job *jobs = arena_array(arena, JOBS_MOST + count, sizeof(*jobs));
    struct level_place *places = arena_array(arena, JOBS_MOST + count, sizeof(*places));
    size_t fixed = 0;
    enum err err = days && jobs && places ? ERR_OK : ERR_NOMEM;

    if (!err) {
        count_days(spread, wanted->team, wanted->load_most > 0 ? wanted->load_most : 1, days);
        err = load_fixed(spread, wanted->team, jobs, &fixed);
    }
    for (size_t i = 0; !err && i < count; i++) {
        jobs[fixed + i] = wanted[i].job;
    }
    if (!err) {
        err = level_find(arena, days, DAYS, jobs, fixed + count, places);
    }
    for (size_t i = 0; !err && i < count; i++) {
        err = propose(spread, &wanted[i], &places[fixed + i]);
    }
    return err;
}

/* Days on which a team does not work any more are nobody's days: an absence, a holiday, another calendar. */
static enum err give_up(struct spread *spread)
{
    struct level_day *days = arena_array(spread->arena, DAYS, sizeof(*days));
    struct moved {
        int64_t visit, team, day;
    } *moved = arena_array(spread->arena, WANTED_MOST, sizeof(*moved));
    struct sql_rows rows;
    size_t count = 0;
    int64_t team = 0;
    enum err err = days && moved ? ERR_OK : ERR_NOMEM;

    if (err) {
        return err;
    }
    sql_find(spread->sql, &rows,
             "SELECT v.id, v.team, v.target_day FROM visit v WHERE v.target_by = 'level' AND v.target_day >= ?1 AND v.state IN"
             " ('planned', 'released') AND NOT EXISTS (SELECT 1 FROM work_order w WHERE w.visit = v.id AND w.state <>"
             " 'cancelled' AND w.from_ms IS NOT NULL) ORDER BY v.team, v.id LIMIT 4000",
             "i", (int64_t)spread->today);
    while (count < WANTED_MOST && sql_next(&rows)) {
        moved[count++] = (struct moved){sql_int(&rows, 0), sql_int(&rows, 1), sql_int(&rows, 2)};
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        int64_t at = moved[i].day - spread->today;

        if (moved[i].team != team) {
            team = moved[i].team;
            count_days(spread, team, 1, days);
        }
        if (at < DAYS && days[at].minutes == 0) {
            err = sql_run(spread->sql, "UPDATE visit SET target_day = NULL, target_why = NULL WHERE id = ?1", "i",
                          moved[i].visit);
            err = err ? err
                      : visit_line(spread->sql, moved[i].visit, spread->now_ms, "heliograph", "level", NULL,
                                   "nobody of the team works on its day any more", NULL);
            err = err ? err : visit_touched(spread->sql, moved[i].visit, spread->now_ms);
        }
    }
    return err;
}

enum err spread_turn(struct office *office, struct sql *sql, bool again, int64_t now_ms)
{
    struct spread spread = {.office = office, .sql = sql, .now_ms = now_ms, .today = (int32_t)(now_ms / DAY_MS)};
    enum err err = arena_open(SPREAD_ARENA, &spread.arena);

    if (!err) {
        err = arena_open(SPREAD_ARENA, &spread.team_arena);
    }
    if (!err) {
        err = office_crew(office, sql, &spread.crew);
    }
    if (!err && again) {
        err = give_up(&spread);
    }
    if (!err) {
        err = load_wanted(&spread);
    }
    for (size_t i = 0, next = 0; !err && i < spread.wanted_count; i = next) {
        while (next < spread.wanted_count && spread.wanted[next].team == spread.wanted[i].team) {
            next++;
        }
        arena_reset(spread.team_arena);
        err = spread_team(&spread, &spread.wanted[i], next - i);
    }
    arena_close(spread.team_arena);
    arena_close(spread.arena);
    return err;
}
