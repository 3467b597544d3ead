/* The agent put together: buses to spool to broker, and back. */
#pragma once

#include "agent/config.h"
#include "models/base/err.h"
#include "models/base/text.h"

struct agent;

enum err agent_open(const struct agent_config *config, struct agent **ret_agent,
                    struct text *why) MUST_CHECK;
/* Serves until a signal says stop. */
enum err agent_run(struct agent *agent) MUST_CHECK;
void agent_close(struct agent *agent);
