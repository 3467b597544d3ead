/* The API of interfaces.md 6: routes, log-in, stream of events. */
#pragma once

#include "models/base/err.h"
#include "models/base/text.h"
#include "server/desk/desk.h"
#include "server/fleet/rules.h"
#include "server/store/committer.h"

struct api;

struct api_options {
    const char *listen;   /* host:port */
    const char *url;      /* of the database: every thread opens its own read-only connection */
    struct committer *committer;
    struct desk *desk;    /* used only inside committer jobs */
    struct care *care;    /* likewise */
    struct rules *rules;
    const char *time_zone; /* for times of what has no site */
    const char *preset_plan; /* for equipment without a contract */
    int64_t photo_bytes;   /* of one picture of a customer */
    int64_t customer_writes, customer_tries; /* a minute for one number: what is sent; wrong codes */
    int64_t (*ready)(void *context); /* 1 when the server serves (readyz) */
    void *context;
};

enum err api_open(const struct api_options *options, struct api **ret_api,
                  struct text *why) MUST_CHECK;
void api_close(struct api *api);
/* The committer committed something: wakes streams. Any thread. */
void api_changed(struct api *api);
int api_port(const struct api *api);
