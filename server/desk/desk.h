/*
 * A fault comes in: open, merge, regrade, clear, close; its clocks, its warranty verdict, its work
 * order and the people who are told. All functions run on the committing thread inside the
 * transaction of the message or action that caused them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/service/ticket.h"
#include "models/telemetry/message.h"
#include "server/case/office.h"

struct desk;

enum err desk_open(const struct office_options *options, struct desk **ret_desk) MUST_CHECK;
void desk_close(struct desk *desk);

struct desk_fault {
    int64_t equipment; /* row id */
    const char *fault; /* id in the profile, or unknown to us: still a ticket */
    enum fault_state state;
    int grade;
    int64_t onset_ms, detected_ms, cleared_ms, t_ms;
    const char *evidence; /* JSON object or NULL */
    bool late; /* judged from history (a backlog): no notice if it has cleared */
};

enum err desk_fault(struct desk *desk, struct sql *sql, const struct desk_fault *fault,
                    int64_t now_ms) MUST_CHECK;
/* An agent fell silent (its will, or 3 × its slowest heartbeat): its equipment is offline at once;
 * the one communication ticket follows in desk_turn. since_ms: its last message or will. */
enum err desk_link_lost(struct desk *desk, struct sql *sql, int64_t agent, int64_t since_ms,
                        int64_t now_ms) MUST_CHECK;
enum err desk_link_back(struct desk *desk, struct sql *sql, int64_t agent,
                        int64_t now_ms) MUST_CHECK;
/* Something old came from an agent: nobody is told of its alarms before all of it has been judged. */
enum err desk_backlog(struct desk *desk, struct sql *sql, int64_t agent, int64_t now_ms) MUST_CHECK;
/* When the desk wants its turn: whatever came in since the last one is reckoned in. Before that a turn would find
 * nothing to do. May lie in the past. */
int64_t desk_due(const struct desk *desk, struct sql *sql, int64_t now_ms);
/* What is due by the clock: link tickets, grade ladders of links, clock warnings and breaches,
 * holds that end, visits ahead. A step that fails is undone alone and tried again; an error is the
 * database's own. *ret_next_ms: desk_due() after it. */
enum err desk_turn(struct desk *desk, struct sql *sql, int64_t now_ms,
                   int64_t *ret_next_ms) MUST_CHECK;
/* What a person does with a visit (docs/visits.md). ERR_NOT_FOUND, ERR_STATE, ERR_FORBIDDEN, ERR_FORMAT with why. */
enum err desk_visit_action(struct desk *desk, struct sql *sql, int64_t visit, const struct action *action, int64_t now_ms,
                           struct text *why) MUST_CHECK;
/* After an import: visits of new or changed equipment. */
enum err desk_plan_visits(struct desk *desk, struct sql *sql, int64_t now_ms) MUST_CHECK;
/* equipment.status computed anew from its alarms, link and flags. */
enum err desk_refresh_status(struct desk *desk, struct sql *sql, int64_t equipment,
                             int64_t now_ms) MUST_CHECK;

/* ERR_NOT_FOUND, ERR_STATE (illegal move; why says what is legal), ERR_FORMAT (a field is missing or
 * wrong; why names it), ERR_EXISTS never: the same id twice is done once and is ERR_OK. */
enum err desk_ticket_action(struct desk *desk, struct sql *sql, int64_t ticket,
                            const struct action *action, int64_t now_ms,
                            struct text *why) MUST_CHECK;
/* true when people can do that action (a row whose roles are not only the server has one). */
bool desk_has_doer(enum ticket_action action);
enum err desk_work_action(struct desk *desk, struct sql *sql, int64_t work_order,
                          const struct action *action, int64_t now_ms,
                          struct text *why) MUST_CHECK;
/* A work order that people ask for (POST /work-orders): field.h, work_ask. */
enum err desk_work_ask(struct desk *desk, struct sql *sql, const struct action *action, int64_t now_ms,
                       int64_t *ret_id, struct text *why) MUST_CHECK;
/* Files beside orders and tickets: field/attachment.h. */
enum err desk_file_begin(struct desk *desk, struct sql *sql, const struct action *action, int64_t now_ms,
                         char ret_name[65], struct text *why) MUST_CHECK;
enum err desk_file_add(struct desk *desk, struct sql *sql, const char *name, int64_t position, const void *bytes,
                       size_t size, int64_t now_ms, struct text *why) MUST_CHECK;
/* Vouchers of the stock, and steps without one: server/stock/stock.h. */
enum err desk_stock_open(struct desk *desk, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                         struct text *why) MUST_CHECK;
enum err desk_stock_act(struct desk *desk, struct sql *sql, int64_t voucher, const struct action *action, int64_t now_ms,
                        struct text *why) MUST_CHECK;
enum err desk_stock_step(struct desk *desk, struct sql *sql, const struct action *action, int64_t now_ms,
                         struct text *why) MUST_CHECK;
/* What a customer says: a survey's answer, what he does not want to hear, a picture of the trouble (server/relation). */
enum err desk_survey_answer(struct desk *desk, struct sql *sql, int64_t survey, const struct action *action,
                            const char *channel, int64_t now_ms, struct text *why) MUST_CHECK;
