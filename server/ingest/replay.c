/* The journal once more: after a crash, and when a clock was put right. */
#include "server/ingest/replay.h"

#include "server/ingest/judging.h"
#include "server/ingest/values.h"

#define REPLAY_ARENA (16 * 1024 * 1024)

/* A message of the journal as intake would leave it, its places found; ERR_NOT_FOUND when it is to be
 * passed over. */
static enum err read_message(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                             const struct sql_rows *row, struct inbound *inbound, int64_t now_ms)
{
    size_t size;
    const char *body = sql_blob(row, 0, &size);
    enum err err;

    arena_reset(inbound->arena);
    if (data_decode(inbound->arena, body, size, &inbound->data, NULL)) {
        return ERR_NOT_FOUND; /* cannot be: it was decoded on its way in */
    }
    err = values_place(pipeline, sql, agent, inbound, now_ms);
    return err == ERR_DENIED || err == ERR_RANGE ? ERR_NOT_FOUND : err;
}

/* ------------------------------------------------------------------ a crash */

static enum err mend(struct pipeline *pipeline, struct sql *sql, struct arena *arena,
                     const struct sql_rows *row, int64_t now_ms)
{
    struct inbound inbound = {.channel = CHANNEL_DATA, .arena = arena};
    struct known_stream *stream = NULL;
    struct known_agent *agent;
    enum err err = registry_agent(pipeline->registry, sql, sql_text(row, 1), now_ms, &agent);

    if (!err) {
        err = read_message(pipeline, sql, agent, row, &inbound, now_ms);
    }
    if (!err) {
        err = registry_stream(pipeline->registry, sql, agent, inbound.data.envelope.epoch, now_ms,
                              &stream);
    }
    if (!err) {
        err = registry_stored(pipeline->registry, stream, inbound.data.envelope.seq, true);
    }
    if (err) {
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    values_correct(&inbound, stream);
    values_note(pipeline, &inbound, sql_int(row, 2));
    if (!agent->edge && values_are_timed(&inbound, stream)) {
        judging_note(pipeline, &inbound, now_ms);
    }
    return ERR_OK;
}

enum err replay_after_crash(struct pipeline *pipeline, struct sql *sql, int64_t now_ms)
{
    int64_t mark = sql_find_int(sql, 0, "SELECT value FROM mark WHERE name = 'journal'", "");
    struct arena *arena;
    struct sql_rows rows;
    enum err err = arena_open(REPLAY_ARENA, &arena), end;

    if (err) {
        return err;
    }
    sql_find(sql, &rows,
             "SELECT j.body, a.name, j.received_ms FROM journal j JOIN stream s ON s.id = j.stream"
             " JOIN agent a ON a.id = s.agent WHERE j.id > ?1 ORDER BY j.id",
             "i", mark);
    while (!err && sql_next(&rows)) {
        err = mend(pipeline, sql, arena, &rows, now_ms);
    }
    end = sql_end(&rows);
    arena_close(arena);
    return err ? err : end;
}

/* ------------------------------------------------------------------ a clock that was put right */

/* Last values that this message brought under its wrong times. */
static void forget_values(const struct inbound *inbound)
{
    for (size_t i = 0; i < inbound->data.count; i++) {
        const struct series *series = &inbound->data.series[i];
        struct known_point *point = inbound->places[i].point;

        for (size_t k = 0; k < series->count; k++) {
            if (point->has_last && point->last.t_ms == series->readings[k].t_ms) {
                point->has_last = false;
            }
        }
    }
}

static enum err put_right(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                          const struct known_stream *old, const struct known_stream *stream,
                          struct inbound *inbound, int64_t now_ms)
{
    int64_t late = 0;
    enum err err = ERR_OK;

    values_correct(inbound, old);
    forget_values(inbound);
    values_correct(inbound, stream);
    values_note(pipeline, inbound, now_ms);
    if (!agent->edge) {
        err = judging_take(pipeline, sql, inbound, now_ms, &late);
    }
    return err;
}

enum err replay_after_clockfix(struct pipeline *pipeline, struct sql *sql,
                               struct known_agent *agent, struct known_stream *stream,
                               int64_t offset_ms, int64_t now_ms)
{
    struct known_stream old = *stream;
    struct arena *arena = NULL;
    struct sql_rows rows;
    enum err err = sql_run(sql, "UPDATE stream SET clock_offset_ms = ?2 WHERE id = ?1", "ii",
                           stream->id, offset_ms);
    enum err end;

    if (!err) {
        err = arena_open(REPLAY_ARENA, &arena);
    }
    if (err) {
        return err;
    }
    stream->offset_ms = offset_ms;
    stream->has_offset = true;
    sql_find(sql, &rows, "SELECT body FROM journal WHERE stream = ?1 AND unsynced = 1 ORDER BY seq",
             "i", stream->id);
    while (!err && sql_next(&rows)) {
        struct inbound inbound = {.channel = CHANNEL_DATA, .arena = arena};

        err = read_message(pipeline, sql, agent, &rows, &inbound, now_ms);
        if (!err) {
            err = put_right(pipeline, sql, agent, &old, stream, &inbound, now_ms);
        }
        err = err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    end = sql_end(&rows);
    arena_close(arena);
    return err ? err : end;
}
