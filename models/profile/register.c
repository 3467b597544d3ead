/* Register words to numbers and back. */
#include "models/profile/register.h"

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

static double scaled(const struct register_spec *spec, double number)
{
    double value = number * spec->scale + spec->offset;
    double nice = nearbyint(value * 1e9) / 1e9; /* 712 × 0.1 is 71.2, not 71.20000000000001 */

    return fabs(value) < 1e6 ? nice : value;
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
        err = decode_bcd(raw, spec->type == REGISTER_BCD16 ? 4 : 8, &value.raw);
        value.number = (double)value.raw;
    } else {
        bool is_signed = spec->type == REGISTER_INT16 || spec->type == REGISTER_INT32 ||
                         spec->type == REGISTER_INT64;
        bool whole = spec->mask == UINT64_MAX && spec->shift == 0;
        uint64_t field = (raw & spec->mask) >> spec->shift;

        if (is_signed) {
            value.raw = extend(raw, bits);
        }
        if (spec->type == REGISTER_BOOL) {
            value.number = field != 0;
        } else if (is_signed && whole) {
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
    case REGISTER_INT64:
        *ret_least = -9007199254740992.0;
        *ret_most = 9007199254740992.0;
        return ERR_OK;
    case REGISTER_UINT64:
        *ret_least = 0;
        *ret_most = 9007199254740992.0;
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
    case REGISTER_FLOAT64:
        *ret_least = -3.4e38;
        *ret_most = 3.4e38;
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

enum err register_encode(const struct register_spec *spec, double number, uint16_t *words)
{
    double plain = (number - spec->offset) / spec->scale, least, most;
    bool is_float = spec->type == REGISTER_FLOAT32 || spec->type == REGISTER_FLOAT64;
    enum err err = limits(spec, &least, &most);
    uint64_t field;

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
    field = spec->type == REGISTER_BCD16 || spec->type == REGISTER_BCD32
                ? encode_bcd((int64_t)plain)
                : plain < 0 ? (uint64_t)(int64_t)plain : (uint64_t)plain;
    if (spec->mask != UINT64_MAX || spec->shift != 0) {
        if ((field << spec->shift >> spec->shift) != field || (field << spec->shift & ~spec->mask)) {
            return ERR_RANGE;
        }
        field = (gather(spec, words) & ~spec->mask) | (field << spec->shift & spec->mask);
    }
    scatter(spec, field, words);
    return ERR_OK;
}
