/*
 * The seam on PostgreSQL (libpq). What is said above it is SQLite's dialect; here
 *   - ?1 ?2 … become $1 $2 …, with the types that the kinds' letters say;
 *   - the types of the migrations become PostgreSQL's (script);
 *   - MAX(a, b) of two numbers and instr are functions of ours, made when the server opens the
 *     database.
 * Results are fetched whole and as text. One server at a time: an advisory lock that ends with its
 * connection. A connection that broke is made anew by the next transaction or question.
 */
#include <assert.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "models/base/text.h"
#include "server/store/sql_int.h"

#define SLOTS       8192 /* more than there are statements in the program, and forms of lists (api/filter.c) */
#define VALUES_MOST 64
#define LOCK_KEY    "7237126941188321" /* of the advisory lock: this database has a server */

struct slot {
    const char *statement; /* the literal; NULL: free */
    bool ready;            /* prepared on the connection as it is now */
};

struct pg {
    PGconn *conn;
    enum sql_mode mode;
    struct slot slots[SLOTS];
    bool within; /* a transaction of ours */
    enum err trouble;
    int64_t changes, total_changes;
    char why[512];
};

struct found { /* a result being read */
    PGresult *result;
    int row, count;
    uint64_t decoded; /* columns of this row whose bytes stand decoded in their place */
};

/* ------------------------------------------------------------------ errors */

/* SQLSTATE classes: PostgreSQL's manual, appendix A. */
static enum err kind_of(const char *state)
{
    if (!state || strncmp(state, "08", 2) == 0 || strncmp(state, "57", 2) == 0) {
        return ERR_CLOSED; /* no connection, or the database is being stopped */
    }
    if (strcmp(state, "53100") == 0 || strcmp(state, "53200") == 0) {
        return ERR_FULL; /* disk, memory */
    }
    if (strcmp(state, "55P03") == 0 || strncmp(state, "40", 2) == 0 || strncmp(state, "53", 2) == 0) {
        return ERR_BUSY; /* a lock, a deadlock, too many connections */
    }
    if (strcmp(state, "23505") == 0) {
        return ERR_EXISTS;
    }
    if (strncmp(state, "23", 2) == 0 || strncmp(state, "22", 2) == 0) {
        return ERR_RANGE;
    }
    if (strncmp(state, "25006", 5) == 0 || strncmp(state, "28", 2) == 0 || strcmp(state, "42501") == 0) {
        return ERR_DENIED;
    }
    return strncmp(state, "58", 2) == 0 || strncmp(state, "XX", 2) == 0 ? ERR_IO : ERR_STATE;
}

static void keep_words(struct pg *pg, const char *words)
{
    size_t size;

    snprintf(pg->why, sizeof(pg->why), "%s", words && *words ? words : "no answer");
    for (size = strlen(pg->why); size > 0 && (pg->why[size - 1] == '\n' || pg->why[size - 1] == ' ');) {
        pg->why[--size] = '\0';
    }
}

/* Takes a result to its outcome; what it says is kept for why(). */
static enum err outcome_of(struct pg *pg, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    pg->trouble = ERR_OK;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        return ERR_OK;
    }
    pg->trouble = PQstatus(pg->conn) == CONNECTION_BAD
                      ? ERR_CLOSED
                      : kind_of(PQresultErrorField(result, PG_DIAG_SQLSTATE));
    keep_words(pg, result ? PQresultErrorMessage(result) : PQerrorMessage(pg->conn));
    return pg->trouble;
}

static enum err simple(struct pg *pg, const char *statement)
{
    PGresult *result = PQexec(pg->conn, statement);
    enum err err = outcome_of(pg, result);

    PQclear(result);
    return err;
}

/* ------------------------------------------------------------------ the connection */

static enum err try_lock(struct pg *pg)
{
    PGresult *result = PQexec(pg->conn, "SELECT pg_try_advisory_lock(" LOCK_KEY ")");
    enum err err = outcome_of(pg, result);

    if (!err && strcmp(PQgetvalue(result, 0, 0), "t") != 0) {
        keep_words(pg, "the database is held by another process");
        err = ERR_BUSY;
    }
    PQclear(result);
    return err;
}

/* A connection that was closed a moment ago holds its lock until PostgreSQL has noticed: half a second is waited for that,
 * so that a server that is started anew at once is not refused. */
static enum err take_lock(struct pg *pg)
{
    const struct timespec pause = {0, 50 * 1000 * 1000};
    enum err err = try_lock(pg);

