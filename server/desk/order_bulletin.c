/* What a technical bulletin asks for becomes a planned change. */
#include <string.h>

#include "server/desk/desk_int.h"
#include "server/dossier/dossier.h"

struct asked {
    int64_t equipment, site;
    const char *job, *title;
    char state[16];
};

static enum err find(struct office *office, struct sql *sql, int64_t bulletin, const char *name, struct asked *asked)
{
    struct sql_rows rows;
    bool found;
    enum err err;

    sql_find(sql, &rows,
             "SELECT u.equipment, e.site, b.job, COALESCE(b.title_en, b.name), u.state FROM bulletin_unit u JOIN bulletin b ON"
             " b.id = u.bulletin JOIN equipment e ON e.id = u.equipment WHERE u.bulletin = ?1 AND e.name = ?2",
             "it", bulletin, name);
    found = sql_next(&rows);
    if (found) {
        asked->equipment = sql_int(&rows, 0);
        asked->site = sql_int(&rows, 1);
        asked->job = sql_null(&rows, 2) ? NULL : arena_text(office->arena, sql_text(&rows, 2), strlen(sql_text(&rows, 2)));
        asked->title = arena_text(office->arena, sql_text(&rows, 3), strlen(sql_text(&rows, 3)));
        (void)!text_copy(asked->state, sizeof(asked->state), sql_text(&rows, 4));
    }
    err = sql_end(&rows);
    return err ? err : found ? ERR_OK : ERR_NOT_FOUND;
}

enum err bulletin_order(struct office *office, struct sql *sql, int64_t bulletin, const struct action *action, int64_t now_ms,
                        struct text *why)
{
    const char *name = json_text_or(action->body, "equipment", "");
    struct asked asked = {.equipment = 0};
    struct place place;
    int64_t order;
    enum err err = find(office, sql, bulletin, name, &asked);

    if (err == ERR_NOT_FOUND) {
        return text_say(why, ERR_FORMAT, "equipment: expected one that the bulletin is about, found '%.64s'", name);
    }
    if (!err && strcmp(asked.state, "ordered") == 0 && action->action_id &&
        sql_find_int(sql, 0, "SELECT 1 FROM work_order WHERE client_id = ?1", "t", action->action_id)) {
        return ERR_OK; /* the same once more */
    }
    if (!err && strcmp(asked.state, "open") != 0) {
        return text_say(why, ERR_STATE, "it is %s. Legal: %s", asked.state,
                        strcmp(asked.state, "ordered") == 0 ? "done, refuse" : "reopen");
    }
    err = err ? err : place_find(office, sql, asked.equipment, asked.site, now_ms, &place);
    if (err) {
        return err;
    }
    struct work_new what = {.kind = JOB_PLANNED_CHANGE, .job = rules_job(office->options.rules, asked.job),
                            .profile = place.profile, .equipment = asked.equipment, .site = asked.site, .title = asked.title,
                            .reason = action->note, .client_id = action->action_id};

    if (what.job && what.job->kind != JOB_PLANNED_CHANGE) {
        what.job = NULL; /* the one that fits best */
    }
    err = work_create(office, sql, &what, now_ms, &order);
    return err ? err : bulletin_ordered(sql, bulletin, asked.equipment, order, action->who, now_ms);
}
