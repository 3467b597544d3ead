/* Commands to agents: stored, sent, answered, expired. Each id runs at most once. */
#pragma once

#include <stdint.h>

#include "models/base/err.h"
#include "models/base/json.h"
#include "models/base/text.h"
#include "models/telemetry/message.h"
#include "server/fleet/rules.h"
#include "server/store/sql.h"

/* A new command, state waiting; id (>= 33 bytes) is drawn unless it is given. */
enum err orders_give(struct sql *sql, int64_t agent, int64_t equipment, const char *name,
                     const char *args, int64_t expires_ms, int64_t now_ms, char *id,
                     size_t id_room) MUST_CHECK;
/* Calls send for each command that waits for an online agent and marks it sent, until send says
 * ERR_CLOSED (no broker now); those past their time become expired. */
enum err orders_turn(struct sql *sql, int64_t now_ms,
                     enum err (*send)(void *context, const char *agent, const char *payload,
                                      size_t size),
                     void *context) MUST_CHECK;
/* An agent answered; also completes the inspection that the command belongs to. */
enum err orders_reply(struct sql *sql, struct rules *rules, int64_t agent, const struct reply_message *reply,
                      int64_t now_ms) MUST_CHECK;
/* A remote inspection of one piece of equipment: inspection row and its `inspect` command. way: demand (somebody
 * asked), month (the one of the period that began on period_day) or test (of a work order). number has room for 32 bytes.
 * ERR_NOT_FOUND: no agent speaks for it. */
enum err orders_inspect(struct sql *sql, int64_t equipment, const char *way, int64_t period_day, int64_t now_ms,
                        char number[32]) MUST_CHECK;
