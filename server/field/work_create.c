/* A new work order: the job plan that fits is copied into it, step by step. */
#include <string.h>

#include "server/field/work_int.h"
#include "server/fleet/numbers.h"

/* The plan's text as it was, once a version. */
static enum err keep_text(struct sql *sql, const struct job *job, int64_t now_ms)
{
    return sql_run(sql,
                   "INSERT INTO job_text (hash, job, version, body, stored_ms) VALUES (?1, ?2, ?3, ?4, ?5) ON"
                   " CONFLICT (hash) DO NOTHING",
                   "ttibi", job->hash, job->id, job->version, job->bytes, job->size, now_ms);
}

static void put_words(const char *name, const char *const *words, struct json_out *out)
{
    json_key(out, name);
    json_open_list(out);
    for (; *words; words++) {
        json_put_text(out, *words);
    }
    json_close_list(out);
}

static void put_needs(const struct job *job, struct json_out *out)
{
    json_key(out, "needs");
    json_open_object(out);
    for (int stage = 0; stage < JOB_STAGES; stage++) {
        json_key(out, job_stage_names[stage]);
        json_open_list(out);
        for (int need = 0; need < JOB_NEEDS; need++) {
            if (job->needs[stage] >> need & 1) {
                json_put_text(out, job_need_names[need]);
            }
        }
        json_close_list(out);
    }
    json_close_object(out);
}

static void put_tests(const struct job *job, struct json_out *out)
{
    json_key(out, "tests");
    json_open_list(out);
    for (size_t i = 0; i < job->test_count; i++) {
        json_open_object(out);
        json_text(out, "id", job->tests[i].id);
        job_put_title("title", &job->tests[i].title, out);
        json_text(out, "point", job->tests[i].point);
        json_number(out, "least", job->tests[i].least);
        json_number(out, "most", job->tests[i].most);
        json_close_object(out);
    }
    json_close_list(out);
}

/* What the order keeps of its plan beside steps and gates. */
static void put_job(const struct job *job, struct json_out *out)
{
    json_open_object(out);
    json_text(out, "id", job->id);
    json_int(out, "version", job->version);
    json_text(out, "hash", job->hash);
    job_put_title("title", &job->title, out);
    json_int(out, "duration_ms", job->duration_ms);
    json_int(out, "fresh_ms", job->fresh_ms);
    put_words("skills", job->skills, out);
    put_words("tools", job->tools, out);
    json_key(out, "advice");
    json_open_list(out);
    for (size_t i = 0; i < job->advice_count; i++) {
        json_open_object(out);
        json_text(out, "en", job->advice[i].en);
        json_text(out, "zh", job->advice[i].zh);
        json_close_object(out);
    }
    json_close_list(out);
    put_needs(job, out);
    put_tests(job, out);
    json_close_object(out);
}

/* ------------------------------------------------------------------ steps and gates */

static enum err put_step(struct sql *sql, int64_t order, size_t position, const char *section,
                         const struct job_step *step)
{
    struct json_out spec = json_out(32 * 1024);
    enum err err;

    json_open_object(&spec);
    job_put_step(step, &spec);
    json_close_object(&spec);
    err = spec.err;
    if (!err) {
        err = sql_run(sql,
                      "INSERT INTO work_step (work_order, step, position, section, spec, required, grade) VALUES"
                      " (?1, ?2, ?3, ?4, ?5, ?6, NULLIF(?7, 0))",
                      "ititt" "ii", order, step->id, (int64_t)position, section, spec.bytes,
                      (int64_t)step->required, (int64_t)step->grade);
    }
    json_out_free(&spec);
    return err;
}

static enum err put_precaution(struct sql *sql, int64_t order, size_t position,
                               const struct job_precaution *precaution)
{
    TEXT(id, 80);
    struct job_step step = {.id = id.at, .title = precaution->title, .type = JOB_CHECK, .required = true,
                            .expect = true, .unit = ""};

    text_addf(&id, "precaution-%s", precaution->id);
    return put_step(sql, order, position, "precaution", &step);
}

/* An optional gate holds up only what was promised so (S0-35). */
static bool is_wanted(const struct plan *plan, const char *optional)
{
    for (const char *const *word = plan && optional ? plan->approvals : NULL; word && *word; word++) {
        if (text_same(*word, optional)) {
            return true;
        }
    }
    return !optional;
}

static enum err put_gate(struct sql *sql, int64_t order, size_t position, const struct job_gate *gate,
                         const struct plan *plan)
{
    return sql_run(sql,
                   "INSERT INTO work_gate (work_order, gate, position, title_en, title_zh, stage, written, must,"
                   " another, manager, follows, expected) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                   "ititttiiiiti", order, gate->id, (int64_t)position, gate->title.en, gate->title.zh,
                   job_stage_names[gate->before], (int64_t)gate->written,
                   (int64_t)(gate->must && is_wanted(plan, gate->optional)), (int64_t)gate->another,
                   (int64_t)gate->manager, gate->after, (int64_t)!gate->must);
}

static enum err copy_job(struct sql *sql, int64_t order, const struct job *job, const struct plan *plan)
{
    struct json_out head = json_out(WORK_DOC_MOST);
    size_t position = 0;
    enum err err;

    put_job(job, &head);
    err = head.err ? head.err
                   : sql_run(sql, "UPDATE work_order SET job = ?2, job_hash = ?3 WHERE id = ?1", "itt", order,
                             head.bytes, job->hash);
    json_out_free(&head);
    for (size_t i = 0; !err && i < job->precaution_count; i++) {
        err = put_precaution(sql, order, position++, &job->precautions[i]);
    }
    for (size_t i = 0; !err && i < job->step_count; i++) {
        err = put_step(sql, order, position++, "step", &job->steps[i]);
    }
    for (size_t i = 0; !err && i < job->gate_count; i++) {
        err = put_gate(sql, order, i, &job->gates[i], plan);
    }
    return err;
}

