/* Notices about a ticket: a row of the outbox for every configured channel. */
#include <string.h>

#include "models/base/hash.h"
#include "server/case/customer.h"
#include "server/case/ticket.h"
#include "server/notice/notify.h"

/* A fault that is judged from a backlog is told only when the backlog has had time to say that it
 * has cleared since. */
#define LATE_NOTICE_MS (60 * 1000)

static enum err tell_channel(struct sql *sql, const struct ticket *ticket, const char *step,
                             const char *channel, const char *target, const char *subject,
                             const char *body, int64_t now_ms)
{
    TEXT(key, 400);
    char hash[17];
    struct notice notice = {
        .key = key.at,
        .channel = channel,
        .target = target,
        .subject = subject,
        .body = body,
        .ticket = ticket->id,
        .due_ms = ticket->late ? now_ms + LATE_NOTICE_MS : now_ms,
    };

    /* of the target only a hash: an address may be long and may hold a password */
    hash_hex(hash_bytes(target ? target : "", target ? strlen(target) : 0), hash);
    text_addf(&key, "ticket:%s:%s:%s:%s", ticket->number, step, channel, target ? hash : "-");
    if (key.cut) {
        return ERR_FULL;
    }
    return notify_put(sql, now_ms, &notice);
}

static void notice_body(struct office *office, const struct ticket *ticket, const char *step,
                        const char *sentence, struct json_out *out)
{
    json_open_object(out);
    json_text(out, "ticket", ticket->number);
    json_text(out, "step", step);
    json_text(out, "kind", ticket->kind);
    json_text(out, "fault", ticket->fault);
    json_int(out, "grade", ticket->grade);
    json_text(out, "title_en", ticket->title_en);
    json_text(out, "title_zh", ticket->title_zh);
    json_text(out, "message", sentence);
    if (office->options.public_url) {
        TEXT(link, 512);

        text_addf(&link, "%s/track/%s", office->options.public_url, ticket->number);
        json_text(out, "link", link.at);
    }
    json_close_object(out);
}

/* The same for a person's mail. */
static void notice_words(struct office *office, const struct ticket *ticket, const char *sentence,
                         struct text *to)
{
    text_addf(to, "%s\n\nTicket / 工单: %s\nGrade / 等级: %d\n%s\n%s\n", sentence, ticket->number,
              ticket->grade, ticket->title_en ? ticket->title_en : ticket->kind,
              ticket->title_zh ? ticket->title_zh : "");
    if (office->options.public_url) {
        text_addf(to, "%s/track/%s\n", office->options.public_url, ticket->number);
    }
}

enum err ticket_tell(struct office *office, struct sql *sql, const struct ticket *ticket,
                     const char *step, const char *sentence, int64_t now_ms)
{
    struct json_out body = json_out(16 * 1024);
    TEXT(subject, 320);
    TEXT(words, 2048);
    enum err err;

    text_addf(&subject, "[%s] grade %d: %s", ticket->number, ticket->grade,
              ticket->title_en ? ticket->title_en : ticket->kind);
    notice_words(office, ticket, sentence, &words);
    notice_body(office, ticket, step, sentence, &body);
    err = body.err;
    if (!err) {
        err = tell_channel(sql, ticket, step, "log", NULL, subject.at, body.bytes, now_ms);
    }
    for (const char *const *hook = office->options.webhooks; !err && hook && *hook; hook++) {
        err = tell_channel(sql, ticket, step, "webhook", *hook, subject.at, body.bytes, now_ms);
    }
    if (!err && office->options.has_smtp && office->options.mail_to) {
        err = tell_channel(sql, ticket, step, "smtp", office->options.mail_to, subject.at, words.at,
                           now_ms);
    }
    json_out_free(&body);
    return err ? err : customer_tell(office, sql, ticket, step, now_ms);
}
