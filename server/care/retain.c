/* Each class of data is kept for its own time, and then goes in small pieces, by itself. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "models/base/json.h"
#include "models/base/zone.h"
#include "server/care/care_int.h"
#include "server/store/metrics.h"

#define ROUND_MS (6 * 3600000LL) /* a class that is done is looked at again after that */
#define POINTS   20              /* of one turn: hours of readings are let go point by point */

const char *const care_class_names[] = {"readings", "photos", "notices", "logs", "access", "exports", "contacts", NULL};

struct round {
    struct care *care;
    struct sql *sql;
    int64_t before_ms, at, removed;
    bool done;
};

/* The hours of some points; at: the last point that was looked at. */
static enum err purge_readings(struct round *round)
{
    enum err err = ERR_OK;

    for (int i = 0; !err && i < POINTS; i++) {
        int64_t point = sql_find_int(round->sql, 0, "SELECT MIN(id) FROM point WHERE id > ?1", "i", round->at);

        round->done = point == 0;
        if (!point) {
            break;
        }
        err = sql_run(round->sql,
                      "DELETE FROM chunk WHERE point = ?1 AND hour < ?2 AND hour < (SELECT MIN(k.hour) FROM chunk k WHERE k.point = ?1)"
                      " + 720",
                      "ii", point, round->before_ms / 3600000);
        round->removed += err ? 0 : sql_changes(round->sql);
        if (!err && sql_changes(round->sql) == 0) {
            round->at = point; /* else there may be more of it */
        }
    }
    return err;
}

static enum err counted(struct round *round, enum err err)
{
    int64_t changes = err ? 0 : sql_changes(round->sql);

    round->removed += changes;
    round->done = round->done || changes == 0;
    return err;
}

/* What is in the picture goes; that there was one, with its hash, stays. */
static enum err purge_photos(struct round *round)
{
    int64_t id = sql_find_int(round->sql, 0, "SELECT MIN(id) FROM attachment WHERE state = 'whole' AND stored_ms < ?1 AND id > ?2", "ii",
                              round->before_ms, round->at);
    enum err err;

    round->done = id == 0;
    if (!id) {
        return ERR_OK;
    }
    round->at = id;
    err = sql_run(round->sql, "DELETE FROM attachment_piece WHERE attachment = ?1", "i", id);
    err = err ? err : sql_run(round->sql, "UPDATE attachment SET state = 'removed', title = NULL WHERE id = ?1", "i", id);
    round->removed += err ? 0 : 1;
    return err;
}

static enum err purge_notices(struct round *round)
{
    return counted(round, sql_run(round->sql,
                                  "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE id < (SELECT COALESCE(MIN(id), 0) FROM"
                                  " outbox) + 100000 AND created_ms < ?1 AND state <> 'waiting' ORDER BY id LIMIT 500)",
                                  "i", round->before_ms));
}

static enum err purge_logs(struct round *round)
{
    enum err err = counted(round, sql_run(round->sql,
                                          "DELETE FROM event WHERE id IN (SELECT id FROM event ORDER BY id LIMIT 1000) AND"
                                          " received_ms < ?1",
                                          "i", round->before_ms));

    err = err ? err : sql_run(round->sql, "DELETE FROM agent_day WHERE day < ?1", "i", round->before_ms / 86400000);
    return err ? err
               : sql_run(round->sql, "DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine ORDER BY id LIMIT 500) AND received_ms < ?1",
                         "i", round->before_ms);
}

static enum err purge_access(struct round *round)
{
    return counted(round, sql_run(round->sql, "DELETE FROM access WHERE id IN (SELECT id FROM access ORDER BY id LIMIT 1000) AND at_ms < ?1",
                                  "i", round->before_ms));
}

static enum err purge_exports(struct round *round)
{
    int64_t id = 0;
    struct sql_rows rows;
    TEXT(path, 1200);
    enum err err;

