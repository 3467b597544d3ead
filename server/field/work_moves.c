/* What the moves of a work order bring along: who comes and when, what is refused or called off, tests and gates. */
#include <string.h>

#include "models/service/plan_staff.h"
#include "server/field/appointment.h"
#include "server/field/work_int.h"

#include "server/rack/reserve.h"

static enum err set_appointment(struct work *work, const struct appointment *made)
{
    return sql_run(work->sql,
                   "UPDATE work_order SET from_ms = COALESCE(NULLIF(?2, 0), from_ms), to_ms ="
                   " COALESCE(NULLIF(?3, 0), to_ms), agreed_by = COALESCE(?4, agreed_by), preempted_by = NULL"
                   " WHERE id = ?1",
                   "iiit", work->order.id, made->from_ms, made->to_ms, made->agreed_by);
}

/* Visits have no dispatcher's ticket: who comes and when is said here. The plan's date stays. */
static enum err do_assign(struct work *work)
{
    const char *name = json_text_or(work->action->body, "technician", NULL);
    int64_t technician = sql_find_int(work->sql, 0, "SELECT id FROM technician WHERE name = ?1", "t", name);
    struct appointment made = {0};
    enum err err = appointment_read(work->action->body, &made, work->why);

    if (work->order.ticket && work->order.kind == JOB_CORRECTIVE) {
        return text_say(work->why, ERR_STATE,
                        "a repair is assigned by its ticket. Legal: assign of the ticket");
    }
    if (!technician) {
        return text_say(work->why, ERR_FORMAT, "assign needs a technician; there is none called '%.60s'",
                        name ? name : "");
    }
    err = err ? err : work_fit_waive(work->sql, work->order.id, NULL, NULL, 0);
    if (!err) {
        err = fit_pass(work, technician, made.from_ms ? made.from_ms : work->order.from_ms ? work->order.from_ms : work->at_ms);
    }
    if (!err) {
        err = set_appointment(work, &made);
    }
    if (!err && made.from_ms) {
        err = work_window_open(work->sql, work->order.id, work->action->who, work->now_ms, work->why);
    }
    return err ? err
               : sql_run(work->sql,
                         "UPDATE work_order SET technician = ?2, team = COALESCE((SELECT team FROM technician"
                         " WHERE id = ?2), team) WHERE id = ?1",
                         "ii", work->order.id, technician);
}

static enum err do_reschedule(struct work *work)
{
    struct appointment made = {0};
    enum err err = appointment_read(work->action->body, &made, work->why);

    if (!err && !made.from_ms) {
        return text_say(work->why, ERR_FORMAT, "reschedule needs an appointment: {from, to}");
    }
    if (!err && !json_text_or(work->action->body, "reason", work->action->note)) {
        return text_say(work->why, ERR_FORMAT, "reschedule needs a reason");
    }
    err = err ? err : fit_pass(work, work->order.technician, made.from_ms);
    if (!err) {
        err = set_appointment(work, &made);
    }
    return err ? err : work_window_open(work->sql, work->order.id, work->action->who, work->now_ms, work->why);
}

/* The codes of the ticket's plan, beside those of the company. */
static enum err plan_refuses(struct work *work, const char *code, bool *ret_known, struct text *names)
{
    const char *const *known;
    struct ticket ticket;
    enum err err = ticket_load(work->office, work->sql, work->order.ticket, &ticket);

    known = !err && ticket.plan ? ticket.plan->staff->refusals : NULL;
    for (; known && *known; known++) {
        *ret_known = *ret_known || text_same(*known, code);
        if (!strstr(names->at, *known)) {
            text_addf(names, "%s%s", names->length ? " " : "", *known);
        }
    }
    return err;
}

/* A code says why, and words may say more. One who knows no codes says it in words alone. */
static enum err do_refuse(struct work *work)
{
    const char *code = json_text_or(work->action->body, "code", NULL);
    const char *reason = json_text_or(work->action->body, "reason", work->action->note);
    const struct codes *codes = rules_codes(work->office->options.rules);
    const struct code *known = codes ? codes_find(&codes->refusals, code) : NULL;
    bool by_plan = false;
    TEXT(names, 800);

    if (code && codes) {
        codes_name(&codes->refusals, &names);
    }
    if (code && work->order.ticket && !known) {
        enum err err = plan_refuses(work, code, &by_plan, &names);

        if (err) {
            return err;
        }
    }
    if (code && names.length && !known && !by_plan) {
        return text_say(work->why, ERR_FORMAT, "code: expected one of %s, found '%.40s'", names.at, code);
    }
    if (known && known->note && !(reason && reason[0])) {
        return text_say(work->why, ERR_FORMAT, "refuse: the code %s needs a reason", code);
    }
    if (work->place.late) {
        return ERR_OK;
    }
    return sql_run(work->sql, "UPDATE work_order SET reason = ?2 WHERE id = ?1", "it", work->order.id,
                   reason ? reason : code ? code : "other");
}

