/*
 * Vouchers: what people do with stock that takes more than one step. Each kind has its states, and one table says which
 * action leads from where to where, who may, and where it takes another person than the one who asked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "models/base/err.h"
#include "models/base/text.h"
#include "models/service/role.h"

enum voucher_kind {
    VOUCHER_SHIPMENT,  /* parts on their way to a job, a depot or a van */
    VOUCHER_LOAN,      /* a unit that stands in while another one is repaired */
    VOUCHER_OLD_PART,  /* what was taken out of equipment, till it is assessed */
    VOUCHER_SCRAP,     /* written off, with a reason and another person's approval */
    VOUCHER_STOCKTAKE, /* a depot is counted */
    VOUCHER_SAMPLE,    /* quality of a lot looked at out of the stock */
    VOUCHER_PURCHASE,  /* ordered from a supplier */
    VOUCHER_RESERVE,   /* the reserve plan before a season */
    VOUCHER_KINDS,
};
extern const char *const voucher_kind_names[VOUCHER_KINDS + 1]; /* ended by NULL */
int voucher_kind_read(const char *name); /* −1: none */
/* The state in which a voucher of that kind begins. */
const char *voucher_begin(enum voucher_kind kind);
/* true when nothing more happens with it. */
bool voucher_is_over(enum voucher_kind kind, const char *state);

struct voucher_row {
    enum voucher_kind kind;
    const char *action;
    const char *from[4]; /* states, ended by NULL */
    const char *to;      /* NULL: the state stays */
    unsigned may;        /* 1 << enum role */
    bool another;        /* than who asked for the voucher */
};
extern const struct voucher_row voucher_rows[];
extern const size_t voucher_row_count;

/* Who may make one. */
unsigned voucher_may_open(enum voucher_kind kind);

struct voucher_ask {
    enum voucher_kind kind;
    const char *state, *action, *who, *asked_by;
    enum role role;
};
/* ERR_FORMAT: no such action; ERR_FORBIDDEN: not for this role, or not for this person; ERR_STATE: not legal now; why says
 * what is. */
enum err voucher_judge(const struct voucher_ask *ask, const struct voucher_row **ret_row, struct text *why) MUST_CHECK;