    sql_find(round->sql, &rows, "SELECT id, number FROM export WHERE state IN ('done', 'failed') AND done_ms < ?1 ORDER BY id LIMIT 1", "i",
             round->before_ms);
    if (sql_next(&rows)) {
        id = sql_int(&rows, 0);
        export_path(round->care, sql_text(&rows, 1), &path);
    }
    err = sql_end(&rows);
    round->done = id == 0;
    if (err || !id) {
        return err;
    }
    (void)unlink(path.at); /* it may never have been begun */
    round->removed++;
    return sql_run(round->sql, "UPDATE export SET state = 'removed', version = version + 1 WHERE id = ?1", "i", id);
}

/* Contact data of customers whose last agreement ended so long ago, and who never asked to be off-boarded. */
static enum err purge_contacts(struct round *round)
{
    return counted(round, sql_run(round->sql,
                                  "INSERT INTO removal (kind, subject, name, reason, who, at_ms) SELECT 'customer', c.id, c.name, 'kept no"
                                  " longer', 'heliograph', ?2 FROM customer c WHERE c.removed_ms IS NULL AND EXISTS (SELECT 1 FROM contract"
                                  " k WHERE k.customer = c.id) AND NOT EXISTS (SELECT 1 FROM contract k WHERE k.customer = c.id AND (k.draft"
                                  " = 1 OR k.end_day IS NULL OR k.end_day >= ?1)) ORDER BY c.id LIMIT 1 ON CONFLICT DO NOTHING",
                                  "ii", round->before_ms / 86400000, round->before_ms + round->care->keep_ms[CARE_CONTACTS]));
}

static enum err (*const purges[CARE_CLASSES])(struct round *round) = {
    purge_readings, purge_photos, purge_notices, purge_logs, purge_access, purge_exports, purge_contacts,
};

static enum err purge_class(struct care *care, struct sql *sql, int class, int64_t now_ms, bool *io_more)
{
    struct round round = {care, sql, now_ms - care->keep_ms[class], 0, 0, false};
    const char *name = care_class_names[class];
    enum err err;

    if (!care->keep_ms[class] || sql_find_int(sql, 0, "SELECT next_ms FROM purge WHERE class = ?1", "t", name) > now_ms) {
        return ERR_OK; /* 0: for ever */
    }
    round.at = sql_find_int(sql, 0, "SELECT at FROM purge WHERE class = ?1", "t", name);
    err = purges[class](&round);
    metric_add(METRIC_PURGED, round.removed);
    *io_more = *io_more || !round.done;
    return err ? err
               : sql_run(sql,
                         "INSERT INTO purge (class, at, next_ms, removed, rounds, ran_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT"
                         " (class) DO UPDATE SET at = excluded.at, next_ms = excluded.next_ms, removed = purge.removed + ?4, rounds ="
                         " purge.rounds + ?5, ran_ms = ?6",
                         "tiiiii", name, round.done ? 0 : round.at, round.done ? now_ms + ROUND_MS : 0, round.removed,
                         (int64_t)round.done, now_ms);
}

enum err purge_turn(struct care *care, struct sql *sql, int64_t now_ms, bool *io_more)
{
    enum err err = ERR_OK;

    for (int class = 0; !err && class < CARE_CLASSES; class++) {
        err = purge_class(care, sql, class, now_ms, io_more);
    }
    return err;
}

enum err care_classes(const struct care *care, struct sql *sql, const struct zone *zone, struct json_out *out)
{
    enum err err = ERR_OK;

    json_key(out, "items");
    json_open_list(out);
    for (int class = 0; !err && class < CARE_CLASSES; class++) {
        struct sql_rows rows;

        json_open_object(out);
        json_text(out, "class", care_class_names[class]);
        if (care->keep_ms[class]) {
            json_number(out, "days", (double)care->keep_ms[class] / 86400000);
        } else {
            json_null(out, "days");
        }
        sql_find(sql, &rows, "SELECT removed, rounds, ran_ms FROM purge WHERE class = ?1", "t", care_class_names[class]);
        bool ran = sql_next(&rows);
        json_int(out, "removed", ran ? sql_int(&rows, 0) : 0);
        json_int(out, "rounds", ran ? sql_int(&rows, 1) : 0);
        care_time(out, "ran_at", zone, ran ? sql_int(&rows, 2) : 0);
        err = sql_end(&rows);
        json_close_object(out);
    }
    json_close_list(out);
    return err ? err : out->err;
}
