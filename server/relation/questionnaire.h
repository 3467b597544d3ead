/*
 * Questionnaires (S0-15): the customer of a contract in force is asked every so often, by the plan's questions, how hardware
 * and software run. What telemetry knows is filled in, so that he confirms or corrects. Questions are kept as they were
 * asked. An answer that the plan calls an alert becomes feedback with an owner and clocks.
 */
#pragma once

#include "server/case/ticket.h"

#define QUESTIONNAIRE_LINES_MOST 200

enum err questionnaire_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
int64_t questionnaire_due(struct sql *sql);
/* {answers: {"1": …}, comment?} by position; what is left out stays as it was found. Once. */
enum err questionnaire_answer(struct office *office, struct sql *sql, int64_t questionnaire, const struct action *action,
                              const char *channel, int64_t now_ms, struct text *why) MUST_CHECK;
enum err questionnaire_view(struct sql *sql, int64_t questionnaire, const struct zone *zone, struct json_out *out) MUST_CHECK;
