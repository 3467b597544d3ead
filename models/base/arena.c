/* Blocks that are let go together; under AddressSanitizer the unused rest is poisoned. */
#include "models/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#endif

#ifdef ARENA_POISONS
void __asan_poison_memory_region(void const volatile *at, size_t size);
void __asan_unpoison_memory_region(void const volatile *at, size_t size);
#define POISON(at, size)   __asan_poison_memory_region((at), (size))
#define UNPOISON(at, size) __asan_unpoison_memory_region((at), (size))
#else
#define POISON(at, size)   ((void)(at), (void)(size))
#define UNPOISON(at, size) ((void)(at), (void)(size))
#endif

#define ALIGN       16
#define BLOCK_LEAST 4096
#define BLOCK_MOST  (1024 * 1024)

struct block {
    struct block *next;
    size_t room, used;
    /* the header is a multiple of ALIGN, so what follows is aligned */
    _Alignas(ALIGN) unsigned char bytes[];
};

struct arena {
    struct block *blocks; /* the youngest first */
    size_t ceiling, used, block_room;
    bool failed; /* something was asked for and not given */
};

enum err arena_open(size_t ceiling, struct arena **ret_arena)
{
    struct arena *arena = calloc(1, sizeof(*arena));

    if (!arena) {
        return ERR_NOMEM;
    }
    arena->ceiling = ceiling;
    arena->block_room = BLOCK_LEAST;
    *ret_arena = arena;
    return ERR_OK;
}

static void free_block(struct block *block)
{
    UNPOISON(block->bytes, block->room);
    free(block);
}

void arena_close(struct arena *arena)
{
    if (!arena) {
        return;
    }
    while (arena->blocks) {
        struct block *block = arena->blocks;

        arena->blocks = block->next;
        free_block(block);
    }
    free(arena);
}

void arena_reset(struct arena *arena)
{
    struct block *keep = arena->blocks;

    /* the next round will want as much: in one block, which stays */
    while (arena->block_room < arena->used && arena->block_room < BLOCK_MOST) {
        arena->block_room *= 2;
    }
    if (keep) {
        while (keep->next) {
            struct block *block = keep->next;

            keep->next = block->next;
            free_block(block);
        }
        keep->used = 0;
        POISON(keep->bytes, keep->room);
    }
    arena->used = 0;
    arena->failed = false;
}

static struct block *new_block(struct arena *arena, size_t size)
{
    size_t room = arena->block_room > size ? arena->block_room : size;
    struct block *block = malloc(sizeof(*block) + room);

    if (!block) {
        return NULL;
    }
    block->next = arena->blocks;
    block->room = room;
    block->used = 0;
    POISON(block->bytes, room);
    arena->blocks = block;
    if (arena->block_room < BLOCK_MOST && arena->used > 3 * arena->block_room) {
        arena->block_room *= 2; /* few blocks, whatever the size, and little that is never used */
    }
    return block;
}

static void *take(struct arena *arena, size_t size)
{
    struct block *block = arena->blocks;
    size_t rounded;
    void *at;

    if (size > SIZE_MAX - ALIGN) {
        return NULL;
    }
    rounded = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (rounded > arena->ceiling - arena->used) {
        return NULL;
    }
    if (!block || rounded > block->room - block->used) {
        block = new_block(arena, rounded);
        if (!block) {
            return NULL;
        }
    }
    at = block->bytes + block->used;
    UNPOISON(at, size);
    memset(at, 0, size);
    block->used += rounded;
    arena->used += rounded;
    return at;
}

void *arena_take(struct arena *arena, size_t size)
{
    void *memory = take(arena, size);

    arena->failed = arena->failed || !memory;
    return memory;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        arena->failed = true;
        return NULL;
    }
    return arena_take(arena, count * size);
}

char *arena_text(struct arena *arena, const char *words, size_t length)
{
    char *copy = length == SIZE_MAX ? NULL : arena_take(arena, length + 1);

    if (copy && length > 0) {
        memcpy(copy, words, length);
    }
    return copy;
}

bool arena_failed(const struct arena *arena)
{
    return arena->failed;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}
