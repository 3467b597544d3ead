/* heliograph-server: options, sub-commands, start in order, stop in reverse. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "host/clock.h"
#include "host/file.h"
#include "host/log.h"
#include "host/ready.h"
#include "server/api/auth.h"
#include "server/audit.h"
#include "server/config.h"
#include "server/fleet/fleet_file.h"
#include "server/fleet/rules.h"
#include "server/server.h"
#include "server/store/schema.h"
#include "server/store/sql.h"

#define CONFIG_BYTES_MOST (64 * 1024 * 1024)
#define FLEET_BYTES_MOST  (512 * 1024 * 1024)

static const char help[] =
    "heliograph-server --config FILE [--check] [--verbose] [COMMAND]\n"
    "\n"
    "Collects what agents report, raises tickets, runs their clocks and serves the API.\n"
    "\n"
    "  --config FILE  server.yaml\n"
    "  --check        read the configuration, profiles and plans, say what is wrong, and end\n"
    "  --verbose      log more\n"
    "  --version      print the version\n"
    "\n"
    "Commands, beside a running server or without one:\n"
    "  import FILE                   read a fleet file\n"
    "  user add NAME --role ROLE     password on standard input\n"
    "  token add NAME --role ROLE    prints an API token\n"
    "  audit                         a line an agent: accepted, stored, tombstoned, pending\n"
    "  backup FILE                   a copy of the database\n"
    "Roles: admin manager dispatcher technician viewer integration.\n";

struct options {
    const char *config, *role;
    bool check, verbose;
    const char *words[4]; /* the command */
    int word_count;
};

static void say(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s\n", line);
}

/* ------------------------------------------------------------------ sub-commands */

static int import(struct sql *sql, struct rules *rules, const char *path)
{
    struct complaints complaints = {.path = path};
    struct yaml_node *root;
    struct arena *arena;
    int64_t changed = 0;
    size_t size;
    char *bytes;
    enum err err;

    if (arena_open(FLEET_BYTES_MOST, &arena)) {
        return 1;
    }
    complaints.arena = arena;
    err = file_read(arena, path, FLEET_BYTES_MOST / 8, &bytes, &size);
    if (err) {
        fprintf(stderr, "%s:1:1: error: expected a file that can be read, found: %s\n", path,
                err_text(err));
        arena_close(arena);
        return 2;
    }
    err = fleet_check(arena, sql, rules, bytes, size, &complaints, &root);
    for (size_t i = 0; i < complaints.count && i < COMPLAINTS_MOST; i++) {
        fprintf(stderr, "%s\n", complaints.lines[i]);
    }
    if (!err) {
        err = sql_begin(sql);
        if (!err) {
            err = fleet_apply(sql, root, clock_wall_ms(), &changed);
        }
        if (!err) {
            err = sql_commit(sql);
        }
        if (err) {
            sql_rollback(sql);
            fprintf(stderr, "heliograph-server: nothing was imported: %s (%s)\n", err_text(err),
                    sql_why(sql));
        } else {
            printf("imported: %lld rows new or changed\n", (long long)changed);
        }
    }
    arena_close(arena);
    return err == ERR_OK ? 0 : complaints.count ? 2 : 1;
}

static int add_token(struct sql *sql, const char *name, enum role role)
{
    char token[64];
    enum err err = sql_begin(sql);

    if (!err) {
        err = auth_token_add(sql, name, role, clock_wall_ms(), token);
    }
    if (!err) {
        err = sql_commit(sql);
    }
    if (err) {
        sql_rollback(sql);
        fprintf(stderr, "heliograph-server: no token was made: %s (%s)\n", err_text(err),
                sql_why(sql));
        return 1;
    }
    printf("token of %s, shown only now: %s\n", name, token);
    return 0;
}

static int add_user(struct sql *sql, const char *name, enum role role)
{
    char password[256] = {0};
    TEXT(why, 200);
    enum err err;

    if (!fgets(password, sizeof(password), stdin)) {
        fprintf(stderr, "heliograph-server: expected a password on standard input\n");
        return 2;
    }
    password[strcspn(password, "\r\n")] = '\0';
    err = sql_begin(sql);
    if (!err) {
        err = auth_user_add(sql, name, role, password, clock_wall_ms(), &why);
    }
    if (!err) {
        err = sql_commit(sql);
    }
    if (err) {
        sql_rollback(sql);
        fprintf(stderr, "heliograph-server: %s\n", why.length ? why.at : err_text(err));
        return err == ERR_FORMAT ? 2 : 1;
    }
    printf("user %s added\n", name);
    return 0;
}