/* The customer has the code of who is sent: whoever arrives may show that it is he. */
static enum err do_arrive(struct work *work)
{
    const char *code = json_text_or(work->action->body, "code", NULL);

    if (code && !sql_find_int(work->sql, 0, "SELECT 1 FROM work_order WHERE id = ?1 AND code = ?2", "it",
                              work->order.id, code)) {
        return text_say(work->why, ERR_FORMAT, "code: expected the code of the authorisation");
    }
    return ERR_OK;
}

/* A visit that is called off says why. */
static enum err do_cancel(struct work *work)
{
    const char *reason = json_text_or(work->action->body, "reason", work->action->note);
    enum err err;

    if (work->order.visit && (!reason || !reason[0])) {
        return text_say(work->why, ERR_FORMAT, "cancel of a visit needs a reason");
    }
    err = sql_run(work->sql, "UPDATE work_order SET reason = ?2 WHERE id = ?1", "it", work->order.id, reason);
    if (!err) {
        err = rack_release_all(work->sql, work->order.id, work->action->who, "cancelled", work->now_ms);
    }
    if (!err) {
        err = work_window_close(work->sql, work->order.id, work->action->who, work->now_ms);
    }
    return err;
}

static enum err do_start(struct work *work)
{
    enum err err = steps_tick(work);

    if (!err) {
        err = gates_pass(work, JOB_START);
    }
    err = err ? err : fit_pass(work, work->order.technician, work->at_ms);
    return err ? err : tests_take(work, "before");
}

static enum err do_depart(struct work *work)
{
    enum err err = gates_pass(work, JOB_DEPART);

    return err ? err : fit_pass(work, work->order.technician, work->at_ms);
}

static enum err do_test(struct work *work)
{
    return tests_take(work, "after");
}

/* Finishing tests once more, whatever was tested before: so the last test is that of the last finish in whatever order
 * things are heard of. What was laid aside and not used is anybody's again. */
static enum err do_finish(struct work *work)
{
    enum err err = gates_pass(work, JOB_FINISH);

    if (!err) {
        err = tests_take(work, "after");
    }
    if (!err) {
        err = work_window_close(work->sql, work->order.id, work->action->who, work->now_ms);
    }
    return err ? err
               : rack_release_all(work->sql, work->order.id, work->action->who, "not used", work->now_ms);
}

static enum err do_verify(struct work *work)
{
    return gates_pass(work, JOB_VERIFY);
}

static enum err do_close(struct work *work)
{
    return gates_pass(work, JOB_CLOSE);
}

static enum err do_note(struct work *work)
{
    const char *note = work->action->note;

    return note && note[0] ? ERR_OK : text_say(work->why, ERR_FORMAT, "note needs a note");
}

static enum err do_dispatch(struct work *work)
{
    const char *name = json_text_or(work->action->body, "team", NULL);
    int64_t team = sql_find_int(work->sql, 0, "SELECT id FROM team WHERE name = ?1", "t", name);

    if (work->order.ticket && work->order.kind == JOB_CORRECTIVE) {
        return text_say(work->why, ERR_STATE,
                        "a repair is dispatched by its ticket. Legal: dispatch of the ticket");
    }
    if (!team) {
        return text_say(work->why, ERR_FORMAT, "dispatch needs a team; there is none called '%.60s'",
                        name ? name : "");
    }
    return sql_run(work->sql, "UPDATE work_order SET team = ?2, technician = NULL WHERE id = ?1", "ii",
                   work->order.id, team);
}

enum err (*const work_doers[WORK_ACTIONS])(struct work *work) = {
    [WORK_DISPATCH] = do_dispatch,      [WORK_ASSIGN] = do_assign,
    [WORK_RESCHEDULE] = do_reschedule,  [WORK_REFUSE] = do_refuse,
    [WORK_DEPART] = do_depart,          [WORK_ARRIVE] = do_arrive,
    [WORK_START] = do_start,            [WORK_TEST] = do_test,
    [WORK_FINISH] = do_finish,          [WORK_VERIFY] = do_verify,
    [WORK_REFUSE_RESULT] = do_result,   [WORK_ACCEPT_RESULT] = do_result,
    [WORK_CLOSE] = do_close,            [WORK_CANCEL] = do_cancel,
    [WORK_CHECK] = do_step,             [WORK_CONFIRM] = do_confirm,
    [WORK_OVERRIDE] = do_override,      [WORK_RESERVE_PART] = do_reserve_part,
    [WORK_USE_PART] = do_use_part,      [WORK_RETURN_PART] = do_return_part,
    [WORK_PHOTO] = do_photo,            [WORK_TIME] = do_time,
    [WORK_RECORD] = do_record,          [WORK_SCOPE] = do_scope,
    [WORK_NOTE] = do_note,              [WORK_SIGN] = do_sign,
};
