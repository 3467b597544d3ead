/*
 * By which ways a customer is reached: mail where there is an address and the server has SMTP, else a short message where
 * there is a telephone number and the server has a gateway; both where the fleet file's `channels` of the customer says so.
 * Who cannot be reached gets a notice all the same, kept with the channel `none`, so that somebody can see it.
 */
#pragma once

#include "server/case/office.h"
#include "server/notice/outbox.h"

struct reach {
    const char *email, *phone; /* NULL: not by that way; phone in digits */
};

/* doc: the customer's row of the fleet file; may be NULL. */
struct reach reach_of(struct office *office, const struct cJSON *doc);
/* The notice by every way of reach: its channel, target and body are filled in here (words: the mail's). sms: the short
 * message's words; link: what stands whole at its end, may be NULL. The first way has the notice's key, a second one the
 * key with ":sms". */
enum err reach_put(struct office *office, struct sql *sql, const struct reach *reach, struct notice *notice,
                   const char *words, const char *sms, const char *link, int64_t now_ms) MUST_CHECK;