static void print_line(void *context, const struct audit_line *line)
{
    int *status = context;

    printf("agent=%s accepted=%lld stored=%lld tombstoned=%lld pending=%lld\n", line->agent,
           (long long)line->accepted, (long long)line->stored, (long long)line->tombstoned,
           (long long)line->pending);
    if (!line->adds_up) {
        fprintf(stderr, "heliograph-server: the figures of agent %s do not add up\n", line->agent);
        *status = 1;
    }
}

static int audit(struct sql *sql)
{
    int status = 0;
    enum err err = audit_each(sql, print_line, &status);

    if (err) {
        fprintf(stderr, "heliograph-server: %s (%s)\n", err_text(err), sql_why(sql));
        return 1;
    }
    return status;
}

static int backup(struct sql *sql, const char *path)
{
    TEXT(why, 400);

    if (sql_backup(sql, path, &why)) {
        fprintf(stderr, "heliograph-server: %s\n", why.at);
        return 1;
    }
    printf("backup written to %s\n", path);
    return 0;
}

static int do_command(const struct options *options, struct sql *sql, struct rules *rules)
{
    const char *const *words = options->words;
    enum role role = options->role ? role_read(options->role) : ROLE_NONE;

    if (strcmp(words[0], "import") == 0 && options->word_count == 2) {
        return import(sql, rules, words[1]);
    }
    if (strcmp(words[0], "audit") == 0 && options->word_count == 1) {
        return audit(sql);
    }
    if (strcmp(words[0], "backup") == 0 && options->word_count == 2) {
        return backup(sql, words[1]);
    }
    if (options->word_count == 3 && strcmp(words[1], "add") == 0 &&
        (strcmp(words[0], "user") == 0 || strcmp(words[0], "token") == 0)) {
        if (role == ROLE_NONE) {
            fprintf(stderr, "heliograph-server: expected --role, one of admin manager dispatcher "
                            "technician viewer integration\n");
            return 2;
        }
        return words[0][0] == 'u' ? add_user(sql, words[2], role) : add_token(sql, words[2], role);
    }
    fprintf(stderr, "heliograph-server: unknown command %s\n%s", words[0], help);
    return 2;
}

/* Beside a running server as a guest; without one as the owner, who may also make the database. */
static int command(const struct options *options, const struct server_config *config,
                   struct rules *rules)
{
    struct sql *sql;
    TEXT(why, 1200);
    int status;
    enum err err = schema_open(config->database, &sql, &why);

    if (err == ERR_BUSY) {
        text_clear(&why);
        err = sql_open(config->database, SQL_GUEST, &sql, &why);
    }
    if (err) {
        fprintf(stderr, "heliograph-server: %s\n", why.at);
        return 1;
    }
    status = do_command(options, sql, rules);
    sql_close(sql);
    return status;
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
            options->role = argv[++i];
        } else if (strcmp(argv[i], "--check") == 0) {
            options->check = true;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            options->verbose = true;
        } else if (strcmp(argv[i], "--version") == 0) {
            puts("heliograph-server " HELIOGRAPH_VERSION);
            return 0;
        } else if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return 0;
        } else if (argv[i][0] != '-' && options->word_count < 4) {
            options->words[options->word_count++] = argv[i];
        } else {
            fprintf(stderr, "heliograph-server: unknown option %s\n%s", argv[i], help);
            return 2;
        }
    }
    if (!options->config) {
        fprintf(stderr, "heliograph-server: --config FILE is missing\n%s", help);
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

int main(int argc, char **argv)
{
    struct options options = {.config = NULL};
    struct server_config config;
    struct arena *arena = NULL;
    struct rules *rules = NULL;
    int status = read_options(argc, argv, &options);
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
    if (!wrong && config.plans && config.preset_line &&
        !rules_plan(rules, config.preset_plan)) {
        wrong = refuse_plan(&options, &config);
    }
    if (!err && !wrong) {
        status = options.check ? 0
                 : options.word_count > 0 ? command(&options, &config, rules)
                                          : serve(&config, rules);
    }
    rules_close(rules);
    arena_close(arena);
    return status;
}
