/* What the rooms of the desk share that is no room's own. */
#include "models/base/zone.h"
#include "server/case/office.h"

#define FUTURE_MS  300000 /* clocks of clients differ: so far ahead is still now */
#define ROUNDED_MS 2000   /* … and many of them know whole seconds only */

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
