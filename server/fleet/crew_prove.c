/* No hour without somebody on call, where a plan promises it. */
#include <string.h>

#include "models/base/text.h"
#include "models/service/plan_staff.h"
#include "server/fleet/crew.h"

#define YEARS_MS (2LL * 366 * 86400000)

static struct yaml_node *row_named(struct yaml_node *root, const char *section, const char *id)
{
    struct yaml_node *list = yaml_find(root, section);

    for (struct yaml_node *row = list ? list->first : NULL; row; row = row->next) {
        struct yaml_node *name = yaml_find(row, "id");

        if (name && text_same(name->text, id)) {
            return row;
        }
    }
    return NULL;
}

/* Where a person would look: the roster's row, the absence of a member, the first roster or technician of the file. */
static const struct yaml_node *blame(const struct roster *rosters, size_t count, struct yaml_node *root)
{
    for (size_t i = 0; i < count; i++) {
        struct yaml_node *row = row_named(root, "rosters", rosters[i].id);

        if (row) {
            return row;
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < rosters[i].member_count; k++) {
            struct yaml_node *row = row_named(root, "technicians", rosters[i].members[k]);

            if (row) {
                return yaml_find(row, "absences") ? yaml_find(row, "absences") : row;
            }
        }
    }
    return root;
}

static bool prove_plan(struct arena *arena, const struct crew *crew, const struct plan *plan,
                       struct yaml_node *root, int64_t now_ms, struct complaints *complaints)
{
    struct roster *own = arena_array(arena, crew->roster_count + 1, sizeof(*own));
    int64_t from_ms, to_ms;
    size_t count = 0;

    for (size_t i = 0; own && i < crew->roster_count; i++) {
        if (roster_serves(&crew->rosters[i], plan->id)) {
            own[count++] = crew->rosters[i];
        }
    }
    if (count > 0 && roster_hole(own, count, now_ms, now_ms + YEARS_MS, &from_ms, &to_ms)) {
        TEXT(from, 48);
        TEXT(to, 48);

        zone_write(own[0].zone, from_ms, &from);
        zone_write(own[0].zone, to_ms, &to);
        complain(complaints, blame(own, count, root),
                 "expected somebody on call at every hour for plan %s (hotline 24x7), found nobody from %s to %s",
                 plan->id, from.at, to.at);
        return false;
    }
    return true;
}

enum err crew_prove(struct arena *arena, struct sql *sql, struct rules *rules, struct yaml_node *root,
                    int64_t now_ms, struct complaints *complaints)
{
    const struct crew *crew;
    bool whole = true;
    enum err err = crew_load(arena, sql, rules, &crew);

    for (size_t i = 0; !err && i < rules_plan_count(rules); i++) {
        const struct plan *plan = rules_plan_at(rules, i);

        if (plan->staff->hotline_always) {
            whole = prove_plan(arena, crew, plan, root, now_ms, complaints) && whole;
        }
    }
    return err ? err : whole ? ERR_OK : ERR_FORMAT;
}
