/* What was promised for a piece of equipment, as its plan says it, with where each promise comes from. */
#include <string.h>

#include "server/desk/view.h"

static void put_origin(struct json_out *out, const struct plan_origin *origin)
{
    TEXT(words, 400);

    for (const char *const *id = origin->ids; id && *id; id++) {
        text_addf(&words, "%s%s", words.at[0] ? " " : "", *id);
    }
    json_text(out, "flag", origin->flag == 'S' ? "S" : "A");
    json_text(out, "ids", words.at);
    json_text(out, "note", origin->note);
}

static void put_duration(struct json_out *out, const char *name, const struct duration *duration)
{
    TEXT(words, 40);

    text_addf(&words, "%lld%s", (long long)duration->count, duration_unit_text(duration->unit));
    json_text(out, name, words.at);
}

/* ------------------------------------------------------------------ what the past says of it (S0-78) */

#define HISTORY_MOST  20000 /* of the newest clocks: a bounded look */
#define HISTORY_LEAST 10    /* fewer say nothing */
#define TARGETS_SEEN  64

struct kept {
    int64_t count, kept;
};

struct history {
    struct kept of[TARGETS_SEEN][PLAN_GRADES]; /* further targets have none */
};

/* Would that one have been kept under this limit? false: it cannot be said, since its time was counted in another way. */
static bool was_kept(const struct plan_target *target, const struct plan_limit *limit, const struct sql_rows *rows, bool *ret_kept)
{
    const char *words = sql_text(rows, 3);
    TEXT(same, 40);
    int64_t ms;

    text_addf(&same, "%lld%s", (long long)limit->limit.count, duration_unit_text(limit->limit.unit));
    if (!target->working_hours && sql_int(rows, 5) == 0 && !duration_ms(limit->limit, &ms)) {
        *ret_kept = !sql_null(rows, 2) && sql_int(rows, 2) <= ms;
        return true;
    }
    *ret_kept = !sql_null(rows, 2) && sql_null(rows, 4);
    return text_same(words, same.at) && target->working_hours == (sql_int(rows, 5) != 0);
}

static enum err read_history(struct sql *sql, const struct plan *plan, char level, struct history *history)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT k.kind, t.grade, k.met_ms - k.started_ms - COALESCE((SELECT SUM(p.to_ms - p.from_ms) FROM pause p WHERE"
             " p.ticket = k.ticket AND p.from_ms >= k.started_ms AND p.to_ms <= k.met_ms), 0), k.limit_text, k.breached_ms,"
             " k.working_hours FROM (SELECT * FROM clock ORDER BY id DESC LIMIT ?1) k JOIN ticket t ON t.id = k.ticket WHERE"
             " k.met_ms IS NOT NULL OR k.breached_ms IS NOT NULL",
             "i", (int64_t)HISTORY_MOST);
    while (sql_next(&rows)) {
        int64_t grade = sql_int(&rows, 1);

        for (size_t i = 0; i < plan->target_count && i < TARGETS_SEEN && grade >= 1 && grade <= PLAN_GRADES; i++) {
            const struct plan_limit *limit = &plan->targets[i].limits[grade - 1][level - 'A'];
            struct kept *kept = &history->of[i][grade - 1];
            bool was;

            if (limit->set && text_same(plan->targets[i].kind, sql_text(&rows, 0)) &&
                was_kept(&plan->targets[i], limit, &rows, &was)) {
                kept->count++;
                kept->kept += was;
            }
        }
    }
    return sql_end(&rows);
}

static void put_kept(struct json_out *out, const struct kept *kept)
{
    json_key(out, "history");
    json_open_object(out);
    json_int(out, "count", kept->count);
    if (kept->count >= HISTORY_LEAST) {
        json_number(out, "kept", (double)(100 * kept->kept / kept->count) / 100);
    } else {
        json_null(out, "kept");
    }
    json_close_object(out);
}

/* ------------------------------------------------------------------ the promises */

