/* Customers are told when a contact of the company changes (fleet file: contacts). */
#pragma once

#include "server/case/place.h"

/* Writes the notice of that row of contact_change to that customer: once, whoever asks how often. */
enum err contact_tell(struct office *office, struct sql *sql, const struct plan *plan, const struct zone *zone,
                      int64_t customer, int64_t change, int64_t now_ms) MUST_CHECK;
/* Whom customers complain to (S0-103): the first contact of that purpose, as {name, phone, email} or null, under its name. */
enum err contact_put(struct sql *sql, const char *purpose, struct json_out *out) MUST_CHECK;
/* Duties `contact_change` whose notice has left are met. One that was given up stays owed until a person says why. */
enum err contact_delivered(struct sql *sql) MUST_CHECK;
