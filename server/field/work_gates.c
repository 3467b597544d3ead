/* What holds an order up: gates somebody has to confirm, and what its job plan wants at each stage. */
#include "server/field/work_int.h"

#include <string.h>

#include "server/dossier/files.h"

static bool is_overridden(struct sql *sql, int64_t order, const char *need)
{
    return sql_find_int(sql, 0, "SELECT 1 FROM work_override WHERE work_order = ?1 AND need = ?2", "it", order, need);
}

static void add(struct text *to, const char *name, const char *detail)
{
    text_addf(to, "%s%s%s%s%s", to->length ? ", " : "", name, detail ? " (" : "", detail ? detail : "",
              detail ? ")" : "");
}

/* Steps without an answer, of one section. */
static enum err open_steps(struct sql *sql, int64_t order, const char *section, const char *need, struct text *to)
{
    struct sql_rows rows;
    TEXT(steps, 400);

    sql_find(sql, &rows,
             "SELECT step FROM work_step WHERE work_order = ?1 AND section = ?2 AND required = 1 AND (light = 'open' OR"
             " (section = 'precaution' AND light <> 'green')) ORDER BY position",
             "it", order, section);
    while (sql_next(&rows)) {
        text_addf(&steps, "%s%s", steps.length ? " " : "", sql_text(&rows, 0));
    }
    if (steps.length > 0) {
        add(to, need, steps.at);
    }
    return sql_end(&rows);
}

/* S0-01: what the plan wants handed over and was not, where the plan lets nothing be accepted without it. */
static enum err open_documents(struct office *office, struct sql *sql, const struct order *order, const char *name,
                               struct text *to)
{
    struct file_asked asked = {.sql = sql, .rules = office->options.rules, .preset_plan = office->options.preset_plan,
                               .zone = zone_utc(), .now_ms = order->created_ms};
    int64_t site = sql_find_int(sql, order->site, "SELECT site FROM equipment WHERE id = ?1", "i", order->equipment);
    const struct plan *plan;
    int count = 0;
    enum err err = ERR_OK;
    TEXT(missing, 400);

    /* as things stood when the order was last heard of */
    asked.now_ms = sql_find_int(sql, asked.now_ms, "SELECT MAX(at_ms) FROM work_event WHERE work_order = ?1", "i", order->id);
    plan = order->equipment && asked.rules ? file_plan(&asked, site) : NULL;
    if (plan && plan->files.gate) {
        err = library_missing(sql, plan, order->equipment, zone_day(asked.zone, asked.now_ms), NULL, &count, &missing);
    }
    if (!err && count > 0) {
        add(to, name, missing.at);
    }
    return err;
}

static enum err open_need(struct office *office, struct sql *sql, const struct order *order, int need,
                          struct text *to)
{
    const char *name = job_need_names[need];
    char verdict[8];
    enum err err = ERR_OK;

    switch ((enum job_need)need) {
    case JOB_NEED_PRECAUTIONS:
        return open_steps(sql, order->id, "precaution", name, to);
    case JOB_NEED_STEPS:
        return open_steps(sql, order->id, "step", name, to);
    case JOB_NEED_TEST:
        err = tests_show(office->arena, sql, order->id, "after", zone_utc(), NULL, verdict);
        if (!err && (strcmp(verdict, "none") == 0 || strcmp(verdict, "red") == 0)) {
            add(to, name, strcmp(verdict, "red") == 0 ? "red" : "there are no values");
        }
        return err;
    case JOB_NEED_TECHNICIAN:
    case JOB_NEED_CUSTOMER:
        if (!sql_find_int(sql, 0, "SELECT 1 FROM work_sign WHERE work_order = ?1 AND role = ?2", "it", order->id,
                          name)) {
            add(to, name, "signature");
        }
        return ERR_OK;
    case JOB_NEED_ACCEPTANCE:
        if (!text_same(order->result, "accepted")) {
            add(to, name, NULL);
        }
        return ERR_OK;
    case JOB_NEED_FINDINGS:
        if (sql_find_int(sql, 0,
                         "SELECT COUNT(*) FROM work_step s JOIN ticket t ON t.id = s.ticket WHERE s.work_order = ?1 AND"
                         " t.closed_ms IS NULL",
                         "i", order->id)) {
            add(to, name, "their tickets are open");
        }
        return ERR_OK;
    case JOB_NEED_DOCUMENTS:
        return open_documents(office, sql, order, name, to);
    case JOB_NEEDS:
        break;
    }
    return err;
}

static enum err open_gates(struct sql *sql, int64_t order, enum job_stage stage, struct text *to)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT gate, stage FROM work_gate g WHERE work_order = ?1 AND must = 1 AND confirmed_ms IS NULL AND NOT"
             " EXISTS (SELECT 1 FROM work_override o WHERE o.work_order = g.work_order AND o.need = g.gate) ORDER BY"
             " position",
             "i", order);
    while (sql_next(&rows)) {
        if (job_stage_read(sql_text(&rows, 1)) <= (int)stage) {
            add(to, sql_text(&rows, 0), NULL);
        }
    }
    return sql_end(&rows);
}

