/* Files whole: read, replace atomically, list a folder; zone files of the system. */
#pragma once

#include <stddef.h>

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/base/text.h"
#include "models/base/zone.h"

/* All of path into arena, a NUL behind. ERR_NOT_FOUND, ERR_FULL (larger than most), ERR_IO. */
enum err file_read(struct arena *arena, const char *path, size_t most, char **ret_bytes,
                   size_t *ret_size) MUST_CHECK;
/* Writes to a temporary beside path, syncs, renames, syncs the folder. mode as of chmod. */
enum err file_replace(const char *path, const void *bytes, size_t size, unsigned mode) MUST_CHECK;
/* Writes at that place of a file, which is made when it is not there (so is its folder, 0700), and syncs. */
enum err file_write_at(const char *path, int64_t position, const void *bytes, size_t size, unsigned mode) MUST_CHECK;
/* temporary, written by the caller, is synced and takes the place of path at once. */
enum err file_move(const char *temporary, const char *path) MUST_CHECK;
/* Names in folder that end in suffix, sorted, in arena. */
enum err file_list(struct arena *arena, const char *folder, const char *suffix,
                   const char *const **ret_names, size_t *ret_count) MUST_CHECK;
/* A zone of the system by IANA name. ERR_NOT_FOUND for a name that is none. */
enum err file_zone(struct arena *arena, const char *name, const struct zone **ret_zone) MUST_CHECK;
/* size random bytes from the kernel. */
void file_random(void *bytes, size_t size);
