/*
 * Data messages in their usual form, read in one pass without a tree. Whatever is unusual (an unknown
 * key, an escape, a letter outside ASCII, a number with many digits, a mistake) is left to the full
 * decoder: every function returns false when the usual form ends.
 */
#include <string.h>

#include "models/telemetry/message.h"
#include "models/telemetry/message_int.h"

#define DIGITS_MOST 15 /* a whole number of 15 digits is exact in a double */
#define POWER_MOST  22 /* so is 10^22: one multiplication or division rounds once, as strtod does */
#define SERIES_MOST   4096
#define READINGS_MOST 16384

static const double powers[POWER_MOST + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                              1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                              1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

struct scan {
    const char *at, *end;
    struct arena *arena;
    struct data_message *message;
    struct reading *readings; /* room for all of the message */
    size_t series_room, readings_room;
};

/* ------------------------------------------------------------------ words */

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' ||
                                    *scan->at == '\t')) {
        scan->at++;
    }
}

static bool eat(struct scan *scan, char c)
{
    skip_blanks(scan);
    if (scan->at == scan->end || *scan->at != c) {
        return false;
    }
    scan->at++;
    return true;
}

/* A text of printable ASCII without escapes; it points into the message. */
static bool read_words(struct scan *scan, const char **ret_words, size_t *ret_length)
{
    if (!eat(scan, '"')) {
        return false;
    }
    *ret_words = scan->at;
    while (scan->at < scan->end && *scan->at != '"') {
        unsigned char c = (unsigned char)*scan->at;

        if (c < 0x20 || c >= 0x7f || c == '\\') {
            return false;
        }
        scan->at++;
    }
    *ret_length = (size_t)(scan->at - *ret_words);
    return eat(scan, '"');
}

static bool is(const char *words, size_t length, const char *name)
{
    return strlen(name) == length && memcmp(words, name, length) == 0;
}

static bool is_id(const char *words, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char c = words[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
              c == '_' || c == '-')) {
            return false;
        }
    }
    return length >= 1 && length <= 64;
}

/* An id with a NUL behind, and its colon. */
static bool read_name(struct scan *scan, const char **ret_name)
{
    const char *words;
    size_t length;

    if (!read_words(scan, &words, &length) || !is_id(words, length) || !eat(scan, ':')) {
        return false;
    }
    *ret_name = arena_text(scan->arena, words, length);
    return *ret_name != NULL;
}

/* ------------------------------------------------------------------ numbers */

