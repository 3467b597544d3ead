/* Secrets: only their hashes are stored. */
#include "server/api/auth.h"

#include <sodium.h>
#include <string.h>

#define SESSION_MS (12LL * 3600000)

const char *const role_names[] = {"none",       "viewer",  "integration", "technician",
                                  "dispatcher", "manager", "admin",       NULL};

enum role role_read(const char *name)
{
    for (int i = 1; role_names[i]; i++) {
        if (strcmp(role_names[i], name) == 0) {
            return (enum role)i;
        }
    }
    return ROLE_NONE;
}

/* Secrets are random, so a fast hash is enough to keep them. */
static void hash_secret(const char *secret, char to[65])
{
    unsigned char hash[32];

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)secret, strlen(secret), NULL, 0);
    sodium_bin2hex(to, 65, hash, sizeof(hash));
}

static void draw_secret(const char *prefix, char to[64])
{
    unsigned char bytes[24];
    char words[40];
    struct text text = text_on(to, 64);

    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(words, sizeof(words), bytes, sizeof(bytes),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    text_addf(&text, "%s%s", prefix, words);
}

enum err auth_token_add(struct sql *sql, const char *name, enum role role, int64_t now_ms,
                        char token[64])
{
    char hash[65];

    if (sodium_init() < 0) {
        return ERR_STATE;
    }
    draw_secret("hg_", token);
    hash_secret(token, hash);
    return sql_run(sql, "INSERT INTO token (name, role, hash, created_ms) VALUES (?1, ?2, ?3, ?4)",
                   "ttti", name, role_names[role], hash, now_ms);
}

enum err auth_user_add(struct sql *sql, const char *name, enum role role, const char *password,
                       int64_t now_ms, struct text *why)
{
    char hash[crypto_pwhash_STRBYTES];

    if (sodium_init() < 0) {
        return ERR_STATE;
    }
    if (strlen(password) < 8) {
        return text_say(why, ERR_FORMAT, "expected a password of at least 8 characters");
    }
    if (crypto_pwhash_str(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE)) {
        return ERR_NOMEM;
    }
    return sql_run(sql,
                   "INSERT INTO person (name, role, password, created_ms) VALUES (?1, ?2, ?3, ?4) ON"
                   " CONFLICT (name) DO UPDATE SET role = ?2, password = ?3",
                   "ttti", name, role_names[role], hash, now_ms);
}

enum role auth_token_check(struct sql *sql, const char *token, char who[80])
{
    enum role role = ROLE_NONE;
    struct sql_rows rows;
    char hash[65];

    hash_secret(token, hash);
    sql_find(sql, &rows, "SELECT role, name FROM token WHERE hash = ?1 AND revoked_ms IS NULL", "t",
             hash);
    if (sql_next(&rows)) {
        role = role_read(sql_text(&rows, 0));
        (void)!text_copy(who, 80, sql_text(&rows, 1));
    }
    return sql_end(&rows) ? ROLE_NONE : role;
}

enum role auth_password_check(struct sql *sql, const char *name, const char *password)
{
    /* of nobody's password: an unknown name takes as long as a wrong password */
    static const char nobody[] = "$argon2id$v=19$m=65536,t=2,p=1$jWaYKDBr4RDVbTkRFXyKpQ$"
                                 "0C4bVtP8pG3L4VZ7wRjJm1cMTYtFb2lZ4rCqG7dC0kE";
    char hash[crypto_pwhash_STRBYTES] = {0};
    enum role role = ROLE_NONE, found = ROLE_NONE;
    struct sql_rows rows;

    (void)!text_copy(hash, sizeof(hash), nobody);
    sql_find(sql, &rows, "SELECT role, password FROM person WHERE name = ?1", "t", name);
    if (sql_next(&rows)) {
        found = role_read(sql_text(&rows, 0));
        (void)!text_copy(hash, sizeof(hash), sql_text(&rows, 1));
    }
    if (sql_end(&rows)) {
        return ROLE_NONE;
    }
    if (crypto_pwhash_str_verify(hash, password, strlen(password)) == 0) {
        role = found;
    }
    return role;
}

enum err auth_session_open(struct sql *sql, const char *name, int64_t now_ms, char session[64])
{
    char hash[65];
    enum err err = sql_run(sql, "DELETE FROM session WHERE expires_ms <= ?1", "i", now_ms);

    if (err) {
        return err;
    }
    draw_secret("hs_", session);
    hash_secret(session, hash);
    return sql_run(sql,
                   "INSERT INTO session (hash, person, created_ms, expires_ms) VALUES (?1, ?2, ?3,"
                   " ?4)",
                   "ttii", hash, name, now_ms, now_ms + SESSION_MS);
}

enum role auth_session_check(struct sql *sql, const char *session, int64_t now_ms, char who[80])
{
    enum role role = ROLE_NONE;
    struct sql_rows rows;
    char hash[65];

    hash_secret(session, hash);
    sql_find(sql, &rows,
             "SELECT p.role, p.name FROM session s JOIN person p ON p.name = s.person WHERE s.hash ="
             " ?1 AND s.expires_ms > ?2",
             "ti", hash, now_ms);
    if (sql_next(&rows)) {
        role = role_read(sql_text(&rows, 0));
        (void)!text_copy(who, 80, sql_text(&rows, 1));
    }
    return sql_end(&rows) ? ROLE_NONE : role;
}

enum err auth_session_close(struct sql *sql, const char *session)
{
    char hash[65];

    hash_secret(session, hash);
    return sql_run(sql, "DELETE FROM session WHERE hash = ?1", "t", hash);
}

bool auth_same(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && sodium_memcmp(a, b, strlen(a)) == 0;
}
