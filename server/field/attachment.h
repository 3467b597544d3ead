/*
 * Files beside a work order or a ticket: photos, papers. A file comes in pieces, because a phone loses its connection in
 * the middle: who sends names the whole (size, SHA-256) first, then sends pieces, and asks how far it got when it does not
 * know. A file is there when its last byte is and its hash is right. Pieces lie in the database: one backup
 * holds all.
 */
#pragma once

#include "server/case/office.h"

#define ATTACHMENT_PIECE_MOST (512 * 1024)
#define ATTACHMENTS_MOST      200 /* of one order or ticket */

/* {id, work_order|ticket (numbers)|document (of the register), size, hash, step?, title?, at?}. The same id with the same hash again is fine. ERR_STATE:
 * the room for files is used up; ERR_FORMAT with why. */
enum err attachment_begin(struct office *office, struct sql *sql, const struct action *action, int64_t now_ms,
                          char ret_name[65], struct text *why) MUST_CHECK;
/* Bytes at position; what is there already is taken again if it is the same. ERR_STATE: there is a hole before it, why
 * says where to go on; ERR_FORMAT: too many bytes, or the whole is not what was announced. */
enum err attachment_add(struct office *office, struct sql *sql, const char *name, int64_t position, const void *bytes,
                        size_t size, int64_t now_ms, struct text *why) MUST_CHECK;
struct attachment_new {
    const char *id, *step, *title, *who; /* id NULL: one is made */
    int64_t work_order, ticket, at_ms, now_ms, library; /* of one of the three */
};
/* A whole file at once. ERR_FORMAT: of no kind that is taken; ERR_STATE: there is no room. */
enum err attachment_whole(struct office *office, struct sql *sql, const struct attachment_new *what, const void *bytes,
                          size_t size, char ret_id[65], struct text *why) MUST_CHECK;
/* An image that came inside a request ("data:image/png;base64,…") kept as an attachment; id: drawn when NULL. */
enum err attachment_inline(struct office *office, struct sql *sql, const struct attachment_new *what, const char *url,
                           char ret_id[65], struct text *why) MUST_CHECK;
/* Forgets what was begun a week ago and never finished. */
enum err attachments_trim(struct sql *sql, int64_t now_ms) MUST_CHECK;

/* One as an object; ERR_NOT_FOUND. */
enum err attachment_view(struct sql *sql, const char *name, const struct zone *zone, struct json_out *out) MUST_CHECK;
/* The bytes of one that is whole, and its type. ERR_NOT_FOUND. */
enum err attachment_content(struct sql *sql, const char *name, struct json_out *out, char type[64]) MUST_CHECK;
