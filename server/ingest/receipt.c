/*
 * Receipts owed. An agent stands in one of two lists: ready (owed, and its last one is a second
 * ago), or resting (had one less than a second ago), in the order in which the rests end.
 */
#include "server/ingest/receipt.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "models/base/text.h"
#include "models/telemetry/message.h"

#define EPOCHS_MOST 32 /* owed to one agent at a time; more come when it speaks of them again */

struct debt {
    char agent[65];
    char epochs[EPOCHS_MOST][EPOCH_SIZE]; /* the first one goes out first */
    size_t count;
    int64_t rests_until_ms;
    struct debt *next;
    UT_hash_handle hh;
};

struct list {
    struct debt *first, *last;
};

struct receipts {
    struct debt *all;
    struct list ready, resting;
    size_t owing; /* of all */
};

static void append(struct list *list, struct debt *debt)
{
    debt->next = NULL;
    if (list->last) {
        list->last->next = debt;
    } else {
        list->first = debt;
    }
    list->last = debt;
}

static struct debt *take_first(struct list *list)
{
    struct debt *debt = list->first;

    if (debt) {
        list->first = debt->next;
        if (!list->first) {
            list->last = NULL;
        }
    }
    return debt;
}

enum err receipts_open(struct receipts **ret_receipts)
{
    *ret_receipts = calloc(1, sizeof(**ret_receipts));
    return *ret_receipts ? ERR_OK : ERR_NOMEM;
}

void receipts_close(struct receipts *receipts)
{
    struct debt *debt, *next;

    if (!receipts) {
        return;
    }
    HASH_ITER(hh, receipts->all, debt, next)
    {
        HASH_DEL(receipts->all, debt);
        free(debt);
    }
    free(receipts);
}

static struct debt *make(struct receipts *receipts, const char *agent)
{
    struct debt *debt = calloc(1, sizeof(*debt));

    if (!debt || text_copy(debt->agent, sizeof(debt->agent), agent)) {
        free(debt);
        return NULL;
    }
    HASH_ADD_STR(receipts->all, agent, debt);
    append(&receipts->ready, debt);
    return debt;
}

enum err receipts_owe(struct receipts *receipts, const char *agent, const char *epoch)
{
    struct debt *debt;

    HASH_FIND_STR(receipts->all, agent, debt);
    if (!debt) {
        debt = make(receipts, agent);
    }
    if (!debt) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < debt->count; i++) {
        if (memcmp(debt->epochs[i], epoch, EPOCH_SIZE) == 0) {
            return ERR_OK;
        }
    }
    if (debt->count < EPOCHS_MOST) {
        receipts->owing += debt->count == 0;
        memcpy(debt->epochs[debt->count++], epoch, EPOCH_SIZE);
    }
    return ERR_OK;
}

static void send_first(struct receipts *receipts, struct debt *debt,
                       void (*send)(void *context, const char *agent, const char *epoch),
                       void *context)
{
    send(context, debt->agent, debt->epochs[0]);
    debt->count--;
    receipts->owing -= debt->count == 0;
    memmove(debt->epochs[0], debt->epochs[1], debt->count * EPOCH_SIZE);
}

/* Those whose rest is over: ready again when something is owed, else forgotten. */
static void end_rests(struct receipts *receipts, int64_t boot_ms, bool at_once)
{
    while (receipts->resting.first &&
           (at_once || receipts->resting.first->rests_until_ms <= boot_ms)) {
        struct debt *debt = take_first(&receipts->resting);

        if (debt->count > 0) {
            append(&receipts->ready, debt);
        } else {
            HASH_DEL(receipts->all, debt);
            free(debt);
        }
    }
}

int64_t receipts_turn(struct receipts *receipts, int64_t boot_ms, bool at_once,
                      void (*send)(void *context, const char *agent, const char *epoch),
                      void *context)
{
    struct debt *debt;

    end_rests(receipts, boot_ms, at_once);
    while ((debt = take_first(&receipts->ready)) != NULL) {
        do {
            send_first(receipts, debt, send, context);
        } while (at_once && debt->count > 0);
        debt->rests_until_ms = boot_ms + RECEIPT_EACH_MS;
        append(&receipts->resting, debt);
    }
    return receipts->owing > 0 ? receipts->resting.first->rests_until_ms : INT64_MAX;
}
