/* S1-22: a customer's picture of the trouble, sent by the track code. */
#pragma once

#include "server/case/ticket.h"

/* Kept as an attachment of the ticket, by `customer`, with a line of its time line; staff are told. ERR_STATE: the ticket is
 * closed or has enough; ERR_FORMAT: of no kind that is taken. */
enum err customer_photo(struct office *office, struct sql *sql, int64_t ticket, const char *title, const void *bytes,
                        size_t size, int64_t now_ms, char ret_id[65], struct text *why) MUST_CHECK;
