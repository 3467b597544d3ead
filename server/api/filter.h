/*
 * Lists that people narrow down. A statement that says "(?2 IS NULL OR state = ?2)" for everything that
 * might be asked has no index for any of it; so the statement is put together of what is asked, once
 * per combination, and kept.
 */
#pragma once

#include "server/api/api_int.h"

#define FILTERS_MOST 8

struct filter {
    const char *query;     /* ?state=; NULL: only set by the route itself */
    const char *condition; /* # stands for the value, a text */
    const char *among;     /* the same in a form that no index serves; NULL: condition */
};

/*
 * list[0] is "what is not finished": few rows of many. When it is asked for, its own small index is
 * read through, and the others only choose among what it gives (`among`): a planner without
 * statistics would take an index of a hundred times as many rows.
 */
struct filters {
    const char *select, *order; /* SELECT id, … WHERE id > ?1 …; ORDER BY … LIMIT ?2; ?3: second part of a cursor */
    struct filter list[FILTERS_MOST]; /* ended by an empty one, unless full */
    _Atomic(const char *) *made; /* 1 << FILTERS_MOST of them, at first empty */
};

/* The page of a list. values[i] is for list[i]; NULL: not asked. */
void filter_list(struct call *call, const struct filters *filters, const char *const values[FILTERS_MOST],
                 const struct page *page, call_show show);
/* values from the query, as far as a filter has a word for it. */
void filter_read(struct call *call, const struct filters *filters, const char *values[FILTERS_MOST]);
