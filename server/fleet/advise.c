/* What is right in a fleet file and should be looked at all the same. */
#include <string.h>

#include "models/base/text.h"
#include "models/service/routing.h"
#include "server/fleet/fleet_file.h"

/* ------------------------------------------------------------------ spares within reach */

/* The shortest promise of a spare on site, in ms; 0: none. */
static int64_t spare_ms(const struct plan *plan, char level)
{
    int64_t least = 0, ms;

    for (size_t i = 0; i < plan->target_count; i++) {
        for (int grade = 1; plan->targets[i].stop == PLAN_DELIVERED && grade <= PLAN_GRADES; grade++) {
            struct plan_limit limit = plan_limit_of(plan, &plan->targets[i], grade, level, false, false);

            if (limit.set && !duration_ms(limit.limit, &ms) && (!least || ms < least)) {
                least = ms;
            }
        }
    }
    return least;
}

struct reach { /* the sites of a contract against the depots */
    int64_t late, worst_ms; /* how many are out of reach; the way to the farthest */
    char site[65];          /* which one that is */
};

/* Hours on the road by what the plan takes for a way. */
static int64_t way_ms(const struct plan *plan, double km)
{
    return (int64_t)(km * plan->travel_detour / plan->travel_kmh * 3600000);
}

static enum err measure(struct sql *sql, int64_t contract, const struct plan *plan, int64_t most_ms, struct reach *reach)
{
    char name[65] = "";
    int64_t site = 0, near_ms = 0;
    struct sql_rows rows;
    bool more = true;

    *reach = (struct reach){.late = 0};
    sql_find(sql, &rows,
             "SELECT s.id, s.name, s.lat, s.lon, d.lat, d.lon FROM contract_site x JOIN site s ON s.id = x.site JOIN depot d"
             " ON d.lat IS NOT NULL AND d.lon IS NOT NULL WHERE x.contract = ?1 AND s.lat IS NOT NULL AND s.lon IS NOT"
             " NULL ORDER BY s.id",
             "i", contract);
    while (more) {
        more = sql_next(&rows);
        if (site && (!more || sql_int(&rows, 0) != site)) { /* that was its last depot */
            reach->late += near_ms > most_ms;
            if (near_ms > most_ms && near_ms > reach->worst_ms) {
                reach->worst_ms = near_ms;
                (void)!text_copy(reach->site, sizeof(reach->site), name);
            }
            near_ms = 0;
        }
        if (more) {
            int64_t ms = way_ms(plan, routing_distance(sql_real(&rows, 2), sql_real(&rows, 3), sql_real(&rows, 4), sql_real(&rows, 5)));

            near_ms = sql_int(&rows, 0) != site || ms < near_ms ? ms : near_ms;
            site = sql_int(&rows, 0);
            (void)!text_copy(name, sizeof(name), sql_text(&rows, 1));
        }
    }
    return sql_end(&rows);
}

static enum err advise_contract(struct sql *sql, struct rules *rules, struct yaml_node *row, struct complaints *complaints)
{
    const struct yaml_node *id = yaml_find(row, "id");
    const struct plan *plan = NULL;
    struct sql_rows rows;
    struct reach reach;
    int64_t contract = 0, most_ms;
    char level = 'C';
    enum err err;

    sql_find(sql, &rows, "SELECT id, plan, service_level FROM contract WHERE name = ?1", "t", id ? id->text : "");
    if (sql_next(&rows)) {
        const char *word = sql_text(&rows, 2);

        contract = sql_int(&rows, 0);
        plan = rules_plan(rules, sql_text(&rows, 1));
        level = word && word[0] ? word[0] : level;
    }
    err = sql_end(&rows);
    most_ms = !err && plan ? spare_ms(plan, level) : 0;
    if (err || !most_ms) {
        return err;
    }
    err = measure(sql, contract, plan, most_ms, &reach);
    if (!err && reach.late) {
        complain_softly(complaints, yaml_find(row, "sites") ? yaml_find(row, "sites") : row,
                        "expected a depot within %.1f h of every site (a spare of plan %s), found %lld farther away: site %s "
                        "%.1f h",
                        (double)most_ms / 3600000, plan->id, (long long)reach.late, reach.site,
                        (double)reach.worst_ms / 3600000);
    }
    return err;
}

/* ------------------------------------------------------------------ components of no class */

static bool has_class(struct rules *rules, const char *name)
{
    for (size_t i = 0; i < rules_plan_count(rules); i++) {
        const struct plan *plan = rules_plan_at(rules, i);

        for (size_t k = 0; k < plan->class_count; k++) {
            if (text_same(plan->classes[k].component, name)) {
                return true;
            }
        }
    }
    return false;
}

static void advise_equipment(struct rules *rules, struct yaml_node *row, struct complaints *complaints)
{
    struct yaml_node *list = yaml_find(row, "components");

    for (struct yaml_node *item = list ? list->first : NULL; item; item = item->next) {
        struct yaml_node *class = yaml_find(item, "class");

        if (class && class->text && !has_class(rules, class->text)) {
            complain_softly(complaints, class, "expected a warranty class of a plan, found '%.60s': its verdict will be unknown",
                            class->text);
        }
    }
}

enum err fleet_advise(struct sql *sql, struct rules *rules, struct yaml_node *root, struct complaints *complaints)
{
    struct yaml_node *list = yaml_find(root, "contracts");
    enum err err = ERR_OK;

    for (struct yaml_node *row = list ? list->first : NULL; !err && row; row = row->next) {
        err = advise_contract(sql, rules, row, complaints);
    }
    list = yaml_find(root, "equipment");
    for (struct yaml_node *row = list ? list->first : NULL; row; row = row->next) {
        advise_equipment(rules, row, complaints);
    }
    return err;
}
