/* What an operator does from the command line. */
#include "server/commands.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/file.h"
#include "server/api/auth.h"
#include "server/audit.h"
#include "server/fleet/crew.h"
#include "server/fleet/fleet_file.h"
#include "server/store/schema.h"
#include "server/store/trail.h"

#define FLEET_BYTES_MOST (512 * 1024 * 1024)

const char commands_help[] =
    "Commands, beside a running server or without one:\n"
    "  import FILE …                 read a fleet file, or several as one; sites.csv has rows of sites\n"
    "  export [SECTION]              what was imported, as YAML; one section, as CSV\n"
    "  user add NAME --role ROLE     password on standard input\n"
    "  token add NAME --role ROLE    prints an API token\n"
    "  token give NAME CUSTOMER      tokens of that name were given to that customer: off-boarding revokes them\n"
    "  revocations                   gateways whose certificates are to be revoked, a line each\n"
    "  audit                         a line an agent: accepted, stored, tombstoned, pending\n"
    "  backup FILE                   a copy of the database\n"
    "  trail [HEAD]                  is what people did untouched? HEAD: a head noted earlier\n"
    "Roles: admin manager dispatcher technician viewer integration.\n";

/* A line of the trail for what is done from the command line, in the transaction that does it. */
static enum err note(struct sql *sql, const char *what, const char *object)
{
    const struct passwd *user = getpwuid(getuid());
    const char *sudo = getenv("SUDO_USER"); /* who became root for it */
    struct trail_line line = {.who = sudo ? sudo : user ? user->pw_name : "nobody",
                              .role = "command line",
                              .source = "command line",
                              .what = what,
                              .object = object};

    return trail_add(sql, &line, clock_wall_ms());
}

/* All files as one. ERR_FORMAT: each said what is wrong with it; ERR_IO: so did a file that cannot be read. */
static enum err read_files(struct arena *arena, const char *const *paths, int count, struct yaml_node **ret_root,
                           struct complaints *complaints)
{
    enum err err = ERR_OK;

    *ret_root = NULL;
    for (int i = 0; i < count && (!err || err == ERR_FORMAT); i++) {
        size_t size;
        char *bytes;
        enum err one = file_read(arena, paths[i], FLEET_BYTES_MOST / 8, &bytes, &size);

        complaints->path = paths[i];
        if (one) {
            complain_at(complaints, 1, 1, "expected a file that can be read, found: %s", err_text(one));
            return ERR_IO;
        }
        one = fleet_add(arena, paths[i], bytes, size, complaints, ret_root);
        err = one ? one : err;
    }
    return err;
}

static enum err import_tree(struct sql *sql, struct rules *rules, struct arena *arena, struct yaml_node *root,
                            const char *name, struct complaints *complaints, int64_t *ret_changed)
{
    enum err err = fleet_check_tree(arena, sql, rules, root, complaints);

    if (err) {
        return err;
    }
    err = sql_begin(sql);
    if (!err) {
        err = fleet_apply(sql, root, clock_wall_ms(), ret_changed);
    }
    if (!err) { /* what stands in the database and in the file together has no hour without somebody */
        err = crew_prove(arena, sql, rules, root, clock_wall_ms(), complaints);
    }
    if (!err) {
        err = fleet_advise(sql, rules, root, complaints);
    }
    if (!err && *ret_changed > 0) {
        err = note(sql, "import", name);
    }
    if (!err) {
        err = sql_commit(sql);
    }
    if (err) {
        sql_rollback(sql);
    }
    return err;
}

static int import(struct sql *sql, struct rules *rules, const char *const *paths, int count)
{
    struct complaints complaints = {.path = paths[0]};
    struct yaml_node *root;
    struct arena *arena;
    int64_t changed = 0;
    enum err err;

    if (arena_open(FLEET_BYTES_MOST, &arena)) {
        return 1;
    }
    complaints.arena = arena;
    err = read_files(arena, paths, count, &root, &complaints);
    if (!err) {
        err = import_tree(sql, rules, arena, root, paths[0], &complaints, &changed);
    }
    if (err && complaints.count == 0) {
        fprintf(stderr, "heliograph-server: nothing was imported: %s (%s)\n", err_text(err), sql_why(sql));
    } else if (!err) {
        printf("imported: %lld rows new or changed\n", (long long)changed);
    }
    for (size_t i = 0; i < complaints.count && i < COMPLAINTS_MOST; i++) {
        fprintf(stderr, "%s\n", complaints.lines[i]);
    }
    for (size_t i = 0; i < complaints.warning_count && i < COMPLAINTS_MOST; i++) {
        fprintf(stderr, "%s\n", complaints.warnings[i]);
    }
    arena_close(arena);
    return err == ERR_OK ? 0 : complaints.count ? 2 : 1;
}

/* To standard output: everything as YAML, or a section as CSV. */
static int export(struct sql *sql, const char *section)
{
    struct json_out out = json_out(FLEET_BYTES_MOST);
    int at = section ? fleet_section(section) : -1;
    struct arena *arena;
    enum err err;

    if (section && at < 0) {
        fprintf(stderr, "heliograph-server: expected a section of the fleet file, found '%.80s'\n", section);
        return 2;
    }
    err = arena_open(FLEET_BYTES_MOST, &arena);
    if (!err) {
        err = fleet_put(sql, arena, at, section ? FLEET_CSV : FLEET_YAML, &out);
        arena_close(arena);
    }
    if (!err && out.size && fwrite(out.bytes, 1, out.size, stdout) != out.size) {
        err = ERR_IO;
    }
    json_out_free(&out);
    if (err || fflush(stdout)) {
        fprintf(stderr, "heliograph-server: nothing whole was exported: %s\n", err_text(err ? err : ERR_IO));
        return 1;
    }
    return 0;
}

