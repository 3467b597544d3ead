/* What work orders have laid aside: a line of work_part and a move of the ledger, always both. */
#pragma once

#include "server/rack/rack.h"

struct rack_wish {
    int64_t order, rack, count;
    const char *part; /* its name */
    const char *who, *action_id, *note;
    int64_t at_ms;  /* of the line */
    int64_t now_ms; /* of the move */
};

/* ERR_STATE with why: somebody else was quicker. */
enum err rack_reserve(struct sql *sql, const struct rack_wish *wish, struct text *why) MUST_CHECK;
/* Up to count of what the order laid aside on that rack is anybody's again; *ret_count: how many those were. */
enum err rack_release(struct sql *sql, const struct rack_wish *wish, int64_t *ret_count) MUST_CHECK;
/* All that it laid aside and did not take; of the orders of a ticket that are over. */
enum err rack_release_all(struct sql *sql, int64_t order, const char *who, const char *note, int64_t now_ms) MUST_CHECK;
enum err rack_release_ticket(struct sql *sql, int64_t ticket, const char *who, const char *note, int64_t now_ms) MUST_CHECK;
