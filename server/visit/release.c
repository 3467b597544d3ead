/* Visits whose window has begun become work orders: each once, and one at a time for a piece of equipment. */
#include "server/alarm/alarm.h"
#include "server/visit/visit_int.h"

#define SLICE       200
#define BELIEVED_MS (7 * 86400000LL)

struct turn {
    struct office *office;
    struct sql *sql;
    int64_t now_ms;
    int32_t today; /* where the visit is made */
    struct place place;
};

static void say_day(struct text *to, int32_t day)
{
    char words[11];

    civil_write_date(day, words);
    text_add(to, words);
}

enum err visit_release(struct office *office, struct sql *sql, const struct place *place, int64_t visit, const char *who,
                       const char *action_id, const char *why, int64_t now_ms, int64_t *ret_order)
{
    TEXT(words, 300);
    struct work_new what = {
        .kind = JOB_PREVENTIVE,
        .profile = place->profile,
        .visit = visit,
        .equipment = place->equipment,
        .site = place->site,
        .reason = words.at,
    };
    enum err err = ERR_OK;

    *ret_order =
        sql_find_int(sql, 0, "SELECT MAX(id) FROM work_order WHERE visit = ?1 AND state <> 'cancelled'", "i", visit);
    if (!*ret_order) {
        what.team = dispatch_team(office, sql, place, 0, NULL, now_ms, &words);
        err = work_create(office, sql, &what, now_ms, ret_order);
    }
    if (!err) {
        err = sql_run(sql,
                      "UPDATE visit SET state = 'released', code = NULL, reason = NULL, team = COALESCE(NULLIF(?2, 0), team)"
                      " WHERE id = ?1",
                      "ii", visit, what.team);
    }
    if (!err) {
        err = visit_line(sql, visit, now_ms, who, "release", action_id, why, NULL);
    }
    return err ? err : visit_touched(sql, visit, now_ms);
}

/* S0-119: nobody comes for planned work in a guard period; the visit says so while it waits. */
static enum err wait_for_guard(struct turn *turn, const struct visit_row_now *visit, bool *ret_waits)
{
    struct window_seen guard;
    TEXT(reason, 120);
    enum err err = window_find(turn->sql, visit->equipment, 0, "guard", turn->now_ms, turn->now_ms, ret_waits, &guard);

    if (err || !*ret_waits) {
        return err;
    }
    text_addf(&reason, "waits for the end of guard period %s", guard.name);
    if (text_same(visit->reason, reason.at)) {
        return ERR_OK;
    }
    err = sql_run(turn->sql, "UPDATE visit SET code = 'guard', reason = ?2 WHERE id = ?1", "it", visit->id, reason.at);
    return err ? err : visit_line(turn->sql, visit->id, turn->now_ms, "heliograph", "wait", NULL, reason.at, NULL);
}

/* Why nobody was sent in its window. */
static const char *held_up(struct turn *turn, const struct visit_row_now *visit)
{
    if (text_same(visit->code, "guard")) {
        return "a guard period lasted";
    }
    if (sql_find_int(turn->sql, 0,
                     "SELECT 1 FROM visit_event WHERE visit = ?1 AND action IN ('reinstate', 'redate') LIMIT 1", "i", visit->id)) {
        return "it was called off";
    }
    return "the server did not run";
}

/* Its window went by while nobody could be sent: one later visit makes up for all of them. */
static enum err miss(struct turn *turn, const struct visit_row_now *visit, int64_t later)
{
    TEXT(reason, 300);
    struct visit_end end = {.who = "heliograph", .action = "skip", .code = "missed", .reason = reason.at};

    text_add(&reason, "its window ended on ");
    say_day(&reason, visit->until);
    text_addf(&reason, " while %s; visit %lld makes up for it",
              held_up(turn, visit), (long long)later);
    return visit_skip(turn->office, turn->sql, visit, &end, turn->now_ms);
}

/* The one before was not made when this one is due: its order goes on as the order of this one. */
static enum err overtake(struct turn *turn, const struct visit_row_now *visit, const struct visit_row_now *before)
{
    TEXT(reason, 200);
    TEXT(note, 200);
    struct visit_row_now bare = *before;
    struct visit_end end = {.who = "heliograph", .action = "overtake", .code = "overtaken", .reason = reason.at};
    enum err err;

    text_addf(&reason, "not made when visit %lld was due", (long long)visit->sequence);
    text_addf(&note, "goes on with the order of visit %lld", (long long)before->sequence);
    err = sql_run(turn->sql,
                  "UPDATE work_order SET visit = ?2, version = version + 1, sequence = sequence + 1 WHERE id = ?1", "ii",
                  before->order, visit->id);
    bare.order = 0; /* … and is not dropped */
    bare.state = VISIT_RELEASED;
    if (!err) {
        err = visit_skip(turn->office, turn->sql, &bare, &end, turn->now_ms);
    }
    if (!err) {
        err = sql_run(turn->sql,
                      "UPDATE visit SET state = ?2, code = NULL, reason = NULL, team = COALESCE(NULLIF(?3, 0), team) WHERE"
                      " id = ?1",
                      "iti", visit->id, visit_state_names[before->state], before->team);
    }
    if (!err) {
        err = visit_line(turn->sql, visit->id, turn->now_ms, "heliograph", "release", NULL, note.at, NULL);
    }
    if (!err) {
        err = visit_touched(turn->sql, visit->id, turn->now_ms);
    }
    return err ? err : work_changed(turn->sql, before->order, turn->now_ms);
}

