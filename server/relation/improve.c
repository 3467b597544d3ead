/* The improvement register: opened, planned, done, looked at again. */
#include "server/relation/improve.h"

#include <string.h>

#include "models/base/civil.h"
#include "models/base/zone.h"
#include "server/case/duties.h"
#include "server/fleet/numbers.h"
#include "server/store/cell.h"

#define DAY_MS     86400000LL
#define CHECK_DAYS 90 /* after a measure was taken somebody looks whether it helped */

enum err improve_open(struct sql *sql, const struct improvement *new, int64_t now_ms)
{
    char number[NUMBERS_ROOM];
    int64_t id;
    enum err err;

    numbers_make('M', number, sizeof(number));
    err = sql_run(sql,
                  "INSERT INTO improvement (number, client_id, source, source_key, title, evidence, complaint, ticket, state,"
                  " measure, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULLIF(?7, 0), NULLIF(?8, 0), 'open', ?9, ?10) ON"
                  " CONFLICT (source, source_key) DO NOTHING",
                  "ttttttiiti", number, new->client_id, new->source, new->key ? new->key : number, new->title, new->evidence,
                  new->complaint, new->ticket, new->measure, now_ms);
    if (err || sql_changes(sql) == 0) {
        return err;
    }
    id = sql_find_int(sql, 0, "SELECT id FROM improvement WHERE number = ?1", "t", number);
    return sql_run(sql,
                   "INSERT INTO improvement_event (improvement, at_ms, who, action, action_id) VALUES (?1, ?2, ?3, 'open', ?4)",
                   "iitt", id, now_ms, new->who, new->client_id);
}

#define PREVENTIONS_MOST 20

enum err improve_from_analysis(struct sql *sql, int64_t ticket, const char *number, const char *who, int64_t now_ms)
{
    struct {
        int64_t item;
        char what[1000];
    } items[PREVENTIONS_MOST];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows, "SELECT item, what FROM prevention WHERE ticket = ?1 ORDER BY item LIMIT 20", "i", ticket);
    while (count < PREVENTIONS_MOST && sql_next(&rows)) {
        items[count].item = sql_int(&rows, 0);
        if (text_copy(items[count].what, sizeof(items[0].what), sql_text(&rows, 1))) { /* the analysis has all of it */
            memcpy(items[count].what, "see the analysis", sizeof("see the analysis"));
        }
        count++;
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        TEXT(key, 60);
        struct improvement new = {.source = "analysis", .key = key.at, .title = items[i].what, .measure = items[i].what,
                                  .ticket = ticket, .who = who};

        text_addf(&key, "%s %lld", number, (long long)items[i].item);
        err = improve_open(sql, &new, now_ms);
    }
    return err;
}

enum err improve_post(struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id, struct text *why)
{
    const char *ticket = json_text_or(action->body, "ticket", NULL);
    struct improvement new = {.source = "person", .key = action->action_id, .client_id = action->action_id, .who = action->who,
                              .title = json_text_or(action->body, "title", ""),
                              .measure = json_text_or(action->body, "measure", NULL)};
    enum err err;

    if (!new.title[0] || strlen(new.title) > 400 || (new.measure && strlen(new.measure) > 4000)) {
        return text_say(why, ERR_FORMAT, "title: expected 1 to 400 bytes that say what is to become better; measure: at most 4000");
    }
    if (!action->action_id) {
        return text_say(why, ERR_FORMAT, "id: expected an id of the client's own");
    }
    if (ticket) { /* what the analysis of a fault has led to */
        new.ticket = sql_find_int(sql, 0, "SELECT id FROM ticket WHERE number = ?1", "t", ticket);
        new.source = "analysis";
        if (!new.ticket) {
            return text_say(why, ERR_FORMAT, "ticket: expected one that is there, found '%.40s'", ticket);
        }
    }
    err = improve_open(sql, &new, now_ms);
    *ret_id = err ? 0
                  : sql_find_int(sql, 0, "SELECT id FROM improvement WHERE source = ?1 AND source_key = ?2", "tt", new.source,
                                 new.key);
    return err;
}

/* ------------------------------------------------------------------ what people do */

struct doing {
    struct sql *sql;
    int64_t id, at_ms;
    const struct action *action;
    const char *time_zone;
    const struct zone *zone;
    struct text *why;
};

static enum err owe(const struct doing *doing, const char *kind, int64_t until_ms)
{
    struct duty duty = {.subject = "improvement", .id = doing->id, .kind = kind, .start = "planned", .stop = "done",
                        .until_ms = until_ms, .warn = 0.75, .started_ms = doing->at_ms, .time_zone = doing->time_zone};

    duty.occurrence = sql_find_int(doing->sql, 0,
                                   "SELECT COUNT(*) FROM clock WHERE subject = 'improvement' AND subject_id = ?1 AND kind = ?2",
                                   "it", doing->id, kind);
    return duty_start(doing->sql, &duty);
}

