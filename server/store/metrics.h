/*
 * What the server counts, for GET /metrics: one list makes names, kinds and help. Counting is
 * atomic and may be done by any thread.
 */
#pragma once

#include <stdint.h>

#include "models/base/json.h"

#define METRIC_LIST(X)                                                                             \
    X(MESSAGES, "messages_total", "counter", "messages received")                                  \
    X(MESSAGES_STORED, "messages_stored_total", "counter", "messages committed for the first time") \
    X(MESSAGES_FAILED, "messages_failed_total", "counter", "not stored this time; they come again") \
    X(DUPLICATES, "duplicates_total", "counter", "messages that were stored already")              \
    X(CONFLICTS, "conflicts_total", "counter", "same number, other content: quarantined")          \
    X(QUARANTINED, "quarantined_total", "counter", "messages that could not be read")              \
    X(IGNORED, "messages_ignored_total", "counter", "messages on foreign topics, retained ones")   \
    X(OUT_OF_ORDER, "messages_out_of_order_total", "counter", "stored after one of a higher number") \
    X(OVERSIZED, "oversized_total", "counter", "messages above 64 KiB")                            \
    X(DISCARDED, "discarded_total", "counter", "messages dropped at a full queue; agents resend")  \
    X(READINGS, "readings_total", "counter", "readings stored")                                    \
    X(READINGS_LATE, "readings_late_total", "counter", "readings older than the youngest judged")  \
    X(READINGS_FUTURE, "readings_future_total", "counter", "readings more than 1 h ahead of us")   \
    X(READINGS_BAD, "readings_without_value_total", "counter", "readings whose quality is not good") \
    X(EVENTS, "events_total", "counter", "events stored")                                          \
    X(TOMBSTONES, "tombstones_total", "counter", "numbers given up by agents")                     \
    X(UNCLAIMED, "unclaimed_total", "counter", "messages of unknown agents or equipment")          \
    X(ALARMS, "alarms_raised_total", "counter", "alarms raised")                                   \
    X(TICKETS, "tickets_opened_total", "counter", "tickets opened")                                \
    X(NOTICES_SENT, "notices_sent_total", "counter", "notices delivered")                          \
    X(NOTICES_FAILED, "notices_failed_total", "counter", "attempts to deliver a notice that failed") \
    X(WAY_LOSSES, "notice_ways_lost_total", "counter", "ways of notices that stopped answering")   \
    X(WAYS_LOST, "notice_ways_lost_now", "gauge", "ways of notices that do not answer now")        \
    X(COMMITS, "commits_total", "counter", "transactions committed")                               \
    X(COMMIT_FAILURES, "commit_failures_total", "counter", "transactions that failed")             \
    X(DATABASE_LOCKED, "database_locked_total", "counter", "attempts that met another's lock")     \
    X(DATABASE_FULL, "database_full_total", "counter", "transactions for which the disk had no room") \
    X(PACKED, "packed_readings_total", "counter", "readings moved into closed hours")              \
    X(PURGED, "purged_total", "counter", "rows let go because they were kept long enough")         \
    X(HTTP_REQUESTS, "http_requests_total", "counter", "HTTP requests")                            \
    X(HTTP_ERRORS, "http_errors_total", "counter", "HTTP answers of 400 and above")                \
    X(BROKER_LOSSES, "broker_losses_total", "counter", "connections to the broker that were lost") \
    X(BROKER_ABSENT, "broker_absent_total", "counter", "attempts to connect that failed")          \
    X(CONNECTED, "broker_connected", "gauge", "1 while connected to the broker")                   \
    X(QUEUE, "queue_jobs", "gauge", "jobs that wait for the committer")                            \
    X(JOURNAL, "journal_messages", "gauge", "messages that are not packed yet")                    \
    X(OUTBOX, "outbox_waiting", "gauge", "notices that wait")

enum metric {
#define METRIC_ENUM(name, text, kind, help) METRIC_##name,
    METRIC_LIST(METRIC_ENUM)
#undef METRIC_ENUM
        METRIC_COUNT,
};

void metric_add(enum metric metric, int64_t count);
void metric_set(enum metric metric, int64_t value);
int64_t metric_get(enum metric metric);
const char *metric_name(enum metric metric); /* without the prefix heliograph_ */
const char *metric_kind(enum metric metric);
const char *metric_help(enum metric metric);
