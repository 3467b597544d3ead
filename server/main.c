/* heliograph-server: options, sub-commands, start in order, stop in reverse. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "host/file.h"
#include "host/log.h"
#include "host/ready.h"
#include "server/commands.h"
#include "server/config.h"
#include "server/fleet/rules.h"
#include "server/replay/replay.h"
#include "server/server.h"

#define CONFIG_BYTES_MOST (64 * 1024 * 1024)
#define CODES_BYTES_MOST  (1024 * 1024)

static const char help[] =
    "heliograph-server --config FILE [--check] [--verbose] [COMMAND]\n"
    "\n"
    "Collects what agents report, raises tickets, runs their clocks and serves the API.\n"
    "\n"
    "  --config FILE  server.yaml\n"
    "  --check        read the configuration, profiles and plans, say what is wrong, and end\n"
    "  --verbose      log more\n"
    "  --version      print the version\n"
    "\n";

struct options {
    const char *config;
    bool check, verbose;
    struct command command;
};

static void say(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s\n", line);
}

/* ------------------------------------------------------------------ serving */

static int serve(const struct server_config *config, struct rules *rules)
{
    struct server *server = NULL;
    TEXT(why, 1200);
    enum err err;

    ready_catch_signals();
    err = server_open(config, rules, &server, &why);
    if (err) {
        fprintf(stderr, "heliograph-server: %s\n", why.length ? why.at : err_text(err));
        return 2;
    }
    err = server_run(server);
    server_close(server);
    return err ? 1 : 0;
}

static int read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
            options->config = argv[++i];
        } else if (strcmp(argv[i], "--role") == 0 && i + 1 < argc) {
            options->command.role = argv[++i];
        } else if (strcmp(argv[i], "--check") == 0) {
            options->check = true;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            options->verbose = true;
        } else if (strcmp(argv[i], "--version") == 0) {
            puts("heliograph-server " HELIOGRAPH_VERSION);
            return 0;
        } else if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            fputs(commands_help, stdout);
            fputs(replay_help, stdout);
            return 0;
        } else if (argv[i][0] != '-' && options->command.word_count < COMMAND_WORDS) {
            options->command.words[options->command.word_count++] = argv[i];
        } else {
            fprintf(stderr, "heliograph-server: unknown option %s\n%s%s", argv[i], help, commands_help);
            return 2;
        }
    }
    if (!options->config) {
        fprintf(stderr, "heliograph-server: --config FILE is missing\n%s%s", help, commands_help);
        return 2;
    }
    return -1;
}

static enum err refuse_plan(const struct options *options, const struct server_config *config)
{
    fprintf(stderr, "%s:%d:%d: error: expected a plan that stands in %s, found '%s'\n",
            options->config, config->preset_line, config->preset_column, config->plans,
            config->preset_plan);
    return ERR_FORMAT;
}

/* A folder that the configuration names, or the one of that name beside the plans. */
static enum err add_folder(struct arena *arena, const struct server_config *config, struct rules *rules,
                           const char *named, const char *beside,
                           enum err (*add)(struct rules *rules, const char *folder))
{
    const char *const *names;
    size_t count;
    TEXT(folder, 1024);

    if (named) {
        return add(rules, named);
    }
    text_addf(&folder, "%s/../%s", config->plans ? config->plans : ".", beside);
    return config->plans && !folder.cut && !file_list(arena, folder.at, ".yaml", &names, &count)
               ? add(rules, folder.at)
               : ERR_OK;
}

/* codes.yaml beside the plans, unless another one is named. */
static enum err add_codes(struct arena *arena, const struct server_config *config, struct rules *rules)
{
    char *bytes;
    size_t size;
    TEXT(path, 1024);

    if (config->codes) {
        return rules_add_codes(rules, config->codes);
    }
    text_addf(&path, "%s/../codes.yaml", config->plans ? config->plans : ".");
    return config->plans && !path.cut && file_read(arena, path.at, CODES_BYTES_MOST, &bytes, &size) != ERR_NOT_FOUND
               ? rules_add_codes(rules, path.at)
               : ERR_OK;
}

/* What needs no configuration. -1: something else was asked for. */
static int run_alone(int argc, char **argv)
{
    struct replay_options options;
    int status = -1;

    if (argc > 1 && strcmp(argv[1], "replay") == 0) {
        status = replay_options(argc - 2, argv + 2, &options);
        status = status >= 0 ? status : replay_run(&options);
    }
    return status;
}

int main(int argc, char **argv)
{
    int alone = run_alone(argc, argv);
    struct options options = {.config = NULL};
    struct server_config config;
    struct arena *arena = NULL;
    struct rules *rules = NULL;
    int status = alone >= 0 ? alone : read_options(argc, argv, &options);
    enum err err, wrong;

    if (status >= 0) {
        return status;
    }
    status = 2;
    log_open("heliograph-server", options.verbose ? LOG_DEBUG : LOG_INFO);
    if (arena_open(CONFIG_BYTES_MOST, &arena)) {
        return 2;
    }
    err = config_read(arena, options.config, say, NULL, &config);
    wrong = err == ERR_OK || err == ERR_FORMAT
                ? rules_open(config.profiles, config.plans, say, NULL, &rules)
                : err;
    if (!wrong) {
        wrong = add_folder(arena, &config, rules, config.jobs, "jobs",
                           config.jobs ? rules_add_jobs : rules_add_shipped_jobs);
    }
    if (!wrong) {
        wrong = add_folder(arena, &config, rules, config.notices, "notices", rules_add_notices);
    }
    if (!wrong) {
        wrong = add_folder(arena, &config, rules, config.papers, "papers", rules_add_papers);
    }
    if (!wrong) {
        wrong = add_folder(arena, &config, rules, config.inspections, "inspections", rules_add_checklist);
    }
    if (!wrong) {
        wrong = add_folder(arena, &config, rules, config.courses, "courses", rules_add_courses);
    }
    if (!wrong) {
        wrong = add_codes(arena, &config, rules);
    }
    if (!wrong && config.plans && config.preset_line &&
        !rules_plan(rules, config.preset_plan)) {
        wrong = refuse_plan(&options, &config);
    }
    if (!err && !wrong) {
        status = options.check ? 0
                 : options.command.word_count > 0 ? commands_run(&options.command, &config, rules)
                                          : serve(&config, rules);
    }
    rules_close(rules);
    arena_close(arena);
    return status;
}
