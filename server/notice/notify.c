/* The outbox's thread: reads what waits, delivers by libcurl, and has the outcome committed. */
#include "server/notice/notify.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "host/log.h"
#include "host/queue.h"
#include "models/base/civil.h"
#include "models/base/hash.h"
#include "models/base/text.h"
#include "server/store/metrics.h"

#define SLICE       50
#define LOOK_MS     1000
#define RETRY_MOST  3600000
#define GIVE_UP_MS  (3LL * 86400000)
#define TIMEOUT_MS  10000
#define POSTPONE_MS 1000

struct letter { /* one notice on its way */
    int64_t id, created_ms, attempts;
    char *key, *channel, *target, *subject, *body;
    bool sent;
    bool refused; /* for good: the gateway took the request and will not have the message */
    long status;
    char why[200];
    bool postponed; /* its target failed a moment ago: asked again with the others */
};

struct notifier {
    struct notify_options options;
    struct sql *sql;
    struct queue *wake;
    pthread_t thread;
    bool running;
    _Atomic bool closing; /* a delivery that hangs is given up */
};

static char *copy(const char *words)
{
    return strdup(words ? words : "");
}

static size_t read_letters(struct notifier *notifier, struct letter *letters)
{
    struct sql_rows rows;
    size_t count = 0;

    sql_find(notifier->sql, &rows,
             "SELECT id, created_ms, attempts, key, channel, target, subject, body FROM outbox WHERE"
             " state = 'waiting' AND next_ms <= ?1 ORDER BY next_ms, id LIMIT 50",
             "i", clock_wall_ms());
    while (count < SLICE && sql_next(&rows)) {
        letters[count++] = (struct letter){
            .id = sql_int(&rows, 0),
            .created_ms = sql_int(&rows, 1),
            .attempts = sql_int(&rows, 2),
            .key = copy(sql_text(&rows, 3)),
            .channel = copy(sql_text(&rows, 4)),
            .target = copy(sql_text(&rows, 5)),
            .subject = copy(sql_text(&rows, 6)),
            .body = copy(sql_text(&rows, 7)),
        };
    }
    (void)!sql_end(&rows);
    return count;
}

static size_t swallow(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

static int may_go_on(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct notifier *notifier = context;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return atomic_load(&notifier->closing);
}

static void perform(struct notifier *notifier, CURL *curl, struct letter *letter, int64_t timeout_ms)
{
    CURLcode code;

    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, may_go_on);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, notifier);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &letter->status);
    letter->sent = code == CURLE_OK && (letter->status == 0 || (letter->status >= 200 && letter->status < 300));
    if (!letter->sent) {
        struct text why = text_on(letter->why, sizeof(letter->why));

        text_addf(&why, "%s, status %ld", curl_easy_strerror(code), letter->status);
    }
}

/* Bytes that may not stand in a header, as %XX: two keys never become one. */
static void add_visible(struct text *text, const char *words)
{
    for (; *words; words++) {
        unsigned char byte = (unsigned char)*words;

        if (byte > ' ' && byte < 0x7f && byte != '%') {
            text_add_bytes(text, words, 1);
        } else {
            text_addf(text, "%%%02X", byte);
        }
    }
}

static void send_webhook(struct notifier *notifier, struct letter *letter)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = NULL;
    TEXT(key, 1600);

    if (!curl) {
        return;
    }
    text_add(&key, "Idempotency-Key: ");
    add_visible(&key, letter->key);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    headers = curl_slist_append(headers, key.at);
    curl_easy_setopt(curl, CURLOPT_URL, letter->target);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, letter->body);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, swallow);
    perform(notifier, curl, letter, TIMEOUT_MS);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}

struct mail {
    const char *at;
    size_t left;
};

static size_t read_mail(char *to, size_t size, size_t count, void *context)
{
    struct mail *mail = context;
    size_t give = mail->left < size * count ? mail->left : size * count;

    memcpy(to, mail->at, give);
    mail->at += give;
    mail->left -= give;
    return give;
}

/* A header's value: no byte of it ends the line. What is not ASCII goes as encoded words (RFC 2047), each
 * of whole characters and at most 75 bytes long. */
