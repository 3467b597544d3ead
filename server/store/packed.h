/*
 * The readings of one point in one hour, packed.
 *
 *   byte 0      version 1; bit 4: values are doubles; bits 5-7: decimals (0 … 6) of scaled integers
 *   varint      count
 *   times       zig-zag varints: first ms within the hour, first step, then differences of steps
 *   values      scaled integers: zig-zag varints of differences; doubles: 8 bytes each
 *   exceptions  varint count, then each: varint index (difference), byte: quality, bit 7: no value,
 *               bit 6: a text follows (varint size and bytes)
 *
 * A reading without a number repeats the value before it and is an exception. Packing and unpacking
 * is exact.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/telemetry/reading.h"

#define PACKED_HOUR_MS 3600000

struct packed_out {
    unsigned char *bytes; /* owned: free */
    size_t size, room;
};

/* readings: count > 0, sorted by time, all within the hour. */
enum err packed_write(int64_t hour, const struct reading *readings, size_t count,
                      struct packed_out *out) MUST_CHECK;
/* Calls each in order; texts live during the call. ERR_FORMAT for bytes that are none of ours. each
 * returns 0 to stop. */
enum err packed_read(int64_t hour, const unsigned char *bytes, size_t size,
                     int (*each)(void *context, const struct reading *reading),
                     void *context) MUST_CHECK;

struct packed_sum {
    int64_t count;
    double sum, least, most;
};

/* The hour in one sum, its times unread. ERR_UNSUPPORTED when some readings are not good numbers and
 * it must be read one by one; ERR_FORMAT as above. */
enum err packed_summarize(const unsigned char *bytes, size_t size,
                          struct packed_sum *ret_sum) MUST_CHECK;
