/*
 * The wire: a table of functions. Implementations: libmodbus (TCP, RTU), RTU frames in a TCP stream,
 * and the scripted one of the tests.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/profile/register.h"

struct link_answer {
    int exception; /* 1 … 11 when the device refused; else 0 */
    bool late;     /* what came was an answer to something else */
};

struct link_ops {
    /* Ready to talk, within timeout_ms. ERR_CLOSED when nobody is there. */
    enum err (*open)(void *self, int64_t timeout_ms);
    bool (*is_open)(const void *self);
    /*
     * count registers (or bits as 0/1) into words. ERR_OK; ERR_TIMEOUT; ERR_DENIED with an
     * exception; ERR_FORMAT when what came was no answer to this; ERR_CLOSED when the connection is
     * gone.
     */
    enum err (*read)(void *self, int unit_id, enum register_table table, uint16_t address,
                     uint16_t count, int64_t timeout_ms, uint16_t *words,
                     struct link_answer *ret_answer);
    enum err (*write)(void *self, int unit_id, enum register_table table, uint16_t address,
                      uint16_t count, int64_t timeout_ms, const uint16_t *words,
                      struct link_answer *ret_answer);
    /* Waits so long for something that was not asked for; throws it away and says so. */
    bool (*overhear)(void *self, int64_t timeout_ms);
    /* Throws away what has come and was not asked for. */
    void (*flush)(void *self);
    void (*hang_up)(void *self);
    void (*close)(void *self);
};

struct link {
    const struct link_ops *ops;
    void *self;
    bool is_serial; /* answers carry no number: late ones must be waited out */
    int64_t silence_us; /* 3.5 characters between two frames */
};

/* Bytes on this descriptor are waited for, and thrown away until the line has been quiet for a while. */
bool link_overhear(int fd, int64_t timeout_ms);

enum err link_open_tcp(const char *host, int port, struct link *ret_link) MUST_CHECK;
enum err link_open_serial(const char *device, int baud, char parity, int stop,
                          struct link *ret_link) MUST_CHECK;
enum err link_open_rtu_over_tcp(const char *host, int port, struct link *ret_link) MUST_CHECK;
