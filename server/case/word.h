/*
 * One word to a customer about something else than a ticket: a visit that is due, an appointment, the end of a warranty, a
 * contact that changed, a survey. The catalogue (models/notices) has the words; the key makes it one notice however often
 * it is said. Customers who have opted out of the rule's topic are told nothing.
 */
#pragma once

#include "models/service/notice.h"
#include "server/case/place.h"

struct customer_word {
    int64_t customer;        /* row id; 0: nobody is told */
    const struct plan *plan; /* for its quiet hours; may be NULL */
    const struct zone *zone;
    const char *step;        /* of the catalogue's `on`; the first rule that has it speaks */
    const char *key;         /* of the outbox */
    const char *en[NOTICE_FIELDS], *zh[NOTICE_FIELDS]; /* zh NULL: the same */
};

enum err customer_say(struct office *office, struct sql *sql, const struct customer_word *word, int64_t now_ms) MUST_CHECK;
/* An instant in that zone, in office->arena; NULL for 0. */
const char *word_time(struct office *office, const struct zone *zone, int64_t ms);
