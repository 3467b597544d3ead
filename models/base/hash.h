/* A 64-bit hash of bytes, the same on every machine: tells two contents apart, keeps no secret. */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t size);
/* 16 hex digits and a NUL. */
void hash_hex(uint64_t hash, char to[17]);
