/* Limits of devices, as they show. */
#include "agent/acquire/limits.h"

#include <stdio.h>
#include <string.h>

#include "models/base/text.h"

#define BLOCK_MOST 125

void limits_init(struct limits *limits, const char *key, uint16_t max_registers)
{
    *limits = (struct limits){.max_registers = max_registers};
    snprintf(limits->key, sizeof(limits->key), "%s", key);
}

void limits_given(struct limits *limits, uint16_t registers)
{
    if (registers > limits->longest) {
        limits->longest = registers;
    }
}

static bool is_same(const struct sweep_hole *a, const struct sweep_hole *b)
{
    return a->table == b->table && a->address == b->address && a->count == b->count;
}

void limits_add_hole(struct limits *limits, const struct sweep_hole *hole)
{
    for (size_t i = 0; i < limits->hole_count; i++) {
        if (is_same(&limits->holes[i], hole)) {
            return;
        }
    }
    if (limits->hole_count < LIMITS_HOLES_MOST) {
        limits->holes[limits->hole_count++] = *hole;
        limits->version++;
    }
}

void limits_drop_holes(struct limits *limits, enum register_table table, unsigned address, unsigned end)
{
    size_t kept = 0;

    for (size_t i = 0; i < limits->hole_count; i++) {
        const struct sweep_hole *hole = &limits->holes[i];
        bool refuted = hole->table == table && hole->count > 0 && hole->address >= address &&
                       hole->address + (unsigned)hole->count <= end;

        if (!refuted) {
            limits->holes[kept++] = *hole;
        }
    }
    if (kept < limits->hole_count) {
        limits->hole_count = kept;
        limits->version++;
    }
}

static bool is_register(enum register_table table)
{
    return table == REGISTER_INPUT || table == REGISTER_HOLDING;
}

void limits_cut(struct limits *limits, enum register_table table, uint16_t cut, uint16_t next,
                uint16_t good, int exception)
{
    struct sweep_hole hole = {table, cut, (uint16_t)(next - cut)};
    bool may_be_length = is_register(table) && good >= limits->longest;

    if (may_be_length && (exception == 3 || good == limits->suspect)) {
        limits->max_registers = good;
        limits->version++;
        return;
    }
    limits->suspect = may_be_length ? good : 0;
    limits_add_hole(limits, &hole);
}

void limits_write(const struct limits *limits, struct text *out)
{
    text_addf(out, "%u", limits->max_registers);
    for (size_t i = 0; i < limits->hole_count; i++) {
        const struct sweep_hole *hole = &limits->holes[i];

        text_addf(out, " %s:%u+%u", register_table_names[hole->table], hole->address, hole->count);
    }
}

/* A whole number up to most, and what stands behind it. */
static bool take_number(const char **io_words, unsigned most, uint16_t *ret_number)
{
    size_t digits = strspn(*io_words, "0123456789");
    int64_t number;

    if (digits == 0 || digits > 5 || text_to_int(*io_words, digits, &number) || number > (int64_t)most) {
        return false;
    }
    *ret_number = (uint16_t)number;
    *io_words += digits;
    return true;
}

static bool take_hole(const char **io_words, struct sweep_hole *hole)
{
    for (int i = 0; register_table_names[i]; i++) {
        size_t size = strlen(register_table_names[i]);

        if (strncmp(*io_words, register_table_names[i], size) == 0 && (*io_words)[size] == ':') {
            hole->table = (enum register_table)i;
            *io_words += size + 1;
            if (!take_number(io_words, 65535, &hole->address) || **io_words != '+') {
                return false;
            }
            (*io_words)++;
            return take_number(io_words, 65535, &hole->count);
        }
    }
    return false;
}

enum err limits_read(struct limits *limits, const char *words)
{
    struct limits read = *limits;

    read.hole_count = 0;
    if (!take_number(&words, BLOCK_MOST, &read.max_registers) || read.max_registers == 0) {
        return ERR_FORMAT;
    }
    while (*words == ' ' && read.hole_count < LIMITS_HOLES_MOST) {
        words++;
        if (!take_hole(&words, &read.holes[read.hole_count++])) {
            return ERR_FORMAT;
        }
    }
    if (*words != '\0') {
        return ERR_FORMAT;
    }
    if (read.max_registers > limits->max_registers) { /* the profile says less by now */
        read.max_registers = limits->max_registers;
    }
    read.version = read.kept = limits->version + 1;
    *limits = read;
    return ERR_OK;
}