static void add_header_words(struct text *text, const char *words)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at = words;
    size_t line = 0;

    while (*at >= ' ' && *at != 0x7f) {
        at++;
    }
    if (*at == '\0') {
        text_add(text, words);
        return;
    }
    for (at = words; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        bool begins = (byte & 0xc0) != 0x80;

        if (line == 0 || (begins && line > 50)) {
            text_add(text, line ? "?=\r\n =?UTF-8?Q?" : "=?UTF-8?Q?");
            line = 1;
        }
        if ((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z')) {
            text_add_bytes(text, at, 1);
            line++;
        } else {
            byte = byte < ' ' || byte == 0x7f ? ' ' : byte;
            char hex[4] = {'=', digits[byte >> 4], digits[byte & 15], 0};

            text_add(text, hex);
            line += 3;
        }
    }
    text_add(text, "?=");
}

/* Lines end with CR LF and are short enough for SMTP (998 bytes), cut between characters only. */
static void add_body(struct text *text, const char *words)
{
    size_t line = 0;

    for (; *words; words++) {
        unsigned char byte = (unsigned char)*words;

        if (byte == '\n' || (line > 900 && (byte & 0xc0) != 0x80)) {
            text_add(text, "\r\n");
            line = 0;
        }
        if (byte == '\t' || (byte >= ' ' && byte != 0x7f)) {
            text_add_bytes(text, words, 1);
            line++;
        }
    }
    text_add(text, "\r\n");
}

static void write_mail(const struct notify_options *options, const struct letter *letter,
                       struct text *to)
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t s = letter->created_ms / 1000;
    int year, month, day;
    char key[17];

    civil_from_days((int32_t)(s / 86400), &year, &month, &day);
    text_add(to, "From: ");
    add_header_words(to, options->smtp_from);
    text_add(to, "\r\nTo: ");
    add_header_words(to, letter->target);
    text_add(to, "\r\nSubject: ");
    add_header_words(to, letter->subject);
    text_addf(to, "\r\nDate: %s, %d %s %d %02d:%02d:%02d +0000\r\nMessage-ID: <",
              days[s / 86400 % 7], day, months[month - 1], year, (int)(s % 86400 / 3600),
              (int)(s % 3600 / 60), (int)(s % 60));
    hash_hex(hash_bytes(letter->key, strlen(letter->key)), key);
    text_add(to, key); /* the same on every try: a receiver can tell a repeat */
    text_add(to, "@heliograph>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                 "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
    add_body(to, letter->body);
}

static void send_mail(struct notifier *notifier, struct letter *letter)
{
    const struct notify_options *options = &notifier->options;
    size_t room = 2 * strlen(letter->body) + 6 * strlen(letter->subject) + 8192;
    char *memory = malloc(room);
    struct curl_slist *to = NULL;
    CURL *curl = curl_easy_init();
    struct text words;
    struct mail mail;

    if (!curl || !memory) {
        free(memory);
        curl_easy_cleanup(curl);
        return;
    }
    words = text_on(memory, room);
    write_mail(options, letter, &words);
    mail = (struct mail){words.at, words.length};
    to = curl_slist_append(to, letter->target);
    curl_easy_setopt(curl, CURLOPT_URL, options->smtp_url);
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, options->smtp_from);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_mail);
    curl_easy_setopt(curl, CURLOPT_READDATA, &mail);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_TRY);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    if (options->smtp_user) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, options->smtp_user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, options->smtp_password);
    }
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, swallow);
    perform(notifier, curl, letter, TIMEOUT_MS);
    curl_slist_free_all(to);
    curl_easy_cleanup(curl);
    free(memory);
}

static size_t keep_answer(char *bytes, size_t size, size_t count, void *context)
{
    text_add_bytes(context, bytes, size * count); /* its beginning is enough */
    return size * count;
}

/* The headers of the gateway; NULL with letter->why: one is too long. */
static struct curl_slist *sms_headers(const struct sms_gateway *gateway, const struct sms_letter *what, const char *key)
{
    struct curl_slist *headers = curl_slist_append(NULL, gateway->form ? "Content-Type: application/x-www-form-urlencoded"
                                                                       : "Content-Type: application/json");
    TEXT(once, 1600);

