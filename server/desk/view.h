/* Tickets and work orders as the API shows them (interfaces.md 6): rows to JSON. Reads only,
 * on any connection. */
#pragma once

#include <stdint.h>

#include "models/base/err.h"
#include "models/base/json.h"
#include "models/service/role.h"
#include "server/fleet/rules.h"
#include "server/store/sql.h"

/* One object each; ERR_NOT_FOUND. */
/* role: of who looks, for what is legal; ROLE_NONE: as in a list, without gates, classified, tickets,
 * onsite_gate and legal. */
enum err view_ticket(struct sql *sql, struct rules *rules, int64_t ticket, enum role role, int64_t now_ms,
                     struct json_out *out) MUST_CHECK;
/* What a ticket has beside its row, without the braces. */
struct zone;
enum err view_ticket_more(struct sql *sql, struct rules *rules, int64_t ticket, const struct zone *zone,
                          enum role role, int64_t now_ms, struct json_out *out) MUST_CHECK;
enum err view_work_order(struct sql *sql, struct rules *rules, int64_t work_order,
                         struct json_out *out) MUST_CHECK;
/* The warranty lines of a piece of equipment: a list, an object per component class. preset_plan holds
 * where there is no contract. */
enum err view_warranty(struct sql *sql, struct rules *rules, const char *preset_plan,
                       int64_t equipment, int64_t now_ms, struct json_out *out) MUST_CHECK;
/* What its plan promises today: {plan, version, hash, service_level, visits_per_year, clocks, duties, warranty_terms},
 * each with where it comes from. preset_plan: as above. */
enum err view_promises(struct sql *sql, struct rules *rules, const char *preset_plan, int64_t equipment, int64_t now_ms,
                       struct json_out *out) MUST_CHECK;
/* What a stranger with the track code may see: number, state, title, next step, times. */
enum err view_track(struct sql *sql, struct rules *rules, int64_t ticket, int64_t now_ms,
                    struct json_out *out) MUST_CHECK;
/* Row id by number, or -1. */
int64_t view_find_ticket(struct sql *sql, const char *number);
int64_t view_find_work_order(struct sql *sql, const char *number);

enum clocks_depth {
    CLOCKS_SHORT,    /* how each stands */
    CLOCKS_SENTENCE, /* … and a sentence why */
    CLOCKS_LEDGER,   /* … and the lines that prove it */
};
/* "clocks": [ … ] of a ticket. */
enum err view_clocks(struct sql *sql, struct rules *rules, int64_t ticket, int64_t now_ms,
                     enum clocks_depth depth, struct json_out *out) MUST_CHECK;
/* {flag, ids, note} of a clock's origin as it is stored. */
void view_origin(struct json_out *out, const char *origin, const char *note);
/* The fields of one clock, without the braces. */
struct clock_row;
void view_clock(struct json_out *out, const struct zone *zone, const struct clock_row *clock,
                int64_t now_ms, enum clocks_depth depth);
