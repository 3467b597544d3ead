/*
 * Memory that is let go all at once, with a ceiling given at birth. The only malloc in models/.
 * Not for two threads at once. Under AddressSanitizer what is not given out is poisoned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "models/base/err.h"

struct arena;

/* ceiling: bytes that may be given out before ERR_FULL (allocation returns NULL). */
enum err arena_open(size_t ceiling, struct arena **ret_arena) MUST_CHECK;
void arena_close(struct arena *arena); /* NULL is fine */
/* Everything given out is gone; one block is kept for the next use. */
void arena_reset(struct arena *arena);
/* size bytes of zeroes aligned for anything; NULL at the ceiling or when memory ends. */
void *arena_take(struct arena *arena, size_t size) MUST_CHECK;
/* count elements of size bytes; NULL also when the product overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size) MUST_CHECK;
/* A copy of words[0..length) with a NUL behind; NULL as above. */
char *arena_text(struct arena *arena, const char *words, size_t length) MUST_CHECK;
/* true when since the last reset something was asked for and not given: who takes many small things may
 * ask once at the end. */
bool arena_failed(const struct arena *arena);
/* Bytes given out since the last reset. */
size_t arena_used(const struct arena *arena);