    text_add(&once, "Idempotency-Key: ");
    add_visible(&once, key);
    headers = curl_slist_append(headers, once.at);
    for (const char *const *header = gateway->headers; header && *header; header++) {
        TEXT(words, 4096);

        if (!sms_fill(gateway, *header, SMS_IN_HEADER, what, &words)) {
            headers = curl_slist_append(headers, words.at);
        }
    }
    return headers;
}

/* What the gateway says to it: taken, refused for good, or another time. */
static void judge_answer(const struct sms_gateway *gateway, struct letter *letter, const char *answer)
{
    bool unsaid = letter->sent && gateway->accepts && !strstr(answer, gateway->accepts);
    TEXT(why, sizeof(letter->why));

    letter->refused = sms_is_refusal(gateway, letter->status);
    letter->sent = letter->sent && !unsaid;
    if (letter->refused || unsaid) {
        text_addf(&why, letter->refused ? "refused by the gateway, status %ld"
                                        : "status %ld, but the answer does not say that the message is taken",
                  letter->status);
        memcpy(letter->why, why.at, why.length + 1);
    }
}

static void send_sms(struct notifier *notifier, struct letter *letter)
{
    const struct sms_gateway *gateway = &notifier->options.sms;
    struct sms_letter what = {letter->target, letter->body, letter->id};
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = NULL;
    TEXT(url, 16384);
    TEXT(body, 32768);
    TEXT(answer, 4096);

    if (!curl || sms_fill(gateway, gateway->url, SMS_IN_URL, &what, &url) ||
        (gateway->body && sms_fill(gateway, gateway->body, gateway->form ? SMS_IN_FORM : SMS_IN_JSON, &what, &body))) {
        curl_easy_cleanup(curl);
        return;
    }
    headers = sms_headers(gateway, &what, letter->key);
    curl_easy_setopt(curl, CURLOPT_URL, url.at);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (strcmp(gateway->method, "GET") != 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.at);
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, gateway->method);
    }
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    perform(notifier, curl, letter, gateway->timeout_ms);
    judge_answer(gateway, letter, answer.at);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}

static void deliver(struct notifier *notifier, struct letter *letter)
{
    if (strcmp(letter->channel, "webhook") == 0) {
        send_webhook(notifier, letter);
    } else if (strcmp(letter->channel, "smtp") == 0 && notifier->options.smtp_url) {
        send_mail(notifier, letter);
    } else if (strcmp(letter->channel, "sms") == 0 && notifier->options.sms.url) {
        send_sms(notifier, letter);
    } else if (strcmp(letter->channel, "log") != 0) { /* set up no longer: it waits until it is again, or given up */
        (void)!text_copy(letter->why, sizeof(letter->why), "this way is not in server.yaml");
    } else {
        log_line(LOG_INFO, letter->key, "notice: %s", letter->subject);
        letter->sent = true;
    }
    metric_add(letter->sent ? METRIC_NOTICES_SENT : METRIC_NOTICES_FAILED, 1);
}

/* One target that hangs must not keep the others waiting: it is asked once in a slice. All short messages have one, the
 * gateway. */
static bool has_failed(const struct letter *letters, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (!letters[i].sent && !letters[i].postponed && !letters[i].refused &&
            strcmp(letters[i].channel, letters[index].channel) == 0 &&
            (strcmp(letters[i].channel, "sms") == 0 || strcmp(letters[i].target, letters[index].target) == 0)) {
            return true;
        }
    }
    return false;
}

struct outcome {
    struct letter *letters;
    size_t count;
};

