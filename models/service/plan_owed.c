/* Which clocks a kind of ticket has (items.ticket.kinds). */
#include <string.h>

#include "models/service/plan_int.h"

static bool names(const struct plan_owed *owed, const char *clock)
{
    for (const char *const *name = owed->clocks; *name; name++) {
        if (strcmp(*name, clock) == 0) {
            return true;
        }
    }
    return false;
}

bool plan_owes(const struct plan *plan, const char *kind, const struct plan_target *target)
{
    const struct ticket_kind *known = ticket_kind_find(kind);

    for (size_t i = 0; known && i < plan->owed_count; i++) {
        if (plan->owed[i].kind == known) {
            return plan->owed[i].all || names(&plan->owed[i], target->kind);
        }
    }
    return !known || !known->words || target->stop == PLAN_RESPONSE || target->stop == PLAN_ANSWERED;
}

static bool has_clock(const struct plan *plan, const char *kind)
{
    for (size_t i = 0; i < plan->target_count; i++) {
        if (strcmp(plan->targets[i].kind, kind) == 0) {
            return true;
        }
    }
    return false;
}

static void read_one(struct plan_reader *reader, struct yaml_node *map, struct yaml_node *node, struct plan_owed *owed)
{
    struct yaml_node *list = yaml_list(reader->complaints, plan_leaf(reader, map, node->key, &owed->origin),
                                       "a list of clocks");

    owed->clocks = plan_texts(reader, list, "a list of clocks");
    for (struct yaml_node *item = list ? list->first : NULL; item; item = item->next) {
        const char *clock = yaml_text(reader->complaints, item, "a clock", "");

        if (strcmp(clock, "all") == 0) {
            owed->all = true;
        } else if (!has_clock(reader->plan, clock)) {
            complain(reader->complaints, item, "expected all, or a clock of this plan, found '%.40s'", clock);
        }
    }
}

void plan_read_owed(struct plan_reader *reader, struct yaml_node *items)
{
    struct yaml_node *ticket = items ? yaml_find(items, "ticket") : NULL;
    struct yaml_node *map = ticket && ticket->kind == YAML_MAP ? yaml_find(ticket, "kinds") : NULL;
    struct plan_owed *owed;

    map = map ? yaml_map(reader->complaints, map, "a map of kinds of tickets") : NULL;
    owed = map ? arena_array(reader->arena, map->count + 1, sizeof(*owed)) : NULL;
    if (!owed) {
        return;
    }
    reader->plan->owed = owed;
    for (struct yaml_node *node = map->first; node; node = node->next) {
        const struct ticket_kind *kind = ticket_kind_find(node->key);

        if (!kind) {
            complain_key(reader->complaints, node, "expected a kind of ticket, found '%.40s'", node->key);
            continue;
        }
        owed[reader->plan->owed_count] = (struct plan_owed){.kind = kind};
        read_one(reader, map, node, &owed[reader->plan->owed_count++]);
    }
}
