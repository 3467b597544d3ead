/*
 * The repair slip (S0-29): owner's name, phone, address, content, wishes, taken from the caller and
 * from the customer's record. A ticket that lacks a field its plan wants is opened all the same, and
 * says what is missing until somebody has amended it.
 */
#pragma once

#include "server/case/place.h"
#include "server/case/ticket.h"

extern const char *const slip_fields[]; /* owner_name phone address content wishes */

#define SLIP_TAIL 8 /* digits of a telephone number that are compared */

struct slip {
    struct json_out caller;  /* what is known; an object */
    struct json_out missing; /* a list */
    bool incomplete;
    char key[80]; /* of the caller: the same one again has the same; "" when nobody says */
};

/* The last digits of a telephone number; "" when it has fewer than 6. */
void slip_tail(const char *phone, char to[SLIP_TAIL + 1]);
/* body: a caller's request, or NULL for what the equipment says itself (its wish is that it works).
 * slip_free whatever comes. */
enum err slip_fill(struct sql *sql, const struct place *place, const struct cJSON *body, const char *content,
                   struct slip *ret_slip) MUST_CHECK;
void slip_free(struct slip *slip);
/* Fields of body go over what is there; what is no longer missing is struck off. */
enum err slip_amend(struct office *office, struct sql *sql, const struct ticket *ticket,
                    const struct cJSON *body) MUST_CHECK;
