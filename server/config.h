/* server.yaml as the program understands it. A leaf: it knows no room of the server. */
#pragma once

#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/err.h"
#include "server/notice/sms.h"

#define CONFIG_KEPT 7
extern const char *const config_kept_names[]; /* classes of data: readings photos … NULL-ended; as in server/care/care.h */

struct server_config {
    const char *broker_url, *ca, *cert, *key, *user, *password, *client_id, *prefix;
    const char *database;
    const char *listen, *public_url;
    const char *profiles, *plans, *time_zone, *preset_plan;
    const char *notices;         /* folder of the catalogue of notices; NULL: `notices` beside the plans */
    const char *codes;           /* file of codes; NULL: codes.yaml beside the plans, if it is there */
    const char *papers;          /* folder of papers; NULL: `papers` beside the plans, if it is there */
    const char *inspections;     /* folder of the checklist; NULL: `inspections` beside the plans, if it is there */
    const char *courses;         /* folder of courses; NULL: `courses` beside the plans, if it is there */
    const char *jobs;            /* folder of job plans; NULL: `jobs` beside the plans, if it is there */
    int64_t digest_minute;       /* of the day: when the digests of duties go */
    int64_t skew_ms;             /* a phone's clock may differ by so much and is believed */
    int64_t file_bytes, files_bytes; /* of one attachment; of all */
    const char *smtp_url, *smtp_user, *smtp_password, *smtp_from, *smtp_to;
    const char *const *webhooks; /* NULL-ended */
    struct sms_gateway sms;      /* url NULL: none */
    const char *sms_to;          /* in digits, hears of lost ways; NULL: nobody */
    int sms_segments;            /* of one short message */
    int64_t lost_after_ms;       /* a way of notices that fails for so long is lost */
    int64_t heartbeat_ms;        /* a way that has carried nothing for so long is tried; 0: never */
    int64_t photos, photo_bytes; /* of customers: of one ticket; of one picture */
    int64_t customer_writes, customer_tries; /* a minute for one number: what is sent; wrong codes */
    int64_t kept_ms[CONFIG_KEPT]; /* by class; 0: for ever */
    const char *exports;         /* folder of customers' data that is given away */
    int64_t export_bytes;        /* of one of them */
    int64_t trail_keep_ms;       /* how long lines of the trail are kept */
    int64_t come_back_ms;        /* after a start agents get that long, before any is missed */
    int preset_line, preset_column; /* where preset_plan stands; 0: left out */
};

/* Every complaint goes through say, a line each; ERR_FORMAT when there was one. */
enum err config_read(struct arena *arena, const char *path,
                     void (*say)(void *context, const char *line), void *context,
                     struct server_config *ret_config) MUST_CHECK;
