/*
 * One quantity in Modbus registers: where it stands, how its bits become a number, and back.
 *
 * The engineering value is ((raw & mask) >> shift) × scale + offset. Words come as ABCD (high word
 * first), CDAB (words turned round), BADC (bytes of each word turned), DCBA (both), for every
 * width; a 16-bit value and a string know only the bytes (interfaces.md 8, "Word order").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"

enum register_table {
    REGISTER_INPUT,    /* function 4 */
    REGISTER_HOLDING,  /* function 3, written by 6 and 16 */
    REGISTER_COIL,     /* function 1, written by 5 */
    REGISTER_DISCRETE, /* function 2 */
};

enum register_type {
    REGISTER_BOOL,
    REGISTER_INT16,
    REGISTER_UINT16,
    REGISTER_INT32,
    REGISTER_UINT32,
    REGISTER_INT64,
    REGISTER_UINT64,
    REGISTER_FLOAT32,
    REGISTER_FLOAT64,
    REGISTER_BCD16,
    REGISTER_BCD32,
    REGISTER_STRING,
    REGISTER_BITS,
};

enum register_order {
    REGISTER_ABCD,
    REGISTER_CDAB,
    REGISTER_BADC,
    REGISTER_DCBA,
};

#define REGISTER_STRING_MOST 64 /* registers of a string: 128 bytes */

struct register_spec {
    enum register_table table;
    uint16_t address; /* zero-based, as on the wire */
    enum register_type type;
    enum register_order order;
    double scale;   /* 1 when left out */
    double offset;  /* 0 when left out */
    uint64_t mask;  /* all ones when left out; integers only */
    uint8_t shift;
    uint16_t length; /* registers of a string */
};

extern const char *const register_table_names[]; /* NULL-ended, in the order of the enum */
extern const char *const register_type_names[];
extern const char *const register_order_names[];

/* Registers (or bits, in coil and discrete tables) that the value takes: 1 to 64. */
uint16_t register_width(const struct register_spec *spec);
bool register_is_bit(const struct register_spec *spec); /* coil or discrete */

struct register_value {
    bool is_text;
    double number;     /* engineering value */
    int64_t raw;       /* integer types: before mask, for `invalid`; else 0 */
    char text[2 * REGISTER_STRING_MOST + 1]; /* trailing NULs and blanks dropped; bytes that are no
                                                UTF-8 become '?' */
};

/*
 * words: register_width() registers as libmodbus gives them (or 0/1 a bit).
 * ERR_FORMAT for a BCD digit above 9, ERR_RANGE for a float that is not finite.
 */
enum err register_decode(const struct register_spec *spec, const uint16_t *words,
                         struct register_value *ret_value) MUST_CHECK;

/*
 * The registers that show number; integers are rounded to the nearest step. mask and shift put the
 * value among the bits of *words that are there already (read-modify-write).
 * ERR_RANGE when it does not fit, ERR_UNSUPPORTED for strings.
 */
enum err register_encode(const struct register_spec *spec, double number, uint16_t *words)
    MUST_CHECK;
