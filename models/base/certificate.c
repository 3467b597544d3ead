/*
 * PEM: base64 between "-----BEGIN CERTIFICATE-----" and "-----END". Inside it, DER (X.690): tag, length, content.
 *
 *   Certificate SEQUENCE { tbsCertificate SEQUENCE { [0] version (may be left out), INTEGER serial, SEQUENCE algorithm,
 *                          SEQUENCE issuer, SEQUENCE validity { notBefore, notAfter }, … }, … }
 *
 * A time is a UTCTime YYMMDDHHMMSSZ (50 and more: the last century) or a GeneralizedTime YYYYMMDDHHMMSSZ.
 */
#include "models/base/certificate.h"

#include <stdbool.h>
#include <string.h>

#include "models/base/civil.h"

#define DER_MOST 16384

enum { DER_INTEGER = 0x02, DER_UTC_TIME = 0x17, DER_TIME = 0x18, DER_SEQUENCE = 0x30, DER_VERSION = 0xa0 };

struct der { /* what is left to read; failed sticks */
    const unsigned char *at, *end;
    bool failed;
};

static int sixbit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

static const char *find(const char *bytes, size_t size, const char *words)
{
    size_t length = strlen(words);

    for (size_t i = 0; i + length <= size; i++) {
        if (memcmp(bytes + i, words, length) == 0) {
            return bytes + i;
        }
    }
    return NULL;
}

/* The bytes behind the first BEGIN CERTIFICATE; 0: there are none. */
static size_t read_pem(const char *bytes, size_t size, unsigned char *to)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    const char *at = find(bytes, size, begin), *end = bytes + size;
    unsigned held = 0;
    size_t bits = 0, count = 0;

    for (at = at ? at + strlen(begin) : end; at < end && *at != '-' && count < DER_MOST; at++) {
        int digit = sixbit(*at);

        if (digit < 0) {
            continue; /* ends of lines, and = at the end */
        }
        held = (held << 6 | (unsigned)digit) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            to[count++] = (unsigned char)(held >> bits & 0xff);
        }
    }
    return at < end && *at == '-' ? count : 0; /* it has to end */
}

/* The content of the next value, which must have that tag; the reader stands behind it. */
static struct der enter(struct der *der, unsigned char tag)
{
    struct der inside = {der->end, der->end, true};
    size_t size, bytes;

    if (der->failed || der->end - der->at < 2 || der->at[0] != tag) {
        der->failed = true;
        return inside;
    }
    size = der->at[1];
    der->at += 2;
    if (size >= 0x80) {
        bytes = size & 0x7f;
        size = 0;
        if (bytes == 0 || bytes > 3 || (size_t)(der->end - der->at) < bytes) {
            der->failed = true;
            return inside;
        }
        for (; bytes > 0; bytes--) {
            size = size << 8 | *der->at++;
        }
    }
    if ((size_t)(der->end - der->at) < size) {
        der->failed = true;
        return inside;
    }
    inside = (struct der){der->at, der->at + size, false};
    der->at += size;
    return inside;
}

static int two(struct der *der)
{
    if (der->failed || der->end - der->at < 2 || der->at[0] < '0' || der->at[0] > '9' || der->at[1] < '0' || der->at[1] > '9') {
        der->failed = true;
        return 0;
    }
    der->at += 2;
    return (der->at[-2] - '0') * 10 + der->at[-1] - '0';
}

static int64_t read_time(struct der *validity)
{
    bool full = validity->at < validity->end && *validity->at == DER_TIME;
    struct der der = enter(validity, full ? DER_TIME : DER_UTC_TIME);
    int century = full ? two(&der) : -1, year = two(&der), month = two(&der), day = two(&der);
    int hour = two(&der), minute = two(&der), second = two(&der);

    year += (century >= 0 ? century : year >= 50 ? 19 : 20) * 100;
    if (der.failed || month < 1 || month > 12 || day < 1 || day > civil_month_length(year, month) || hour > 23 || minute > 59 ||
        second > 60 || der.end - der.at != 1 || *der.at != 'Z') {
        validity->failed = true;
        return 0;
    }
    return civil_days(year, month, day) * 86400000LL + ((hour * 60LL + minute) * 60 + second) * 1000;
}

enum err certificate_span(const char *bytes, size_t size, int64_t *ret_from_ms, int64_t *ret_until_ms)
{
    unsigned char room[DER_MOST];
    size_t count = read_pem(bytes, size, room);
    struct der der = {room, room + count, count == 0}, inside, validity;
    int64_t from_ms, until_ms;

    inside = enter(&der, DER_SEQUENCE);
    inside = enter(&inside, DER_SEQUENCE);
    if (!inside.failed && inside.at < inside.end && *inside.at == DER_VERSION) {
        (void)enter(&inside, DER_VERSION);
    }
    (void)enter(&inside, DER_INTEGER);
    (void)enter(&inside, DER_SEQUENCE);
    (void)enter(&inside, DER_SEQUENCE);
    validity = enter(&inside, DER_SEQUENCE);
    from_ms = read_time(&validity);
    until_ms = read_time(&validity);
    if (validity.failed) {
        return ERR_FORMAT;
    }
    *ret_from_ms = from_ms;
    *ret_until_ms = until_ms;
    return ERR_OK;
}
