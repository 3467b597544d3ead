/* How spool.max_bytes is shared out, and what is left of it on a full disk: arithmetic only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct spool_sizes { /* of spool.max_bytes; what is left over is for the WAL of a large transaction */
    int64_t database;  /* bytes */
    int64_t reserve;   /* bytes */
    int64_t wal_pages; /* that are written back together */
};

struct spool_sizes spool_sizes(int64_t bytes_most);
/* What the database may have while there is no reserve. */
int64_t spool_tight_room(const struct spool_sizes *sizes, int64_t file_bytes, int64_t free_bytes);
/* The disk has room for the reserve, and not only just. */
bool spool_reserve_fits(const struct spool_sizes *sizes, int64_t free_bytes);
