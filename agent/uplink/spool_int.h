/*
 * The inside of the spool, for this room only. spool.c has the thread and the face, spool_file.c the
 * file, spool_write.c what goes in, spool_room.c the quota, spool_reserve.c a full disk, spool_send.c what goes out,
 * spool_ask.c commands and what is known across restarts. All on the spool's thread.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "agent/uplink/spool.h"
#include "agent/uplink/spool_sizes.h"
#include "host/db.h"
#include "models/base/arena.h"
#include "models/base/json.h"

#define SPOOL_COLLECT_MS 750 /* readings wait that long for company: accepted within a second */
#define COLLECT_MOST  2000 /* readings that go to disk together */
#define WAITING_MOST  4096 /* readings in memory while the disk cannot be written */
#define WAITING_HIGH  3072 /* … above which no more are asked for: the rest is for those on their way */
#define SPOOL_STOP_PERCENT 70 /* fuller than that sampling stops, when the policy says so */
#define BODIES_MOST   256  /* events and replies, likewise */
#define LETTERS_MOST  16
#define FLIGHT_MOST   2048 /* sent and not acked yet */

enum class { /* of a message; victims of a full spool are taken from the highest */
    CLASS_TOMBSTONE = -1, /* never given up */
    CLASS_EVENT,
    CLASS_REPLY,
    CLASS_DATA,
    CLASS_THINNED,
};

struct flight {
    int64_t id, sent_ms; /* boot clock */
};

struct spool {
    struct spool_options options;
    struct spool_sizes sizes;
    int64_t room; /* bytes that the database may have now */
    bool tight;   /* the disk has no room for the reserve */
    struct db *db; /* NULL: the file cannot be used now; it is tried again */
    struct arena *arena; /* of one thinning */
    struct arena *kept;  /* of the open faults */
    int64_t tried_ms; /* boot clock: the file was last opened, or writing last failed */
    char epoch[EPOCH_SIZE];
    int64_t epoch_id;
    uint64_t seq;
    bool unsynced;    /* the clock cannot be right yet */
    int64_t clock_ms; /* wall minus boot clock, as it was while unsynced */
    struct queue *parcels, *urgent, *data;
    pthread_t thread;
    bool running, up;
    struct outgoing *waiting; /* readings that wait for company, or for the disk */
    size_t waiting_count;
    int64_t waiting_since_ms;
    struct parcel *bodies[BODIES_MOST]; /* events and replies that wait for the disk */
    size_t body_count;
    struct parcel *ack; /* goes to disk with the readings that wait */
    struct flight flight[FLIGHT_MOST];
    size_t flight_first, flight_count;
    int64_t event_cursor, data_cursor; /* ids up to which this connection has sent */
    bool news;                         /* there may be something that was not sent yet */
    int64_t sent_most;                 /* the highest id of data that was ever sent */
    struct json_out out;
    struct open_fault *open; /* as the last run left them */
    size_t open_count;
    struct learned *learned; /* likewise */
    size_t learned_count;
    /* for other threads */
    _Atomic int64_t messages, bytes, oldest_ms, dropped, failures;
    _Atomic bool full;    /* the policy says that sampling has to stop */
    _Atomic bool behind;  /* the disk takes nothing, and memory is nearly full */
    _Atomic bool starved; /* something waits for room in the queues of letters */
};

/* spool_file.c */
enum err spool_open_file(struct spool *spool, struct text *why) MUST_CHECK;
void spool_measure(struct spool *spool);
int64_t spool_find_int(struct spool *spool, const char *sql);

/* spool_write.c: within a transaction of the caller's. */
enum err spool_insert_body(struct spool *spool, enum class class, int64_t t_ms,
                           const char *body) MUST_CHECK;
enum err spool_insert_data(struct spool *spool, enum class class, const struct outgoing *list,
                           size_t count) MUST_CHECK;
/* Writes what waits. What cannot be written stays in memory, up to its ceiling. */
bool spool_flush(struct spool *spool);
void spool_keep_readings(struct spool *spool, struct parcel *parcel);
/* Takes the parcel. */
void spool_keep_body(struct spool *spool, struct parcel *parcel);
/* Writes, when it is time to. Returns the boot ms of the next time (INT64_MAX: nothing waits). */
int64_t spool_write_turn(struct spool *spool, int64_t boot_ms);
void spool_drop_waiting(struct spool *spool);
/* The handle is not used again after an error of the disk (fsync says it only once). */
void spool_distrust(struct spool *spool, enum err err);

/* spool_room.c */
enum err spool_make_room(struct spool *spool) MUST_CHECK;
/* Gives up some old messages in a transaction of its own. */
void spool_free_disk(struct spool *spool);
int64_t spool_fullness(struct spool *spool); /* percent of what the file may hold */

/* spool_reserve.c */
/* Before the file is opened: on a full disk the reserve makes that possible. */
void spool_prepare_reserve(struct spool *spool);
/* Makes the reserve when it is not there and the disk has room; now and then. */
void spool_tend_reserve(struct spool *spool);
/* A write was refused, no transaction is open: the reserve's room is given to it if the disk is full.
 * true: it is worth trying again at once. */
bool spool_use_reserve(struct spool *spool);
bool spool_disk_is_full(const struct spool *spool);

/* spool_send.c */
/* Takes the parcel. What it names is deleted with the next readings, or at once when none wait. */
void spool_take_ack(struct spool *spool, struct parcel *ack);
/* Deletes what the kept ack names, within a transaction of the caller's … */
enum err spool_delete_acked(struct spool *spool) MUST_CHECK;
/* … which has been committed. */
void spool_acked(struct spool *spool);
/* The kept ack in a transaction of its own. */
void spool_settle_ack(struct spool *spool);
void spool_take_link(struct spool *spool, bool up);
void spool_post(struct spool *spool);
/* Boot ms at which something is sent again. */
int64_t spool_again_ms(const struct spool *spool);

/* spool_ask.c */
struct ask;
void spool_answer(struct spool *spool, struct ask *ask);
/* What is known of a fault or a command changes with the message that says so. */
enum err spool_note(struct spool *spool, const struct parcel *parcel) MUST_CHECK;
void spool_keep_learned(struct spool *spool, const struct parcel *parcel);
enum err spool_load_learned(struct spool *spool) MUST_CHECK;
enum err spool_load_faults(struct spool *spool) MUST_CHECK;
/* Commands that the last run began and never answered: their outcome is unknown. */
enum err spool_settle_commands(struct spool *spool) MUST_CHECK;
