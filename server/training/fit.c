/* Whether who goes may go: certificates that hold on the day of the work, and tools that may be believed. */
#include <string.h>

#include "models/base/civil.h"
#include "server/fleet/crew.h"
#include "server/training/tool.h"

static const struct crew_person *person_with(const struct crew *crew, int64_t id)
{
    for (size_t i = 0; i < crew->person_count; i++) {
        if (crew->people[i].id == id) {
            return &crew->people[i];
        }
    }
    return NULL;
}

/* He had it, and it has run out by then. Who never had it is dispatch's to judge. */
static void find_lapsed(const struct crew_person *person, const char *skill, int32_t day, struct text *to)
{
    int32_t until = ROUTING_NO_DAY;
    char words[11];

    for (size_t i = 0; i < person->certificate_count; i++) {
        if (text_same(person->certificates[i].type, skill) && person->certificates[i].valid_to > until) {
            until = person->certificates[i].valid_to;
        }
    }
    if (until != ROUTING_NO_DAY && until < day) {
        civil_write_date(until, words);
        text_addf(to, "%sthe certificate %s of %s ran out on %s", to->length ? "; " : "", skill, person->name, words);
    }
}

/* One of the class that he has and that may be used on that day is enough; else the words of the first that may not. */
static enum err find_tool(struct sql *sql, const char *class, int64_t technician, const char *name, int32_t day, struct text *to)
{
    bool known = false, well = false;
    struct sql_rows rows;
    TEXT(why, 200);

    sql_find(sql, &rows,
             "SELECT t.name, t.state, t.valid_day, CASE WHEN t.technician = ?2 OR t.depot IN (SELECT d.id FROM depot d WHERE"
             " d.technician = ?2) THEN 1 ELSE 0 END FROM tool t WHERE t.class = ?1 AND t.state <> 'retired' ORDER BY 4 DESC, t.id",
             "ti", class, technician);
    while (sql_next(&rows) && !well) {
        bool mine = sql_int(&rows, 3) == 1, ready = strcmp(sql_text(&rows, 1), "ready") == 0;
        int32_t until = sql_null(&rows, 2) ? INT32_MAX : (int32_t)sql_int(&rows, 2);
        char words[11];

        known = true;
        well = mine && ready && until >= day;
        if (mine && !well && !why.length && !ready) {
            text_addf(&why, "%s %.64s is %s", class, sql_text(&rows, 0), sql_text(&rows, 1));
        } else if (mine && !well && !why.length) {
            civil_write_date(until, words);
            text_addf(&why, "the calibration of %s %.64s ran out on %s", class, sql_text(&rows, 0), words);
        }
    }
    if (known && !well) {
        text_addf(to, "%s%s%s%s", to->length ? "; " : "", why.length ? why.at : name, why.length ? "" : " has no ",
                  why.length ? "" : class);
        text_add(to, why.length ? "" : " in the van");
    }
    return sql_end(&rows);
}

enum err fit_find(struct office *office, struct sql *sql, const struct fit_ask *ask, struct text *certificates, struct text *tools)
{
    const struct crew_person *person;
    const struct crew *crew;
    enum err err = ask->technician && ask->job ? office_crew(office, sql, &crew) : ERR_OK;

    if (err || !ask->technician || !ask->job) {
        return err;
    }
    person = person_with(crew, ask->technician);
    for (const struct cJSON *item = json_first(json_field(ask->job, "skills")); person && item; item = json_next(item)) {
        find_lapsed(person, json_as_text(item), ask->day, certificates);
    }
    for (const struct cJSON *item = json_first(json_field(ask->job, "tools")); !err && person && item; item = json_next(item)) {
        err = find_tool(sql, json_as_text(item), ask->technician, person->name, ask->day, tools);
    }
    return err;
}

/* ------------------------------------------------------------------ measured with it */

struct cited {
    int64_t id;
    int32_t until;
    char class[65], state[16], certificate[80];
    bool mine;
};

static enum err read_tool(struct sql *sql, const struct tool_cited *what, struct cited *tool)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT id, valid_day, class, state, COALESCE(certificate, ''), CASE WHEN ?2 = 0 OR technician = ?2 OR depot IN"
             " (SELECT d.id FROM depot d WHERE d.technician = ?2) THEN 1 ELSE 0 END FROM tool WHERE name = ?1",
             "ti", what->tool, what->technician);
    if (sql_next(&rows)) {
        tool->id = sql_int(&rows, 0);
        tool->until = sql_null(&rows, 1) ? INT32_MAX : (int32_t)sql_int(&rows, 1);
        (void)!text_copy(tool->class, sizeof(tool->class), sql_text(&rows, 2));
        (void)!text_copy(tool->state, sizeof(tool->state), sql_text(&rows, 3));
        (void)!text_copy(tool->certificate, sizeof(tool->certificate), sql_text(&rows, 4));
        tool->mine = sql_int(&rows, 5) == 1;
    }
    return sql_end(&rows);
}

static enum err judge_cited(const struct tool_cited *what, const struct cited *tool, struct text *why)
{
    char words[11];

    if (!tool->id) {
        return text_say(why, ERR_FORMAT, "tool: there is none called '%.64s'", what->tool);
    }
    if (what->class && strcmp(tool->class, what->class) != 0) {
        return text_say(why, ERR_FORMAT, "tool: the step is measured with a %s, and %.64s is a %s", what->class, what->tool,
                        tool->class);
    }
    if (strcmp(tool->state, "ready") != 0) {
        return text_say(why, ERR_STATE, "%.64s is %s and may not be used. Legal: check with another tool", what->tool, tool->state);
    }
    if (tool->until < what->day) {
        civil_write_date(tool->until, words);
        return text_say(why, ERR_STATE, "the calibration of %.64s ran out on %s. Legal: check with another tool", what->tool,
                        words);
    }
    return tool->mine ? ERR_OK
                      : text_say(why, ERR_STATE, "%.64s is not with who does the work. Legal: hand of the tool, or another tool",
                                 what->tool);
}

enum err tool_cite(struct sql *sql, const struct tool_cited *what, struct text *why)
{
    struct cited tool = {.id = 0};
    enum err err;

    if (!what->tool) {
        return what->class && sql_find_int(sql, 0, "SELECT 1 FROM tool WHERE class = ?1 AND state <> 'retired' LIMIT 1", "t",
                                           what->class)
                   ? text_say(why, ERR_FORMAT, "tool: expected which %s it was measured with", what->class)
                   : ERR_OK;
    }
    err = read_tool(sql, what, &tool);
    err = err ? err : judge_cited(what, &tool, why);
    return err ? err
               : sql_run(sql,
                         "INSERT INTO tool_use (work_order, step, tool, at_ms, who, certificate, valid_day) VALUES (?1, ?2, ?3, ?4,"
                         " ?5, NULLIF(?6, ''), NULLIF(?7, 2147483647)) ON CONFLICT (work_order, step, tool) DO UPDATE SET at_ms ="
                         " excluded.at_ms, who = excluded.who, certificate = excluded.certificate, valid_day = excluded.valid_day"
                         " WHERE tool_use.at_ms < excluded.at_ms",
                         "itiitti", what->order, what->step, tool.id, what->at_ms, what->who, tool.certificate,
                         (int64_t)tool.until);
}
