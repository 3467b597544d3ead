/*
 * Modbus servers on TCP and on a serial line (or pty) at once, for up to 247 units with registers of their
 * own. One thread: serve_turn() waits, answers what has come and returns.
 */
#pragma once

#include <modbus/modbus.h>
#include <stdbool.h>
#include <stdint.h>

#define SERVE_UNITS 247

struct serve;

/* Of a unit, from 1; NULL: nobody answers there. Valid until the next call. */
typedef modbus_mapping_t *(*serve_unit)(void *context, int unit);

/* tcp: host:port or NULL; serial: a device or NULL (9600 8N1). NULL after a word on standard error. */
struct serve *serve_open(const char *tcp, const char *serial, serve_unit unit, void *context);
void serve_close(struct serve *serve);
/* At most wait_ms; earlier when something came, or when fd (-1: none) became readable: then true. */
bool serve_turn(struct serve *serve, int wait_ms, int fd);
