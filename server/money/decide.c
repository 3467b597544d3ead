/* A person's word on the warranty: one person, or two where the plan asks for it (S0-28, S0-30). */
#include <string.h>

#include "server/case/classes.h"
#include "server/money/money.h"

struct round { /* the last one */
    int64_t number, step; /* 0: none */
    char verdict[16], who[200];
};

static enum err read_round(struct sql *sql, int64_t ticket, struct round *ret_round)
{
    struct sql_rows rows;

    *ret_round = (struct round){0};
    sql_find(sql, &rows, "SELECT round, step, verdict, who FROM warranty_check WHERE ticket = ?1 ORDER BY id DESC LIMIT 1",
             "i", ticket);
    if (sql_next(&rows)) {
        ret_round->number = sql_int(&rows, 0);
        ret_round->step = sql_int(&rows, 1);
        (void)!text_copy(ret_round->verdict, sizeof(ret_round->verdict), sql_text(&rows, 2));
        (void)!text_copy(ret_round->who, sizeof(ret_round->who), sql_text(&rows, 3));
    }
    return sql_end(&rows);
}

static enum err judge_words(const struct ticket *ticket, const struct money_decision *decision, struct text *why)
{
    bool known = !decision->exclusion;
    TEXT(codes, 400);

    if (price_case_read(decision->verdict) < 0) {
        return text_say(why, ERR_FORMAT, "verdict: expected one of covered excluded expired, found '%.40s'",
                        decision->verdict ? decision->verdict : "");
    }
    if (!decision->reason || !decision->reason[0]) {
        return text_say(why, ERR_FORMAT, "reason: a decision needs one");
    }
    for (size_t i = 0; ticket->plan && i < ticket->plan->exclusion_count; i++) {
        text_addf(&codes, " %s", ticket->plan->exclusions[i].code);
        known = known || text_same(ticket->plan->exclusions[i].code, decision->exclusion);
    }
    if (!known) {
        return text_say(why, ERR_FORMAT, "exclusion: expected one of%s, found '%.40s'", codes.at, decision->exclusion);
    }
    if (text_same(decision->verdict, "excluded") && !decision->exclusion && codes.length) {
        return text_say(why, ERR_FORMAT, "exclusion: excluded needs one of%s", codes.at);
    }
    return decision->exclusion && !text_same(decision->verdict, "excluded")
               ? text_say(why, ERR_FORMAT, "exclusion: only with verdict excluded")
               : ERR_OK;
}

/* The second one is a manager, somebody else, and says the same; another verdict begins anew with him as the first. */
static enum err place_of(const struct ticket *ticket, const struct money_decision *decision, const struct round *last,
                         int64_t *ret_round, int64_t *ret_step, struct text *why)
{
    bool two = ticket->plan && ticket->plan->two_persons;
    bool second = two && last->step == 1 && text_same(last->verdict, decision->verdict);

    *ret_round = second ? last->number : last->number + 1;
    *ret_step = second ? 2 : 1;
    if (second && text_same(last->who, decision->who)) {
        return text_say(why, ERR_STATE,
                        "%s has checked the warranty already: the second person is somebody else (S0-30)."
                        " Legal: confirm_warranty by another person",
                        decision->who);
    }
    if (second && decision->role != ROLE_MANAGER && decision->role != ROLE_ADMIN) {
        return text_say(why, ERR_FORBIDDEN, "the second check of a warranty is a manager's (S0-30)");
    }
    return ERR_OK;
}

/* Whoever answers for the cause: the person says it, or the exclusion does. */
static enum err say_party(struct office *office, struct sql *sql, struct ticket *ticket,
                          const struct money_decision *decision)
{
    const char *party = decision->party;

    for (size_t i = 0; !party && decision->exclusion && ticket->plan && i < ticket->plan->exclusion_count; i++) {
        if (text_same(ticket->plan->exclusions[i].code, decision->exclusion)) {
            party = ticket->plan->exclusions[i].party;
        }
    }
    return party ? classes_say(office, sql, ticket, CLASS_PARTY, party, decision->who, decision->reason, decision->at_ms)
                 : ERR_OK;
}

enum err money_decide(struct office *office, struct sql *sql, struct ticket *ticket,
                      const struct money_decision *decision, bool *ret_final, struct text *why)
{
    struct round last;
    int64_t round = 0, step = 0;
    enum err err = judge_words(ticket, decision, why);

    if (!err) {
        err = read_round(sql, ticket->id, &last);
    }
    if (!err) {
        err = place_of(ticket, decision, &last, &round, &step, why);
    }
    if (!err && sql_find_int(sql, 0, "SELECT 1 FROM money_line WHERE ticket = ?1 AND kind IN ('charge', 'cost') LIMIT 1", "i",
                             ticket->id)) {
        return text_say(why, ERR_STATE, "the ticket is in the books already. Legal: adjust");
    }
    if (!err) {
        err = sql_run(sql,
                      "INSERT INTO warranty_check (ticket, round, step, verdict, exclusion, party, reason, who, at_ms) VALUES"
                      " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                      "iiittttti", ticket->id, round, step, decision->verdict, decision->exclusion, decision->party,
                      decision->reason, decision->who, decision->at_ms);
    }
    if (err) {
        return err;
    }
    *ret_final = step == (ticket->plan && ticket->plan->two_persons ? 2 : 1);
    err = *ret_final ? say_party(office, sql, ticket, decision) : ERR_OK;
    return err ? err : money_judge(office, sql, ticket->id, NULL, NULL, decision->now_ms);
}