enum err gates_open(struct office *office, struct sql *sql, const struct order *order, enum job_stage stage,
                    struct text *to)
{
    const struct cJSON *needs = json_field(json_field(order->job, "needs"), job_stage_names[stage]);
    enum err err = open_gates(sql, order->id, stage, to);

    for (int need = 0; !err && need < JOB_NEEDS; need++) {
        bool wanted = false;

        for (const struct cJSON *item = json_first(needs); item; item = json_next(item)) {
            wanted = wanted || text_same(json_as_text(item), job_need_names[need]);
        }
        if (wanted && !is_overridden(sql, order->id, job_need_names[need])) {
            err = open_need(office, sql, order, need, to);
        }
    }
    return err;
}

/* ------------------------------------------------------------------ left out, with a reason */

static enum err put_override(struct work *work, const char *need, const char *code, const char *note)
{
    return sql_run(work->sql,
                   "INSERT INTO work_override (work_order, need, code, note, who, at_ms, action_id) VALUES (?1, ?2,"
                   " ?3, ?4, ?5, ?6, ?7) ON CONFLICT (work_order, need) DO NOTHING",
                   "ittttit", work->order.id, need, code, note, work->action->who, work->at_ms,
                   work->action->action_id);
}

static enum err read_override(struct work *work, const struct cJSON *from, const char **ret_code,
                              const char **ret_note)
{
    const struct codes *codes = rules_codes(work->office->options.rules);
    const struct code *code;
    TEXT(names, 800);

    *ret_code = json_text_or(from, "code", NULL);
    *ret_note = json_text_or(from, "note", work->action->note);
    code = codes ? codes_find(&codes->overrides, *ret_code) : NULL;
    if (codes ? !code : !*ret_code || !text_is_id(*ret_code)) {
        if (codes) {
            codes_name(&codes->overrides, &names);
        }
        return text_say(work->why, ERR_FORMAT, "override: expected a code%s%s, found '%.40s'", codes ? ", one of " : "",
                        names.at, *ret_code ? *ret_code : "");
    }
    if (code && code->note && (!*ret_note || !(*ret_note)[0])) {
        return text_say(work->why, ERR_FORMAT, "override: the code %s needs a note", code->id);
    }
    return ERR_OK;
}

enum err gates_put_override(struct work *work, const struct cJSON *from, const char *need)
{
    const char *code, *note;
    enum err err = read_override(work, from, &code, &note);

    return err ? err : put_override(work, need, code, note);
}

static bool is_need(struct work *work, const char *need)
{
    if (fit_is_need(need)) {
        return true;
    }
    for (int i = 0; need && i < JOB_NEEDS; i++) {
        if (strcmp(need, job_need_names[i]) == 0) {
            return true;
        }
    }
    return sql_find_int(work->sql, 0, "SELECT 1 FROM work_gate WHERE work_order = ?1 AND gate = ?2", "it",
                        work->order.id, need);
}

enum err do_override(struct work *work)
{
    const char *need = json_text_or(work->action->body, "need", NULL), *code, *note;
    enum err err = read_override(work, work->action->body, &code, &note);

    if (!err && !is_need(work, need)) {
        return text_say(work->why, ERR_FORMAT,
                        "need: expected precautions, steps, test, technician, customer, acceptance, findings, documents, certificate, tools or a gate of the"
                        " order, found '%.40s'",
                        need ? need : "");
    }
    return err ? err : put_override(work, need, code, note);
}

enum err gates_override(struct work *work, enum job_stage stage)
{
    const struct cJSON *from = json_field(work->action->body, "override"), *list = json_field(from, "needs");
    const struct cJSON *needs = json_field(json_field(work->order.job, "needs"), job_stage_names[stage]);
    const char *code, *note;
    enum err err;

    if (!from) {
        return ERR_OK;
    }
    err = read_override(work, from, &code, &note);
    /* what it names; without names all that the job plan wants at this stage, but no gate */
    for (const struct cJSON *item = json_first(list ? list : needs); !err && item; item = json_next(item)) {
        const char *need = json_as_text(item);
        TEXT(open, 600);

        if (!is_need(work, need)) {
            return text_say(work->why, ERR_FORMAT, "override: this order wants no '%.40s'", need ? need : "");
        }
        err = list ? ERR_OK : gates_open(work->office, work->sql, &work->order, stage, &open);
        if (!err && (list || strstr(open.at, need))) {
            err = put_override(work, need, code, note);
        }
    }
    return err;
}

enum err gates_pass(struct work *work, enum job_stage stage)
{
    TEXT(open, 600);
    enum err err = gates_override(work, stage);

