/*
 * Trainings: planned, invited to, held, examined, certified; and the tools that things are measured with (tool.h). What
 * the plans and the calendar ask for is proposed by training_turn, each once; a person plans it. That customers were
 * trained in time is met by the record of who was there and what was taught, not by a tick (S0-69). What technicians pass
 * renews what dispatch asks for.
 *
 * All on the committing thread, inside its transaction, but for the views.
 */
#pragma once

#include "models/base/zone.h"
#include "server/case/office.h"

/* {course, site? contract? team? work_order?, from?, to?, place?, trainer? …, attendees?}: proposed, or planned at once
 * when it says when. The same client-made id again: *ret_id is the one that is there. ERR_FORMAT, ERR_STATE with why. */
enum err training_open(struct office *office, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                       struct text *why) MUST_CHECK;
/* plan name enrol invite answer reschedule attend exam close cancel (docs/training.md). */
enum err training_act(struct office *office, struct sql *sql, int64_t training, const struct action *action, int64_t now_ms,
                      struct text *why) MUST_CHECK;
/* Who was invited (a row of trainee, by whoever has its code) says whether he comes: accepted declined. */
enum err training_reply(struct office *office, struct sql *sql, int64_t trainee, const char *answer, int64_t now_ms,
                        struct text *why) MUST_CHECK;
bool training_did(struct sql *sql, int64_t training, const char *action_id);
/* revoke {note}: a certificate that should not have been given. */
enum err certificate_act(struct office *office, struct sql *sql, int64_t certificate, const struct action *action,
                         int64_t now_ms, struct text *why) MUST_CHECK;

/* Proposals, reminders, warnings of what is about to lapse: once a day and after a round of duties. */
enum err training_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
/* A slice of the invitations that are to go; *ret_more: there are others. */
enum err training_invitations(struct office *office, struct sql *sql, int64_t now_ms, bool *ret_more) MUST_CHECK;
bool training_invites(struct sql *sql); /* invitations wait */

/* ------------------------------------------------------------------ views; any connection */

int64_t training_find(struct sql *sql, const char *number); /* row id, or -1 */
int64_t certificate_find(struct sql *sql, const char *number);
enum err training_view(struct arena *arena, struct sql *sql, const struct rules *rules, const struct zone *zone,
                       int64_t training, struct json_out *out) MUST_CHECK;
enum err certificate_view(struct sql *sql, const struct rules *rules, const struct zone *zone, int64_t certificate,
                          struct json_out *out, int32_t today) MUST_CHECK;
/* What an invitation says, for whoever has its code. */
enum err invitation_view(struct sql *sql, const struct rules *rules, const struct zone *zone, int64_t trainee,
                         struct json_out *out) MUST_CHECK;
/* A course as an object; with: its questions say which answer is right. */
void course_view(const struct training_course *course, bool with, struct json_out *out);
