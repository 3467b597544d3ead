/* The sub-commands: they work beside a running server, or without one. */
#pragma once

#include "server/config.h"
#include "server/fleet/rules.h"

#define COMMAND_WORDS 32

struct command {
    const char *words[COMMAND_WORDS];
    int word_count;
    const char *role; /* --role; NULL: not given */
};

extern const char commands_help[];

/* The program's exit status. */
int commands_run(const struct command *command, const struct server_config *config,
                 struct rules *rules);
