/* The outbox: notices are rows written in the transaction of their cause; notify.h delivers them. */
#pragma once

#include <stdint.h>

#include "models/base/err.h"
#include "server/store/sql.h"

struct notice {
    const char *key;     /* the same key again is the same notice: written once */
    const char *channel; /* log webhook smtp sms; none: there is no way to tell, kept as given up */
    const char *target;  /* an address or a URL; NULL for log */
    const char *subject, *body;
    int64_t ticket; /* row id, or 0 */
    int64_t due_ms; /* not to be told before */
    int64_t customer;      /* whom it is for; 0: staff */
    const char *rule;      /* of the catalogue; NULL: staff */
};

/* Writes a notice inside the transaction of its cause. */
enum err notify_put(struct sql *sql, int64_t now_ms, const struct notice *notice) MUST_CHECK;
