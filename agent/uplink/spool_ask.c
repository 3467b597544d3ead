/* Questions of other threads that wait for the disk, and what is known across restarts. */
#include <stdlib.h>
#include <string.h>

#include "agent/uplink/spool_int.h"
#include "host/clock.h"
#include "host/log.h"
#include "models/base/text.h"

/* A question of another thread that waits for the disk; travels as a parcel's body. */
struct ask {
    const char *command, *equipment, *point; /* point NULL: only remember the command */
    int64_t budget, rate_ms;
    enum err err;
    struct text *why;
    struct queue *done;
};

static enum err remember(struct spool *spool, const struct ask *ask)
{
    enum err err = db_run(spool->db, "INSERT INTO command (id, at_ms, state) VALUES (?1, ?2, ?3)",
                          "tit", ask->command, clock_wall_ms(), "taken");

    if (!err) {
        err = db_run(spool->db,
                     "DELETE FROM command WHERE id IN (SELECT id FROM command ORDER BY at_ms DESC"
                     " LIMIT -1 OFFSET 1000)",
                     "");
    }
    return err;
}

static enum err intend(struct spool *spool, struct ask *ask)
{
    int64_t now_ms = clock_wall_ms(), count = 0, last_ms = 0;
    struct db_rows rows;

    db_find(spool->db, &rows,
            "SELECT count, last_ms FROM written WHERE equipment = ?1 AND point = ?2", "tt",
            ask->equipment, ask->point);
    if (db_next(&rows)) {
        count = db_int(&rows, 0);
        last_ms = db_int(&rows, 1);
    }
    (void)!db_end(&rows);
    if (ask->budget && count >= ask->budget) {
        return text_say(ask->why, ERR_FULL,
                        "the point has been written %lld times, which is its whole budget",
                        (long long)count);
    }
    if (ask->rate_ms && last_ms && now_ms - last_ms < ask->rate_ms && now_ms >= last_ms) {
        return text_say(ask->why, ERR_BUSY, "the point was written %lld s ago; once in %lld s is allowed",
                        (long long)(now_ms - last_ms) / 1000, (long long)ask->rate_ms / 1000);
    }
    return db_run(spool->db,
                  "INSERT INTO written (equipment, point, count, last_ms) VALUES (?1, ?2, 1, ?3)"
                  " ON CONFLICT (equipment, point) DO UPDATE SET count = count + 1, last_ms = ?3",
                  "tti", ask->equipment, ask->point, now_ms);
}

static enum err try_answer(struct spool *spool, struct ask *ask)
{
    enum err err = db_begin(spool->db);

    if (!err) {
        err = ask->point ? intend(spool, ask) : remember(spool, ask);
    }
    if (!err) {
        err = db_commit(spool->db);
    }
    if (err) {
        db_rollback(spool->db);
    }
    return err;
}

void spool_answer(struct spool *spool, struct ask *ask)
{
    ask->err = spool->db ? try_answer(spool, ask) : ERR_IO;
    /* a budget that is used up is FULL too, and says why */
    if (ask->err == ERR_FULL && spool_disk_is_full(spool) && spool_use_reserve(spool)) {
        ask->err = try_answer(spool, ask);
    }
    (void)!queue_put(ask->done, ask, 0, -1);
}

/* Sends ask to the spool's thread and waits for it. */
static enum err put_question(struct spool *spool, struct ask *ask)
{
    struct parcel *parcel = parcel_make(PARCEL_ASK, 0);
    struct queue *done = NULL;
    void *back;
    enum err err = parcel ? queue_open(1, 1, &done) : ERR_NOMEM;

    if (err) {
        parcel_free(parcel);
        return err;
    }
    ask->done = done;
    parcel->body = calloc(1, sizeof(ask) + 1);
    if (parcel->body) {
        memcpy(parcel->body, &ask, sizeof(ask));
        err = queue_put(spool->parcels, parcel, 64, -1);
    } else {
        err = ERR_NOMEM;
    }
    if (err) {
        parcel_free(parcel);
    } else {
        err = queue_take(done, -1, &back);
    }
    queue_close(done, NULL);
    return err ? err : ask->err;
}

enum err spool_remember(struct spool *spool, const char *command)
{
    struct ask ask = {.command = command};

    return put_question(spool, &ask);
}

enum err spool_intend(struct spool *spool, const char *command, const char *equipment,
                      const char *point, int64_t budget, int64_t rate_ms, struct text *why)
{
    struct ask ask = {
        .command = command,
        .equipment = equipment,
        .point = point,
        .budget = budget,
        .rate_ms = rate_ms,
        .why = why,
    };

    return put_question(spool, &ask);
}

/* ------------------------------------------------------------------ across restarts */

static enum err note_reply(struct spool *spool, const struct parcel *reply)
{
    enum err err = ERR_OK;

    if (reply->command) {
        err = db_run(spool->db, "UPDATE command SET state = 'answered' WHERE id = ?1", "t",
                     reply->command);
    }
    if (!err && reply->open.equipment && reply->open.reset) {
        err = db_run(spool->db, "INSERT OR IGNORE INTO reset (equipment, fault) VALUES (?1, ?2)", "tt",
                     reply->open.equipment, reply->open.fault);
    }
    return err;
}

static enum err note_cleared(struct spool *spool, const struct open_fault *open)
{
    enum err err = db_run(spool->db, "DELETE FROM fault WHERE equipment = ?1 AND fault = ?2", "tt",
                          open->equipment, open->fault);

