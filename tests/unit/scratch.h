/* A database in a file of its own: what is left of it is removed before and after. */
#pragma once

#include <stdio.h>
#include <unistd.h>

static inline void scratch_remove(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock", ".guest"};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        char name[120];

        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
}