static enum err plan(const struct doing *doing)
{
    const char *measure = json_text_or(doing->action->body, "measure", NULL), *due = json_text_or(doing->action->body, "due", "");
    const char *owner = json_text_or(doing->action->body, "owner", "");
    int64_t until_ms;
    int32_t day;
    enum err err;

    if (!owner[0] || strlen(owner) > 64) {
        return text_say(doing->why, ERR_FORMAT, "owner: expected who does it");
    }
    if (civil_read_date(due, &day)) {
        return text_say(doing->why, ERR_FORMAT, "due: expected a date such as 2026-12-31, found '%.40s'", due);
    }
    if ((measure && strlen(measure) > 4000) ||
        (!measure && !sql_find_int(doing->sql, 0, "SELECT 1 FROM improvement WHERE id = ?1 AND measure IS NOT NULL", "i", doing->id))) {
        return text_say(doing->why, ERR_FORMAT, "measure: expected what is done, at most 4000 bytes");
    }
    until_ms = zone_instant(doing->zone, day + 1, 0);
    if (until_ms <= doing->at_ms) {
        return text_say(doing->why, ERR_FORMAT, "due: expected a date that has not passed");
    }
    err = sql_run(doing->sql,
                  "UPDATE improvement SET state = 'planned', measure = COALESCE(?2, measure), owner = ?3, due_ms = ?4, version ="
                  " version + 1 WHERE id = ?1",
                  "itti", doing->id, measure, owner, until_ms);
    err = err ? err
              : sql_run(doing->sql,
                        "UPDATE clock SET cancelled_ms = MAX(?2, started_ms), cancelled_for = 'person', next_ms = NULL WHERE"
                        " subject = 'improvement' AND subject_id = ?1 AND met_ms IS NULL AND cancelled_ms IS NULL",
                        "ii", doing->id, doing->at_ms);
    return err ? err : owe(doing, "improvement", until_ms);
}

static enum err done(const struct doing *doing)
{
    enum err err = sql_run(doing->sql, "UPDATE improvement SET state = 'done', done_ms = ?2, version = version + 1 WHERE id = ?1",
                           "ii", doing->id, doing->at_ms);

    err = err ? err : duty_stop(doing->sql, "improvement", doing->id, "improvement", doing->at_ms);
    return err ? err : owe(doing, "improvement_check", doing->at_ms + CHECK_DAYS * DAY_MS);
}

/* What did not help is open again: another measure is wanted. */
static enum err check(const struct doing *doing)
{
    bool effective;
    enum err err;

    if (!json_as_bool(json_field(doing->action->body, "effective"), &effective)) {
        return text_say(doing->why, ERR_FORMAT, "effective: expected true or false");
    }
    if (!doing->action->note || !doing->action->note[0]) {
        return text_say(doing->why, ERR_FORMAT, "note: expected what has become of it");
    }
    err = sql_run(doing->sql,
                  "UPDATE improvement SET state = ?2, effect = ?3, checked_ms = CASE WHEN ?2 = 'effective' THEN ?4 ELSE NULL"
                  " END, version = version + 1 WHERE id = ?1",
                  "itti", doing->id, effective ? "effective" : "open", doing->action->note, doing->at_ms);
    return err ? err : duty_stop(doing->sql, "improvement", doing->id, "improvement_check", doing->at_ms);
}

static enum err drop(const struct doing *doing)
{
    enum err err;

    if (!doing->action->note || !doing->action->note[0]) {
        return text_say(doing->why, ERR_FORMAT, "note: expected why nothing is done");
    }
    err = sql_run(doing->sql,
                  "UPDATE improvement SET state = 'dropped', effect = ?2, checked_ms = ?3, version = version + 1 WHERE id = ?1",
                  "iti", doing->id, doing->action->note, doing->at_ms);
    return err ? err
               : sql_run(doing->sql,
                         "UPDATE clock SET cancelled_ms = MAX(?2, started_ms), cancelled_for = 'person', next_ms = NULL WHERE"
                         " subject = 'improvement' AND subject_id = ?1 AND met_ms IS NULL AND cancelled_ms IS NULL",
                         "ii", doing->id, doing->at_ms);
}

static const struct {
    const char *action, *from, *legal; /* from: the states, between blanks */
    enum err (*run)(const struct doing *doing);
} moves[] = {
    {"plan", " open planned ", "plan drop", plan},
    {"done", " planned ", "plan done drop", done},
    {"check", " done ", "check", check},
    {"drop", " open planned ", "", drop},
};

static const char *legal_in(const char *state)
{
    return text_same(state, "open") ? "plan drop" : text_same(state, "planned") ? "plan done drop" : text_same(state, "done")
                                                                                   ? "check"
                                                                                   : "nothing";
}

enum err improve_act(struct office *office, struct sql *sql, int64_t id, const struct action *action, int64_t now_ms,
                     struct text *why)
{
    const struct zone *zone = rules_zone(office->options.rules, office->options.time_zone);
    struct doing doing = {sql, id, now_ms, action, office->options.time_zone, zone ? zone : zone_utc(), why};
    char state[16] = "";
    struct sql_rows rows;
    enum err err;

