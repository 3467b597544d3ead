/*
 * The clause of grade 1 (service-terms F-03, S0-105): a service that the plan lists and that has been
 * interrupted for grade.g1_outage makes the fault grade 1, whatever the profile's ladder says. The
 * clock `outage` of the plan shows it run.
 */
#pragma once

#include "models/profile/profile.h"
#include "server/case/ticket.h"

/* The fault interrupts a service since then (rule may be NULL: nothing is known of it). */
enum err outage_begin(struct office *office, struct sql *sql, int64_t ticket, const struct fault_rule *rule,
                      int64_t since_ms) MUST_CHECK;
/* Raises the grade when the time has come. */
enum err outage_turn(struct office *office, struct sql *sql, struct ticket *ticket, int64_t now_ms) MUST_CHECK;
