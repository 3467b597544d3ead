/*
 * The fault analysis (D-20): drafted by itself from the rows of a ticket once its fault is gone, completed by a person
 * (cause, prevention), approved by another one. Its facts are drawn up anew whenever somebody looks, and frozen when it
 * is approved.
 */
#pragma once

#include "server/case/clocks.h"
#include "server/case/ticket.h"

/* A draft, or an approved one back to a draft because the fault had come again. */
enum err rca_draft(struct office *office, struct sql *sql, const struct ticket *ticket, int64_t now_ms) MUST_CHECK;
/* The resolution somebody closed the ticket with: the cause, where the draft names none yet. */
enum err rca_conclude(struct sql *sql, int64_t ticket, const char *resolution, const char *who,
                      int64_t now_ms) MUST_CHECK;
/* {cause_code?, cause?, prevention?: [{what, owner?, due?, done?}]}. ERR_FORMAT, ERR_STATE with why. */
enum err rca_edit(struct sql *sql, int64_t ticket, const struct action *action, int64_t now_ms,
                  struct text *why) MUST_CHECK;
/* Not by who wrote it; with a cause and at least one item of prevention. ERR_STATE, ERR_FORBIDDEN with why. */
enum err rca_approve(struct office *office, struct sql *sql, int64_t ticket, const struct action *action,
                     int64_t at_ms, int64_t now_ms, struct text *why) MUST_CHECK;
/* What is known: telemetry before and after, clocks, actions, parts, repairs, how often before. One object. */
enum err rca_facts(struct sql *sql, struct rules *rules, int64_t ticket, int64_t now_ms,
                   struct json_out *out) MUST_CHECK;
/* The whole report, one object; ERR_NOT_FOUND. */
enum err rca_put(struct sql *sql, struct rules *rules, int64_t ticket, int64_t now_ms, struct json_out *out) MUST_CHECK;
/* The clock of an analysis whose ticket is closed: warned of, missed. */
enum err rca_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
int64_t rca_due(struct sql *sql); /* OFFICE_NEVER: none is */
