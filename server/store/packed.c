/* Hours of readings, packed. The form stands in packed.h. */
#include "server/store/packed.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define VERSION       1
#define AS_DOUBLES    0x10
#define NO_VALUE      0x80
#define HAS_TEXT      0x40
#define COUNT_MOST    10000000
#define DECIMALS_MOST 6

static const double powers[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};

/* ------------------------------------------------------------------ writing */

static bool reserve(struct packed_out *out, size_t more)
{
    size_t room = out->room ? out->room : 256;
    unsigned char *bytes;

    while (room < out->size + more) {
        room *= 2;
    }
    if (room != out->room) {
        bytes = realloc(out->bytes, room);
        if (!bytes) {
            return false;
        }
        out->bytes = bytes;
        out->room = room;
    }
    return true;
}

/* Room was reserved. */
static void put_varint(struct packed_out *out, uint64_t number)
{
    while (number >= 0x80) {
        out->bytes[out->size++] = (unsigned char)(number | 0x80);
        number >>= 7;
    }
    out->bytes[out->size++] = (unsigned char)number;
}

static void put_signed(struct packed_out *out, int64_t number)
{
    put_varint(out, (uint64_t)number << 1 ^ (uint64_t)(number >> 63));
}

static bool has_number(const struct reading *reading)
{
    return reading->has_value && !reading->text;
}

/* true when number is a whole number of steps of 10^-decimals, to the bit (-0.0 is none). */
static bool fits(double number, int decimals)
{
    double scaled = nearbyint(number * powers[decimals]), back;

    if (!(fabs(scaled) < 9e15)) {
        return false;
    }
    back = (double)(int64_t)scaled / powers[decimals];
    return memcmp(&back, &number, sizeof(back)) == 0;
}

/* The least number of decimals at which all values survive; -1: none does. */
static int decimals_of(const struct reading *readings, size_t count)
{
    int decimals = 0;

    for (size_t i = 0; i < count; i++) {
        while (has_number(&readings[i]) && !fits(readings[i].value, decimals)) {
            if (++decimals > DECIMALS_MOST) {
                return -1;
            }
        }
    }
    return decimals;
}

static void put_times(struct packed_out *out, int64_t hour, const struct reading *readings,
                      size_t count)
{
    int64_t before = hour * PACKED_HOUR_MS, step = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t now = readings[i].t_ms - before;

        put_signed(out, now - step);
        step = i == 0 ? 0 : now;
        before = readings[i].t_ms;
    }
}

static void put_values(struct packed_out *out, const struct reading *readings, size_t count,
                       int decimals)
{
    int64_t before = 0;
    double last = 0;

    for (size_t i = 0; i < count; i++) {
        if (decimals >= 0) {
            int64_t now = has_number(&readings[i])
                              ? (int64_t)nearbyint(readings[i].value * powers[decimals])
                              : before;

            put_signed(out, now - before);
            before = now;
        } else {
            last = has_number(&readings[i]) ? readings[i].value : last;
            memcpy(out->bytes + out->size, &last, sizeof(last));
            out->size += sizeof(last);
        }
    }
}

static bool is_exception(const struct reading *reading)
{
    return reading->quality != QUALITY_GOOD || !has_number(reading);
}

static enum err put_exceptions(struct packed_out *out, const struct reading *readings, size_t count)
{
    size_t exceptions = 0, before = 0;

    for (size_t i = 0; i < count; i++) {
        exceptions += is_exception(&readings[i]);
    }
    put_varint(out, exceptions);
    for (size_t i = 0; i < count; i++) {
        size_t size = readings[i].text ? strlen(readings[i].text) : 0;

        if (!is_exception(&readings[i])) {
            continue;
        }
        if (!reserve(out, 32 + size)) {
            return ERR_NOMEM;
        }
        put_varint(out, i - before);
        before = i;
        out->bytes[out->size++] =
            (unsigned char)((unsigned)readings[i].quality | (readings[i].has_value ? 0 : NO_VALUE) |
                            (readings[i].text ? HAS_TEXT : 0));
        if (readings[i].text) {
            put_varint(out, size);
            memcpy(out->bytes + out->size, readings[i].text, size);
            out->size += size;
        }
    }
    return ERR_OK;
}

enum err packed_write(int64_t hour, const struct reading *readings, size_t count,
                      struct packed_out *out)
{
    int decimals = decimals_of(readings, count);