enum err desk_opt_out(struct desk *desk, struct sql *sql, int64_t customer, const struct action *action, int64_t now_ms,
                      struct text *why) MUST_CHECK;
enum err desk_customer_photo(struct desk *desk, struct sql *sql, int64_t ticket, const char *title, const void *bytes,
                             size_t size, int64_t now_ms, char ret_id[65], struct text *why) MUST_CHECK;
/* A bulletin at one piece of equipment: order (a planned change), done, refuse, reopen (server/dossier). */
enum err desk_bulletin_action(struct desk *desk, struct sql *sql, int64_t bulletin, const struct action *action, int64_t now_ms,
                              struct text *why) MUST_CHECK;
/* Trainings, certificates and tools: server/training. */
enum err desk_training_open(struct desk *desk, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                            struct text *why) MUST_CHECK;
enum err desk_training_act(struct desk *desk, struct sql *sql, int64_t training, const struct action *action, int64_t now_ms,
                           struct text *why) MUST_CHECK;
enum err desk_training_reply(struct desk *desk, struct sql *sql, int64_t trainee, const char *answer, int64_t now_ms, struct text *why) MUST_CHECK;
enum err desk_certificate_act(struct desk *desk, struct sql *sql, int64_t certificate, const struct action *action,
                              int64_t now_ms, struct text *why) MUST_CHECK;
enum err desk_tool_act(struct desk *desk, struct sql *sql, int64_t tool, const struct action *action, int64_t now_ms,
                       struct text *why) MUST_CHECK;
/* done, cancel: what a person does with a duty (server/case/duties.h). */
enum err desk_duty_action(struct desk *desk, struct sql *sql, int64_t duty, const struct action *action,
                          int64_t now_ms, struct text *why) MUST_CHECK;
/* answer finish phone accept deliver. */
enum err desk_inspection_action(struct desk *desk, struct sql *sql, int64_t inspection, const struct action *action,
                                int64_t now_ms, struct text *why) MUST_CHECK;
/* acknowledge, decide. */
enum err desk_escalation_action(struct desk *desk, struct sql *sql, int64_t escalation, const struct action *action,
                                int64_t now_ms, struct text *why) MUST_CHECK;
/* A claim on a supplier for a ticket: {supplier?, component?, part?, serial?, amount?}; then send accept refuse settle
 * note. */
/* A registration of a warranty by the first telemetry: confirm, refuse. */
enum err desk_registration_action(struct desk *desk, struct sql *sql, int64_t equipment, const struct action *action,
                                  int64_t now_ms, struct text *why) MUST_CHECK;
/* How many persons approve an operation review of that site or contract before it is given out. */
enum err desk_review_approvals(struct desk *desk, struct sql *sql, const char *id, int64_t now_ms,
                               int64_t *ret_count) MUST_CHECK;
enum err desk_claim_open(struct desk *desk, struct sql *sql, const struct action *action, int64_t ticket, int64_t now_ms,
                         int64_t *ret_id, struct text *why) MUST_CHECK;
enum err desk_claim_action(struct desk *desk, struct sql *sql, int64_t claim, const struct action *action, int64_t now_ms,
                           struct text *why) MUST_CHECK;
/* A batch: {kind, party, from, to}, both days belong to it. */
enum err desk_settle(struct desk *desk, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                     struct text *why) MUST_CHECK;
/* true when the action with that id (NULL: none) was done already. */
bool desk_ticket_did(struct sql *sql, int64_t ticket, const char *action_id);
bool desk_work_did(struct sql *sql, int64_t work_order, const char *action_id);
/* Complaints, questionnaires, the service register and improvements (server/relation). */
enum err desk_complaint(struct desk *desk, struct sql *sql, const struct action *action, int64_t public_ticket, int64_t now_ms,
                        int64_t *ret_id, bool *ret_again, struct text *why) MUST_CHECK;
enum err desk_complaint_action(struct desk *desk, struct sql *sql, int64_t complaint, const struct action *action,
                               int64_t now_ms, struct text *why) MUST_CHECK;
enum err desk_questionnaire_answer(struct desk *desk, struct sql *sql, int64_t questionnaire, const struct action *action,
                                   const char *channel, int64_t now_ms, struct text *why) MUST_CHECK;
enum err desk_register(struct desk *desk, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                       struct text *why) MUST_CHECK;
enum err desk_improvement(struct desk *desk, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                          struct text *why) MUST_CHECK;
enum err desk_improvement_action(struct desk *desk, struct sql *sql, int64_t improvement, const struct action *action,
                                 int64_t now_ms, struct text *why) MUST_CHECK;
/* A ticket by phone, web, e-mail …: {kind, equipment?, site?, fault?, grade?, title?, note?,
 * contact?}; merged with an open ticket of the same cause. number has room for 32 bytes. */
enum err desk_report(struct desk *desk, struct sql *sql, const struct action *action,
                     int64_t now_ms, char number[32], bool *ret_merged,
                     struct text *why) MUST_CHECK;
