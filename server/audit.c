/*
 * Every figure is counted by itself: stored from the sets of numbers and the journal, tombstoned from
 * the tombstones, pending as the holes that neither fills. So the sum is a check and no definition.
 */
#include "server/audit.h"

#include <stdlib.h>
#include <string.h>

#include "models/base/arena.h"
#include "models/base/json.h"
#include "models/telemetry/ranges.h"
#include "server/store/journal.h"

#define HAVE_ARENA (16 * 1024 * 1024)

struct epoch { /* one stream */
    int64_t id;
    struct ranges have, lost, both;
    bool wrong; /* its row contradicts itself */
};

/* [[1,411],[413,413]] */
static enum err add_json(struct arena *arena, const char *json, struct ranges *ranges)
{
    const struct cJSON *list;
    enum err err;

    arena_reset(arena);
    err = json_parse(arena, json, strlen(json), &list, NULL);
    for (const struct cJSON *item = err ? NULL : json_first(list); item && !err;
         item = json_next(item)) {
        int64_t from, to;

        if (!json_as_int(json_first(item), &from) || !json_as_int(json_next(json_first(item)), &to)) {
            return ERR_FORMAT;
        }
        err = ranges_add(ranges, (uint64_t)from, (uint64_t)to);
        err = err == ERR_EXISTS ? ERR_OK : err;
    }
    return err;
}

static enum err read_lost(struct sql *sql, struct epoch *epoch)
{
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    sql_find(sql, &rows, "SELECT seq_from, seq_to FROM tombstone WHERE stream = ?1", "i", epoch->id);
    while (!err && sql_next(&rows)) {
        err = ranges_add(&epoch->lost, (uint64_t)sql_int(&rows, 0), (uint64_t)sql_int(&rows, 1));
        err = err == ERR_EXISTS ? ERR_OK : err;
    }
    end = sql_end(&rows);
    return err ? err : end;
}

static enum err unite(struct epoch *epoch)
{
    const struct ranges *parts[] = {&epoch->have, &epoch->lost};
    enum err err = ERR_OK;

    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; !err && i < parts[p]->count; i++) {
            err = ranges_add(&epoch->both, parts[p]->list[i].from, parts[p]->list[i].to);
            err = err == ERR_EXISTS ? ERR_OK : err;
        }
    }
    return err;
}

static int64_t holes(const struct ranges *ranges)
{
    uint64_t before = 0;
    int64_t count = 0;

    for (size_t i = 0; i < ranges->count; i++) {
        count += (int64_t)(ranges->list[i].from - before - 1);
        before = ranges->list[i].to;
    }
    return count;
}

static int64_t overlap(const struct epoch *epoch)
{
    int64_t count = 0;
    size_t k = 0;

    for (size_t i = 0; i < epoch->lost.count; i++) {
        const struct range *lost = &epoch->lost.list[i];

        while (k < epoch->have.count && epoch->have.list[k].to < lost->from) {
            k++;
        }
        for (size_t m = k; m < epoch->have.count && epoch->have.list[m].from <= lost->to; m++) {
            uint64_t from = epoch->have.list[m].from, to = epoch->have.list[m].to;

            from = from > lost->from ? from : lost->from;
            to = to < lost->to ? to : lost->to;
            count += (int64_t)(to - from + 1);
        }
    }
    return count;
}

static void add_epoch(const struct epoch *epoch, struct audit_line *line)
{
    line->accepted += (int64_t)ranges_highest(&epoch->both);
    line->stored += (int64_t)ranges_size(&epoch->have);
    line->tombstoned += (int64_t)ranges_size(&epoch->lost) - overlap(epoch);
    line->pending += holes(&epoch->both);
    line->adds_up = line->adds_up && !epoch->wrong;
}

static enum err audit_epoch(struct sql *sql, struct arena *arena, const struct sql_rows *row,
                            struct audit_line *line)
{
    struct epoch epoch = {.id = sql_int(row, 0)};
    enum err err = add_json(arena, sql_text(row, 1), &epoch.have);

    epoch.wrong = err || (int64_t)ranges_size(&epoch.have) != sql_int(row, 2);
    err = journal_numbers(sql, epoch.id, &epoch.have);
    if (!err) {
        err = read_lost(sql, &epoch);
    }
    if (!err) {
        err = unite(&epoch);
    }
    if (!err) {
        add_epoch(&epoch, line);
    }
    ranges_free(&epoch.have);
    ranges_free(&epoch.lost);
    ranges_free(&epoch.both);
    return err;
}

static enum err audit_agent(struct sql *sql, struct arena *arena, int64_t agent,
                            struct audit_line *line)
{
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    sql_find(sql, &rows, "SELECT id, have, stored FROM stream WHERE agent = ?1", "i", agent);
    while (!err && sql_next(&rows)) {
        err = audit_epoch(sql, arena, &rows, line);
    }
    end = sql_end(&rows);
    line->adds_up = line->adds_up &&
                    line->accepted == line->stored + line->tombstoned + line->pending;
    return err ? err : end;
}

static enum err audit_all(struct sql *sql, struct arena *arena,
                          void (*each)(void *context, const struct audit_line *line), void *context)
{
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    sql_find(sql, &rows, "SELECT id, name FROM agent ORDER BY name", "");
    while (!err && sql_next(&rows)) {
        struct audit_line line = {.agent = sql_text(&rows, 1), .adds_up = true};

        err = audit_agent(sql, arena, sql_int(&rows, 0), &line);
        if (!err) {
            each(context, &line);
        }
    }
    end = sql_end(&rows);
    return err ? err : end;
}

/* All in one transaction that only reads, so that a running server does not move things meanwhile. */
enum err audit_each(struct sql *sql, void (*each)(void *context, const struct audit_line *line),
                    void *context)
{
    struct arena *arena;
    enum err err = arena_open(HAVE_ARENA, &arena);

    if (err) {
        return err;
    }
    err = sql_script(sql, "BEGIN");
    if (!err) {
        err = audit_all(sql, arena, each, context);
        sql_rollback(sql);
    }
    arena_close(arena);
    return err;
}
