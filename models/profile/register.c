/* Register words to numbers and back. */
#include "models/profile/register.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "models/base/text.h"

const char *const register_table_names[] = {"input", "holding", "coil", "discrete", NULL};
const char *const register_type_names[] = {
    "bool",   "int16",   "uint16",  "int32", "uint32", "int64",  "uint64",
    "float32", "float64", "bcd16", "bcd32", "string", "bits", NULL,
};
const char *const register_order_names[] = {"ABCD", "CDAB", "BADC", "DCBA", NULL};

bool register_is_bit(const struct register_spec *spec)
{
    return spec->table == REGISTER_COIL || spec->table == REGISTER_DISCRETE;
}

uint16_t register_width(const struct register_spec *spec)
{
    switch (spec->type) {
    case REGISTER_BOOL:
    case REGISTER_INT16:
    case REGISTER_UINT16:
    case REGISTER_BCD16:
    case REGISTER_BITS:
        return 1;
    case REGISTER_INT32:
    case REGISTER_UINT32:
    case REGISTER_FLOAT32:
    case REGISTER_BCD32:
        return 2;
    case REGISTER_INT64:
    case REGISTER_UINT64:
    case REGISTER_FLOAT64:
        return 4;
    case REGISTER_STRING:
        return spec->length;
    }
    return 1;
}

static uint16_t swap_bytes(uint16_t word)
{
    return (uint16_t)(word << 8 | word >> 8);
}

/* Word i of a value of width words, in the order that ABCD would have. Its own inverse. */
static uint16_t ordered(const struct register_spec *spec, const uint16_t *words, size_t i,
                        size_t width)
{
    bool turn = spec->order == REGISTER_CDAB || spec->order == REGISTER_DCBA;
    bool swap = spec->order == REGISTER_BADC || spec->order == REGISTER_DCBA;
    uint16_t word = words[turn ? width - 1 - i : i];

    return swap ? swap_bytes(word) : word;
}

static uint64_t gather(const struct register_spec *spec, const uint16_t *words)
{
    size_t width = register_width(spec);
    uint64_t raw = 0;

    for (size_t i = 0; i < width; i++) {
        raw = raw << 16 | ordered(spec, words, i, width);
    }
    return raw;
}

/* Sign of a number of bits. */
static int64_t extend(uint64_t raw, unsigned bits)
{
    uint64_t sign = (uint64_t)1 << (bits - 1);

    return bits == 64 ? (int64_t)raw : (int64_t)((raw ^ sign) - sign);
}

static enum err decode_bcd(uint64_t raw, int digits, int64_t *ret_number)
{
    int64_t number = 0;

    for (int i = digits - 1; i >= 0; i--) {
        int64_t digit = (int64_t)(raw >> (4 * i) & 15);

        if (digit > 9) {
            return ERR_FORMAT;
        }
        number = number * 10 + digit;
    }
    *ret_number = number;
    return ERR_OK;
}

/* Bytes of a string; NULs and blanks at its end dropped, what is no UTF-8 becomes '?'. */
static void decode_string(const struct register_spec *spec, const uint16_t *words,
                          struct register_value *value)
{
    bool swap = spec->order == REGISTER_BADC || spec->order == REGISTER_DCBA;
    size_t size = 0;

    value->is_text = true;
    for (size_t i = 0; i < spec->length && i < REGISTER_STRING_MOST; i++) {
        uint16_t word = swap ? swap_bytes(words[i]) : words[i];

        value->text[size++] = (char)(word >> 8);
        value->text[size++] = (char)(word & 0xff);
    }
    while (size > 0 && (value->text[size - 1] == '\0' || value->text[size - 1] == ' ')) {
        size--;
    }
    value->text[size] = '\0';
    if (!text_is_utf8(value->text, size)) {
        for (size_t i = 0; i < size; i++) {
            unsigned char c = (unsigned char)value->text[i];

            if (c < 0x20 || c >= 0x7f) {
                value->text[i] = '?';
            }
        }
    }
}