    sql_find(sql, &rows, "SELECT state FROM improvement WHERE id = ?1", "i", id);
    if (sql_next(&rows)) {
        (void)!text_copy(state, sizeof(state), sql_text(&rows, 0));
    }
    err = sql_end(&rows);
    if (err || !state[0]) {
        return err ? err : ERR_NOT_FOUND;
    }
    if (action->action_id && sql_find_int(sql, 0, "SELECT 1 FROM improvement_event WHERE improvement = ?1 AND action_id = ?2",
                                          "it", id, action->action_id)) {
        return ERR_OK;
    }
    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        TEXT(word, 40);

        text_addf(&word, " %s ", state);
        if (!text_same(moves[i].action, action->action)) {
            continue;
        }
        if (!strstr(moves[i].from, word.at)) {
            return text_say(why, ERR_STATE, "the improvement is %s. Legal: %s", state, legal_in(state));
        }
        err = moves[i].run(&doing);
        return err ? err
                   : sql_run(sql,
                             "INSERT INTO improvement_event (improvement, at_ms, who, action, action_id, note) VALUES (?1, ?2,"
                             " ?3, ?4, ?5, ?6)",
                             "iitttt", id, doing.at_ms, action->who, action->action, action->action_id, action->note);
    }
    return text_say(why, ERR_FORMAT, "no action called '%.40s' for improvements. Legal: %s", action->action, legal_in(state));
}

/* ------------------------------------------------------------------ showing */

static enum err put_events(struct sql *sql, int64_t id, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;

    json_key(out, "trail");
    json_open_list(out);
    sql_find(sql, &rows, "SELECT at_ms, who, action, note FROM improvement_event WHERE improvement = ?1 ORDER BY id LIMIT 1000",
             "i", id);
    while (sql_next(&rows)) {
        json_open_object(out);
        cell_time(out, "at", zone, &rows, 0);
        json_text(out, "who", sql_text(&rows, 1));
        json_text(out, "action", sql_text(&rows, 2));
        json_text(out, "note", sql_text(&rows, 3));
        json_close_object(out);
    }
    json_close_list(out);
    return sql_end(&rows);
}

/* S2-35, the recurrence check: complaints of the same cause, or faults of the same kind, since the measure was taken. */
static int64_t again(struct sql *sql, int64_t id)
{
    return sql_find_int(
        sql, 0,
        "SELECT (SELECT COUNT(*) FROM complaint c JOIN complaint o ON o.id = i.complaint WHERE c.id <> o.id AND c.registered_ms"
        " >= i.done_ms AND (c.cause = o.cause OR (c.nature = o.nature AND c.team = o.team))) + (SELECT COUNT(*) FROM ticket t"
        " JOIN ticket o ON o.id = i.ticket WHERE i.complaint IS NULL AND t.equipment = o.equipment AND t.id <> o.id AND t.fault"
        " = o.fault AND t.registered_ms >= i.done_ms) FROM improvement i WHERE i.id = ?1",
        "i", id);
}

enum err improve_view(struct sql *sql, int64_t id, const struct zone *zone, struct json_out *out)
{
    struct sql_rows rows;
    bool found, was_done = false;
    enum err err;

    sql_find(sql, &rows,
             "SELECT i.number, i.source, i.source_key, i.title, i.evidence, c.number, t.number, i.state, i.measure, i.owner,"
             " i.due_ms, i.effect, i.created_ms, i.done_ms, i.checked_ms, i.version FROM improvement i LEFT JOIN complaint c ON"
             " c.id = i.complaint LEFT JOIN ticket t ON t.id = i.ticket WHERE i.id = ?1",
             "i", id);
    found = sql_next(&rows);
    if (found) {
        static const char *const texts[] = {"number", "source", "key", "title"};

        json_open_object(out);
        for (int i = 0; i < 4; i++) {
            json_text(out, texts[i], sql_text(&rows, i));
        }
        json_raw(out, "evidence", sql_null(&rows, 4) ? NULL : sql_text(&rows, 4));
        json_text(out, "complaint", sql_text(&rows, 5));
        json_text(out, "ticket", sql_text(&rows, 6));
        json_text(out, "state", sql_text(&rows, 7));
        json_text(out, "measure", sql_text(&rows, 8));
        json_text(out, "owner", sql_text(&rows, 9));
        cell_time(out, "due_at", zone, &rows, 10);
        json_text(out, "effect", sql_text(&rows, 11));
        cell_time(out, "created_at", zone, &rows, 12);
        cell_time(out, "done_at", zone, &rows, 13);
        cell_time(out, "checked_at", zone, &rows, 14);
        json_int(out, "version", sql_int(&rows, 15));
        was_done = !sql_null(&rows, 13);
    }
    err = sql_end(&rows);
    if (err || !found) {
        return err ? err : ERR_NOT_FOUND;
    }
    if (was_done) {
        json_int(out, "again", again(sql, id));
    } else {
        json_null(out, "again");
    }
    err = put_events(sql, id, zone, out);
    json_close_object(out);
    return err ? err : out->err;
}
