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
