/*
 * A bounded queue of pointers between threads; the only lock in the house. What is put belongs to
 * the queue until it is taken. Ceilings on count and on bytes are given at birth.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"

struct queue;

enum err queue_open(size_t count_most, size_t bytes_most, struct queue **ret_queue) MUST_CHECK;
/* drop frees what is left (may be NULL). */
void queue_close(struct queue *queue, void (*drop)(void *item));
/* wait_ms 0: never wait; ERR_FULL at the ceiling (after the wait), ERR_CLOSED after queue_stop. */
enum err queue_put(struct queue *queue, void *item, size_t bytes, int64_t wait_ms) MUST_CHECK;
/* The same for what can wait: the taker (there must be only one) is woken only if it would not look by
 * itself within so many ms, or when the queue is half full. */
enum err queue_put_within(struct queue *queue, void *item, size_t bytes, int64_t wait_ms,
                          int64_t within_ms) MUST_CHECK;
/* ERR_TIMEOUT when nothing came in wait_ms (< 0: for ever); ERR_CLOSED when stopped and empty. */
enum err queue_take(struct queue *queue, int64_t wait_ms, void **ret_item) MUST_CHECK;
/* No more puts; takers drain what is there. */
void queue_stop(struct queue *queue);
size_t queue_count(struct queue *queue);
int queue_fd(struct queue *queue); /* readable while not empty, for loops that poll; -1: no more descriptors */
