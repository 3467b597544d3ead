/* What the rooms of the desk share that is no room's own. */
#include "models/base/zone.h"
#include "server/case/office.h"
#include "server/fleet/crew.h"

#define FUTURE_MS  300000 /* clocks of clients differ: so far ahead is still now */
#define ROUNDED_MS 2000   /* … and many of them know whole seconds only */

#define SCRATCH_BYTES (32 * 1024 * 1024)
#define CREW_BYTES    (32 * 1024 * 1024) /* some thousand people */

struct arena *office_scratch(struct office *office)
{
    if (!office->scratch && arena_open(SCRATCH_BYTES, &office->scratch)) {
        return NULL;
    }
    arena_reset(office->scratch);
    return office->scratch;
}

enum err office_crew(struct office *office, struct sql *sql, const struct crew **ret_crew)
{
    int64_t mark = sql_find_int(sql, 0, "SELECT value FROM mark WHERE name = 'fleet'", "");
    enum err err = office->crew_arena ? ERR_OK : arena_open(CREW_BYTES, &office->crew_arena);

    if (!err && (!office->crew || mark != office->crew_mark)) {
        office->crew = NULL;
        arena_reset(office->crew_arena);
        err = crew_load(office->crew_arena, sql, office->options.rules, &office->crew);
        office->crew = err ? NULL : office->crew;
        office->crew_mark = mark;
    }
    *ret_crew = office->crew;
    return err;
}

enum err action_time(int64_t said_ms, int64_t least_ms, int64_t now_ms, int64_t *ret_at_ms,
                     struct text *why)
{
    int64_t at_ms = said_ms ? said_ms : now_ms;

    if (at_ms > now_ms + FUTURE_MS) {
        return text_say(why, ERR_FORMAT, "at: expected a time that is not in the future");
    }
    at_ms = at_ms > now_ms ? now_ms : at_ms;
    if (at_ms < least_ms - ROUNDED_MS) {
        TEXT(words, 48);

        zone_write(zone_utc(), least_ms, &words);
        return text_say(why, ERR_FORMAT, "at: expected a time that is not before %s", words.at);
    }
    *ret_at_ms = at_ms < least_ms ? least_ms : at_ms;
    return ERR_OK;
}