static enum err decode_float(const struct register_spec *spec, uint64_t raw, double *ret_number)
{
    if (spec->type == REGISTER_FLOAT32) {
        uint32_t bits = (uint32_t)raw;
        float number;

        memcpy(&number, &bits, sizeof(number));
        *ret_number = (double)number;
    } else {
        memcpy(ret_number, &raw, sizeof(*ret_number));
    }
    return isfinite(*ret_number) ? ERR_OK : ERR_RANGE;
}

static bool is_signed(const struct register_spec *spec)
{
    return spec->type == REGISTER_INT16 || spec->type == REGISTER_INT32 ||
           spec->type == REGISTER_INT64;
}

/* Some bits of the value only: they have no sign. */
static bool is_field(const struct register_spec *spec)
{
    return spec->mask != UINT64_MAX || spec->shift != 0;
}

static bool is_one(double number)
{
    return !(number < 1) && !(number > 1);
}

/* As people would write the product: 3 × 0.1 is 0.3, not 0.30000000000000004. What is neither scaled
 * nor moved stays as it came, bit by bit. */
static double scaled(const struct register_spec *spec, double number)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double value = number * spec->scale + spec->offset, size = fabs(value);
    int decimals;

    if ((is_one(spec->scale) && !(fabs(spec->offset) > 0)) || !(size > 1e-8 && size < 1e14)) {
        return value;
    }
    decimals = 14 - (int)floor(log10(size)); /* 15 digits in all, which a double always holds */
    return nearbyint(value * powers[decimals]) / powers[decimals];
}

enum err register_decode(const struct register_spec *spec, const uint16_t *words,
                         struct register_value *ret_value)
{
    struct register_value value = {0};
    unsigned bits = 16U * register_width(spec);
    uint64_t raw;
    enum err err = ERR_OK;

    if (register_is_bit(spec)) {
        value.raw = words[0] != 0;
        value.number = scaled(spec, (double)value.raw);
        *ret_value = value;
        return ERR_OK;
    }
    if (spec->type == REGISTER_STRING) {
        decode_string(spec, words, &value);
        *ret_value = value;
        return ERR_OK;
    }
    raw = gather(spec, words);
    value.raw = (int64_t)raw;
    if (spec->type == REGISTER_FLOAT32 || spec->type == REGISTER_FLOAT64) {
        err = decode_float(spec, raw, &value.number);
    } else if (spec->type == REGISTER_BCD16 || spec->type == REGISTER_BCD32) {
        int64_t number = 0;

        err = decode_bcd((raw & spec->mask) >> spec->shift, spec->type == REGISTER_BCD16 ? 4 : 8,
                         &number);
        value.raw = number;
        value.number = (double)number;
    } else {
        uint64_t field = (raw & spec->mask) >> spec->shift;

        if (is_signed(spec)) {
            value.raw = extend(raw, bits);
        }
        if (spec->type == REGISTER_BOOL) {
            value.number = field != 0;
        } else if (is_signed(spec) && !is_field(spec)) {
            value.number = (double)value.raw;
        } else {
            value.number = (double)field;
        }
    }
    if (err) {
        return err;
    }
    value.number = scaled(spec, value.number);
    *ret_value = value;
    return isfinite(value.number) ? ERR_OK : ERR_RANGE;
}

/* ------------------------------------------------------------------ back */

static void scatter(const struct register_spec *spec, uint64_t raw, uint16_t *words)
{
    size_t width = register_width(spec);
    uint16_t plain[4];

    for (size_t i = 0; i < width; i++) {
        plain[i] = (uint16_t)(raw >> (16 * (width - 1 - i)));
    }
    for (size_t i = 0; i < width; i++) {
        words[i] = ordered(spec, plain, i, width);
    }
}

static uint64_t encode_bcd(int64_t number)
{
    uint64_t raw = 0;

    for (int i = 0; number > 0; i++) {
        raw |= (uint64_t)(number % 10) << (4 * i);
        number /= 10;
    }
    return raw;
}

