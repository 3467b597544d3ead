/* The outbox: notices are rows written with their cause, delivered at least once by libcurl (webhook,
 * SMTP) or to the log, each with its key so that a receiver can tell a repeat. */
#pragma once

#include <stdint.h>

#include "models/base/err.h"
#include "server/store/committer.h"
#include "server/store/sql.h"

struct notice {
    const char *key;     /* the same key again is the same notice: written once */
    const char *channel; /* log webhook smtp; none: there is no way to tell, kept as given up */
    const char *target;  /* an address or a URL; NULL for log */
    const char *subject, *body;
    int64_t ticket; /* row id, or 0 */
    int64_t due_ms; /* not to be told before */
    int64_t customer;      /* whom it is for; 0: staff */
    const char *rule;      /* of the catalogue; NULL: staff */
};

/* Writes a notice inside the transaction of its cause. */
enum err notify_put(struct sql *sql, int64_t now_ms, const struct notice *notice) MUST_CHECK;

struct notify_options {
    const char *url; /* of the database, for reading what waits */
    struct committer *committer;
    const char *smtp_url, *smtp_user, *smtp_password, *smtp_from; /* NULL: none */
};
struct notifier;
/* Starts the delivering thread: 1 s after a failure, doubling to 1 h, given up after 3 days. */
enum err notifier_open(const struct notify_options *options,
                       struct notifier **ret_notifier) MUST_CHECK;
void notifier_wake(struct notifier *notifier);
void notifier_close(struct notifier *notifier);
