/* SipHash-2-4 under a fixed key and BLAKE2b, both of libsodium. */
#include "models/base/hash.h"

#include <sodium.h>

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
