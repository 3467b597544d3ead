/* Numbers that cannot be guessed: 39.6 random bits in 31 characters, and a check character. */
#include "server/fleet/numbers.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

/* Crockford's alphabet: no I, L, O, U, so that a number can be read out on the phone. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#define NUMBER_DIGITS 8
#define NUMBER_BASE   31 /* a prime: the Z is left out of numbers */

/*
 * The sum of (i + 2) × the i-th character, modulo 31. Any one wrong character changes it, since no
 * weight is a multiple of 31; so does any swap of two different neighbours, since the weights of
 * neighbours differ by 1, and those of the last character and the check character (9 and −1) by 10.
 */
static char check_of(const char *digits)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < NUMBER_DIGITS; i++) {
        const char *at = strchr(alphabet, digits[i]);

        sum += (i + 2) * (unsigned)(at ? at - alphabet : 0);
    }
    return alphabet[sum % NUMBER_BASE];
}

void numbers_make(char prefix, char *to, size_t room)
{
    assert(room >= NUMBER_DIGITS + 4);
    to[0] = prefix;
    to[1] = '-';
    for (size_t i = 2; i < 2 + NUMBER_DIGITS; i++) {
        to[i] = alphabet[randombytes_uniform(NUMBER_BASE)];
    }
    to[2 + NUMBER_DIGITS] = check_of(to + 2);
    to[3 + NUMBER_DIGITS] = '\0';
}

bool numbers_are_valid(const char *number)
{
    size_t length = strlen(number);

    return length == NUMBER_DIGITS + 3 && number[1] == '-' &&
           strspn(number + 2, alphabet) == NUMBER_DIGITS + 1 && !strchr(number + 2, 'Z') &&
           number[length - 1] == check_of(number + 2);
}

/* What people write for a character: small letters, and those that look like another one. */
static char character_of(char c)
{
    c = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    return c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
}

void numbers_tidy(const char *said, char to[NUMBERS_ROOM])
{
    size_t length = 0;

    to[0] = '\0';
    for (; *said && length < NUMBERS_ROOM - 2; said++) {
        if (*said == ' ' || *said == '-') {
            continue;
        }
        to[length] = length == 0 ? (char)(*said >= 'a' && *said <= 'z' ? *said - 'a' + 'A' : *said)
                                 : character_of(*said);
        length++;
        if (length == 1) {
            to[length++] = '-';
        }
    }
    to[length] = '\0';
}

void numbers_secret(char *to, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        to[i] = alphabet[randombytes_uniform(32)];
    }
    to[size] = '\0';
}
