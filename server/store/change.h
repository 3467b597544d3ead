/* What changed, kept for GET /stream: written in the transaction of the change itself. */
#pragma once

#include <stdint.h>

#include "models/base/err.h"
#include "server/store/sql.h"

/* topic: equipment, ticket, work_order, visit, agent, command, inspection, alarm, window; body: JSON. */
enum err change_put(struct sql *sql, int64_t now_ms, const char *topic,
                    const char *body) MUST_CHECK;
/* Keeps the youngest most rows. */
enum err change_trim(struct sql *sql, int64_t most) MUST_CHECK;
