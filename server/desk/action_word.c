/* Doers of what somebody says about a ticket: classifications, questions, the customer's wishes. */
#include <string.h>

#include "server/case/classes.h"
#include "server/desk/action.h"

static const char *said(const struct move *move, const char *field)
{
    const char *words = json_text_or(move->action->body, field, NULL);

    return words && words[0] ? words : NULL;
}

enum err do_classify(struct move *move)
{
    const char *name = said(move, "field"), *value = said(move, "value"), *reason = said(move, "reason");
    int field = class_field_read(name);
    const char *const *words = field >= 0 ? class_words((enum class_field)field) : NULL;
    TEXT(all, 100);

    if (!words) {
        return text_say(move->why, ERR_FORMAT,
                        "field: expected one of urgency complexity competence domain responsible_party"
                        " (the grade: regrade; the level: the contract), found '%.40s'",
                        name ? name : "");
    }
    for (; *words && !text_same(*words, value); words++) {
        text_addf(&all, " %s", *words);
    }
    if (!*words) {
        return text_say(move->why, ERR_FORMAT, "value: expected one of%s, found '%.40s'", all.at,
                        value ? value : "");
    }
    if (!reason) {
        return text_say(move->why, ERR_FORMAT, "classify needs a reason");
    }
    move->overtaken = classes_overtaken(move->sql, move->ticket->id, (enum class_field)field, move->at_ms);
    enum err err = classes_say(move->office, move->sql, move->ticket, (enum class_field)field, *words,
                               move->action->who, reason, move->at_ms);

    if (!err && !move->overtaken && (field == CLASS_PARTY || field == CLASS_DOMAIN)) { /* what the warranty's proposal stands on */
        err = warranty_again(move->office, move->sql, move->ticket, NULL, field == CLASS_DOMAIN ? *words : NULL,
                             move->now_ms);
        err = err ? err : move_follow_party(move);
    }
    return err;
}

/* S0-111: it has to be looked into first; what runs until the answer is the callback clock. */
enum err do_park(struct move *move)
{
    enum err err;

    if (!said(move, "question")) {
        return text_say(move->why, ERR_FORMAT, "park needs the question");
    }
    err = sql_run(move->sql, "UPDATE ticket SET parked_ms = ?2 WHERE id = ?1", "ii", move->ticket->id,
                  move->at_ms);
    return err ? err : clocks_start(move->office, move->sql, move->ticket, PLAN_PARKED, move->at_ms);
}

/* A substantive answer is a response too. */
enum err do_answer(struct move *move)
{
    enum err err;

    if (!said(move, "answer")) {
        return text_say(move->why, ERR_FORMAT, "answer needs the answer");
    }
    err = sql_run(move->sql, "UPDATE ticket SET parked_ms = NULL WHERE id = ?1", "i", move->ticket->id);
    if (!err) {
        err = clocks_stop(move->sql, move->ticket->id, PLAN_ANSWERED, move->at_ms);
    }
    return err ? err : clocks_stop(move->sql, move->ticket->id, PLAN_RESPONSE, move->at_ms);
}

/* S0-113: the customer says that it matters, and may say how much worse it is. */
enum err do_important(struct move *move)
{
    int64_t grade = json_int_or(move->action->body, "grade", move->ticket->grade);
    const char *reason = said(move, "reason");
    enum err err;

    if (grade < 1 || grade > move->ticket->grade) {
        return text_say(move->why, ERR_FORMAT, "grade: expected 1 to %d: important makes it no milder",
                        move->ticket->grade);
    }
    err = sql_run(move->sql, "UPDATE ticket SET important = 1 WHERE id = ?1", "i", move->ticket->id);
    if (!err) {
        err = ticket_open_way(move->office, move->sql, move->ticket, "important");
    }
    return err ? err
               : ticket_regrade(move->office, move->sql, move->ticket, (int)grade, move->action->who,
                                reason ? reason : "the customer says that it is important", NULL, move->at_ms,
                                move->now_ms);
}

enum err do_agree(struct move *move)
{
    if (!said(move, "name")) {
        return text_say(move->why, ERR_FORMAT, "agree needs the name of the customer's side");
    }
    return ticket_open_way(move->office, move->sql, move->ticket, "agreed");
}

enum err do_verify(struct move *move)
{
    if (!said(move, "finding")) {
        return text_say(move->why, ERR_FORMAT, "verify needs the finding");
    }
    return ticket_open_way(move->office, move->sql, move->ticket, "verified");
}

/* Whether somebody has said something younger of that field of the slip. */
static bool is_amended(struct move *move, const char *field)
{
    struct sql_rows rows;
    bool is = false;

    sql_find(move->sql, &rows, "SELECT data FROM ticket_event WHERE ticket = ?1 AND action = 'amend' AND at_ms > ?2", "ii",
             move->ticket->id, move->at_ms);
    while (sql_next(&rows)) {
        const char *words = sql_text(&rows, 0);
        const struct cJSON *data = NULL;

        is = is || (words && !json_parse(move->office->arena, words, strlen(words), &data, NULL) &&
                    json_text_or(data, field, NULL));
    }
    return sql_end(&rows) == ERR_OK && is;
}

/* The fields of which nobody has said anything younger. */
static enum err amend_rest(struct move *move)
{
    struct json_out out = json_out(64 * 1024);
    const struct cJSON *rest = NULL;
    enum err err;

    json_open_object(&out);
    for (const char *const *field = slip_fields; *field; field++) {
        bool amended = said(move, *field) && is_amended(move, *field);

        move->overtaken = move->overtaken || amended;
        if (said(move, *field) && !amended) {
            json_text(&out, *field, said(move, *field));
        }
    }
    json_close_object(&out);
    err = out.err ? out.err : json_parse(move->office->arena, out.bytes, out.size, &rest, NULL);
    json_out_free(&out);
    return err ? err : slip_amend(move->office, move->sql, move->ticket, rest);
}

/* S0-29: the slip is filled further; a field that is there is no longer missing. */
enum err do_amend(struct move *move)
{
    bool any = false;

    for (const char *const *field = slip_fields; *field; field++) {
        any = any || said(move, *field);
    }
    if (!any) {
        return text_say(move->why, ERR_FORMAT,
                        "amend needs one of owner_name phone address content wishes");
    }
    return amend_rest(move);
}

/* ------------------------------------------------------------------ the way on site */

/* C-12: somebody may be sent when what the plan asks for has happened, or a person takes it upon
 * himself to send somebody all the same: override: {reason}. */
enum err move_judge_way(struct move *move, struct ticket_facts *facts)
{
    const struct cJSON *override = json_field(move->action->body, "override");
    const char *by, *reason = json_text_or(override, "reason", NULL);

    if (ticket_way_is_open(move->ticket, &by)) {
        facts->way_open = true;
        if (strcmp(by, "grade_1") == 0) { /* recorded, so that it stays open when the grade falls */
            return ticket_open_way(move->office, move->sql, move->ticket, "override");
        }
        return ERR_OK;
    }
    if (!override || json_is_null(override)) {
        return ERR_OK; /* the table says what is missing */
    }
    if (!json_is_object(override) || !reason || !reason[0]) {
        return text_say(move->why, ERR_FORMAT, "override: expected {reason}");
    }
    facts->way_open = true;
    return ticket_open_way(move->office, move->sql, move->ticket, "override");
}
