/* A ring of pointers under one lock, with an eventfd for loops that poll. */
#include "host/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "host/clock.h"

struct slot {
    void *item;
    size_t bytes;
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* something was put, taken or stopped */
    struct slot *ring;
    size_t room, first, count, bytes, bytes_most;
    int64_t looks_ms; /* the taker sleeps and looks by itself then (boot clock); 0: it does not sleep */
    bool stopped;
    int fd; /* -1: nobody has asked for it yet */
};

enum err queue_open(size_t count_most, size_t bytes_most, struct queue **ret_queue)
{
    struct queue *queue = calloc(1, sizeof(*queue));
    pthread_condattr_t attributes;

    if (!queue) {
        return ERR_NOMEM;
    }
    queue->ring = calloc(count_most, sizeof(*queue->ring));
    queue->fd = -1;
    if (!queue->ring) {
        free(queue);
        return ERR_NOMEM;
    }
    queue->room = count_most;
    queue->bytes_most = bytes_most;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    *ret_queue = queue;
    return ERR_OK;
}

void queue_close(struct queue *queue, void (*drop)(void *item))
{
    if (!queue) {
        return;
    }
    for (; drop && queue->count > 0; queue->count--) {
        drop(queue->ring[queue->first].item);
        queue->first = (queue->first + 1) % queue->room;
    }
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    if (queue->fd >= 0) {
        close(queue->fd);
    }
    free(queue->ring);
    free(queue);
}

static struct timespec deadline(int64_t wait_ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += wait_ms / 1000;
    at.tv_nsec += wait_ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Waits for a change; false when the time is over. */
static bool wait_for_change(struct queue *queue, int64_t wait_ms, const struct timespec *until)
{
    if (wait_ms == 0) {
        return false;
    }
    if (wait_ms < 0) {
        pthread_cond_wait(&queue->changed, &queue->lock);
        return true;
    }
    return pthread_cond_timedwait(&queue->changed, &queue->lock, until) != ETIMEDOUT;
}

static bool has_room(const struct queue *queue, size_t bytes)
{
    return queue->count < queue->room &&
           (queue->count == 0 || queue->bytes + bytes <= queue->bytes_most);
}

static void mark_readable(struct queue *queue)
{
    uint64_t one = 1;

    if (queue->fd >= 0) {
        (void)!write(queue->fd, &one, sizeof(one));
    }
}

static void put_slot(struct queue *queue, void *item, size_t bytes, int64_t within_ms)
{
    queue->ring[(queue->first + queue->count) % queue->room] = (struct slot){item, bytes};
    queue->count++;
    queue->bytes += bytes;
    if (queue->count == 1) {
        mark_readable(queue);
    }
    if (within_ms == 0 || queue->count > queue->room / 2 ||
        queue->looks_ms > clock_boot_ms() + within_ms) {
        pthread_cond_broadcast(&queue->changed);
    }
}

enum err queue_put(struct queue *queue, void *item, size_t bytes, int64_t wait_ms)
{
    return queue_put_within(queue, item, bytes, wait_ms, 0);
}

enum err queue_put_within(struct queue *queue, void *item, size_t bytes, int64_t wait_ms,
                          int64_t within_ms)
{
    struct timespec until = deadline(wait_ms < 0 ? 0 : wait_ms);
    enum err err = ERR_OK;

    pthread_mutex_lock(&queue->lock);
    while (!queue->stopped && !has_room(queue, bytes)) {
        if (!wait_for_change(queue, wait_ms, &until)) {
            break;
        }
    }
    if (queue->stopped) {
        err = ERR_CLOSED;
    } else if (!has_room(queue, bytes)) {
        err = ERR_FULL;
    } else {
        put_slot(queue, item, bytes, within_ms);
    }
    pthread_mutex_unlock(&queue->lock);
    return err;
}

static void *take_slot(struct queue *queue)
{
    struct slot slot = queue->ring[queue->first];
    uint64_t count;

    queue->first = (queue->first + 1) % queue->room;
    queue->count--;
    queue->bytes -= slot.bytes;
    if (queue->count == 0 && queue->fd >= 0) {
        (void)!read(queue->fd, &count, sizeof(count));
    }
    pthread_cond_broadcast(&queue->changed);
    return slot.item;
}

enum err queue_take(struct queue *queue, int64_t wait_ms, void **ret_item)
{
    struct timespec until = deadline(wait_ms < 0 ? 0 : wait_ms);
    enum err err = ERR_OK;

    pthread_mutex_lock(&queue->lock);
    queue->looks_ms = wait_ms < 0 ? INT64_MAX : clock_boot_ms() + wait_ms;
    while (queue->count == 0 && !queue->stopped) {
        if (!wait_for_change(queue, wait_ms, &until)) {
            break;
        }
    }
    queue->looks_ms = 0;
    if (queue->count > 0) {
        *ret_item = take_slot(queue);
    } else {
        err = queue->stopped ? ERR_CLOSED : ERR_TIMEOUT;
    }
    pthread_mutex_unlock(&queue->lock);
    return err;
}

void queue_stop(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->stopped = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

size_t queue_count(struct queue *queue)
{
    size_t count;

    pthread_mutex_lock(&queue->lock);
    count = queue->count;
    pthread_mutex_unlock(&queue->lock);
    return count;
}

int queue_fd(struct queue *queue)
{
    int fd;

    pthread_mutex_lock(&queue->lock);
    if (queue->fd < 0) {
        queue->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (queue->count > 0) {
            mark_readable(queue);
        }
    }
    fd = queue->fd;
    pthread_mutex_unlock(&queue->lock);
    return fd;
}
