/* Tickets that belong together: a parent and its children, one level deep. */
#pragma once

#include "server/case/ticket.h"

/* child becomes one of parent's. ERR_STATE with why: either is closed, the child has a parent or
 * children, the parent has a parent itself, or they are the same. */
enum err family_attach(struct sql *sql, const struct ticket *child, const struct ticket *parent, const char *who,
                       int64_t at_ms, int64_t now_ms, struct text *why) MUST_CHECK;
enum err family_detach(struct sql *sql, const struct ticket *child, const char *who, int64_t at_ms,
                       int64_t now_ms) MUST_CHECK;
int64_t family_open_children(struct sql *sql, int64_t parent);
/* The i-th open child by id (its row id), or 0. */
int64_t family_open_child(struct sql *sql, int64_t parent, int64_t after);
/* A parent was closed: its open children are told and stand alone from now on. */
enum err family_end(struct office *office, struct sql *sql, const struct ticket *parent, const char *resolution,
                    int64_t at_ms, int64_t now_ms) MUST_CHECK;
