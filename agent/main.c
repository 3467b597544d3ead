/* heliograph-agent: options, start in order, stop in reverse. */
#include <signal.h>
#include <stdbool.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/config.h"
#include "host/log.h"
#include "host/memory.h"
#include "host/ready.h"

#define CONFIG_BYTES_MOST (64 * 1024 * 1024)
#define STOP_S            9 /* of the 10 s that a stop may take */

static const char help[] =
    "heliograph-agent --config FILE [--check] [--verbose]\n"
    "\n"
    "Reads the controllers on its buses over Modbus, grades their faults, keeps everything in a\n"
    "spool until the server has it, and publishes by MQTT.\n"
    "\n"
    "  --config FILE  agent.yaml\n"
    "  --check        read the configuration and its profiles, say what is wrong, and end\n"
    "  --verbose      log more\n"
    "  --version      print the version\n";

static void say(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s\n", line);
}

/* Something that cannot be interrupted (a resolver, a driver) may hang: what was accepted is on disk. */
static void give_up(int signal)
{
    static const char words[] = "heliograph-agent: ended by force\n";

    (void)signal;
    (void)!write(STDERR_FILENO, words, sizeof(words) - 1);
    _exit(1);
}

static void end_by(unsigned seconds)
{
    signal(SIGALRM, give_up);
    alarm(seconds);
}

static int serve(const struct agent_config *config)
{
    struct agent *agent = NULL;
    TEXT(why, 1200);
    enum err err;

    ready_catch_signals();
    err = agent_open(config, &agent, &why);
    if (err) {
        fprintf(stderr, "heliograph-agent: %s\n", why.length ? why.at : err_text(err));
        return 2;
    }
    ready_serving("heliograph-agent");
    memory_settle();
    err = agent_run(agent);
    end_by(STOP_S);
    agent_close(agent);
    return err ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct agent_config config;
    struct arena *arena = NULL;
    const char *path = NULL;
    bool check = false, verbose = false;
    int status = 2;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
            path = argv[++i];
        } else if (strcmp(argv[i], "--check") == 0) {
            check = true;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            verbose = true;
        } else if (strcmp(argv[i], "--version") == 0) {
            puts("heliograph-agent " HELIOGRAPH_VERSION);
            return 0;
        } else if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return 0;
        } else {
            fprintf(stderr, "heliograph-agent: unknown option %s\n%s", argv[i], help);
            return 2;
        }
    }
    if (!path) {
        fprintf(stderr, "heliograph-agent: --config FILE is missing\n%s", help);
        return 2;
    }
    mallopt(M_ARENA_MAX, 1); /* a heap for each thread would be more than all that is in them */
    log_open("heliograph-agent", verbose ? LOG_DEBUG : LOG_INFO);
    if (arena_open(CONFIG_BYTES_MOST, &arena)) {
        return 2;
    }
    if (!config_read(arena, path, say, NULL, &config)) {
        status = check ? 0 : serve(&config);
    }
    arena_close(arena);
    return status;
}