static int add_token(struct sql *sql, const char *name, enum role role)
{
    char token[64];
    enum err err = sql_begin(sql);

    if (!err) {
        err = auth_token_add(sql, name, role, clock_wall_ms(), token);
    }
    if (!err) {
        err = note(sql, "token add", name);
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
        err = note(sql, "user add", name);
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

static int trail(struct sql *sql, const char *head)
{
    struct trail_state state;

    if (trail_check(sql, head, &state)) {
        fprintf(stderr, "heliograph-server: the trail cannot be read (%s)\n", sql_why(sql));
        return 1;
    }
    printf("trail: lines=%lld head=%s\n", (long long)state.count, state.head[0] ? state.head : "none");
    if (state.wrong) {
        fprintf(stderr, "heliograph-server: line %lld of the trail or the one before it was changed, or"
                        " one is missing\n",
                (long long)state.wrong);
    }
    if (!state.found) {
        fprintf(stderr, "heliograph-server: the head %s is not in the trail: it was written anew\n", head);
    }
    return state.wrong || !state.found;
}

static int note_alone(struct sql *sql, const char *what, const char *object)
{
    enum err err = sql_begin(sql);

    if (!err) {
        err = note(sql, what, object);
    }
    if (!err) {
        err = sql_commit(sql);
    }
    if (err) {
        sql_rollback(sql);
        fprintf(stderr, "heliograph-server: it could not be noted in the trail (%s)\n", sql_why(sql));
    }
    return err != ERR_OK;
}

/* For `broker-config/pki revoke`, a line each: those that nobody has confirmed yet. */
static int revocations(struct sql *sql)
{
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT DISTINCT a.name FROM leaving_agent l JOIN agent a ON a.id = l.agent JOIN leaving g ON g.id = l.leaving WHERE g.state"
             " <> 'aborted' AND (l.confirmed_ms IS NULL OR l.heard_ms IS NOT NULL) ORDER BY a.name",
             "");
    while (sql_next(&rows)) {
        puts(sql_text(&rows, 0));
    }
    return sql_end(&rows) != ERR_OK;
}

static int give_token(struct sql *sql, const char *name, const char *customer)
{
    int64_t id = sql_find_int(sql, 0, "SELECT id FROM customer WHERE name = ?1", "t", customer);
    enum err err = id ? sql_run(sql, "UPDATE token SET customer = ?2 WHERE name = ?1 AND revoked_ms IS NULL", "ti", name, id) : ERR_OK;

    if (err || !id || sql_changes(sql) == 0) {
        fprintf(stderr, "heliograph-server: expected a token and a customer that are there\n");
        return 2;
    }
    return note_alone(sql, "token give", name);
}

static int backup(struct sql *sql, const char *path)
{
    TEXT(why, 400);

    if (sql_backup(sql, path, &why)) {
        fprintf(stderr, "heliograph-server: %s\n", why.at);
        return 1;
    }
    printf("backup written to %s\n", path);
    return note_alone(sql, "backup", path);
}

static int do_command(const struct command *command, struct sql *sql, struct rules *rules)
{
    const char *const *words = command->words;
    enum role role = command->role ? role_read(command->role) : ROLE_NONE;

    if (strcmp(words[0], "import") == 0 && command->word_count >= 2) {
        return import(sql, rules, words + 1, command->word_count - 1);
    }
    if (strcmp(words[0], "export") == 0 && command->word_count <= 2) {
        return note_alone(sql, "export", command->word_count == 2 ? words[1] : NULL) ||
               export(sql, command->word_count == 2 ? words[1] : NULL);
    }
    if (strcmp(words[0], "audit") == 0 && command->word_count == 1) {
        return audit(sql);
    }
    if (strcmp(words[0], "backup") == 0 && command->word_count == 2) {
        return backup(sql, words[1]);
    }
    if (strcmp(words[0], "trail") == 0 && command->word_count <= 2) {
        return trail(sql, command->word_count == 2 ? words[1] : NULL);
    }
    if (strcmp(words[0], "revocations") == 0 && command->word_count == 1) {
        return revocations(sql);
    }
    if (command->word_count == 4 && strcmp(words[0], "token") == 0 && strcmp(words[1], "give") == 0) {
        return give_token(sql, words[2], words[3]);
    }
    if (command->word_count == 3 && strcmp(words[1], "add") == 0 &&
        (strcmp(words[0], "user") == 0 || strcmp(words[0], "token") == 0)) {
        if (role == ROLE_NONE) {
            fprintf(stderr, "heliograph-server: expected --role, one of admin manager dispatcher "
                            "technician viewer integration\n");
            return 2;
        }
        return words[0][0] == 'u' ? add_user(sql, words[2], role) : add_token(sql, words[2], role);
    }
    fprintf(stderr, "heliograph-server: unknown command %s\n%s", words[0], commands_help);
    return 2;
}

/* Beside a running server as a guest; without one as the owner, who may also make the database. */
int commands_run(const struct command *command, const struct server_config *config,
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
    status = do_command(command, sql, rules);
    sql_close(sql);
    return status;
}