static enum err write_outcome(struct sql *sql, int64_t now_ms, void *argument)
{
    const struct outcome *outcome = argument;
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < outcome->count; i++) {
        const struct letter *letter = &outcome->letters[i];
        int64_t wait = (int64_t)1000 << (letter->attempts < 12 ? letter->attempts : 12);
        const char *state = letter->sent                                  ? "sent"
                            : letter->refused || now_ms - letter->created_ms > GIVE_UP_MS ? "given_up"
                                                                          : "waiting";

        if (!letter->postponed && (err = watch_note(sql, letter->channel, letter->target, letter->sent || letter->refused, now_ms))) {
            break;
        }
        if (letter->postponed) { /* not tried: only its turn comes later */
            err = sql_run(sql, "UPDATE outbox SET next_ms = ?2 WHERE id = ?1 AND state = 'waiting'", "ii",
                          letter->id, now_ms + POSTPONE_MS);
            continue;
        }
        err = sql_run(sql,
                      "UPDATE outbox SET state = ?2, attempts = attempts + 1, sent_ms = CASE WHEN ?2"
                      " = 'sent' THEN ?3 END, next_ms = ?4, why = NULLIF(?5, '') WHERE id = ?1 AND"
                      " state = 'waiting'",
                      "itiit", letter->id, state, now_ms,
                      now_ms + (wait < RETRY_MOST ? wait : RETRY_MOST), letter->why);
        if (!err && letter->refused) {
            err = sql_run(sql, "UPDATE outbox SET receipt = 'failed', receipt_ms = ?2 WHERE id = ?1 AND receipt IS NULL", "ii",
                          letter->id, now_ms);
        }
        if (!err && letter->sent && strcmp(letter->channel, "log") != 0) { /* the automatic receipt: no answer, and it stops no other clock (G-14) */
            err = sql_run(sql,
                          "UPDATE clock SET met_ms = MAX(?2, started_ms) WHERE ticket = (SELECT ticket FROM"
                          " outbox WHERE id = ?1) AND stop = 'receipt' AND met_ms IS NULL AND cancelled_ms IS"
                          " NULL",
                          "ii", letter->id, now_ms);
        }
    }
    return err;
}

static enum err turn_watch(struct sql *sql, int64_t now_ms, void *argument)
{
    const struct notifier *notifier = argument;

    return watch_turn(sql, &notifier->options.watch, now_ms);
}

static void free_letters(struct letter *letters, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(letters[i].key);
        free(letters[i].channel);
        free(letters[i].target);
        free(letters[i].subject);
        free(letters[i].body);
    }
}

static void *run(void *context)
{
    struct notifier *notifier = context;
    struct letter letters[SLICE];
    void *item;

    while (queue_take(notifier->wake, LOOK_MS, &item) != ERR_CLOSED) {
        size_t count = read_letters(notifier, letters);
        struct outcome outcome = {letters, count};

        for (size_t i = 0; i < count; i++) {
            if (atomic_load(&notifier->closing) || has_failed(letters, i)) {
                letters[i].postponed = true;
            } else {
                deliver(notifier, &letters[i]);
            }
        }
        if (count > 0 && committer_do(notifier->options.committer, write_outcome, &outcome)) {
            log_warn("outcomes of notices could not be stored: they may be sent again");
        }
        free_letters(letters, count);
        if (watch_is_due(notifier->sql, &notifier->options.watch, clock_wall_ms()) &&
            committer_do(notifier->options.committer, turn_watch, notifier)) {
            log_warn("the ways of notices could not be looked after");
        }
    }
    return NULL;
}

enum err notifier_open(const struct notify_options *options, struct notifier **ret_notifier)
{
    struct notifier *notifier = calloc(1, sizeof(*notifier));
    enum err err;

    if (!notifier) {
        return ERR_NOMEM;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    notifier->options = *options;
    err = sql_open(options->url, SQL_READ, &notifier->sql, NULL);
    if (!err) {
        err = queue_open(1, 1, &notifier->wake);
    }
    if (!err) {
        err = pthread_create(&notifier->thread, NULL, run, notifier) ? ERR_NOMEM : ERR_OK;
        notifier->running = !err;
    }
    if (err) {
        notifier_close(notifier);
        return err;
    }
    *ret_notifier = notifier;
    return ERR_OK;
}

void notifier_wake(struct notifier *notifier)
{
    (void)!queue_put(notifier->wake, notifier, 0, 0);
}

void notifier_close(struct notifier *notifier)
{
    if (!notifier) {
        return;
    }
    atomic_store(&notifier->closing, true);
    if (notifier->running) {
        queue_stop(notifier->wake);
        pthread_join(notifier->thread, NULL);
    }
    queue_close(notifier->wake, NULL);
    sql_close(notifier->sql);
    free(notifier);
}
