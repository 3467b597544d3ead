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

static void put_limit(struct json_out *out, const struct plan_target *target, int grade, const struct plan_limit *limit)
{
    json_open_object(out);
    json_text(out, "clock", target->kind);
    json_int(out, "grade", grade);
    put_duration(out, "limit", &limit->limit);
    json_bool(out, "working_hours", target->working_hours);
    put_origin(out, &limit->origin);
    json_close_object(out);
}

static void put_clocks(struct json_out *out, const struct plan *plan, char level)
{
    json_key(out, "clocks");
    json_open_list(out);
    for (size_t i = 0; i < plan->target_count; i++) {
        for (int grade = 1; grade <= PLAN_GRADES; grade++) {
            const struct plan_limit *limit = &plan->targets[i].limits[grade - 1][level - 'A'];

            if (limit->set) {
                put_limit(out, &plan->targets[i], grade, limit);
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
    json_open_object(out);
    if (!err && plan) {
        char letter[2] = {level, 0};

        json_text(out, "plan", plan->id);
        json_text(out, "version", plan->version);
        json_text(out, "hash", plan->hash);
        json_text(out, "service_level", letter);
        json_int(out, "visits_per_year", plan->visits_per_year);
        put_clocks(out, plan, level);
        put_duties(out, plan);
        put_classes(out, plan);
    }
    json_close_object(out);
    return err;
}