    if (!err) {
        err = gates_open(work->office, work->sql, &work->order, stage, &open);
    }
    if (!err && open.length > 0) {
        return text_say(work->why, ERR_STATE,
                        "%s is not legal now: still open: %s. Legal: check confirm sign, or an override with a code",
                        work->action->action, open.at);
    }
    return err;
}

/* ------------------------------------------------------------------ confirmed */

struct gate {
    bool found, written, another, confirmed, manager;
    char follows[65]; /* the gate before it in the chain; "": none */
};

static enum err find_gate(struct work *work, const char *name, struct gate *gate)
{
    struct sql_rows rows;

    sql_find(work->sql, &rows,
             "SELECT written, another, confirmed_ms IS NOT NULL, manager, follows FROM work_gate WHERE work_order = ?1 AND gate = ?2",
             "it", work->order.id, name);
    if (sql_next(&rows)) {
        *gate = (struct gate){true, sql_int(&rows, 0) != 0, sql_int(&rows, 1) != 0, sql_int(&rows, 2) != 0,
                              sql_int(&rows, 3) != 0, ""};
        (void)!text_copy(gate->follows, sizeof(gate->follows), sql_null(&rows, 4) ? "" : sql_text(&rows, 4));
    }
    return sql_end(&rows);
}

/* Who did the work does not say that it is good (S1-43). */
static bool is_worker(struct work *work, const char *by)
{
    return sql_find_int(work->sql, 0,
                        "SELECT 1 FROM work_order w JOIN technician h ON h.id = w.technician WHERE w.id = ?1 AND"
                        " (h.name = ?2 OR h.title = ?2)",
                        "it", work->order.id, by) ||
           sql_find_int(work->sql, 0,
                        "SELECT 1 FROM work_event WHERE work_order = ?1 AND action IN ('start', 'finish') AND who ="
                        " ?2",
                        "it", work->order.id, by);
}

/* The link of a chain: by a manager where that is wanted, and after the one before it, by somebody else (S0-35). */
static enum err check_chain(struct work *work, const struct gate *gate, const char *name, const char *by)
{
    enum role role = work->action->role;

    if (gate->manager && role != ROLE_MANAGER && role != ROLE_ADMIN && role != ROLE_SERVER) {
        return text_say(work->why, ERR_STATE, "%s has to be confirmed by a manager. Legal: confirm by a manager", name);
    }
    if (gate->follows[0] &&
        !sql_find_int(work->sql, 0,
                      "SELECT 1 FROM work_gate WHERE work_order = ?1 AND gate = ?2 AND confirmed_ms <= ?3", "iti",
                      work->order.id, gate->follows, work->at_ms)) {
        return text_say(work->why, ERR_STATE, "%s comes after %s. Legal: confirm of %s", name, gate->follows,
                        gate->follows);
    }
    if (gate->follows[0] &&
        sql_find_int(work->sql, 0, "SELECT 1 FROM work_gate WHERE work_order = ?1 AND gate = ?2 AND by_name = ?3",
                     "itt", work->order.id, gate->follows, by)) {
        return text_say(work->why, ERR_STATE, "%s was confirmed by %s. Legal: confirm by another", gate->follows, by);
    }
    return ERR_OK;
}

enum err do_confirm(struct work *work)
{
    const struct cJSON *body = work->action->body;
    const char *name = json_text_or(body, "gate", NULL), *by = json_text_or(body, "by", NULL);
    const char *reference = json_text_or(body, "reference", NULL);
    struct gate gate = {.found = false};
    enum err err = find_gate(work, name, &gate);

    if (!err && !gate.found) {
        return text_say(work->why, ERR_FORMAT, "gate: this order has none called '%.60s'", name ? name : "");
    }
    if (!err && (!by || !by[0])) {
        return text_say(work->why, ERR_FORMAT, "confirm needs by: the name of who confirms");
    }
    if (!err && gate.written && (!reference || !reference[0])) {
        return text_say(work->why, ERR_FORMAT,
                        "confirm of %s needs a reference: the document's number, or an attachment's id", name);
    }
    if (!err && gate.another && is_worker(work, by)) {
        return text_say(work->why, ERR_STATE, "%s has to be confirmed by somebody else. Legal: confirm by another",
                        name);
    }
    if (!err) {
        err = check_chain(work, &gate, name, by);
    }
    return err ? err
               : sql_run(work->sql,
                         "UPDATE work_gate SET confirmed_ms = ?3, by_name = ?4, who = ?5, how = ?6, reference = ?7,"
                         " note = ?8, action_id = ?9 WHERE work_order = ?1 AND gate = ?2 AND (confirmed_ms IS NULL OR"
                         " confirmed_ms < ?3 OR (confirmed_ms = ?3 AND COALESCE(action_id, '') <= COALESCE(?9, '')))",
                         "ititttttt", work->order.id, name, work->at_ms, by, work->action->who,
                         json_text_or(body, "how", gate.written ? "written" : "phone"), reference,
                         work->action->note, work->action->action_id);
}
