/* Facts of clocks, read for rules and for views alike. */
#pragma once

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/service/sla.h"
#include "server/fleet/rules.h"
#include "server/store/sql.h"

/* The working calendar of a ticket: its calendar row, else every day in its zone. */
enum err clocks_workdays(struct arena *arena, struct sql *sql, struct rules *rules,
                         int64_t calendar, const char *time_zone,
                         struct workdays *ret_workdays) MUST_CHECK;
enum err clocks_pauses(struct arena *arena, struct sql *sql, int64_t ticket,
                       struct sla_pause **ret_pauses, size_t *ret_count) MUST_CHECK;
