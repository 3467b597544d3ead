/* The desk itself, and its turn: what is due by the clock and not by a message. */
#include "server/case/customer.h"
#include "server/case/grade.h"
#include "server/case/proof.h"
#include "server/desk/closure.h"
#include "server/case/outage.h"
#include "server/desk/desk_int.h"

#include <stdlib.h>

#include "host/log.h"
#include "server/field/attachment.h"
#include "server/field/escalate.h"
#include "server/field/owner.h"
#include "server/dossier/dossier.h"
#include "server/relation/photo.h"
#include "server/relation/complaint.h"
#include "server/relation/improve.h"
#include "server/relation/questionnaire.h"
#include "server/relation/survey.h"
#include "server/inspection/inspection.h"
#include "server/money/money.h"
#include "server/stock/stock.h"
#include "server/training/training.h"
#include "server/visit/visits.h"

#define DESK_ARENA  (8 * 1024 * 1024)
#define TURN_SLICE  500                /* tickets looked at in one turn */
#define VISITS_EACH (6 * 3600 * 1000)  /* how often visits whose window begins are handed out */
#define PLAN_EACH   (7 * 86400 * 1000) /* how often visits are planned ahead; there is a month's margin */
#define HOLD_RETRY  PROOF_RETRY_MS
#define ROUND_EACH  (24 * 3600 * 1000) /* how often it is looked over all equipment what the calendar asks for */
#define ROUND_PACE  100                /* between its slices: others want the database, too */
#define DUTIES_EACH (15 * 60 * 1000)   /* how often it is looked whether duties were done elsewhere */
#define FAILED_RETRY 1000              /* a step that failed is tried again */

enum err desk_open(const struct office_options *options, struct desk **ret_desk)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    enum err err;

    if (!desk) {
        return ERR_NOMEM;
    }
    desk->office.options = *options;
    err = arena_open(DESK_ARENA, &desk->office.arena);
    if (err) {
        desk_close(desk);
        return err;
    }
    *ret_desk = desk;
    return ERR_OK;
}

void desk_close(struct desk *desk)
{
    if (desk) {
        arena_close(desk->office.arena);
        arena_close(desk->office.crew_arena);
        arena_close(desk->office.scratch);
        free(desk);
    }
}

/* The hold has passed: proved when telemetry came during all of it, else it is asked again. */
static enum err end_hold(struct office *office, struct sql *sql, struct ticket *ticket, int64_t now_ms)
{
    struct ticket_facts facts = {.state = ticket->state, .role = ROLE_SERVER};
    enum ticket_state state = ticket->state;
    enum err err;

    if (proof_heard(sql, ticket) < ticket->hold_until_ms ||
        inputs_unknown(sql, office->options.rules, ticket->equipment, ticket->fault, false, now_ms)) {
        return sql_run(sql, "UPDATE ticket SET next_ms = ?2 WHERE id = ?1", "ii", ticket->id,
                       now_ms + HOLD_RETRY);
    }
    if (!ticket_move(&facts, TICKET_CLEAR, &state, NULL)) {
        err = ticket_set_state(sql, ticket->id, state);
        if (err) {
            return err;
        }
    }
    ticket->hold_until_ms = 0;
    err = sql_run(sql, "UPDATE ticket SET hold_until_ms = NULL WHERE id = ?1", "i", ticket->id);
    if (!err) {
        err = clocks_stop(sql, ticket->id, PLAN_CLEARED_STOP, ticket->cleared_ms);
    }
    if (!err) { /* nobody has to come any more; an answer is still owed */
        err = clocks_judge(office, sql, ticket, ticket->cleared_ms, now_ms);
    }
    if (!err) {
        err = clocks_cancel(sql, ticket->id, ticket->cleared_ms, true);
    }
    if (!err) {
        err = ticket_line(sql, ticket->id, now_ms, now_ms, "heliograph", "restored", NULL,
                          "telemetry stayed normal for the hold time", NULL);
    }
    if (!err) {
        err = closure_restored(office, sql, ticket, now_ms);
    }
    if (!err) {
        err = clocks_judge(office, sql, ticket, now_ms, now_ms);
    }
    if (!err) { /* the next turn says when it may be closed */
        err = sql_run(sql, "UPDATE ticket SET next_ms = ?2 WHERE id = ?1", "ii", ticket->id, now_ms + 1);
    }
    return err ? err : ticket_changed(sql, ticket->id, now_ms);
}

/* A ticket that the server opened itself and nobody touched is closed by itself when the fault has been
 * gone for as long as the plan says (hold.close). Returns when that will be; OFFICE_NEVER. */