    return err ? err
               : db_run(spool->db, "DELETE FROM reset WHERE equipment = ?1 AND fault = ?2", "tt",
                        open->equipment, open->fault);
}

enum err spool_note(struct spool *spool, const struct parcel *parcel)
{
    const struct open_fault *open = &parcel->open;

    if (parcel->kind == PARCEL_REPLY) {
        return note_reply(spool, parcel);
    }
    if (!open->equipment) {
        return ERR_OK;
    }
    if (!open->is_open) {
        return note_cleared(spool, open);
    }
    return db_run(spool->db,
                  "INSERT INTO fault (equipment, fault, grade, onset_ms) VALUES (?1, ?2, ?3, ?4)"
                  " ON CONFLICT (equipment, fault) DO UPDATE SET grade = ?3, onset_ms = ?4",
                  "ttii", open->equipment, open->fault, (int64_t)open->grade, open->onset_ms);
}

enum err spool_load_faults(struct spool *spool)
{
    int64_t count = spool_find_int(spool, "SELECT COUNT(*) FROM fault");
    struct db_rows rows;

    if (count == 0) {
        return ERR_OK;
    }
    spool->open = arena_array(spool->kept, (size_t)count, sizeof(*spool->open));
    if (!spool->open) {
        return ERR_NOMEM;
    }
    db_find(spool->db, &rows,
            "SELECT f.equipment, f.fault, f.grade, f.onset_ms, r.fault IS NOT NULL FROM fault f LEFT JOIN"
            " reset r ON r.equipment = f.equipment AND r.fault = f.fault",
            "");
    while (spool->open_count < (size_t)count && db_next(&rows)) {
        struct open_fault *open = &spool->open[spool->open_count];
        const char *equipment = db_text(&rows, 0), *fault = db_text(&rows, 1);

        open->equipment = arena_text(spool->kept, equipment, strlen(equipment));
        open->fault = arena_text(spool->kept, fault, strlen(fault));
        open->is_open = true;
        open->grade = (int)db_int(&rows, 2);
        open->onset_ms = db_int(&rows, 3);
        open->reset = db_int(&rows, 4) != 0;
        spool->open_count += open->equipment && open->fault;
    }
    return db_end(&rows);
}

void spool_keep_learned(struct spool *spool, const struct parcel *parcel)
{
    static const char put[] = "INSERT INTO learned (key, at_ms, words) VALUES (?1, ?2, ?3)"
                              " ON CONFLICT (key) DO UPDATE SET at_ms = ?2, words = ?3";
    static const char trim[] = "DELETE FROM learned WHERE key NOT IN (SELECT key FROM learned"
                               " ORDER BY at_ms DESC LIMIT ?1)";

    if (!spool->db || !parcel->body || !parcel->command) {
        return; /* it is learned again after the next start */
    }
    if (!db_run(spool->db, put, "tit", parcel->command, parcel->t_ms, parcel->body)) {
        (void)!db_run(spool->db, trim, "i", (int64_t)SPOOL_LEARNED_MOST);
    }
}

enum err spool_load_learned(struct spool *spool)
{
    struct db_rows rows;

    if (spool_find_int(spool, "SELECT COUNT(*) FROM learned") == 0) {
        return ERR_OK;
    }
    spool->learned = arena_array(spool->kept, SPOOL_LEARNED_MOST, sizeof(*spool->learned));
    if (!spool->learned) {
        return ERR_NOMEM;
    }
    db_find(spool->db, &rows, "SELECT key, words FROM learned ORDER BY at_ms DESC LIMIT ?1", "i",
            (int64_t)SPOOL_LEARNED_MOST);
    while (spool->learned_count < SPOOL_LEARNED_MOST && db_next(&rows)) {
        struct learned *one = &spool->learned[spool->learned_count];
        const char *key = db_text(&rows, 0), *words = db_text(&rows, 1);

        one->key = arena_text(spool->kept, key, strlen(key));
        one->words = arena_text(spool->kept, words, strlen(words));
        spool->learned_count += one->key && one->words;
    }
    return db_end(&rows);
}

static enum err settle_one(struct spool *spool, const char *id)
{
    struct json_out out = json_out(4096);
    enum err err;

    json_open_object(&out);
    json_text(&out, "command", id);
    json_text(&out, "state", "unknown");
    json_text(&out, "reason", "the agent ended before it could tell the outcome");
    json_close_object(&out);
    err = out.err ? out.err : spool_insert_body(spool, CLASS_REPLY, clock_wall_ms(), out.bytes);
    json_out_free(&out);
    return err;
}

enum err spool_settle_commands(struct spool *spool)
{
    struct db_rows rows;
    enum err err = db_begin(spool->db);

    if (err) {
        return err;
    }
    db_find(spool->db, &rows, "SELECT id FROM command WHERE state = 'taken'", "");
    while (!err && db_next(&rows)) {
        err = settle_one(spool, db_text(&rows, 0));
    }
    err = db_end(&rows) || err ? ERR_IO : ERR_OK;
    if (!err) {
        err = db_run(spool->db, "UPDATE command SET state = 'answered' WHERE state = 'taken'", "");
    }
    err = err ? err : db_commit(spool->db);
    if (err) {
        db_rollback(spool->db);
        spool->seq = 0;
    }
    return err;
}