    for (int i = 0; i < 10 && err == ERR_BUSY; i++) {
        (void)nanosleep(&pause, NULL);
        err = try_lock(pg);
    }
    return err;
}

/* Each is there after the first start; IF NOT EXISTS would speak of it. */
static const char furniture[] =
    "CREATE OR REPLACE FUNCTION max(bigint, bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS"
    " 'SELECT GREATEST($1, $2)';"
    "CREATE OR REPLACE FUNCTION min(bigint, bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS"
    " 'SELECT LEAST($1, $2)';"
    "CREATE OR REPLACE FUNCTION max(double precision, double precision) RETURNS double precision"
    " LANGUAGE sql IMMUTABLE AS 'SELECT GREATEST($1, $2)';"
    "CREATE OR REPLACE FUNCTION min(double precision, double precision) RETURNS double precision"
    " LANGUAGE sql IMMUTABLE AS 'SELECT LEAST($1, $2)';"
    "CREATE OR REPLACE FUNCTION instr(text, text) RETURNS integer LANGUAGE sql IMMUTABLE AS"
    " 'SELECT strpos($1, $2)';"
    "CREATE TABLE IF NOT EXISTS guest (commits BIGINT NOT NULL);"
    "INSERT INTO guest SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM guest);";

static enum err set_up(struct pg *pg)
{
    enum err err = simple(pg, "SET client_encoding = 'UTF8'; SET lock_timeout = '2s';"
                              "SET client_min_messages = warning; SET TimeZone = 'UTC'");

    if (!err && pg->mode == SQL_READ) {
        return simple(pg, "SET default_transaction_read_only = on;"
                          "SET default_transaction_isolation = 'repeatable read'");
    }
    if (!err && pg->mode == SQL_WRITE) {
        err = take_lock(pg);
    }
    return err || pg->mode != SQL_WRITE ? err : simple(pg, furniture);
}

static void be_quiet(void *context, const PGresult *result)
{
    (void)context;
    (void)result; /* notices: what matters comes as an error */
}

/* The connection if it stands, else a new one; statements are prepared on it again when needed. */
static enum err stand(struct pg *pg)
{
    if (PQstatus(pg->conn) == CONNECTION_OK) {
        return ERR_OK;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        pg->slots[i].ready = false;
    }
    pg->within = false;
    PQreset(pg->conn);
    if (PQstatus(pg->conn) != CONNECTION_OK) {
        keep_words(pg, PQerrorMessage(pg->conn));
        return pg->trouble = ERR_CLOSED;
    }
    return set_up(pg);
}

static void close_pg(void *self)
{
    struct pg *pg = self;

    if (pg) {
        PQfinish(pg->conn);
        free(pg);
    }
}

static enum err open_pg(const char *url, enum sql_mode mode, void **ret_self, struct text *why)
{
    struct pg *pg = calloc(1, sizeof(*pg));
    enum err err = ERR_OK;

    if (!pg) {
        return ERR_NOMEM;
    }
    pg->mode = mode;
    pg->conn = PQconnectdb(url);
    if (PQstatus(pg->conn) != CONNECTION_OK) {
        keep_words(pg, PQerrorMessage(pg->conn));
        err = ERR_DENIED;
    } else {
        PQsetNoticeReceiver(pg->conn, be_quiet, NULL);
        err = set_up(pg);
    }
    if (err) {
        text_say(why, err, "cannot open the database: %s", pg->why); /* the URL may hold a password */
        close_pg(pg);
        return err;
    }
    *ret_self = pg;
    return ERR_OK;
}

/* ------------------------------------------------------------------ transactions */

static enum err begin(void *self)
{
    struct pg *pg = self;
    enum err err = stand(pg);

    if (!err) {
        err = simple(pg, "BEGIN");
    }
    pg->within = !err;
    return err;
}

static void rollback(void *self)
{
    struct pg *pg = self;
    enum err trouble = pg->trouble; /* the reason for going back is the one that is asked for */

    if (pg->within && PQstatus(pg->conn) == CONNECTION_OK) {
        (void)!simple(pg, "ROLLBACK");
    }
    pg->within = false;
    pg->trouble = trouble;
}

static enum err commit(void *self)
{
    struct pg *pg = self;
    PGresult *result;
    enum err err = pg->mode == SQL_GUEST ? simple(pg, "UPDATE guest SET commits = commits + 1")
                                         : ERR_OK;

