/*
 * The life of a complaint, and of feedback, suggestions and opinions alike (S1-54): received and recorded, classified by
 * class, nature and severity, forwarded to a department, investigated and reported back, answered to the customer, who
 * says whether he accepts it. Pure: one table of legal moves. What is not accepted, refused or overdue goes a level up
 * the plan's chain (items.complaint.chain); who owns it is the server's business.
 */
#pragma once

#include <stdbool.h>

#include "models/base/text.h"
#include "models/service/role.h"

enum complaint_state {
    COMPLAINT_RECEIVED,
    COMPLAINT_CLASSIFIED,
    COMPLAINT_FORWARDED, /* somebody owns it and investigates */
    COMPLAINT_REPORTED,  /* there is a finding; the customer does not know it yet */
    COMPLAINT_ANSWERED,  /* the customer has the answer; his opinion is awaited */
    COMPLAINT_CLOSED,
    COMPLAINT_STATES,
};
extern const char *const complaint_state_names[]; /* NULL-ended */
extern const char *const complaint_kind_names[];  /* complaint feedback suggestion opinion; NULL-ended */
extern const char *const complaint_about_names[]; /* ticket work_order visit technician …; NULL-ended */
extern const char *const complaint_channel_names[]; /* phone letter web …; NULL-ended */
extern const char *const complaint_finding_names[]; /* justified partly unjustified; NULL-ended */

struct complaint_move {
    const char *action;
    unsigned from; /* a bit per state */
    int to;        /* a state; -1: it stays */
    unsigned may;  /* ROLE_BIT: who may; the customer says his opinion by his code */
    bool note;     /* a note says why, or what */
};

/* NULL: no such action. */
const struct complaint_move *complaint_move(const char *action);
/* What that role may do in that state, separated by blanks; "nothing". */
void complaint_legal(enum complaint_state state, enum role role, struct text *to);
/* Index of a word in a NULL-ended list; -1. word may be NULL. */
int complaint_word(const char *const *words, const char *word);
