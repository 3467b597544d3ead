/*
 * Surveys: a customer is asked after a ticket is closed, and periodically, what he thinks of attitude, repair quality and
 * response speed (1 … 5 each), as the plan says (items.survey). He answers by the link of the notice, without log-in, or a
 * dispatcher writes down what he says on the telephone. Once a survey; no answer is counted too. A low score owes a
 * call-back: the duty `survey_callback` with the plan's limit.
 */
#pragma once

#include "server/case/ticket.h"

/* Asks what is due, and ends what nobody answered. */
enum err survey_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
int64_t survey_due(struct sql *sql);
/* {attitude, quality, speed: 1 … 5, comment?, channel?}. The same answer again is fine. ERR_NOT_FOUND; ERR_FORMAT: a score is
 * missing or wrong; ERR_STATE: another answer was given, or it is too late. */
enum err survey_answer(struct office *office, struct sql *sql, int64_t survey, const struct action *action,
                       const char *channel, int64_t now_ms, struct text *why) MUST_CHECK;
/* One as an object; ERR_NOT_FOUND. */
enum err survey_view(struct sql *sql, int64_t survey, const struct zone *zone, struct json_out *out) MUST_CHECK;
/* The customer does (not) want to be told of that topic of the catalogue. ERR_FORMAT with why. */
enum err opt_out(struct office *office, struct sql *sql, int64_t customer, const struct action *action, int64_t now_ms,
                 struct text *why) MUST_CHECK;
