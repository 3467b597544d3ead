/* The server put together. */
#pragma once

#include "models/base/err.h"
#include "models/base/text.h"
#include "server/config.h"
#include "server/fleet/rules.h"

struct server;

enum err server_open(const struct server_config *config, struct rules *rules,
                     struct server **ret_server, struct text *why) MUST_CHECK;
/* Serves until a signal says stop; tells the supervisor when it does. */
enum err server_run(struct server *server) MUST_CHECK;
void server_close(struct server *server);
