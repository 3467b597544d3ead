/* Hashes of bytes, the same on every machine. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* 64 bits: tells two contents apart, keeps no secret. */
uint64_t hash_bytes(const void *bytes, size_t size);
/* 16 hex digits and a NUL. */
void hash_hex(uint64_t hash, char to[17]);
/* 256 bits (BLAKE2b): nobody finds other bytes with the same. 64 hex digits and a NUL. */
void hash_digest(const void *bytes, size_t size, char to[65]);
/* SHA-256, which every browser can compute as well: for files that come from outside. 64 hex digits and a NUL. */
struct hash_sha {
    unsigned char state[128]; /* libsodium's, opaque */
};
void hash_sha_begin(struct hash_sha *hash);
void hash_sha_add(struct hash_sha *hash, const void *bytes, size_t size);
void hash_sha_end(struct hash_sha *hash, char to[65]);
