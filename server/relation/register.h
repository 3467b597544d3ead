/*
 * The service register (S0-133): every call, letter, visit and what came of it. What is a record already (tickets, calls
 * about them, complaints, finished orders, surveys, questionnaires) stands in it as it is; what is none is an entry of its
 * own, kept by the centre's clerk or by a dealer (a team), never changed. So nothing is written twice and nothing can differ.
 *
 * A visit with a theme (S0-16) and a call to ask how it goes (S0-06) meet the duties customer_visit and customer_contact.
 */
#pragma once

#include "server/case/ticket.h"

/* A key of the list: id × REGISTER_SOURCES + source. */
#define REGISTER_SOURCES 8

/* {channel, direction?, at?, customer | site | equipment | ticket | complaint, kept_by?, contact?, content, result?, theme?,
 * needs?, actions?, next?}. The same client-made id again is the same entry. ERR_FORMAT with why. */
enum err register_put(struct office *office, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                      struct text *why) MUST_CHECK;
enum err register_view(struct sql *sql, int64_t key, const struct zone *zone, struct json_out *out) MUST_CHECK;

struct register_span {
    int64_t from_ms, to_ms;       /* to_ms not in it */
    int64_t after_ms, after_key;  /* where the page before ended; both 0: from the beginning */
    int64_t kept_by, customer;    /* row ids; 0: all */
    int64_t limit;
};
/* Rows (key, at) in the order of their time. */
void register_list(struct sql *sql, const struct register_span *span, struct sql_rows *rows);

/* What the desk can tell a customer about his equipment when it calls him: open faults with their advice, failed lines of
 * the last inspection, open proposals; {customer, name, equipment: [{id, title, hints: [{kind, en, zh}]}]}. */
enum err register_hints(struct arena *arena, struct sql *sql, int64_t customer, struct json_out *out) MUST_CHECK;