/* No plan is written for it: what the profile says is tried or looked at, and what the cause was. */
static enum err copy_profile(struct sql *sql, int64_t order, const struct work_new *what)
{
    const struct fault_rule *rule = what->rule;
    struct job_step step = {.type = JOB_CHECK, .expect = true, .unit = ""};
    size_t position = 0;
    enum err err = ERR_OK;

    for (size_t i = 0; !err && rule && i < rule->remote_count; i++) {
        TEXT(id, 32);

        text_addf(&id, "check-%zu", i + 1);
        step.id = id.at;
        step.title = rule->remote[i];
        err = put_step(sql, order, position++, "step", &step);
    }
    if (what->kind == JOB_CORRECTIVE) {
        step = (struct job_step){.id = "cause", .type = JOB_TEXT, .unit = "",
                                 .title = {"What was the cause?", "故障原因是什么？"}};
        return err ? err : put_step(sql, order, position, "step", &step);
    }
    for (size_t i = 0; !err && what->profile && i < what->profile->inspection_count; i++) {
        step = (struct job_step){.id = what->profile->inspection[i].id, .type = JOB_TEXT, .unit = "",
                                 .title = what->profile->inspection[i].title};
        err = put_step(sql, order, position++, "step", &step);
    }
    return err;
}

/* The parts that the likely causes ask for. */
static enum err propose_parts(struct sql *sql, int64_t order, const struct fault_rule *rule, int64_t now_ms)
{
    enum err err = ERR_OK;

    for (size_t i = 0; rule && i < rule->cause_count; i++) {
        for (const char *const *part = rule->causes[i].parts; !err && *part; part++) {
            err = sql_run(sql,
                          "INSERT INTO work_part (work_order, part, state, count, odds, at_ms) VALUES (?1, ?2,"
                          " 'proposed', 1, ?3, ?4)",
                          "itdi", order, *part, rule->causes[i].odds, now_ms);
        }
    }
    return err;
}

static enum err fill(struct office *office, struct sql *sql, int64_t order, const struct work_new *what,
                     int64_t now_ms)
{
    struct job_wanted wanted = {what->kind, what->profile ? what->profile->id : NULL,
                                what->rule ? what->rule->id : NULL, what->rule ? what->rule->component : NULL};
    const struct job *job = what->job ? what->job : rules_choose_job(office->options.rules, &wanted);
    struct place place;
    enum err err;

    if (job) {
        err = place_find(office, sql, what->equipment, what->site, now_ms, &place);
        err = err ? err : copy_job(sql, order, job, place.plan);
        err = err ? err : keep_text(sql, job, now_ms);
    } else {
        err = copy_profile(sql, order, what);
    }
    return err ? err : propose_parts(sql, order, what->rule, now_ms);
}

enum err work_create(struct office *office, struct sql *sql, const struct work_new *what, int64_t now_ms,
                     int64_t *ret_id)
{
    char number[32], code[7], rma[32] = "";
    enum err err;

    numbers_make('W', number, sizeof(number));
    numbers_secret(code, 6);
    if (what->kind == JOB_DEPOT_REPAIR) {
        numbers_make('R', rma, sizeof(rma));
    }
    err = sql_run(sql,
                  "INSERT INTO work_order (number, kind, ticket, visit, equipment, site, team, technician, from_ms,"
                  " to_ms, state, before, reason, created_ms, client_id, title, urgency, parent, serial, rma, code,"
                  " agreed_by) VALUES (?1, ?2, NULLIF(?3, 0), NULLIF(?4, 0), NULLIF(?5, 0), NULLIF(?6, 0),"
                  " NULLIF(?7, 0), NULLIF(?8, 0), NULLIF(?9, 0), NULLIF(?10, 0), ?11, ?12, ?13, ?14, ?15, ?16, ?17,"
                  " NULLIF(?18, 0), ?19, NULLIF(?20, ''), ?21, ?22)",
                  "ttiiiiiiiitttittt" "itttt", number, job_kind_names[what->kind], what->ticket, what->visit,
                  what->equipment, what->site, what->team, what->technician, what->from_ms, what->to_ms,
                  what->technician ? "assigned" : "proposed", what->before,
                  what->reason && what->reason[0] ? what->reason : NULL, now_ms, what->client_id, what->title,
                  what->urgency, what->parent, what->serial, rma, code, what->agreed_by);
    if (err) {
        return err;
    }
    *ret_id = sql_last_id(sql);
    return fill(office, sql, *ret_id, what, now_ms);
}

enum err work_refill(struct office *office, struct sql *sql, int64_t order, const struct work_new *what,
                     int64_t now_ms)
{
    enum err err = sql_run(sql, "DELETE FROM work_step WHERE work_order = ?1", "i", order);

    if (!err) {
        err = sql_run(sql, "DELETE FROM work_gate WHERE work_order = ?1", "i", order);
    }
    if (!err) {
        err = sql_run(sql, "DELETE FROM work_part WHERE work_order = ?1 AND state = 'proposed'", "i", order);
    }
    if (!err) {
        err = sql_run(sql,
                      "UPDATE work_order SET team = NULLIF(?2, 0), before = ?3, reason = NULLIF(?4, ''), job = NULL,"
                      " job_hash = NULL, version = version + 1 WHERE id = ?1",
                      "iitt", order, what->team, what->before, what->reason);
    }
    return err ? err : fill(office, sql, order, what, now_ms);
}
