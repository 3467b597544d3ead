/* Queues between threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host/queue.h"

#define ITEMS 20000

static void *put_many(void *context)
{
    for (size_t i = 1; i <= ITEMS; i++) {
        if (queue_put(context, (void *)i, 1, -1)) {
            return (void *)1;
        }
    }
    return NULL;
}

static void what_is_put_is_taken_once(void **state)
{
    struct queue *queue;
    pthread_t threads[3];
    uint64_t sum = 0;
    void *item;

    (void)state;
    assert_int_equal(queue_open(64, 1000000, &queue), ERR_OK);
    for (int i = 0; i < 3; i++) {
        pthread_create(&threads[i], NULL, put_many, queue);
    }
    for (size_t i = 0; i < 3 * ITEMS; i++) {
        assert_int_equal(queue_take(queue, -1, &item), ERR_OK);
        sum += (uintptr_t)item;
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(sum, 3ULL * ITEMS * (ITEMS + 1) / 2);
    assert_int_equal(queue_take(queue, 0, &item), ERR_TIMEOUT);
    queue_close(queue, NULL);
}

static void ceilings_hold(void **state)
{
    struct queue *queue;
    void *item;

    (void)state;
    assert_int_equal(queue_open(2, 10, &queue), ERR_OK);
    assert_int_equal(queue_put(queue, (void *)1, 8, 0), ERR_OK);
    assert_int_equal(queue_put(queue, (void *)2, 8, 0), ERR_FULL);
    assert_int_equal(queue_put(queue, (void *)3, 2, 0), ERR_OK);
    assert_int_equal(queue_put(queue, (void *)4, 0, 1), ERR_FULL);
    queue_stop(queue);
    assert_int_equal(queue_put(queue, (void *)5, 0, 0), ERR_CLOSED);
    assert_int_equal(queue_take(queue, 0, &item), ERR_OK);
    assert_int_equal(queue_take(queue, 0, &item), ERR_OK);
    assert_int_equal(queue_take(queue, -1, &item), ERR_CLOSED);
    queue_close(queue, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_taken_once),
        cmocka_unit_test(ceilings_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
