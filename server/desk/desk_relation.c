/* The desk's face for complaints, questionnaires, the register and improvements. */
#include "server/desk/desk_int.h"

#include "server/relation/complaint.h"
#include "server/relation/improve.h"
#include "server/relation/questionnaire.h"
#include "server/relation/register.h"

static struct office *office_of(struct desk *desk)
{
    arena_reset(desk->office.arena);
    desk->duties_judge_ms = 0; /* a clock may run now, or be met */
    return &desk->office;
}

/* S0-155: somebody at a stand who has a fault at home gets a ticket beside what he says. */
static enum err report_repair(struct desk *desk, struct sql *sql, int64_t complaint, const struct action *action, int64_t now_ms,
                              struct text *why)
{
    static const char *const fields[] = {"equipment", "site", "contact", "channel", "fault", "title", NULL};
    struct json_out body = json_out(32 * 1024);
    struct action report = {.action = "", .who = action->who, .role = action->role,
                            .note = json_text_or(action->body, "detail", NULL)};
    struct arena *arena = NULL; /* the desk's is emptied by the report */
    const char *reason;
    char number[32];
    bool merged;
    TEXT(id, 200);
    enum err err;

    if (action->action_id) {
        text_addf(&id, "%s.repair", action->action_id);
        report.action_id = id.at;
    }
    json_open_object(&body);
    for (int i = 0; fields[i]; i++) {
        if (json_text_or(action->body, fields[i], NULL)) {
            json_text(&body, fields[i], json_text_or(action->body, fields[i], NULL));
        }
    }
    json_close_object(&body);
    err = body.err ? body.err : arena_open(256 * 1024, &arena);
    if (!err) {
        err = json_parse(arena, body.bytes, body.size, &report.body, &reason);
        err = err ? err : desk_report(desk, sql, &report, now_ms, number, &merged, why);
        arena_close(arena);
    }
    json_out_free(&body);
    return err ? err
               : complaint_repair(sql, complaint, sql_find_int(sql, 0, "SELECT id FROM ticket WHERE number = ?1", "t", number),
                                  now_ms);
}

enum err desk_complaint(struct desk *desk, struct sql *sql, const struct action *action, int64_t public_ticket, int64_t now_ms,
                        int64_t *ret_id, bool *ret_again, struct text *why)
{
    bool repair = !public_ticket && json_bool_or(action->body, "repair", false);
    enum err err;

    if (repair && !json_text_or(action->body, "equipment", NULL) && !json_text_or(action->body, "site", NULL)) {
        return text_say(why, ERR_FORMAT, "equipment: expected what is to be repaired, or its site");
    }
    err = complaint_file(office_of(desk), sql, action, public_ticket, now_ms, ret_id, ret_again, why);
    return err || !repair || *ret_again ? err : report_repair(desk, sql, *ret_id, action, now_ms, why);
}

enum err desk_complaint_action(struct desk *desk, struct sql *sql, int64_t complaint, const struct action *action,
                               int64_t now_ms, struct text *why)
{
    return complaint_act(office_of(desk), sql, complaint, action, now_ms, why);
}

enum err desk_questionnaire_answer(struct desk *desk, struct sql *sql, int64_t questionnaire, const struct action *action,
                                   const char *channel, int64_t now_ms, struct text *why)
{
    return questionnaire_answer(office_of(desk), sql, questionnaire, action, channel, now_ms, why);
}

enum err desk_register(struct desk *desk, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                       struct text *why)
{
    desk->duties_next_ms = 0; /* the next visit or call is owed from now on */
    return register_put(office_of(desk), sql, action, now_ms, ret_id, why);
}

enum err desk_improvement(struct desk *desk, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                          struct text *why)
{
    (void)office_of(desk);
    return improve_post(sql, action, now_ms, ret_id, why);
}

enum err desk_improvement_action(struct desk *desk, struct sql *sql, int64_t improvement, const struct action *action,
                                 int64_t now_ms, struct text *why)
{
    return improve_act(office_of(desk), sql, improvement, action, now_ms, why);
}
