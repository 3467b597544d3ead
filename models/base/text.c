/* Bounded strings and strict numbers; the only place that turns text into doubles. */
#include "models/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text text_on(char *memory, size_t room)
{
    memory[0] = '\0';
    return (struct text){memory, 0, room, false};
}

void text_clear(struct text *text)
{
    text->length = 0;
    text->cut = false;
    text->at[0] = '\0';
}

/* It is full: half a letter at its end is none. */
static void end_it(struct text *text)
{
    size_t at = text->length, size;
    unsigned char first;

    while (at > 0 && text->length - at < 3 && ((unsigned char)text->at[at - 1] & 0xc0) == 0x80) {
        at--;
    }
    first = at > 0 ? (unsigned char)text->at[at - 1] : 0;
    size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    if (size > 1 && at - 1 + size > text->length) {
        text->length = at - 1;
    }
    text->at[text->length] = '\0';
    text->cut = true;
}

void text_add_bytes(struct text *text, const char *bytes, size_t size)
{
    size_t left = text->room - 1 - text->length;
    bool fits = size <= left;

    if (text->cut) {
        return;
    }
    size = fits ? size : left;
    if (size > 0) {
        memcpy(text->at + text->length, bytes, size);
    }
    text->length += size;
    text->at[text->length] = '\0';
    if (!fits) {
        end_it(text);
    }
}

void text_add(struct text *text, const char *words)
{
    text_add_bytes(text, words, strlen(words));
}

static void PRINTF_LIKE(2, 0) add_list(struct text *text, const char *format, va_list list)
{
    size_t left = text->room - text->length;
    int size = text->cut ? 0 : vsnprintf(text->at + text->length, left, format, list);

    if (size < 0) {
        end_it(text);
    } else if ((size_t)size >= left) {
        text->length = text->room - 1;
        end_it(text);
    } else {
        text->length += (size_t)size;
    }
}

void text_addf(struct text *text, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    add_list(text, format, list);
    va_end(list);
}

enum err text_say(struct text *why, enum err err, const char *format, ...)
{
    va_list list;

    if (why) {
        text_clear(why);
        va_start(list, format);
        add_list(why, format, list);
        va_end(list);
    }
    return err;
}

/* Most measured values have at most four decimals: then whole-number arithmetic is enough. */
static bool add_short_number(struct text *text, double number)
{
    static const double powers[] = {1, 10, 100, 1000, 10000};

    if (!(fabs(number) < 1e11)) {
        return false;
    }
    for (int digits = 0; digits <= 4; digits++) {
        double scaled = nearbyint(number * powers[digits]);

        if (!(scaled / powers[digits] < number) && !(scaled / powers[digits] > number)) {
            int64_t whole = (int64_t)fabs(scaled);
            int64_t power = (int64_t)powers[digits];

            text_addf(text, "%s%" PRId64, scaled < 0 ? "-" : "", whole / power);
            if (digits > 0) {
                text_addf(text, ".%0*" PRId64, digits, whole % power);
            }
            return true;
        }
    }
    return false;
}

void text_add_number(struct text *text, double number)
{
    char words[40];

    if (!isfinite(number)) {
        text_add(text, "null");
        return;
    }
    if (add_short_number(text, number)) {
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        double back;

        snprintf(words, sizeof(words), "%.*g", digits, number);
        back = strtod(words, NULL);
        if (!(back < number) && !(back > number)) {
            break;
        }
    }
    text_add(text, words);
}

enum err text_copy(char *to, size_t room, const char *from)
{
    size_t size = strlen(from);

    if (size >= room) {
        to[0] = '\0';
        return ERR_FULL;
    }
    memcpy(to, from, size + 1);
    return ERR_OK;
}

/* words as a C string in a buffer of ours, with only characters that numbers have. */
static enum err number_words(const char *words, size_t size, const char *allowed, char *to,
                             size_t room)
{
    if (size == 0 || size >= room) {
        return ERR_FORMAT;
    }
    memcpy(to, words, size);
    to[size] = '\0';
    return strspn(to, allowed) == size ? ERR_OK : ERR_FORMAT;
}

enum err text_to_number(const char *words, size_t size, double *ret_number)
{
    char copy[64], *end;
    double number;

    if (number_words(words, size, "0123456789+-.eE", copy, sizeof(copy))) {
        return ERR_FORMAT;
    }
    number = strtod(copy, &end);
    if (*end != '\0' || end == copy) {
        return ERR_FORMAT;
    }
    if (!isfinite(number)) {
        return ERR_RANGE;
    }
    *ret_number = number;
    return ERR_OK;
}

enum err text_to_int(const char *words, size_t size, int64_t *ret_number)
{
    char copy[32], *end, *digits = copy;
    long long number;
    int base = 10;

    if (number_words(words, size, "0123456789abcdefABCDEFxX+-", copy, sizeof(copy))) {
        return ERR_FORMAT;
    }
    digits += *digits == '-' || *digits == '+';
    if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
        base = 16;
    }
    if (base == 10 && strspn(digits, "0123456789") != strlen(digits)) {
        return ERR_FORMAT;
    }
    errno = 0;
    number = strtoll(copy, &end, base);
    if (*end != '\0' || end == copy || *digits == '\0') {
        return ERR_FORMAT;
    }
    if (errno == ERANGE) {
        return ERR_RANGE;
    }
    *ret_number = number;
    return ERR_OK;
}

bool text_is_id(const char *words)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t size = words ? strlen(words) : 0;

    return size >= 1 && size <= 64 && strspn(words, allowed) == size;
}

bool text_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Bytes that follow a lead byte, and the least second byte; 0: not a lead byte. */
static int utf8_length(unsigned char lead)
{
    return lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
}

static bool utf8_second_ok(unsigned char lead, unsigned char second)
{
    unsigned char least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf; /* surrogates, > U+10FFFF */

    return second >= least && second <= most;
}

bool text_is_utf8(const char *bytes, size_t size)
{
    const unsigned char *at = (const unsigned char *)bytes;

    for (size_t i = 0; i < size;) {
        int length = utf8_length(at[i]);

        if (at[i] == 0 || length == 0 || (size_t)length > size - i) {
            return false;
        }
        if (length > 1 && !utf8_second_ok(at[i], at[i + 1])) {
            return false;
        }
        for (int k = 2; k < length; k++) {
            if ((at[i + (size_t)k] & 0xc0) != 0x80) {
                return false;
            }
        }
        i += (size_t)length;
    }
    return true;
}
