/* Statements of lists, one per combination of what is asked. */
#include "server/api/filter.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 4 /* the number of the first value in a statement */

static void add_condition(struct text *words, const char *condition, int number)
{
    for (; *condition; condition++) {
        if (*condition == '#') {
            text_addf(words, "?%d", number);
        } else {
            text_addf(words, "%c", *condition);
        }
    }
}

/* The last value and the cursor's second part are named in any case: what is bound must be there. */
static char *make(const struct filters *filters, unsigned asked)
{
    TEXT(words, 4000);

    text_add(&words, filters->select);
    for (int i = 0; i < FILTERS_MOST && filters->list[i].condition; i++) {
        if (asked >> i & 1) {
            text_add(&words, " AND ");
            add_condition(&words, asked & 1 && filters->list[i].among ? filters->list[i].among
                                                                     : filters->list[i].condition,
                          FIRST + i);
        }
    }
    text_addf(&words, " AND (?3 IS NULL OR ?3 >= 0) AND (?%d IS NULL OR 1 = 1) %s",
              FIRST + FILTERS_MOST - 1, filters->order);
    return words.cut ? NULL : strdup(words.at);
}

/* Kept as long as the program runs: a prepared statement is known by where its words stand. */
static const char *statement(const struct filters *filters, unsigned asked)
{
    const char *made = atomic_load(&filters->made[asked]), *none = NULL;

    if (!made) {
        char *mine = make(filters, asked);

        made = mine;
        if (mine && !atomic_compare_exchange_strong(&filters->made[asked], &none, made)) {
            free(mine); /* another thread was faster */
            made = none;
        }
    }
    return made;
}

void filter_read(struct call *call, const struct filters *filters, const char *values[FILTERS_MOST])
{
    for (int i = 0; i < FILTERS_MOST; i++) {
        values[i] = filters->list[i].query ? http_query(call->request, filters->list[i].query) : NULL;
    }
}

void filter_list(struct call *call, const struct filters *filters, const char *const values[FILTERS_MOST],
                 const struct page *page, call_show show)
{
    unsigned asked = 0;
    struct sql_rows rows;
    const char *words;

    for (int i = 0; i < FILTERS_MOST; i++) {
        asked |= values[i] ? 1U << i : 0;
    }
    words = statement(filters, asked);
    if (!words) {
        call_problem(call, 503, "No memory", "try again");
        return;
    }
    sql_find(call->sql, &rows, words, "iiittttt" "ttt", page->after, page->limit + 1, page->after_too,
             values[0], values[1], values[2], values[3], values[4], values[5], values[6], values[7]);
    call_list(call, &rows, page, show);
}