    if (err) {
        return err;
    }
    result = PQexec(pg->conn, "COMMIT");
    err = outcome_of(pg, result);
    if (!err && strcmp(PQcmdStatus(result), "COMMIT") != 0) {
        keep_words(pg, "a statement of the transaction had failed"); /* it answers ROLLBACK */
        err = pg->trouble = ERR_STATE;
    }
    PQclear(result);
    pg->within = pg->within && err;
    return err;
}

/* ------------------------------------------------------------------ SQLite's words in PostgreSQL's */

struct word {
    const char *from, *to;
};

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

/* The longest entry that stands at `at` as whole words. */
static const struct word *word_at(const char *begin, const char *at)
{
    static const struct word words[] = {
        {"INTEGER PRIMARY KEY", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"},
        {"INTEGER", "BIGINT"},
        {"REAL", "DOUBLE PRECISION"},
        {"BLOB", "BYTEA"},
        {" WITHOUT ROWID", ""},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t size = strlen(words[i].from);

        if (strncmp(at, words[i].from, size) == 0 && !is_letter(at[size]) &&
            (at == begin || !is_letter(at[-1]))) {
            return &words[i];
        }
    }
    return NULL;
}

static enum err script(void *self, const char *statements)
{
    struct pg *pg = self;
    size_t size = strlen(statements) * 2 + 1024, used = 0;
    char *words = calloc(1, size);
    enum err err;

    if (!words) {
        return ERR_NOMEM;
    }
    for (const char *at = statements; *at && used + 64 < size;) {
        const struct word *word = word_at(statements, at);

        if (word) {
            used += (size_t)snprintf(words + used, size - used, "%s", word->to);
            at += strlen(word->from);
        } else {
            words[used++] = *at++;
        }
    }
    err = stand(pg);
    err = err ? err : simple(pg, words);
    free(words);
    return err;
}

/* ?1 becomes $1, but not within quotes. */
static char *numbered(const char *statement)
{
    char *words = strdup(statement);
    bool quoted = false;

    for (char *at = words; at && *at; at++) {
        quoted = quoted != (*at == '\'');
        if (*at == '?' && !quoted) {
            *at = '$';
        }
    }
    return words;
}

/* ------------------------------------------------------------------ statements */

struct values {
    Oid types[VALUES_MOST];
    const char *at[VALUES_MOST];
    int sizes[VALUES_MOST], formats[VALUES_MOST];
    char numbers[VALUES_MOST][32];
    int count;
};

static void gather(struct values *values, const char *kinds, va_list list)
{
    enum { INT8 = 20, TEXT_TYPE = 25, BYTEA = 17, FLOAT8 = 701 }; /* pg_type's fixed oids */

    memset(values, 0, offsetof(struct values, numbers));
    values->count = (int)strlen(kinds);
    assert(values->count <= VALUES_MOST);
    for (int i = 0; i < values->count; i++) {
        switch (kinds[i]) {
        case 'i':
            values->types[i] = INT8;
            snprintf(values->numbers[i], sizeof(values->numbers[i]), "%lld",
                     (long long)va_arg(list, int64_t));
            values->at[i] = values->numbers[i];
            break;
        case 'd':
            values->types[i] = FLOAT8;
            snprintf(values->numbers[i], sizeof(values->numbers[i]), "%.17g", va_arg(list, double));
            values->at[i] = values->numbers[i];
            break;
        case 't':
            values->types[i] = TEXT_TYPE;
            values->at[i] = va_arg(list, const char *);
            break;
        case 'b':
            values->types[i] = BYTEA;
            values->at[i] = va_arg(list, const char *);
            values->sizes[i] = (int)va_arg(list, size_t);
            values->at[i] = values->at[i] ? values->at[i] : "";
            values->formats[i] = 1;
            break;
        default:
            assert(kinds[i] == 'n'); /* its type follows from where it stands */
        }
    }
}

static struct slot *slot_of(struct pg *pg, const char *statement)
{
    uintptr_t hash = (uintptr_t)statement;
    size_t at = (hash >> 3 ^ hash >> 13) & (SLOTS - 1);

    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &pg->slots[(at + i) & (SLOTS - 1)];

        if (!slot->statement) {
            slot->statement = statement;
        }
        if (slot->statement == statement) {
            return slot;
        }
    }
    assert(false); /* SLOTS is larger than the number of statements in a program */
    return NULL;
}