static enum err limits(const struct register_spec *spec, double *ret_least, double *ret_most)
{
    if (is_signed(spec) && is_field(spec)) {
        *ret_least = 0;
        *ret_most = spec->type == REGISTER_INT16   ? 65535.0
                    : spec->type == REGISTER_INT32 ? 4294967295.0
                                                   : 18446744073709549568.0;
        return ERR_OK;
    }
    switch (spec->type) {
    case REGISTER_BOOL:
        *ret_least = 0;
        *ret_most = 1;
        return ERR_OK;
    case REGISTER_INT16:
        *ret_least = -32768;
        *ret_most = 32767;
        return ERR_OK;
    case REGISTER_UINT16:
    case REGISTER_BITS:
        *ret_least = 0;
        *ret_most = 65535;
        return ERR_OK;
    case REGISTER_INT32:
        *ret_least = -2147483648.0;
        *ret_most = 2147483647.0;
        return ERR_OK;
    case REGISTER_UINT32:
        *ret_least = 0;
        *ret_most = 4294967295.0;
        return ERR_OK;
    case REGISTER_INT64: /* to the greatest double below 2^63, or 2^64 */
        *ret_least = -9223372036854775808.0;
        *ret_most = 9223372036854774784.0;
        return ERR_OK;
    case REGISTER_UINT64:
        *ret_least = 0;
        *ret_most = 18446744073709549568.0;
        return ERR_OK;
    case REGISTER_BCD16:
        *ret_least = 0;
        *ret_most = 9999;
        return ERR_OK;
    case REGISTER_BCD32:
        *ret_least = 0;
        *ret_most = 99999999;
        return ERR_OK;
    case REGISTER_FLOAT32:
        *ret_least = -(double)FLT_MAX;
        *ret_most = (double)FLT_MAX;
        return ERR_OK;
    case REGISTER_FLOAT64:
        *ret_least = -DBL_MAX;
        *ret_most = DBL_MAX;
        return ERR_OK;
    case REGISTER_STRING:
        break;
    }
    return ERR_UNSUPPORTED;
}

static uint64_t float_bits(const struct register_spec *spec, double number)
{
    uint64_t raw;

    if (spec->type == REGISTER_FLOAT32) {
        float narrow = (float)number;
        uint32_t bits;

        memcpy(&bits, &narrow, sizeof(bits));
        return bits;
    }
    memcpy(&raw, &number, sizeof(raw));
    return raw;
}

/* The field of plain among the bits that are there already. */
static enum err place_field(const struct register_spec *spec, double plain, uint64_t *io_raw)
{
    bool bcd = spec->type == REGISTER_BCD16 || spec->type == REGISTER_BCD32;
    uint64_t field;

    if (spec->type == REGISTER_BOOL) { /* any bit of the mask makes it true, so true sets them all */
        uint64_t bits = spec->mask == UINT64_MAX ? (uint64_t)1 << spec->shift : spec->mask;

        *io_raw = (*io_raw & ~spec->mask) | (plain > 0.5 ? bits : 0);
        return ERR_OK;
    }
    field = bcd         ? encode_bcd((int64_t)plain)
            : plain < 0 ? (uint64_t)(int64_t)plain
                        : (uint64_t)plain;
    if ((field << spec->shift >> spec->shift) != field || (field << spec->shift & ~spec->mask)) {
        return ERR_RANGE;
    }
    *io_raw = (*io_raw & ~spec->mask) | (field << spec->shift);
    return ERR_OK;
}

enum err register_encode(const struct register_spec *spec, double number, uint16_t *words)
{
    double plain = (number - spec->offset) / spec->scale, least, most;
    bool is_float = spec->type == REGISTER_FLOAT32 || spec->type == REGISTER_FLOAT64;
    enum err err = limits(spec, &least, &most);
    uint64_t raw;

    if (err) {
        return err;
    }
    if (!is_float) {
        plain = nearbyint(plain);
    }
    if (!(plain >= least && plain <= most)) {
        return ERR_RANGE;
    }
    if (register_is_bit(spec)) {
        words[0] = plain > 0.5;
        return ERR_OK;
    }
    if (is_float) {
        scatter(spec, float_bits(spec, plain), words);
        return ERR_OK;
    }
    raw = gather(spec, words);
    err = place_field(spec, plain, &raw);
    if (!err) {
        scatter(spec, raw, words);
    }
    return err;
}
