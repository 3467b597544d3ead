/* Who asks: a token, or the cookie that a log-in left. */
#include <stdatomic.h>
#include <string.h>
#include <strings.h>

#include "server/api/api_int.h"

#define COOKIE "hg_session"

/* The value of our cookie among all that a browser sends; false: none. */
static bool read_cookie(const struct call *call, char *to, size_t room)
{
    const char *at = http_header(call->request, "Cookie");
    size_t name = strlen(COOKIE);

    while (at && *at) {
        at += strspn(at, "; ");
        if (strncmp(at, COOKIE "=", name + 1) == 0) {
            size_t size = strcspn(at + name + 1, "; ");

            if (size >= room) {
                return false;
            }
            memcpy(to, at + name + 1, size);
            to[size] = '\0';
            return true;
        }
        at += strcspn(at, ";");
    }
    return false;
}

void session_identify(struct call *call)
{
    const char *header = http_header(call->request, "Authorization");
    char session[80];

    if (header && strncasecmp(header, "Bearer ", 7) == 0) {
        header += 7;
        call->role = auth_token_check(call->sql, header + strspn(header, " "), call->who);
    } else if (read_cookie(call, session, sizeof(session))) {
        call->role = auth_session_check(call->sql, session, call->now_ms, call->who);
        call->by_cookie = true;
    }
}

static enum err open_session(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    const char *name = json_text_or(call->body, "name", "");
    char session[64];
    TEXT(header, 160);
    enum err err;

    (void)why;
    err = auth_session_open(sql, name, now_ms, session);
    if (!err) {
        text_addf(&header, COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200", session);
        call_header(call, "Set-Cookie", header.at);
        json_open_object(call->out);
        json_text(call->out, "name", name);
        json_text(call->out, "role", role_names[call->role]);
        json_close_object(call->out);
    }
    return err;
}

#define REFUSALS_A_MINUTE 20 /* that leave a line: guessing must not fill the disk */

static void note_refusal(struct call *call, const char *name)
{
    static _Atomic int64_t minute, count;
    int64_t now = call->now_ms / 60000;
    TEXT(object, 80);

    if (atomic_exchange(&minute, now) != now) {
        atomic_store(&count, 0);
    }
    if (atomic_fetch_add(&count, 1) < REFUSALS_A_MINUTE) {
        text_addf(&object, "%.64s", name);
        (void)!call_note(call, "log-in refused", object.at, NULL); /* the answer stays the same */
    }
}

void session_log_in(struct call *call)
{
    const char *name = json_text_or(call->body, "name", "");

    call->role = auth_password_check(call->sql, name, json_text_or(call->body, "password", ""));
    if (call->role == ROLE_NONE || text_copy(call->who, sizeof(call->who), name)) {
        note_refusal(call, name);
        call_problem(call, 401, "Unauthorized", "the name or the password is wrong");
        return;
    }
    (void)!call_write(call, open_session);
}

static enum err close_session(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    char session[80];

    (void)now_ms;
    (void)why;
    json_open_object(call->out);
    json_close_object(call->out);
    call_header(call, "Set-Cookie", COOKIE "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    return read_cookie(call, session, sizeof(session)) ? auth_session_close(sql, session) : ERR_OK;
}

void session_log_out(struct call *call)
{
    (void)!call_write(call, close_session);
}