static enum err prepare(struct pg *pg, struct slot *slot, const char *name,
                        const struct values *values)
{
    PGresult *result;
    char *words;
    enum err err;

    if (slot->ready) {
        return ERR_OK;
    }
    words = numbered(slot->statement);
    if (!words) {
        return ERR_NOMEM;
    }
    result = PQprepare(pg->conn, name, words, values->count, values->types);
    err = outcome_of(pg, result);
    slot->ready = !err;
    PQclear(result);
    free(words);
    return err;
}

/* Questions and single statements outside a transaction stand on a connection that may have broken
 * unnoticed. */
static enum err try_execute(struct pg *pg, struct slot *slot, const struct values *values,
                            PGresult **ret_result)
{
    enum err err = pg->within ? ERR_OK : stand(pg);
    char name[32];

    snprintf(name, sizeof(name), "s%zu", (size_t)(slot - pg->slots));
    if (!err) {
        err = prepare(pg, slot, name, values);
    }
    if (err) {
        return err;
    }
    *ret_result = PQexecPrepared(pg->conn, name, values->count, values->at, values->sizes,
                                 values->formats, 0);
    err = outcome_of(pg, *ret_result);
    if (err) {
        PQclear(*ret_result);
    }
    return err;
}

static void count_changes(struct pg *pg, PGresult *result)
{
    if (strncmp(PQcmdStatus(result), "SELECT", 6) != 0) {
        pg->changes = strtoll(PQcmdTuples(result), NULL, 10);
        pg->total_changes += pg->changes;
    }
}

static enum err execute(struct pg *pg, const char *statement, const char *kinds, va_list list,
                        PGresult **ret_result)
{
    struct slot *slot = slot_of(pg, statement);
    struct values values;
    enum err err;

    gather(&values, kinds, list);
    err = try_execute(pg, slot, &values, ret_result);
    if (err == ERR_CLOSED && pg->mode == SQL_READ && PQstatus(pg->conn) != CONNECTION_OK) {
        err = try_execute(pg, slot, &values, ret_result); /* once more, on a new one */
    }
    if (!err) {
        count_changes(pg, *ret_result);
    }
    return err;
}

static enum err run(void *self, const char *statement, const char *kinds, va_list list)
{
    PGresult *result;
    enum err err = execute(self, statement, kinds, list, &result);

    if (!err) {
        PQclear(result);
    }
    return err;
}

static void find(void *self, struct sql_rows *rows, const char *statement, const char *kinds,
                 va_list list)
{
    struct found *found = calloc(1, sizeof(*found));

    rows->err = found ? execute(self, statement, kinds, list, &found->result) : ERR_NOMEM;
    if (rows->err) {
        free(found);
        return;
    }
    found->row = -1;
    found->count = PQntuples(found->result);
    rows->result = found;
}

/* ------------------------------------------------------------------ results */

static bool next(struct sql_rows *rows)
{
    struct found *found = rows->result;

    if (!found || rows->err || found->row + 1 >= found->count) {
        return false;
    }
    found->row++;
    found->decoded = 0;
    return true;
}

static bool null(const struct sql_rows *rows, int column)
{
    const struct found *found = rows->result;

    return PQgetisnull(found->result, found->row, column);
}

static const char *text(const struct sql_rows *rows, int column)
{
    const struct found *found = rows->result;

    return null(rows, column) ? NULL : PQgetvalue(found->result, found->row, column);
}

/* A truth is "t" or "f"; a sum of integers may come with a decimal point. */
static int64_t integer(const struct sql_rows *rows, int column)
{
    const char *words = text(rows, column);

    return !words ? 0 : *words == 't' ? 1 : strtoll(words, NULL, 10);
}

static double real(const struct sql_rows *rows, int column)
{
    const char *words = text(rows, column);

    return words ? strtod(words, NULL) : 0;
}

static unsigned nibble(char c)
{
    return c >= 'a' ? (unsigned)(c - 'a') + 10 : (unsigned)(c - '0');
}