static bool is_digit(const struct scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

/* Digits onto *io_number; how many in *io_count. */
static void read_digits(struct scan *scan, uint64_t *io_number, int *io_count)
{
    while (is_digit(scan) && *io_count <= DIGITS_MOST) {
        *io_number = *io_number * 10 + (uint64_t)(*scan->at++ - '0');
        ++*io_count;
    }
}

/* A number as JSON spells it, at most 15 digits. */
static bool read_number(struct scan *scan, double *ret_number)
{
    uint64_t number = 0;
    bool negative;
    int count = 0, before;
    double value;

    skip_blanks(scan);
    negative = scan->at < scan->end && *scan->at == '-';
    scan->at += negative;
    if (!is_digit(scan)) {
        return false;
    }
    if (*scan->at == '0' && scan->end - scan->at > 1 && scan->at[1] >= '0' && scan->at[1] <= '9') {
        return false;
    }
    read_digits(scan, &number, &count);
    before = count;
    if (scan->at < scan->end && *scan->at == '.') {
        scan->at++;
        read_digits(scan, &number, &count);
        if (count == before) {
            return false;
        }
    }
    if (count > DIGITS_MOST ||
        (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E' || *scan->at == '+'))) {
        return false;
    }
    value = (double)number / powers[count - before];
    *ret_number = negative ? -value : value;
    return true;
}

static bool read_whole(struct scan *scan, int64_t least, int64_t most, int64_t *ret_number)
{
    uint64_t number = 0;
    bool negative;
    int count = 0;

    skip_blanks(scan);
    negative = scan->at < scan->end && *scan->at == '-';
    scan->at += negative;
    if (is_digit(scan) && *scan->at == '0' && scan->end - scan->at > 1 && scan->at[1] >= '0' &&
        scan->at[1] <= '9') {
        return false;
    }
    read_digits(scan, &number, &count);
    if (count == 0 || count > DIGITS_MOST ||
        (scan->at < scan->end && (*scan->at == '.' || *scan->at == 'e' || *scan->at == 'E'))) {
        return false;
    }
    *ret_number = negative ? -(int64_t)number : (int64_t)number;
    return *ret_number >= least && *ret_number <= most;
}

/* ------------------------------------------------------------------ readings */

static bool read_value(struct scan *scan, struct reading *reading)
{
    skip_blanks(scan);
    if (scan->end - scan->at >= 4 && memcmp(scan->at, "null", 4) == 0) {
        scan->at += 4;
        return true;
    }
    reading->has_value = true;
    if (scan->at < scan->end && *scan->at == '"') {
        const char *words;
        size_t length;

        if (!read_words(scan, &words, &length)) {
            return false;
        }
        reading->text = arena_text(scan->arena, words, length);
        return reading->text != NULL;
    }
    return read_number(scan, &reading->value);
}

static bool read_quality(struct scan *scan, enum quality *ret_quality)
{
    const char *words;
    size_t length;

    if (!read_words(scan, &words, &length)) {
        return false;
    }
    for (int i = 0; quality_names[i]; i++) {
        if (is(words, length, quality_names[i])) {
            *ret_quality = (enum quality)i;
            return true;
        }
    }
    return false;
}

/* [offset, value(, quality)] */
static bool read_reading(struct scan *scan, struct reading *reading)
{
    struct data_message *message = scan->message;

    if (!eat(scan, '[') ||
        !read_whole(scan, -MESSAGE_TIME_MOST, MESSAGE_TIME_MOST, &reading->t_ms) ||
        !eat(scan, ',') || !read_value(scan, reading)) {
        return false;
    }
    if (eat(scan, ',') && !read_quality(scan, &reading->quality)) {
        return false;
    }
    if (!eat(scan, ']') || (!reading->has_value && reading->quality == QUALITY_GOOD)) {
        return false;
    }
    message->readings++;
    return true;
}

static bool read_series(struct scan *scan, const char *equipment)
{
    struct data_message *message = scan->message;
    struct series *series = &message->series[message->count];

    if (message->count == scan->series_room || !read_name(scan, &series->point) ||
        !eat(scan, '[')) {
        return false;
    }
    series->equipment = equipment;
    series->readings = scan->readings + message->readings;
    message->count++;
    if (eat(scan, ']')) {
        return true;
    }
    do {
        if (message->readings == scan->readings_room ||
            !read_reading(scan, &series->readings[series->count])) {
            return false;
        }
        series->count++;
    } while (eat(scan, ','));
    return eat(scan, ']');
}

static bool read_equipment(struct scan *scan)
{
    const char *name;

    if (!eat(scan, '{')) {
        return false;
    }
    if (eat(scan, '}')) {
        return true;
    }
    do {
        if (!read_name(scan, &name) || !eat(scan, '{')) {
            return false;
        }
        if (eat(scan, '}')) {
            continue;
        }
        do {
            if (!read_series(scan, name)) {
                return false;
            }
        } while (eat(scan, ','));
        if (!eat(scan, '}')) {
            return false;
        }
    } while (eat(scan, ','));
    return eat(scan, '}');
}

/* ------------------------------------------------------------------ the message */

enum key { KEY_V = 1, KEY_EPOCH = 2, KEY_SEQ = 4, KEY_T0 = 8, KEY_EQUIPMENT = 16, KEY_CLOCK = 32 };

static bool read_epoch(struct scan *scan, struct envelope *envelope)
{
    const char *words;
    size_t length;

    if (!read_words(scan, &words, &length) || length != EPOCH_SIZE - 1) {
        return false;
    }
    memcpy(envelope->epoch, words, length);
    envelope->epoch[length] = '\0';
    return message_is_epoch(envelope->epoch);
}

static bool read_clock(struct scan *scan, struct envelope *envelope)
{
    const char *words;
    size_t length;

    if (!read_words(scan, &words, &length)) {
        return false;
    }
    envelope->unsynced = is(words, length, "unsynced");
    return envelope->unsynced || is(words, length, "synced");
}

/* One key and its value; the key's bit in *ret_key. */
static bool read_field(struct scan *scan, unsigned *ret_key)
{
    struct envelope *envelope = &scan->message->envelope;
    const char *words;
    size_t length;
    int64_t number = 0;
    bool good;

    if (!read_words(scan, &words, &length) || !eat(scan, ':')) {
        return false;
    }
    if (is(words, length, "equipment")) {
        *ret_key = KEY_EQUIPMENT;
        return read_equipment(scan);
    }
    if (is(words, length, "epoch")) {
        *ret_key = KEY_EPOCH;
        return read_epoch(scan, envelope);
    }
    if (is(words, length, "clock")) {
        *ret_key = KEY_CLOCK;
        return read_clock(scan, envelope);
    }
    if (is(words, length, "v")) {
        *ret_key = KEY_V;
        return read_whole(scan, 1, 1, &number);
    }
    if (is(words, length, "t0")) {
        *ret_key = KEY_T0;
        return read_whole(scan, 0, MESSAGE_TIME_MOST, &envelope->t0_ms);
    }
    *ret_key = KEY_SEQ;
    good = is(words, length, "seq") && read_whole(scan, 1, INT64_MAX, &number);
    envelope->seq = (uint64_t)number;
    return good;
}

/* Offsets become times, now that t0 is known. */
static bool place_readings(struct scan *scan)
{
    struct data_message *message = scan->message;

    message->least_ms = message->most_ms = message->envelope.t0_ms;
    for (size_t i = 0; i < message->readings; i++) {
        int64_t t_ms = message->envelope.t0_ms + scan->readings[i].t_ms;

        if (t_ms < 0 || t_ms > MESSAGE_TIME_MOST) {
            return false;
        }
        scan->readings[i].t_ms = t_ms;
        message->least_ms = i == 0 || t_ms < message->least_ms ? t_ms : message->least_ms;
        message->most_ms = i == 0 || t_ms > message->most_ms ? t_ms : message->most_ms;
    }
    return true;
}

/* Each series has a colon, each reading a bracket. */
static bool make_room(struct scan *scan)
{
    size_t colons = 0, brackets = 0;

    for (const char *at = scan->at; at < scan->end; at++) {
        colons += *at == ':';
        brackets += *at == '[';
    }
    if (colons > SERIES_MOST || brackets > READINGS_MOST) {
        return false; /* what is in doubt must not use up the arena */
    }
    scan->series_room = colons;
    scan->readings_room = brackets;
    scan->message->series =
        arena_array(scan->arena, colons + 1, sizeof(*scan->message->series));
    scan->readings = arena_array(scan->arena, brackets + 1, sizeof(*scan->readings));
    return scan->message->series && scan->readings;
}

bool data_scan(struct arena *arena, const char *bytes, size_t size,
               struct data_message *ret_message)
{
    struct data_message message = {.count = 0};
    struct scan scan = {.at = bytes, .end = bytes + size, .arena = arena, .message = &message};
    const unsigned needed = KEY_V | KEY_EPOCH | KEY_SEQ | KEY_T0 | KEY_EQUIPMENT;
    unsigned seen = 0, key = 0;

    if (size > MESSAGE_BYTES_MOST || !make_room(&scan) || !eat(&scan, '{')) {
        return false;
    }
    do {
        if (!read_field(&scan, &key) || (seen & key)) {
            return false;
        }
        seen |= key;
    } while (eat(&scan, ','));
    if (!eat(&scan, '}') || (seen & needed) != needed || !place_readings(&scan)) {
        return false;
    }
    skip_blanks(&scan);
    if (scan.at != scan.end) {
        return false;
    }
    *ret_message = message;
    return true;
}