    out->size = 0;
    if (!reserve(out, 32 + count * 20)) {
        return ERR_NOMEM;
    }
    out->bytes[out->size++] =
        (unsigned char)(VERSION | (decimals < 0 ? AS_DOUBLES : decimals << 5));
    put_varint(out, count);
    put_times(out, hour, readings, count);
    put_values(out, readings, count, decimals);
    return put_exceptions(out, readings, count);
}

/* ------------------------------------------------------------------ reading */

struct cursor {
    const unsigned char *at, *end;
    bool wrong;
};

static uint64_t get_varint(struct cursor *cursor)
{
    uint64_t number = 0;

    for (int shift = 0; shift < 64; shift += 7) {
        if (cursor->at == cursor->end) {
            break;
        }
        number |= (uint64_t)(*cursor->at & 0x7f) << shift;
        if (!(*cursor->at++ & 0x80)) {
            return number;
        }
    }
    cursor->wrong = true;
    return 0;
}

static int64_t get_signed(struct cursor *cursor)
{
    uint64_t number = get_varint(cursor);

    return (int64_t)(number >> 1 ^ (~(number & 1) + 1));
}

/* Passes over count varints; the place where they began stays with the caller. Eight bytes at once as
 * long as none too many can end in them. */
static void skip_varints(struct cursor *cursor, uint64_t count)
{
    uint64_t eight;

    while (count >= sizeof(eight) && cursor->end - cursor->at >= (ptrdiff_t)sizeof(eight)) {
        memcpy(&eight, cursor->at, sizeof(eight));
        count -= (uint64_t)__builtin_popcountll(~eight & 0x8080808080808080);
        cursor->at += sizeof(eight);
    }
    for (; count > 0 && cursor->at < cursor->end; cursor->at++) {
        count -= !(*cursor->at & 0x80);
    }
    cursor->wrong = cursor->wrong || count > 0;
}

struct hour_reader { /* three cursors that move side by side */
    struct cursor times, values, exceptions;
    int64_t time, step, value;
    bool doubles;
    int decimals;
    uint64_t next_exception, left_exceptions;
};

static void next_exception(struct hour_reader *reader)
{
    if (reader->left_exceptions > 0) {
        reader->left_exceptions--;
        reader->next_exception += get_varint(&reader->exceptions);
    } else {
        reader->next_exception = UINT64_MAX;
    }
}

static void apply_exception(struct hour_reader *reader, struct reading *reading, char **io_text)
{
    unsigned flags = 0;
    char *text;

    if (reader->exceptions.at == reader->exceptions.end) {
        reader->exceptions.wrong = true;
        return;
    }
    flags = *reader->exceptions.at++;
    reading->quality = (enum quality)(flags & 0x0f);
    reading->has_value = !(flags & NO_VALUE);
    if (reading->quality > QUALITY_CLOCK) {
        reader->exceptions.wrong = true;
    }
    if (flags & HAS_TEXT) {
        uint64_t size = get_varint(&reader->exceptions);

        if (size > (uint64_t)(reader->exceptions.end - reader->exceptions.at)) {
            reader->exceptions.wrong = true;
            return;
        }
        text = realloc(*io_text, (size_t)size + 1);
        if (!text) {
            reader->exceptions.wrong = true;
            return;
        }
        memcpy(text, reader->exceptions.at, (size_t)size);
        text[size] = '\0';
        reader->exceptions.at += size;
        *io_text = text;
        reading->text = text;
    }
    if (!reading->has_value) {
        reading->value = 0;
    }
    next_exception(reader);
}

/* Bytes of nobody's making may add up to anything; what is ours never goes round. */
static int64_t add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static struct reading get_reading(struct hour_reader *reader, uint64_t index, char **io_text)
{
    struct reading reading = {.has_value = true, .quality = QUALITY_GOOD};
    int64_t step = add(get_signed(&reader->times), reader->step);

    reader->time = add(reader->time, step);
    reader->step = index == 0 ? 0 : step;
    reading.t_ms = reader->time;
    if (reader->doubles) {
        memcpy(&reading.value, reader->values.at, sizeof(reading.value));
        reader->values.at += sizeof(reading.value);
    } else {
        reader->value = add(reader->value, get_signed(&reader->values));
        reading.value = (double)reader->value / powers[reader->decimals];
    }
    if (index == reader->next_exception) {
        apply_exception(reader, &reading, io_text);
    }
    return reading;
}

