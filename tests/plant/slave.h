/*
 * A wire full of slaves that misbehave as told: silent, late, busy, noisy, with holes and limits, of another firmware,
 * two with one id. Each register's value follows from its place (slave_word), so that a value that is taken for
 * another one shows. One thread: slave_turn() waits, answers and returns.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SLAVE_UNITS      248
#define SLAVE_HOLES_MOST 16

enum slave_wire { SLAVE_TCP, SLAVE_RTU_OVER_TCP, SLAVE_SERIAL };

struct slave_hole {
    int function; /* 1 … 4 */
    uint16_t address, count;
};

struct slave_unit {
    bool present;
    bool twin;       /* a second device answers to the same id, a little later */
    int late_ms;     /* … that answers may take … */
    int late_one_in; /* … one in so many; 0: none. late_ms is the most, chance says how much */
    int busy_one_in, noise_one_in, drop_one_in; /* exception 6; a wrong byte; no answer */
    int alias_one_in; /* the values of other registers, in a frame that is right */
    int turnaround_ms;
    uint16_t most; /* registers in a read; 0: 125 */
    int firmware, identity_at; /* what its identity register (holding) says; 0: it has none */
    int shift;     /* its map has moved by so many registers */
    struct slave_hole holes[SLAVE_HOLES_MOST];
    int hole_count;
    /* what happened */
    int64_t requests, lates, last_ms;
    int64_t refused, refused_before_40; /* … of the first 40 requests */
    int64_t asked_ms[4096]; /* when it was asked for holding register 0, the newest at asked % 4096 */
    int64_t asked;
};

struct slave;

struct slave_options {
    enum slave_wire wire;
    int fd;        /* SLAVE_SERIAL: the line, raw */
    int port;      /* else: to listen on, at 127.0.0.1; 0: any */
    int baud;      /* how long bytes take; 0: no time */
    int gateway_ms; /* absent units: a gateway says exception 11 after so long; 0: silence */
    uint64_t seed;
};

struct slave *slave_open(const struct slave_options *options); /* NULL: cannot listen */
void slave_close(struct slave *slave);
int slave_port(const struct slave *slave);
/* Its behaviour, to be changed between turns. */
struct slave_unit *slave_unit(struct slave *slave, int unit);
/* At most wait_ms. */
void slave_turn(struct slave *slave, int wait_ms);
/* What stands in a register (or coil, 0 or 1); its map may have moved since. */
uint16_t slave_word(const struct slave_unit *behaviour, int unit, int function, uint16_t address);
