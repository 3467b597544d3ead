/*
 * A full disk. SQLite writes a deletion before it frees anything, so on a disk without a free byte nothing
 * could make room. A file of a fixed size, <path>-reserve, keeps that room: it is removed when a write finds
 * the disk full, and made again when the disk has room for it and half as much.
 *
 * Without the reserve the spool is tight: its room is no longer the quota's but what the disk leaves, of
 * which three quarters of the reserve stay for the WAL.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/uplink/spool_int.h"
#include "host/log.h"

#define KIB            1024
#define PAGE           4096
#define RESERVE_LEAST  (128 * KIB) /* a checkpoint, an ack and a slice of old messages fit into it */
#define RESERVE_MOST   (4096 * KIB)
#define SHORT_BYTES    (64 * KIB) /* less is free: the disk is what was full, not the quota */
#define SPARE_PERCENT  50
#define SHRINK_MOST    8 /* rounds in a row: acks and readings wait meanwhile */
#define START_BYTES    (192 * KIB) /* what opening needs: the file's index of the WAL, and some pages */

static int64_t between(int64_t least, int64_t value, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

struct spool_sizes spool_sizes(int64_t bytes_most)
{
    struct spool_sizes sizes = {
        .reserve = between(RESERVE_LEAST, bytes_most / 8, RESERVE_MOST),
        .wal_pages = between(8, bytes_most / 32 / PAGE, 256),
    };

    sizes.database = bytes_most * 5 / 8 - sizes.reserve;
    return sizes;
}

int64_t spool_tight_room(const struct spool_sizes *sizes, int64_t file_bytes, int64_t free_bytes)
{
    int64_t more = free_bytes - sizes->reserve * 3 / 4;

    return between(0, file_bytes + between(0, more, sizes->database), sizes->database);
}

bool spool_reserve_fits(const struct spool_sizes *sizes, int64_t free_bytes)
{
    return free_bytes >= sizes->reserve + sizes->reserve / 2;
}

/* ------------------------------------------------------------------ the file */

static struct text *name_of(const struct spool *spool, struct text *name)
{
    text_addf(name, "%s-reserve", spool->options.path);
    return name;
}

/* Of the disk under the spool; INT64_MAX when nobody can tell. */
static int64_t free_bytes(const struct spool *spool)
{
    const char *slash = strrchr(spool->options.path, '/');
    struct statvfs disk;
    TEXT(folder, 1200);

    if (slash) {
        text_add_bytes(&folder, spool->options.path, (size_t)(slash + 1 - spool->options.path));
    } else {
        text_add(&folder, ".");
    }
    return statvfs(folder.at, &disk) ? INT64_MAX : (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
}

/* The whole of it has its place on the disk. */
static bool is_there(const struct spool *spool)
{
    struct stat file;
    TEXT(name, 1200);

    return !stat(name_of(spool, &name)->at, &file) && file.st_size == spool->sizes.reserve &&
           (int64_t)file.st_blocks * 512 >= spool->sizes.reserve;
}

static void give_back(const struct spool *spool)
{
    TEXT(name, 1200);

    (void)!unlink(name_of(spool, &name)->at);
}

static bool allocate(const struct spool *spool)
{
    TEXT(name, 1200);
    bool done = false;
    int fd = open(name_of(spool, &name)->at, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

    if (fd >= 0) {
        done = posix_fallocate(fd, 0, spool->sizes.reserve) == 0;
        close(fd);
    }
    if (!done) {
        give_back(spool);
    }
    return done;
}

/* ------------------------------------------------------------------ tight or not */

static void set_tight(struct spool *spool, bool tight)
{
    if (tight && !spool->tight) {
        log_error("the disk under the spool is full: its reserve of %lld KiB serves now, and the oldest"
                  " messages are given up for new ones",
                  (long long)spool->sizes.reserve / KIB);
    } else if (!tight && spool->tight) {
        log_info("the disk under the spool has room again, and the spool its reserve");
    }
    spool->tight = tight;
}

static void measure_room(struct spool *spool)
{
    spool->room = spool->tight ? spool_tight_room(&spool->sizes, db_bytes(spool->db), free_bytes(spool))
                               : spool->sizes.database;
}

void spool_prepare_reserve(struct spool *spool)
{
    spool->sizes = spool_sizes(spool->options.bytes_most);
    spool->room = spool->sizes.database;
    if (free_bytes(spool) < START_BYTES && is_there(spool)) {
        give_back(spool);
        set_tight(spool, true);
    }
}

bool spool_disk_is_full(const struct spool *spool)
{
    return free_bytes(spool) < SHORT_BYTES;
}

/* Free pages go back to the disk, no more at once than the WAL holds. */
static void shrink(struct spool *spool)
{
    int64_t before = 0;

    for (int i = 0; i < SHRINK_MOST && db_bytes(spool->db) != before; i++) {
        before = db_bytes(spool->db);
        db_vacuum(spool->db, (int)spool->sizes.wal_pages);
        (void)!db_script(spool->db, "PRAGMA wal_checkpoint(TRUNCATE)");
    }
}

void spool_tend_reserve(struct spool *spool)
{
    /* once most was sent; before, the reserve would come back and be used again in turns */
    if (spool->tight && spool_fullness(spool) < SPARE_PERCENT) {
        shrink(spool);
    }
    if (!is_there(spool)) {
        set_tight(spool, !spool_reserve_fits(&spool->sizes, free_bytes(spool)) || !allocate(spool));
    } else {
        set_tight(spool, false);
    }
    measure_room(spool);
}

bool spool_use_reserve(struct spool *spool)
{
    bool was = spool->tight;

    if (!spool_disk_is_full(spool)) {
        return false; /* it was the quota, or somebody has made room */
    }
    give_back(spool);
    set_tight(spool, true);
    (void)!db_script(spool->db, "PRAGMA wal_checkpoint(TRUNCATE)");
    measure_room(spool);
    return !was;
}