static void put_limit(struct json_out *out, const struct plan_target *target, int grade, const struct plan_limit *limit,
                      const struct kept *kept)
{
    json_open_object(out);
    json_text(out, "clock", target->kind);
    json_int(out, "grade", grade);
    put_duration(out, "limit", &limit->limit);
    json_bool(out, "working_hours", target->working_hours);
    put_origin(out, &limit->origin);
    put_kept(out, kept);
    json_close_object(out);
}

/* doubtful: only those that the past broke more often than it kept. */
static void put_clocks(struct json_out *out, const struct plan *plan, char level, const struct history *history, bool doubtful)
{
    json_key(out, doubtful ? "doubtful" : "clocks");
    json_open_list(out);
    for (size_t i = 0; i < plan->target_count; i++) {
        for (int grade = 1; grade <= PLAN_GRADES; grade++) {
            const struct plan_limit *limit = &plan->targets[i].limits[grade - 1][level - 'A'];

            static const struct kept none = {0};
            const struct kept *kept = i < TARGETS_SEEN ? &history->of[i][grade - 1] : &none;

            if (limit->set && (!doubtful || (kept->count >= HISTORY_LEAST && 2 * kept->kept < kept->count))) {
                put_limit(out, &plan->targets[i], grade, limit, kept);
            }
        }
    }
    json_close_list(out);
}

static void put_duties(struct json_out *out, const struct plan *plan)
{
    json_key(out, "duties");
    json_open_list(out);
    for (int i = 0; i < PLAN_DUTIES; i++) {
        if (plan->duties[i].set) {
            json_open_object(out);
            json_text(out, "duty", plan_duty_names[i]);
            put_duration(out, "limit", &plan->duties[i].limit);
            put_origin(out, &plan->duties[i].origin);
            json_close_object(out);
        }
    }
    json_close_list(out);
}

static void put_classes(struct json_out *out, const struct plan *plan)
{
    json_key(out, "warranty_terms");
    json_open_list(out);
    for (size_t i = 0; i < plan->class_count; i++) {
        json_open_object(out);
        json_text(out, "component", plan->classes[i].component);
        put_duration(out, "term", &plan->classes[i].term);
        put_origin(out, &plan->classes[i].origin);
        json_close_object(out);
    }
    json_close_list(out);
}

enum err view_promises(struct sql *sql, struct rules *rules, const char *preset_plan, int64_t equipment, int64_t now_ms,
                       struct json_out *out)
{
    struct history history = {0};
    const struct plan *plan = NULL;
    struct sql_rows rows;
    char level = 'C';
    enum err err;

    sql_find(sql, &rows,
             "SELECT c.plan, c.service_level FROM equipment e JOIN contract_site m ON m.site = e.site JOIN contract c ON c.id ="
             " m.contract WHERE e.id = ?1 AND (c.start_day IS NULL OR c.start_day <= ?2) AND (c.end_day IS NULL OR c.end_day"
             " >= ?2) ORDER BY c.start_day DESC, c.id DESC LIMIT 1",
             "ii", equipment, now_ms / 86400000);
    if (sql_next(&rows)) {
        const char *said = sql_text(&rows, 1);

        plan = rules_plan(rules, sql_text(&rows, 0));
        level = said && said[0] >= 'A' && said[0] <= 'C' ? said[0] : level;
    }
    err = sql_end(&rows);
    plan = plan ? plan : rules_plan(rules, preset_plan);
    err = err || !plan ? err : read_history(sql, plan, level, &history);
    json_open_object(out);
    if (!err && plan) {
        char letter[2] = {level, 0};

        json_text(out, "plan", plan->id);
        json_text(out, "version", plan->version);
        json_text(out, "hash", plan->hash);
        json_text(out, "service_level", letter);
        json_int(out, "visits_per_year", plan->visits_per_year);
        put_clocks(out, plan, level, &history, false);
        put_clocks(out, plan, level, &history, true);
        put_duties(out, plan);
        put_classes(out, plan);
    }
    json_close_object(out);
    return err;
}
