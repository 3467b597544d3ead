/* The room's turn, and what its files share. */
#include "server/care/care_int.h"

#include <stdlib.h>
#include <string.h>

#include "models/base/json.h"
#include "models/base/zone.h"
#include "server/case/ticket.h"

#define ARENA_MOST (16 * 1024 * 1024)

enum err care_open(const struct care_options *options, struct care **ret_care)
{
    struct care *care = calloc(1, sizeof(*care));
    enum err err = care ? arena_open(ARENA_MOST, &care->office.arena) : ERR_NOMEM;

    if (err) {
        care_close(care);
        return err;
    }
    care->office.options = options->office;
    memcpy(care->keep_ms, options->keep_ms, sizeof(care->keep_ms));
    care->folder = options->folder;
    care->export_bytes = options->export_bytes;
    *ret_care = care;
    return ERR_OK;
}

void care_close(struct care *care)
{
    if (care && care->office.arena) {
        arena_close(care->office.arena);
    }
    free(care);
}

enum err care_turn(struct care *care, struct sql *sql, int64_t now_ms, bool *ret_more, bool *ret_plan)
{
    enum err err;

    *ret_more = *ret_plan = false;
    arena_reset(care->office.arena);
    err = agreements_turn(care, sql, now_ms, ret_more, ret_plan);
    err = err ? err : leavings_turn(care, sql, now_ms);
    err = err ? err : exports_turn(care, sql, now_ms, ret_more);
    err = err ? err : removals_turn(care, sql, now_ms, ret_more);
    return err ? err : purge_turn(care, sql, now_ms, ret_more);
}

enum err care_tell(struct care *care, struct sql *sql, const char *key, const char *subject, const char *words, int64_t now_ms)
{
    struct json_out body = json_out(16 * 1024);
    enum err err;

    json_open_object(&body);
    json_text(&body, "step", "agreement");
    json_text(&body, "message", words);
    json_close_object(&body);
    err = body.err ? body.err : office_tell(&care->office, sql, key, subject, body.bytes, words, now_ms);
    json_out_free(&body);
    return err;
}

void care_time(struct json_out *out, const char *name, const struct zone *zone, int64_t ms)
{
    TEXT(words, 64);

    if (ms) {
        zone_write(zone, ms, &words);
    }
    json_text(out, name, ms ? words.at : NULL);
}