static int64_t close_due(struct sql *sql, const struct ticket *ticket)
{
    const struct plan *plan = ticket->plan;

    if (!plan || plan->close_ms <= 0 || ticket->state != TICKET_CLEARED ||
        sql_find_int(sql, 0, "SELECT 1 FROM ticket_event WHERE ticket = ?1 AND who <> 'heliograph' LIMIT 1",
                     "i", ticket->id)) {
        return OFFICE_NEVER;
    }
    return ticket->cleared_ms + plan->close_ms;
}

static enum err turn_ticket(struct office *office, struct sql *sql, int64_t id, int64_t now_ms)
{
    struct ticket ticket;
    int64_t close_ms;
    enum err err = ticket_load(office, sql, id, &ticket);

    if (err || ticket.closed_ms) {
        return err;
    }
    if (ticket.hold_until_ms && ticket.hold_until_ms <= now_ms) {
        return end_hold(office, sql, &ticket, now_ms);
    }
    err = grade_turn(office, sql, &ticket, now_ms);
    if (!err) {
        err = outage_turn(office, sql, &ticket, now_ms);
    }
    if (err) {
        return err;
    }
    err = escalate_supervise(office, sql, &ticket, now_ms);
    if (!err) {
        err = clocks_judge(office, sql, &ticket, now_ms, now_ms);
    }
    if (!err) {
        err = escalate_refresh(office, sql, id, now_ms);
    }
    close_ms = close_due(sql, &ticket);
    if (err || close_ms == OFFICE_NEVER) {
        return err;
    }
    if (close_ms <= now_ms) {
        err = ticket_close(office, sql, &ticket, "heliograph", "the fault has not come back", NULL, now_ms,
                           now_ms);
        return err ? err : ticket_tell(office, sql, &ticket, "closed", "closed: the fault has not come back", now_ms);
    }
    return sql_run(sql, "UPDATE ticket SET next_ms = MIN(COALESCE(next_ms, ?2), ?2) WHERE id = ?1", "ii",
                   id, close_ms);
}

/* The outcome of a step that began with sql_save: one that failed is undone alone and does not stop
 * the others, unless the database itself is in trouble. */
static enum err end_step(struct desk *desk, struct sql *sql, const char *what, enum err outcome)
{
    if (!outcome) {
        sql_release(sql);
        return ERR_OK;
    }
    log_error("%s failed: %s (%s)", what, err_text(outcome), sql_why(sql));
    if (sql_is_broken(sql)) {
        return outcome;
    }
    sql_undo(sql);
    desk->step_failed = true;
    return ERR_OK;
}

static enum err turn_tickets(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    int64_t ids[TURN_SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT id FROM ticket WHERE closed_ms IS NULL AND next_ms <= ?1 ORDER BY next_ms"
             " LIMIT 500",
             "i", now_ms);
    while (count < TURN_SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(desk->office.arena);
        err = sql_save(sql);
        if (!err) {
            err = end_step(desk, sql, "a ticket's clocks", turn_ticket(&desk->office, sql, ids[i], now_ms));
        }
    }
    return err;
}

static enum err turn_links(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = sql_save(sql);

    return err ? err : end_step(desk, sql, "the links' turn", link_turn(&desk->office, sql, now_ms));
}

static enum err turn_closures(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = sql_save(sql);

    return err ? err : end_step(desk, sql, "claims of repair", closure_turn(&desk->office, sql, now_ms));
}

static enum err turn_customers(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = sql_save(sql);

    return err ? err : end_step(desk, sql, "customers who heard nothing", customer_turn(&desk->office, sql, now_ms));
}

static enum err turn_money(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = sql_save(sql);

    return err ? err : end_step(desk, sql, "exclusions of warranties", money_turn(&desk->office, sql, now_ms));
}

/* After a start nobody is told of what stood before: agents come back first. */
static enum err turn_alarms(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = now_ms < desk->office.options.quiet_until_ms ? ERR_OK : sql_save(sql);

    if (err || now_ms < desk->office.options.quiet_until_ms) {
        return err;
    }
    return end_step(desk, sql, "the alarms' turn", announce_turn(&desk->office, sql, now_ms));
}

static int64_t tickets_due(struct sql *sql)
{
    return sql_find_int(sql, OFFICE_NEVER,
                        "SELECT MIN(next_ms) FROM ticket WHERE closed_ms IS NULL AND next_ms IS NOT NULL", "");
}