/* Of the visit before that is still open: somebody is at it, or on the way. Of whom nothing was heard for a week, that is
 * not believed any more. */
static bool is_at_it(struct turn *turn, int64_t order)
{
    return sql_find_int(turn->sql, 0,
                        "SELECT 1 FROM work_order w LEFT JOIN work_order h ON h.id = w.ride WHERE w.id = ?1 AND"
                        " COALESCE(h.state, w.state) IN ('travelling', 'on_site', 'working', 'testing') AND EXISTS (SELECT 1 FROM"
                        " work_event v WHERE v.work_order = COALESCE(h.id, w.id) AND v.stored_ms > ?2)",
                        "ii", order, turn->now_ms - BELIEVED_MS) != 0;
}

static enum err release_late(struct turn *turn, const struct visit_row_now *visit)
{
    TEXT(why, 200);
    int64_t order;

    if (visit->pull != VISIT_NO_DAY && visit->from > turn->today) {
        text_add(&why, "before its window: a trigger asks for it");
    } else if (visit->until < turn->today) {
        text_add(&why, "late: its window ended on ");
        say_day(&why, visit->until);
        text_addf(&why, " while %s", held_up(turn, visit));
    }
    return visit_release(turn->office, turn->sql, &turn->place, visit->id, "heliograph", NULL, why.length ? why.at : NULL,
                         turn->now_ms, &order);
}

static enum err release_one(struct turn *turn, const struct visit_row_now *visit)
{
    struct visit_row_now before = {0};
    int64_t later = sql_find_int(turn->sql, 0,
                                 "SELECT MAX(sequence) FROM visit WHERE equipment = ?1 AND sequence > ?2 AND state ="
                                 " 'planned' AND window_start_day <= ?3",
                                 "iii", visit->equipment, visit->sequence, (int64_t)turn->today);
    int64_t earlier = sql_find_int(turn->sql, 0,
                                   "SELECT MAX(id) FROM visit WHERE equipment = ?1 AND sequence < ?2 AND state IN"
                                   " ('released', 'attached')",
                                   "ii", visit->equipment, visit->sequence);
    bool waits = false;
    enum err err = ERR_OK;

    if (later) {
        return miss(turn, visit, later);
    }
    err = wait_for_guard(turn, visit, &waits);
    if (err || waits) {
        return err;
    }
    if (earlier) {
        err = visit_load(turn->office, turn->sql, earlier, &before);
    }
    if (!err && before.order) {
        return is_at_it(turn, before.order) ? ERR_OK : overtake(turn, visit, &before);
    }
    return err ? err : release_late(turn, visit);
}

/* Of those that wait after (day, id), a slice. *ret_more: there may be others. */
static enum err release_slice(struct turn *turn, bool pulled, int64_t *io_day, int64_t *io_id, bool *ret_more)
{
    int64_t ids[SLICE], tomorrow = turn->now_ms / 86400000 + 1; /* somewhere on earth it is that day already */
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    if (pulled) {
        sql_find(turn->sql, &rows,
                 "SELECT id, pull_day FROM visit WHERE state = 'planned' AND pull_day IS NOT NULL AND pull_day <= ?1 AND"
                 " (pull_day, id) > (?2, ?3) ORDER BY pull_day, id LIMIT 200",
                 "iii", tomorrow, *io_day, *io_id);
    } else {
        sql_find(turn->sql, &rows,
                 "SELECT id, window_start_day FROM visit WHERE state = 'planned' AND window_start_day <= ?1 AND"
                 " (window_start_day, id) > (?2, ?3) ORDER BY window_start_day, id LIMIT 200",
                 "iii", tomorrow, *io_day, *io_id);
    }
    while (count < SLICE && sql_next(&rows)) {
        ids[count++] = *io_id = sql_int(&rows, 0);
        *io_day = sql_int(&rows, 1);
    }
    err = sql_end(&rows);
    *ret_more = count == SLICE;
    for (size_t i = 0; !err && i < count; i++) {
        struct visit_row_now visit;

        arena_reset(turn->office->arena);
        err = visit_load(turn->office, turn->sql, ids[i], &visit);
        if (!err && visit.state == VISIT_PLANNED) {
            err = place_find(turn->office, turn->sql, visit.equipment, 0, turn->now_ms, &turn->place);
            turn->today = err ? 0 : place_day(turn->office, &turn->place, turn->now_ms);
            if (!err && (visit.from <= turn->today || (visit.pull != VISIT_NO_DAY && visit.pull <= turn->today))) {
                err = release_one(turn, &visit);
            }
        }
    }
    return err;
}

enum err release_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    struct turn turn = {.office = office, .sql = sql, .now_ms = now_ms};
    enum err err = ERR_OK;

    for (int pulled = 0; !err && pulled < 2; pulled++) {
        int64_t day = INT32_MIN, id = 0;
        bool more = true;

        while (!err && more) {
            err = release_slice(&turn, pulled == 1, &day, &id, &more);
        }
    }
    return err;
}
