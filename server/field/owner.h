/*
 * Whose a ticket is. There is one owner at every moment: the desk from the beginning, then a team, perhaps with a
 * technician. Somebody who is asked becomes the owner by accepting; until then, and after a refusal, the one before
 * keeps it (S0-113, S0-141). Each assignment has an internal target of its own (plan: staff.ola). All of it is rows
 * of `assignment`, never counted up.
 */
#pragma once

#include "server/case/ticket.h"
#include "server/fleet/crew.h"

struct owner_row { /* row ids; 0: none; an assignment without team and technician is the desk's */
    int64_t assignment, team, technician;
    int64_t asked_ms, owned_ms, accepted_ms, refused_ms; /* 0: not */
};

struct owner_new {
    int64_t team, technician;
    const char *who;
    int64_t at_ms;
    bool handed_over; /* by the one who has it, not by the desk */
};

/* The desk has it, when nobody has yet. */
enum err owner_begin(struct sql *sql, int64_t ticket, int64_t at_ms) MUST_CHECK;
/* Who has it, and who is asked (assignment 0: nobody). */
enum err owner_find(struct sql *sql, int64_t ticket, struct owner_row *ret_owner) MUST_CHECK;
enum err owner_find_asked(struct sql *sql, int64_t ticket, struct owner_row *ret_asked) MUST_CHECK;
/* Somebody is asked; who was asked before is not any more. */
enum err owner_ask(struct sql *sql, const struct ticket *ticket, const struct owner_new *what) MUST_CHECK;
/* Who is asked has it from at_ms on. ERR_NOT_FOUND: nobody is asked. */
enum err owner_take(struct sql *sql, int64_t ticket, bool accepted, int64_t at_ms) MUST_CHECK;
/* Who is asked refuses (the one before keeps it); when nobody is asked, the owner does and keeps it. */
enum err owner_refuse(struct sql *sql, int64_t ticket, const char *reason, const char *words, int64_t at_ms) MUST_CHECK;
/* The owner has accepted, or has technician and appointment: once each. */
enum err owner_accepted(struct sql *sql, int64_t ticket, int64_t at_ms) MUST_CHECK;
enum err owner_arranged(struct sql *sql, int64_t ticket, int64_t technician, int64_t at_ms) MUST_CHECK;
/* How often it was pushed on, since somebody last accepted it. */
int64_t owner_bounces(struct sql *sql, int64_t ticket);

/* What somebody did with the ticket's work order means for who has it. */
enum err owner_follow_work(struct office *office, struct sql *sql, int64_t work_order, const struct action *action,
                           int64_t now_ms) MUST_CHECK;
/*
 * A tier cannot: the next team is asked, its `up` or the best of a higher tier that has not refused; the order goes to
 * it. Nothing when there is none (the escalation then tells people).
 */
enum err owner_go_up(struct office *office, struct sql *sql, int64_t ticket, const char *why, int64_t at_ms,
                     int64_t now_ms) MUST_CHECK;
/* "owner", "asked", "assignments" and "bounces" of a ticket. */
enum err owner_put(struct sql *sql, struct rules *rules, int64_t ticket, const struct zone *zone, int64_t now_ms,
                   struct json_out *out) MUST_CHECK;
