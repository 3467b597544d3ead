/*
 * Receipts that are owed to agents: at most one a second for each, the first at once. What is owed
 * outlives an undone transaction: a receipt says what is committed, so one too many is harmless.
 * Belongs to the committing thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/base/err.h"

#define RECEIPT_EACH_MS 1000

struct receipts;

enum err receipts_open(struct receipts **ret_receipts) MUST_CHECK;
void receipts_close(struct receipts *receipts);
/* This agent waits to hear what of this epoch is stored. */
enum err receipts_owe(struct receipts *receipts, const char *agent, const char *epoch) MUST_CHECK;
/* Calls send for those that may go out now (at_once: for all). Returns the boot-clock ms at which to
 * ask again, INT64_MAX when none is owed. */
int64_t receipts_turn(struct receipts *receipts, int64_t boot_ms, bool at_once,
                      void (*send)(void *context, const char *agent, const char *epoch),
                      void *context);
