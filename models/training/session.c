/* The one table of what is done with a training. */
#include "models/training/session.h"

#include <stdbool.h>
#include <string.h>

#define DESK  (1U << ROLE_DISPATCHER | 1U << ROLE_MANAGER | 1U << ROLE_ADMIN | 1U << ROLE_INTEGRATION | 1U << ROLE_SERVER)
#define FIELD (DESK | 1U << ROLE_TECHNICIAN)

const char *const session_state_names[] = {"proposed", "planned", "invited", "held", "closed", "cancelled", NULL};

const struct session_row session_rows[] = {
    {"plan", {"proposed", "planned", "invited"}, "planned", FIELD},   /* when, where, by whom, with what */
    {"name", {"proposed", "planned", "invited"}, NULL, FIELD},        /* the customer names place and attendees */
    {"enrol", {"proposed", "planned", "invited", "held"}, NULL, FIELD},
    {"invite", {"planned", "invited"}, "invited", DESK},
    {"answer", {"planned", "invited"}, NULL, FIELD},                  /* of who was invited */
    {"reschedule", {"planned", "invited"}, "planned", FIELD},
    {"attend", {"planned", "invited", "held"}, "held", FIELD},        /* who was there, what was taught */
    {"exam", {"held"}, NULL, FIELD},
    {"close", {"held"}, "closed", DESK},
    {"cancel", {"proposed", "planned", "invited"}, "cancelled", DESK},
};
const size_t session_row_count = sizeof(session_rows) / sizeof(session_rows[0]);

static bool is_from(const struct session_row *row, const char *state)
{
    for (int i = 0; row->from[i]; i++) {
        if (strcmp(row->from[i], state) == 0) {
            return true;
        }
    }
    return false;
}

static void say_legal(const char *state, enum role role, struct text *why)
{
    bool any = false;

    text_add(why, " Legal:");
    for (size_t i = 0; i < session_row_count; i++) {
        if (is_from(&session_rows[i], state) && session_rows[i].may >> role & 1) {
            text_addf(why, " %s", session_rows[i].action);
            any = true;
        }
    }
    text_add(why, any ? "" : " nothing");
}

enum err session_judge(const char *state, const char *action, enum role role, const struct session_row **ret_row,
                       struct text *why)
{
    const struct session_row *row = NULL;

    for (size_t i = 0; i < session_row_count && !row; i++) {
        row = action && strcmp(session_rows[i].action, action) == 0 ? &session_rows[i] : NULL;
    }
    if (!row) {
        return text_say(why, ERR_FORMAT, "action: a training has none called '%.40s'", action ? action : "");
    }
    if (!(row->may >> role & 1)) {
        return text_say(why, ERR_FORBIDDEN, "this role may not %s a training", row->action);
    }
    if (!is_from(row, state)) {
        text_say(why, ERR_STATE, "%s is not legal now: the training is %s.", row->action, state);
        if (why) {
            say_legal(state, role, why);
        }
        return ERR_STATE;
    }
    *ret_row = row;
    return ERR_OK;
}
