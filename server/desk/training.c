/* What people do with trainings, certificates and tools, and what follows for the desk. */
#include "server/desk/desk_int.h"

#include "server/training/tool.h"
#include "server/training/training.h"

enum err desk_training_open(struct desk *desk, struct sql *sql, const struct action *action, int64_t now_ms, int64_t *ret_id,
                            struct text *why)
{
    arena_reset(desk->office.arena);
    return training_open(&desk->office, sql, action, now_ms, ret_id, why);
}

enum err desk_training_act(struct desk *desk, struct sql *sql, int64_t training, const struct action *action, int64_t now_ms,
                           struct text *why)
{
    arena_reset(desk->office.arena);
    desk->duties_judge_ms = 0; /* one may be met, or owed by another day */
    return training_act(&desk->office, sql, training, action, now_ms, why);
}

enum err desk_training_reply(struct desk *desk, struct sql *sql, int64_t trainee, const char *answer, int64_t now_ms, struct text *why)
{
    arena_reset(desk->office.arena);
    return training_reply(&desk->office, sql, trainee, answer, now_ms, why);
}

enum err desk_certificate_act(struct desk *desk, struct sql *sql, int64_t certificate, const struct action *action,
                              int64_t now_ms, struct text *why)
{
    arena_reset(desk->office.arena);
    desk->training_next_ms = 0; /* orders ahead may have nobody who may do them */
    return certificate_act(&desk->office, sql, certificate, action, now_ms, why);
}

enum err desk_tool_act(struct desk *desk, struct sql *sql, int64_t tool, const struct action *action, int64_t now_ms,
                       struct text *why)
{
    arena_reset(desk->office.arena);
    desk->training_next_ms = 0;
    return tool_act(&desk->office, sql, tool, action, now_ms, why);
}
