/*
 * The ways by which people are told are watched themselves: one that has failed for as long as notify.lost_after is told
 * of by the other ways, once, and told of again when it is back. Where notify.heartbeat says so, each way carries a notice
 * of its own that often, so that a way that is never used is not found dead by the fault that needs it, and so that whoever
 * receives them misses a server that has died.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/service/notice.h"
#include "server/store/sql.h"

struct watch {
    int64_t lost_after_ms, heartbeat_ms; /* heartbeat 0: none */
    const char *const *webhooks;         /* NULL-ended; may be NULL */
    const char *mail_to;                 /* may be NULL */
    const char *sms_to;                  /* hears of lost ways, not heartbeats; may be NULL */
    int sms_segments;
    const struct notice_rule *lost, *back; /* the words; NULL: plain ones */
};

/* One delivery's outcome. All mail is one way (the relay), so are all short messages, each webhook is one. Inside the outcome's transaction. */
enum err watch_note(struct sql *sql, const char *channel, const char *target, bool sent, int64_t now_ms) MUST_CHECK;
/* Whether watch_turn would do something; sets the gauge of lost ways. For the notifier's read-only connection. */
bool watch_is_due(struct sql *sql, const struct watch *watch, int64_t now_ms);
/* Tells what is lost and what is back, and writes the heartbeats that are due. Inside a transaction. */
enum err watch_turn(struct sql *sql, const struct watch *watch, int64_t now_ms) MUST_CHECK;
