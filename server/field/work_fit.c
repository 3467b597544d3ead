/* Whoever is sent may go: his certificates hold on the day of the work, and the tools that the job asks for are with him
 * and may be believed (S1-36, S1-38). Judged when the order is given and again when he goes. */
#include "server/field/work_int.h"

#include <string.h>

#include "server/training/tool.h"

#define CERTIFICATE "certificate"
#define TOOLS       "tools"

bool fit_is_need(const char *need)
{
    return text_same(need, CERTIFICATE) || text_same(need, TOOLS);
}

static bool is_waived(struct sql *sql, int64_t order, const char *need)
{
    return sql_find_int(sql, 0, "SELECT 1 FROM work_override WHERE work_order = ?1 AND need = ?2", "it", order, need) != 0;
}

static enum err find(struct office *office, struct sql *sql, const struct order *order, int64_t technician, int64_t at_ms,
                     struct text *certificates, struct text *tools)
{
    struct fit_ask ask = {.job = order->job, .technician = technician};
    struct place place;
    enum err err;

    if (!order->job || !technician) {
        return ERR_OK;
    }
    err = place_find(office, sql, order->equipment, order->site, at_ms, &place);
    ask.day = err ? (int32_t)(at_ms / 86400000) : place_day(office, &place, at_ms);
    err = err && err != ERR_NOT_FOUND ? err : fit_find(office, sql, &ask, certificates, tools);
    if (is_waived(sql, order->id, CERTIFICATE)) {
        text_clear(certificates);
    }
    if (is_waived(sql, order->id, TOOLS)) {
        text_clear(tools);
    }
    return err;
}

enum err work_unfit(struct office *office, struct sql *sql, int64_t id, int64_t technician, int64_t at_ms, struct text *to)
{
    struct order order;
    TEXT(certificates, 400);
    TEXT(tools, 400);
    enum err err = order_load(office, sql, id, &order);

    err = err ? err
              : find(office, sql, &order, technician, at_ms ? at_ms : order.from_ms, &certificates, &tools);
    text_add(to, certificates.at);
    text_addf(to, "%s%s", certificates.length && tools.length ? "; " : "", tools.at);
    return err;
}

enum err work_fit_waive(struct sql *sql, int64_t order, const char *reason, const char *who, int64_t at_ms)
{
    static const char *const needs[] = {CERTIFICATE, TOOLS};
    enum err err = sql_run(sql,
                           "DELETE FROM work_override WHERE work_order = ?1 AND need IN ('certificate', 'tools')", "i", order);

    for (int i = 0; !err && reason && i < 2; i++) {
        err = sql_run(sql,
                      "INSERT INTO work_override (work_order, need, code, note, who, at_ms) VALUES (?1, ?2, 'assigned', ?3, ?4,"
                      " ?5) ON CONFLICT (work_order, need) DO NOTHING",
                      "ittti", order, needs[i], reason, who, at_ms);
    }
    return err;
}

/* An override without names leaves out what is missing now. */
static enum err leave_out(struct work *work, const char *need, struct text *words)
{
    const struct cJSON *override = json_field(work->action->body, "override");

    if (!words->length || !override || json_field(override, "needs")) {
        return ERR_OK;
    }
    text_clear(words);
    return gates_put_override(work, override, need);
}

enum err fit_pass(struct work *work, int64_t technician, int64_t at_ms)
{
    TEXT(certificates, 400);
    TEXT(tools, 400);
    enum err err = find(work->office, work->sql, &work->order, technician, at_ms, &certificates, &tools);

    err = err ? err : leave_out(work, CERTIFICATE, &certificates);
    err = err ? err : leave_out(work, TOOLS, &tools);
    if (err || (!certificates.length && !tools.length)) {
        return err;
    }
    return text_say(work->why, ERR_STATE,
                    "%s is not legal now: %s%s%s. Legal: %s, or an override with a code (needs: %s)", work->action->action,
                    certificates.at, certificates.length && tools.length ? "; " : "", tools.at,
                    certificates.length ? "assign of another" : "assign of another, hand or calibrate of a tool",
                    certificates.length ? CERTIFICATE : TOOLS);
}

/* What a step was measured with, when it was answered by hand. */
enum err fit_cite(struct work *work, const struct job_step *step)
{
    const struct cJSON *value = json_field(work->action->body, "value");
    struct tool_cited cited = {.order = work->order.id, .technician = work->order.technician, .step = step->id,
                               .tool = json_text_or(work->action->body, "tool", NULL), .class = step->tool,
                               .who = work->action->who, .at_ms = work->at_ms};
    struct place place;
    enum err err;

    if (!cited.tool && (!step->tool || !value || json_is_null(value))) {
        return ERR_OK;
    }
    err = place_find(work->office, work->sql, work->order.equipment, work->order.site, work->at_ms, &place);
    cited.day = err ? (int32_t)(work->at_ms / 86400000) : place_day(work->office, &place, work->at_ms);
    return err && err != ERR_NOT_FOUND ? err : tool_cite(work->sql, &cited, work->why);
}
