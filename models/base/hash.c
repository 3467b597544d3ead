/* SipHash-2-4 under a fixed key and BLAKE2b, both of libsodium. */
#include "models/base/hash.h"

#include <sodium.h>
#include <string.h>

uint64_t hash_bytes(const void *bytes, size_t size)
{
    static const unsigned char key[crypto_shorthash_KEYBYTES] = "heliograph/1";
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t hash = 0;

    crypto_shorthash(out, bytes, size, key);
    for (size_t i = 0; i < sizeof(out); i++) {
        hash = hash << 8 | out[i];
    }
    return hash;
}

void hash_hex(uint64_t hash, char to[17])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 15; i >= 0; i--) {
        to[i] = digits[hash & 15];
        hash >>= 4;
    }
    to[16] = '\0';
}

void hash_digest(const void *bytes, size_t size, char to[65])
{
    unsigned char out[32];

    crypto_generichash(out, sizeof(out), bytes, size, NULL, 0);
    sodium_bin2hex(to, 65, out, sizeof(out));
}

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(((struct hash_sha *)0)->state), "room for libsodium's state");

void hash_sha_begin(struct hash_sha *hash)
{
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    memcpy(hash->state, &state, sizeof(state));
}

void hash_sha_add(struct hash_sha *hash, const void *bytes, size_t size)
{
    crypto_hash_sha256_state state;

    memcpy(&state, hash->state, sizeof(state));
    crypto_hash_sha256_update(&state, bytes, size);
    memcpy(hash->state, &state, sizeof(state));
}

void hash_sha_end(struct hash_sha *hash, char to[65])
{
    unsigned char out[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;

    memcpy(&state, hash->state, sizeof(state));
    crypto_hash_sha256_final(&state, out);
    sodium_bin2hex(to, 65, out, sizeof(out));
}
