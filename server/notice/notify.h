/* The outbox's thread: notices are delivered at least once by libcurl (webhook, SMTP, a gateway of short messages) or to the log, each with its key so
 * that a receiver can tell a repeat. */
#pragma once

#include <stdint.h>

#include "models/base/err.h"
#include "server/notice/outbox.h"
#include "server/notice/sms.h"
#include "server/notice/watch.h"
#include "server/store/committer.h"
#include "server/store/sql.h"

struct notify_options {
    const char *url; /* of the database, for reading what waits */
    struct committer *committer;
    const char *smtp_url, *smtp_user, *smtp_password, *smtp_from; /* NULL: none */
    struct sms_gateway sms; /* url NULL: none */
    struct watch watch;
};
struct notifier;
/* Starts the delivering thread: 1 s after a failure, doubling to 1 h, given up after 3 days. */
enum err notifier_open(const struct notify_options *options,
                       struct notifier **ret_notifier) MUST_CHECK;
void notifier_wake(struct notifier *notifier);
void notifier_close(struct notifier *notifier);
