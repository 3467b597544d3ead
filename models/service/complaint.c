/* Legal moves of complaints. */
#include "models/service/complaint.h"

#include <stddef.h>

const char *const complaint_state_names[] = {"received", "classified", "forwarded", "reported", "answered", "closed", NULL};
const char *const complaint_kind_names[] = {"complaint", "feedback", "suggestion", "opinion", NULL};
const char *const complaint_about_names[] = {"ticket",     "work_order", "visit",   "technician", "team",
                                             "equipment",  "charge",     "product", "other",      NULL};
const char *const complaint_channel_names[] = {"phone", "letter", "e-mail", "web",           "api",   "visit",
                                               "chat",  "social", "outreach", "questionnaire", "other", NULL};
const char *const complaint_finding_names[] = {"justified", "partly", "unjustified", NULL};

#define IN(state) (1U << COMPLAINT_##state)
#define BEGUN     (IN(RECEIVED) | IN(CLASSIFIED) | IN(FORWARDED))
#define OPEN      (BEGUN | IN(REPORTED) | IN(ANSWERED))
#define OVERSEE   (ROLE_BIT(ROLE_MANAGER) | ROLE_BIT(ROLE_ADMIN))
#define DESK      (OVERSEE | ROLE_BIT(ROLE_DISPATCHER) | ROLE_BIT(ROLE_INTEGRATION))

static const struct complaint_move moves[] = {
    {"acknowledge", OPEN, -1, DESK, false},
    {"classify", BEGUN, COMPLAINT_CLASSIFIED, DESK, false}, /* one in hand stays there */
    {"forward", IN(CLASSIFIED) | IN(FORWARDED), COMPLAINT_FORWARDED, DESK, false},
    {"refuse", IN(FORWARDED), COMPLAINT_FORWARDED, DESK, true}, /* the owner does not take it: one level up */
    {"report", IN(FORWARDED), COMPLAINT_REPORTED, DESK, true},
    {"answer", IN(REPORTED), COMPLAINT_ANSWERED, DESK, true},
    {"opinion", IN(ANSWERED), -1, DESK, false}, /* accepted: closed; else forwarded again */
    {"escalate", BEGUN | IN(REPORTED), -1, DESK, true},
    {"note", OPEN, -1, DESK, true},
    {"close", IN(ANSWERED), COMPLAINT_CLOSED, OVERSEE, true}, /* without the customer's word */
    {"withdraw", OPEN, COMPLAINT_CLOSED, DESK, true},
};

const struct complaint_move *complaint_move(const char *action)
{
    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        if (text_same(moves[i].action, action)) {
            return &moves[i];
        }
    }
    return NULL;
}

void complaint_legal(enum complaint_state state, enum role role, struct text *to)
{
    size_t before = to->length;

    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        if (moves[i].from >> state & 1 && (role == ROLE_SERVER || moves[i].may & ROLE_BIT(role))) {
            text_addf(to, "%s%s", to->length > before ? " " : "", moves[i].action);
        }
    }
    if (to->length == before) {
        text_add(to, "nothing");
    }
}

int complaint_word(const char *const *words, const char *word)
{
    for (int i = 0; word && words[i]; i++) {
        if (text_same(words[i], word)) {
            return i;
        }
    }
    return -1;
}