int64_t desk_due(const struct desk *desk, struct sql *sql, int64_t now_ms)
{
    int64_t quiet_ms = desk->office.options.quiet_until_ms, alarm_ms = alarm_due(sql), due_ms = OFFICE_NEVER;
    const int64_t all[] = {
        links_due(sql),      alarm_ms > quiet_ms ? alarm_ms : quiet_ms,
        tickets_due(sql),    closure_due(sql),
        customer_due(sql),   escalate_due(sql),
        forecast_due(sql),   desk->visits_next_ms,
        desk->duties_next_ms, desk->duties_judge_ms, desk->stock_next_ms,
        inspection_due(sql),  money_due(sql),
        told_late_due(&desk->office, sql), survey_due(sql),
        onsite_due(sql),
        complaint_due(sql),   questionnaire_due(sql),
        improve_due(&desk->office, sql),
        dossier_due(sql),
        training_invites(sql) ? now_ms : desk->training_next_ms,
    };

    if (now_ms < desk->turned_ms) {
        return now_ms; /* somebody has set the clock back */
    }
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        due_ms = all[i] < due_ms ? all[i] : due_ms;
    }
    return due_ms > desk->rest_until_ms ? due_ms : desk->rest_until_ms;
}

/* What was remembered of a time that has not come yet is worth nothing. */
static void forget_times(struct desk *desk)
{
    desk->visits_next_ms = desk->plan_next_ms = 0;
    desk->duties_next_ms = desk->duties_judge_ms = desk->rest_until_ms = 0;
    desk->usual.next_ms = desk->stock_next_ms = desk->training_next_ms = 0;
}

enum err desk_backlog(struct desk *desk, struct sql *sql, int64_t agent, int64_t now_ms)
{
    (void)desk;
    return sql_run(sql, "UPDATE agent SET backlog_ms = ?2 WHERE id = ?1", "ii", agent, now_ms);
}

static enum err turn_visits(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err;

    err = sql_save(sql);
    if (!err) {
        err = end_step(desk, sql, "riders", visits_sweep(&desk->office, sql, now_ms));
    }
    if (err || now_ms < desk->visits_next_ms) {
        return err;
    }
    err = attachments_trim(sql, now_ms);
    if (!err) {
        err = sql_save(sql);
    }
    if (!err) {
        bool plan = now_ms >= desk->plan_next_ms;

        err = end_step(desk, sql, "planning visits", visits_turn(&desk->office, sql, plan, now_ms));
        desk->plan_next_ms = plan && !desk->step_failed ? now_ms + PLAN_EACH : desk->plan_next_ms;
    }
    desk->visits_next_ms = now_ms + (desk->step_failed ? HOLD_RETRY : VISITS_EACH);
    return err;
}

static enum err turn_forecasts(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = sql_save(sql);

    return err ? err : end_step(desk, sql, "forecasts", forecast_turn(&desk->office, sql, now_ms, &desk->usual));
}

/* A slice of raising a turn, until a round is through; then judging, and what it wants next. */
static enum err turn_duties(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = ERR_OK;

    if (now_ms >= desk->duties_next_ms) {
        err = sql_save(sql);
        if (!err) {
            err = end_step(desk, sql, "raising duties",
                           duties_raise(&desk->office, sql, now_ms, &desk->duties_at));
        }
        desk->duties_next_ms = desk->step_failed ? now_ms + HOLD_RETRY
                               : desk->duties_at ? now_ms + ROUND_PACE
                                                 : now_ms + ROUND_EACH;
        if (!desk->duties_at) { /* what they want drafted, and proposed */
            desk->stock_next_ms = desk->stock_depot = desk->training_next_ms = 0;
        }
    }
    if (!err && now_ms >= desk->duties_judge_ms) {
        int64_t next_ms = now_ms + DUTIES_EACH;

        err = sql_save(sql);
        if (!err) {
            enum err sent = inspection_receipts(sql);

            sent = sent ? sent : registration_turn(sql);

            err = end_step(desk, sql, "judging duties",
                           sent ? sent : duties_judge(&desk->office, sql, now_ms, &next_ms));
        }
        desk->duties_judge_ms = next_ms > now_ms ? next_ms : now_ms + FAILED_RETRY;
    }
    return err;
}

/* Once a day, and after a round of duties: what they want drafted. */
static enum err turn_stock(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = now_ms < desk->stock_next_ms ? ERR_OK : sql_save(sql);

    if (err || now_ms < desk->stock_next_ms) {
        return err;
    }
    arena_reset(desk->office.arena);
    return end_step(desk, sql, "the stock's turn", stock_turn(&desk->office, sql, now_ms, &desk->stock_depot, &desk->stock_next_ms));
}

