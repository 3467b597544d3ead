/* People, tokens, sessions and roles, by libsodium. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/base/text.h"
#include "models/service/role.h"
#include "server/store/sql.h"

extern const char *const role_names[]; /* NULL-ended: none viewer …; those that people can have */
/* ROLE_NONE when the name is none of ours. */
enum role role_read(const char *name);

/* A random API token; only its hash is stored. token has room for 64 bytes. */
enum err auth_token_add(struct sql *sql, const char *name, enum role role, int64_t now_ms,
                        char token[64]) MUST_CHECK;
/* Argon2id; adding a name again changes role and password. */
enum err auth_user_add(struct sql *sql, const char *name, enum role role, const char *password,
                       int64_t now_ms, struct text *why) MUST_CHECK;
/* The role behind an Authorization header's token, and who it is. */
enum role auth_token_check(struct sql *sql, const char *token, char who[80]);
enum role auth_password_check(struct sql *sql, const char *name, const char *password);
enum err auth_session_open(struct sql *sql, const char *name, int64_t now_ms,
                           char session[64]) MUST_CHECK;
enum role auth_session_check(struct sql *sql, const char *session, int64_t now_ms, char who[80]);
enum err auth_session_close(struct sql *sql, const char *session) MUST_CHECK;
/* Compares two secrets in a time that tells nothing. */
bool auth_same(const char *a, const char *b);