static enum err open_reader(struct hour_reader *reader, int64_t hour, const unsigned char *bytes,
                            size_t size, uint64_t *ret_count)
{
    struct cursor cursor = {bytes, bytes + size, false};

    if (size < 2 || (bytes[0] & 0x0f) != VERSION || bytes[0] >> 5 > DECIMALS_MOST) {
        return ERR_FORMAT;
    }
    reader->doubles = bytes[0] & AS_DOUBLES;
    reader->decimals = bytes[0] >> 5;
    cursor.at++;
    *ret_count = get_varint(&cursor);
    if (*ret_count == 0 || *ret_count > COUNT_MOST || *ret_count > size) {
        return ERR_FORMAT;
    }
    reader->time = hour * PACKED_HOUR_MS;
    reader->times = reader->values = cursor;
    skip_varints(&reader->values, *ret_count);
    reader->exceptions = reader->values;
    if (reader->doubles) {
        if ((uint64_t)(cursor.end - reader->values.at) < *ret_count * sizeof(double)) {
            return ERR_FORMAT;
        }
        reader->exceptions.at += *ret_count * sizeof(double);
    } else {
        skip_varints(&reader->exceptions, *ret_count);
    }
    reader->left_exceptions = get_varint(&reader->exceptions);
    next_exception(reader);
    return reader->exceptions.wrong || reader->values.wrong ? ERR_FORMAT : ERR_OK;
}

enum err packed_read(int64_t hour, const unsigned char *bytes, size_t size,
                     int (*each)(void *context, const struct reading *reading), void *context)
{
    struct hour_reader reader = {.step = 0};
    char *text = NULL;
    uint64_t count;
    enum err err = open_reader(&reader, hour, bytes, size, &count);

    for (uint64_t i = 0; !err && i < count; i++) {
        struct reading reading = get_reading(&reader, i, &text);

        if (reader.times.wrong || reader.values.wrong || reader.exceptions.wrong) {
            err = ERR_FORMAT;
        } else if (!each(context, &reading)) {
            break;
        }
    }
    free(text);
    return err;
}

/* ------------------------------------------------------------------ an hour in one sum */

static void add_value(struct packed_sum *sum, double value)
{
    sum->least = sum->count == 0 || value < sum->least ? value : sum->least;
    sum->most = sum->count == 0 || value > sum->most ? value : sum->most;
    sum->sum += value;
    sum->count++;
}

static struct packed_sum sum_doubles(const unsigned char *bytes, uint64_t count)
{
    struct packed_sum sum = {.count = 0};

    for (uint64_t i = 0; i < count; i++) {
        double value;

        memcpy(&value, bytes + i * sizeof(value), sizeof(value));
        add_value(&sum, value);
    }
    return sum;
}

/* The steps are added as they are and brought to size at the end. */
static struct packed_sum sum_integers(struct hour_reader *reader, uint64_t count)
{
    struct cursor cursor = reader->values;
    double size = powers[reader->decimals];
    struct packed_sum sum = {.count = (int64_t)count};
    int64_t value = 0, least = INT64_MAX, most = INT64_MIN;

    for (uint64_t i = 0; i < count; i++) {
        value = add(value, get_signed(&cursor));
        least = value < least ? value : least;
        most = value > most ? value : most;
        sum.sum += (double)value;
    }
    reader->values.wrong = cursor.wrong;
    sum.sum /= size;
    sum.least = (double)least / size;
    sum.most = (double)most / size;
    return sum;
}

enum err packed_summarize(const unsigned char *bytes, size_t size, struct packed_sum *ret_sum)
{
    struct hour_reader reader = {.step = 0};
    struct packed_sum sum;
    uint64_t count;
    enum err err = open_reader(&reader, 0, bytes, size, &count);

    if (err) {
        return err;
    }
    if (reader.next_exception != UINT64_MAX) {
        return ERR_UNSUPPORTED;
    }
    sum = reader.doubles ? sum_doubles(reader.values.at, count) : sum_integers(&reader, count);
    if (reader.values.wrong) {
        return ERR_FORMAT;
    }
    *ret_sum = sum;
    return ERR_OK;
}