/* Invitations as they are wanted; proposals and warnings once a day, and after a round of duties. */
static enum err turn_trainings(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    bool more = false;
    enum err err = ERR_OK;

    if (training_invites(sql)) {
        arena_reset(desk->office.arena);
        err = sql_save(sql);
        err = err ? err : end_step(desk, sql, "invitations", training_invitations(&desk->office, sql, now_ms, &more));
    }
    if (err || now_ms < desk->training_next_ms) {
        return err;
    }
    arena_reset(desk->office.arena);
    err = sql_save(sql);
    err = err ? err : end_step(desk, sql, "trainings", training_turn(&desk->office, sql, now_ms));
    desk->training_next_ms = now_ms + (desk->step_failed ? HOLD_RETRY : ROUND_EACH);
    return err;
}

enum err desk_duty_action(struct desk *desk, struct sql *sql, int64_t id, const struct action *action,
                          int64_t now_ms, struct text *why)
{
    desk->duties_next_ms = 0; /* what follows it may be owed now */
    desk->duties_judge_ms = 0;
    return duty_action(sql, id, action, now_ms, why);
}

static enum err turn_escalations(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = sql_save(sql);

    return err ? err : end_step(desk, sql, "the escalations' turn", escalate_turn(&desk->office, sql, now_ms));
}

enum err desk_escalation_action(struct desk *desk, struct sql *sql, int64_t escalation, const struct action *action,
                                int64_t now_ms, struct text *why)
{
    arena_reset(desk->office.arena);
    return escalate_act(&desk->office, sql, escalation, action, now_ms, why);
}

static enum err turn_inspections(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = inspection_due(sql) > now_ms ? ERR_OK : sql_save(sql);

    if (err || inspection_due(sql) > now_ms) {
        return err;
    }
    return end_step(desk, sql, "inspections", inspections_turn(&desk->office, sql, now_ms));
}

static enum err turn_onsite(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = onsite_due(sql) > now_ms ? ERR_OK : sql_save(sql);

    if (err || onsite_due(sql) > now_ms) {
        return err;
    }
    return end_step(desk, sql, "inspections on site", onsite_turn(&desk->office, sql, now_ms));
}

static enum err turn_late(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = sql_save(sql);

    return err ? err : end_step(desk, sql, "late technicians", told_late_turn(&desk->office, sql, now_ms));
}

static enum err turn_surveys(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = survey_due(sql) > now_ms ? ERR_OK : sql_save(sql);

    if (err || survey_due(sql) > now_ms) {
        return err;
    }
    return end_step(desk, sql, "surveys", survey_turn(&desk->office, sql, now_ms));
}

static enum err do_relation(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = complaint_turn(&desk->office, sql, now_ms);

    err = err ? err : questionnaire_turn(&desk->office, sql, now_ms);
    return err ? err : improve_turn(&desk->office, sql, now_ms);
}

static enum err turn_relation(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err;

    if (complaint_due(sql) > now_ms && questionnaire_due(sql) > now_ms && improve_due(&desk->office, sql) > now_ms) {
        return ERR_OK;
    }
    err = sql_save(sql);
    return err ? err : end_step(desk, sql, "complaints and questionnaires", do_relation(desk, sql, now_ms));
}

static enum err turn_files(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = dossier_due(sql) > now_ms ? ERR_OK : sql_save(sql);

    if (err || dossier_due(sql) > now_ms) {
        return err;
    }
    return end_step(desk, sql, "files of customers", dossier_turn(&desk->office, sql, now_ms));
}

enum err desk_bulletin_action(struct desk *desk, struct sql *sql, int64_t bulletin, const struct action *action, int64_t now_ms,
                              struct text *why)
{
    arena_reset(desk->office.arena);
    return text_same(action->action, "order") ? bulletin_order(&desk->office, sql, bulletin, action, now_ms, why)
                                              : bulletin_act(sql, bulletin, action, now_ms, why);
}

enum err desk_survey_answer(struct desk *desk, struct sql *sql, int64_t survey, const struct action *action,
                            const char *channel, int64_t now_ms, struct text *why)
{
    arena_reset(desk->office.arena);
    desk->duties_judge_ms = 0; /* a call may be owed now */
    return survey_answer(&desk->office, sql, survey, action, channel, now_ms, why);
}

enum err desk_opt_out(struct desk *desk, struct sql *sql, int64_t customer, const struct action *action, int64_t now_ms,
                      struct text *why)
{
    return opt_out(&desk->office, sql, customer, action, now_ms, why);
}

