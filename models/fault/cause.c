/* Ranked causes. */
#include "models/fault/cause.h"

#define CAUSES_MOST 64

static void put_list(struct json_out *out, const char *name, const char *const *list)
{
    json_key(out, name);
    json_open_list(out);
    for (; list && *list; list++) {
        json_put_text(out, *list);
    }
    json_close_list(out);
}

static void put_cause(struct json_out *out, const struct fault_cause *cause)
{
    json_open_object(out);
    json_text(out, "cause", cause->cause);
    json_number(out, "odds", cause->odds);
    json_text(out, "skill", cause->skill);
    put_list(out, "parts", cause->parts);
    put_list(out, "tools", cause->tools);
    json_close_object(out);
}

void cause_put(struct json_out *out, const struct fault_rule *rule)
{
    size_t count = rule ? rule->cause_count : 0;
    bool given[CAUSES_MOST] = {false};

    json_open_list(out);
    for (size_t rank = 0; rank < count && rank < CAUSES_MOST; rank++) {
        size_t best = count;

        for (size_t i = 0; i < count && i < CAUSES_MOST; i++) {
            if (!given[i] && (best == count || rule->causes[i].odds > rule->causes[best].odds)) {
                best = i;
            }
        }
        given[best] = true;
        put_cause(out, &rule->causes[best]);
    }
    json_close_list(out);
}
