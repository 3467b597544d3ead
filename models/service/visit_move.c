/* The moves of a visit. */
#include "models/service/visit_move.h"

const char *const visit_state_names[] = {"planned", "released", "attached", "done", "skipped", NULL};

#define S(state) (1U << VISIT_##state)
#define OPEN     (S(PLANNED) | S(RELEASED) | S(ATTACHED))
#define ALL      (OPEN | S(DONE) | S(SKIPPED))
#define STAY     VISIT_STAY

#define R(role) ROLE_BIT(ROLE_##role)
#define OWN     R(SERVER)
#define DESK    (R(INTEGRATION) | R(DISPATCHER) | R(MANAGER) | R(ADMIN))
#define FIELD   (DESK | R(TECHNICIAN))
#define LEAD    (R(DISPATCHER) | R(MANAGER) | R(ADMIN))

static const struct visit_row rows[] = {
    [VISIT_RELEASE] = {"release", S(PLANNED), VISIT_RELEASED, DESK | OWN, "reason?"},
    [VISIT_APPOINT] = {"appoint", S(PLANNED) | S(RELEASED), VISIT_RELEASED, DESK, "technician appointment agreed_by?"},
    [VISIT_MOVE] = {"move", S(PLANNED) | S(RELEASED), STAY, DESK, "on reason"},
    [VISIT_SKIP] = {"skip", OPEN, VISIT_SKIPPED, LEAD | OWN, "code reason?"},
    [VISIT_REINSTATE] = {"reinstate", S(SKIPPED), VISIT_PLANNED, LEAD | OWN, "reason?"},
    [VISIT_ATTACH] = {"attach", S(PLANNED) | S(RELEASED), VISIT_ATTACHED, DESK | OWN, "work_order"},
    [VISIT_DETACH] = {"detach", S(ATTACHED), VISIT_RELEASED, FIELD | OWN, "reason?"},
    [VISIT_NOTE] = {"note", ALL, STAY, FIELD, ""},
    [VISIT_PULL] = {"pull", S(PLANNED), STAY, OWN, ""},
    [VISIT_LEVEL] = {"level", S(PLANNED) | S(RELEASED), STAY, OWN, ""},
    [VISIT_REDATE] = {"redate", S(PLANNED), STAY, OWN, ""},
    [VISIT_OVERTAKE] = {"overtake", OPEN, VISIT_SKIPPED, OWN, ""},
    [VISIT_FINISH] = {"finish", OPEN, VISIT_DONE, OWN, ""},
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) == VISIT_ACTIONS, "a row per action");

const struct visit_row *visit_row(enum visit_action action)
{
    return &rows[action];
}

static bool is_legal(enum visit_state state, enum role role, enum visit_action action)
{
    return rows[action].from >> state & 1 && rows[action].roles & ROLE_BIT(role);
}

void visit_legal(enum visit_state state, enum role role, struct text *to)
{
    size_t before = to->length;

    for (int action = 0; action < VISIT_ACTIONS; action++) {
        if (is_legal(state, role, (enum visit_action)action)) {
            text_addf(to, "%s%s", to->length > before ? " " : "", rows[action].name);
        }
    }
    if (to->length == before) {
        text_add(to, "nothing");
    }
}

enum err visit_move(enum visit_state state, enum role role, enum visit_action action, enum visit_state *ret_state,
                    struct text *why)
{
    const struct visit_row *row = &rows[action];
    TEXT(legal, 200);

    if (is_legal(state, role, action)) {
        *ret_state = row->to == VISIT_STAY ? state : row->to;
        return ERR_OK;
    }
    visit_legal(state, role, &legal);
    if (row->from >> state & 1) {
        return text_say(why, ERR_FORBIDDEN, "%s is not for this role. Legal: %s", row->name, legal.at);
    }
    return text_say(why, ERR_STATE, "%s is not legal when the visit is %s. Legal: %s", row->name,
                    visit_state_names[state], legal.at);
}

static int find(const char *name, const char *const *names)
{
    for (int i = 0; names[i]; i++) {
        if (text_same(names[i], name)) {
            return i;
        }
    }
    return -1;
}

int visit_state_read(const char *name)
{
    return find(name, visit_state_names);
}

int visit_action_read(const char *name)
{
    for (int action = 0; action < VISIT_PULL; action++) {
        if (text_same(rows[action].name, name)) {
            return action;
        }
    }
    return -1;
}
