/* Numbers that cannot be guessed: 40 random bits in Crockford's base 32 and a check character. */
#include "server/fleet/numbers.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

/* Crockford's alphabet: no I, L, O, U, so that a number can be read out on the phone. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#define NUMBER_DIGITS 8

/* Weighted sum modulo 31 (a prime): finds every single wrong character and every swap of two
 * neighbours among the 31 first characters. */
static char check_of(const char *digits)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < NUMBER_DIGITS; i++) {
        const char *at = strchr(alphabet, digits[i]);

        sum += (i + 2) * (unsigned)(at ? at - alphabet : 0);
    }
    return alphabet[sum % 31];
}

void numbers_make(char prefix, char *to, size_t room)
{
    assert(room >= NUMBER_DIGITS + 4);
    to[0] = prefix;
    to[1] = '-';
    numbers_secret(to + 2, NUMBER_DIGITS);
    to[2 + NUMBER_DIGITS] = check_of(to + 2);
    to[3 + NUMBER_DIGITS] = '\0';
}

bool numbers_are_valid(const char *number)
{
    size_t length = strlen(number);

    return length == NUMBER_DIGITS + 3 && number[1] == '-' &&
           strspn(number + 2, alphabet) == NUMBER_DIGITS + 1 &&
           number[length - 1] == check_of(number + 2);
}

void numbers_secret(char *to, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        to[i] = alphabet[randombytes_uniform(32)];
    }
    to[size] = '\0';
}