/* Bytes come as \x and hexadecimal digits; they are decoded where they stand, once a row. */
static const void *blob(const struct sql_rows *rows, int column, size_t *ret_size)
{
    struct found *found = rows->result;
    char *at = PQgetvalue(found->result, found->row, column);
    size_t size = (size_t)PQgetlength(found->result, found->row, column);

    assert(column < 64);
    if (PQftype(found->result, column) != 17) { /* a text asked for as bytes */
        *ret_size = size;
        return at;
    }
    *ret_size = size < 2 ? 0 : (size - 2) / 2;
    if (!(found->decoded & (uint64_t)1 << column)) {
        for (size_t i = 0; i < *ret_size; i++) {
            at[i] = (char)(nibble(at[2 + 2 * i]) << 4 | nibble(at[3 + 2 * i]));
        }
        found->decoded |= (uint64_t)1 << column;
    }
    return at;
}

static enum err end(struct sql_rows *rows)
{
    struct found *found = rows->result;

    if (found) {
        PQclear(found->result);
        free(found);
    }
    return rows->err;
}

/* ------------------------------------------------------------------ the rest */

static int64_t changes(void *self)
{
    const struct pg *pg = self;

    return pg->changes;
}

static int64_t total_changes(void *self)
{
    const struct pg *pg = self;

    return pg->total_changes;
}

static int64_t number_of(struct pg *pg, const char *statement, const char *value)
{
    PGresult *result = PQexecParams(pg->conn, statement, value ? 1 : 0, NULL, &value, NULL, NULL, 0);
    int64_t number = outcome_of(pg, result) || PQntuples(result) < 1
                         ? 0
                         : strtoll(PQgetvalue(result, 0, 0), NULL, 10);

    PQclear(result);
    return number;
}

static int64_t last_id(void *self)
{
    return number_of(self, "SELECT lastval()", NULL);
}

/* Without ours, that stands before the migrations. */
static enum err freeze(void *self, const char *table, const char *event, const char *unless)
{
    const char *name = *event == 'D' ? "kept" : "frozen";
    TEXT(words, 900);

    text_addf(&words,
              "CREATE OR REPLACE FUNCTION heliograph_%s() RETURNS trigger LANGUAGE plpgsql AS $$"
              " BEGIN IF %s THEN RETURN NEW; END IF; RAISE EXCEPTION 'rows of %% are never changed', TG_TABLE_NAME; END $$;"
              " DROP TRIGGER IF EXISTS %s_%s ON %s; CREATE TRIGGER %s_%s BEFORE %s ON %s"
              " FOR EACH ROW EXECUTE FUNCTION heliograph_%s();",
              unless ? "removing" : "frozen", unless ? unless : "false", table, name, table, table, name, event, table,
              unless ? "removing" : "frozen");
    return simple(self, words.at);
}

static int64_t tables(void *self, const char *name)
{
    return name ? number_of(self,
                            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema ="
                            " current_schema() AND table_name = $1",
                            name)
                : number_of(self,
                            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema ="
                            " current_schema() AND table_name <> 'guest'",
                            NULL);
}

static int64_t version(void *self)
{
    return number_of(self, "SELECT commits + 1 FROM guest", NULL);
}

static const char *why(void *self)
{
    const struct pg *pg = self;

    return pg->why;
}

static enum err trouble(void *self)
{
    const struct pg *pg = self;

    return pg->trouble;
}

/* pg_dump knows how; the same connection's parameters, no shell. */
static enum err backup(void *self, const char *path, struct text *why_not)
{
    struct pg *pg = self;
    int status = -1;
    pid_t child;

    child = fork();
    if (child == 0) {
        const char *password = PQpass(pg->conn);

        if (password && *password) {
            setenv("PGPASSWORD", password, 1);
        }
        execlp("pg_dump", "pg_dump", "--format=custom", "--file", path, "--host", PQhost(pg->conn),
               "--port", PQport(pg->conn), "--username", PQuser(pg->conn), "--no-password",
               PQdb(pg->conn), (char *)NULL);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
        return text_say(why_not, ERR_IO, "pg_dump could not write %s (exit status %d); is it installed?",
                        path, WIFEXITED(status) ? WEXITSTATUS(status) : status);
    }
    return ERR_OK;
}

const struct sql_ops sql_pg_ops = {
    .scheme = "postgresql",
    .open = open_pg,
    .close = close_pg,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .script = script,
    .run = run,
    .find = find,
    .next = next,
    .integer = integer,
    .real = real,
    .text = text,
    .blob = blob,
    .null = null,
    .end = end,
    .changes = changes,
    .total_changes = total_changes,
    .last_id = last_id,
    .freeze = freeze,
    .tables = tables,
    .version = version,
    .why = why,
    .trouble = trouble,
    .backup = backup,
};