enum err desk_customer_photo(struct desk *desk, struct sql *sql, int64_t ticket, const char *title, const void *bytes,
                             size_t size, int64_t now_ms, char ret_id[65], struct text *why)
{
    arena_reset(desk->office.arena);
    return customer_photo(&desk->office, sql, ticket, title, bytes, size, now_ms, ret_id, why);
}

enum err desk_turn(struct desk *desk, struct sql *sql, int64_t now_ms, int64_t *ret_next_ms)
{
    static enum err (*const steps[])(struct desk *, struct sql *, int64_t) = {
        turn_links,       turn_alarms, turn_tickets, turn_closures,  turn_customers,
        turn_escalations, turn_visits, turn_duties,  turn_stock, turn_inspections, turn_forecasts,
        turn_money,       turn_late,   turn_surveys, turn_onsite, turn_relation, turn_files, turn_trainings,
    };
    enum err err = ERR_OK;

    if (now_ms < desk->turned_ms) {
        forget_times(desk);
    }
    desk->turned_ms = now_ms;
    desk->step_failed = false;
    for (size_t i = 0; !err && i < sizeof(steps) / sizeof(steps[0]); i++) {
        err = steps[i](desk, sql, now_ms);
    }
    if (err) {
        return err;
    }
    desk->rest_until_ms = desk->step_failed ? now_ms + FAILED_RETRY : 0;
    *ret_next_ms = desk_due(desk, sql, now_ms);
    return ERR_OK;
}

enum err desk_plan_visits(struct desk *desk, struct sql *sql, int64_t now_ms)
{
    enum err err = links_again(sql, 0, now_ms);

    desk->duties_next_ms = desk->duties_judge_ms = desk->duties_at = 0; /* a round that runs has passed what is new */
    return err ? err : visits_anew(&desk->office, sql, now_ms);
}

enum err desk_visit_action(struct desk *desk, struct sql *sql, int64_t visit, const struct action *action, int64_t now_ms,
                           struct text *why)
{
    desk->duties_next_ms = 0; /* what was skipped may be owed again */
    return visit_act(&desk->office, sql, visit, action, now_ms, why);
}

enum err desk_refresh_status(struct desk *desk, struct sql *sql, int64_t equipment, int64_t now_ms)
{
    return status_refresh(&desk->office, sql, equipment, now_ms);
}

enum err desk_work_action(struct desk *desk, struct sql *sql, int64_t work_order,
                          const struct action *action, int64_t now_ms, struct text *why)
{
    bool did = work_did(sql, work_order, action->action_id);
    int64_t rider = 0;
    enum err err = did ? ERR_OK : visits_check_rider(&desk->office, sql, work_order, action, now_ms, &rider, why);

    if (err || rider) { /* a step that another order has lent: what it finds is that one's */
        return err ? err : findings_raise(&desk->office, sql, rider, now_ms);
    }
    err = work_action(&desk->office, sql, work_order, action, now_ms, why);
    if (!err && !did) {
        err = owner_follow_work(&desk->office, sql, work_order, action, now_ms);
    }
    if (!err && !did && (text_same(action->action, "cancel") || text_same(action->action, "finish"))) {
        err = stock_call_off(&desk->office, sql, now_ms);
    }
    if (!err && !did) {
        err = visits_follow_work(&desk->office, sql, work_order, action, now_ms);
    }
    if (!err && !did) {
        err = told_work(&desk->office, sql, work_order, action, now_ms);
    }
    if (!err && !did) {
        err = inspection_on_site(sql, work_order);
    }
    return err ? err : findings_raise(&desk->office, sql, work_order, now_ms);
}

enum err desk_work_ask(struct desk *desk, struct sql *sql, const struct action *action, int64_t now_ms,
                       int64_t *ret_id, struct text *why)
{
    return work_ask(&desk->office, sql, action, now_ms, ret_id, why);
}

enum err desk_file_begin(struct desk *desk, struct sql *sql, const struct action *action, int64_t now_ms,
                         char ret_name[65], struct text *why)
{
    return attachment_begin(&desk->office, sql, action, now_ms, ret_name, why);
}

enum err desk_file_add(struct desk *desk, struct sql *sql, const char *name, int64_t position, const void *bytes,
                       size_t size, int64_t now_ms, struct text *why)
{
    return attachment_add(&desk->office, sql, name, position, bytes, size, now_ms, why);
}

bool desk_work_did(struct sql *sql, int64_t work_order, const char *action_id)
{
    return work_did(sql, work_order, action_id);
}
