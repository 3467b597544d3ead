/*
 * What every room of the desk works with: the rules, how people are reached, and an arena for the
 * texts of one call. All of it belongs to the committing thread, inside the transaction of the
 * message or action that is worked on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/base/json.h"
#include "models/base/text.h"
#include "models/service/role.h"
#include "server/fleet/rules.h"
#include "server/store/sql.h"

#define OFFICE_NEVER INT64_MAX

struct office_options {
    struct rules *rules;
    const char *time_zone;   /* of sites that name none */
    const char *preset_plan; /* for equipment without a contract: swh_standard */
    const char *public_url;  /* for links in notices; may be NULL */
    bool has_smtp;
    int sms_segments;        /* a short message has at most so many; 0: there is no gateway */
    const char *const *webhooks; /* NULL-ended; may be NULL */
    const char *mail_to;         /* whom mail about tickets goes to; may be NULL */
    int64_t digest_minute;       /* of the day: when the digests of duties go */
    int64_t skew_ms;             /* a phone's clock may differ by so much; 0: preset */
    int64_t file_bytes, files_bytes; /* of one attachment, of all; 0: preset */
    int64_t photos;              /* of customers, of one ticket */
    int64_t started_ms;          /* what fell silent before … */
    int64_t quiet_until_ms;      /* … has till then to come back: no link tickets of it before */
};

struct crew; /* server/fleet/crew.h */

struct office {
    struct office_options options;
    struct arena *arena; /* of one call; emptied at its beginning */
    struct arena *scratch; /* of one look at who may go; office_scratch() */
    struct arena *crew_arena;
    const struct crew *crew; /* the people as they were when the fleet was at crew_mark; office_crew() */
    int64_t crew_mark;
};

/* What somebody (or the server itself) does with a ticket or a work order. */
struct action {
    const char *action;    /* acknowledge respond … */
    const char *action_id; /* client-made; NULL: none */
    const char *who;
    enum role role;        /* of who does it; ROLE_SERVER: the server itself */
    int64_t at_ms;         /* said by the client; 0: now */
    int64_t sent_ms;       /* the client's own clock when it sent this; 0: it did not say */
    const char *note;
    const struct cJSON *body; /* the whole request, for what the action needs further */
};

/* The people, read anew after an import. Lives until the next call. */
enum err office_crew(struct office *office, struct sql *sql, const struct crew **ret_crew) MUST_CHECK;

/* An arena for what is not kept: emptied at every call. NULL: memory has ended. */
struct arena *office_scratch(struct office *office);

/* The time that a client says an action was done at, between `least_ms` (0: no bound) and now, with
 * room for clocks that differ a little. ERR_FORMAT with why. */
enum err action_time(int64_t said_ms, int64_t least_ms, int64_t now_ms, int64_t *ret_at_ms,
                     struct text *why) MUST_CHECK;

/* equipment.status computed anew from its alarms, link and flags. */
enum err status_refresh(struct office *office, struct sql *sql, int64_t equipment,
                        int64_t now_ms) MUST_CHECK;
