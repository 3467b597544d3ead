/* The wire by libmodbus: TCP and serial RTU. */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdlib.h>
#include <string.h>

#include "agent/modbus/link.h"
#include "models/base/text.h"

#define EXCEPTION_UNNAMED 255

struct wire {
    modbus_t *modbus;
    bool connected, serial;
};

static void set_timeout(struct wire *wire, int64_t timeout_ms)
{
    modbus_set_response_timeout(wire->modbus, (uint32_t)(timeout_ms / 1000),
                                (uint32_t)(timeout_ms % 1000 * 1000));
}

static void wire_hang_up(void *self)
{
    struct wire *wire = self;

    if (wire->connected) {
        modbus_close(wire->modbus);
        wire->connected = false;
    }
}

static enum err wire_open(void *self, int64_t timeout_ms)
{
    struct wire *wire = self;

    if (wire->connected) {
        return ERR_OK;
    }
    set_timeout(wire, timeout_ms);
    if (modbus_connect(wire->modbus)) {
        modbus_close(wire->modbus);
        return ERR_CLOSED;
    }
    wire->connected = true;
    return ERR_OK;
}

static bool wire_is_open(const void *self)
{
    const struct wire *wire = self;

    return wire->connected;
}

/* What libmodbus leaves in errno, in our words. */
static enum err outcome(const struct wire *wire, int code, struct link_answer *answer)
{
    *answer = (struct link_answer){0, false};
    if (code >= 0) {
        return ERR_OK;
    }
    if (errno > MODBUS_ENOBASE && errno <= MODBUS_ENOBASE + 11) {
        answer->exception = errno - MODBUS_ENOBASE;
        return ERR_DENIED;
    }
    if (errno == EMBBADEXC && !wire->serial) { /* a code that libmodbus has no name for */
        answer->exception = EXCEPTION_UNNAMED;
        return ERR_DENIED;
    }
    if (errno == ETIMEDOUT || errno == EAGAIN) {
        return ERR_TIMEOUT;
    }
    if (errno == EMBBADCRC || errno == EMBBADDATA || errno == EMBBADSLAVE || errno == EMBBADEXC ||
        errno == EMBUNKEXC || errno == EMBMDATA) {
        answer->late = true;
        return ERR_FORMAT;
    }
    return ERR_CLOSED;
}

static enum err read_bits(struct wire *wire, enum register_table table, uint16_t address,
                          uint16_t count, uint16_t *words, struct link_answer *answer)
{
    uint8_t bits[MODBUS_MAX_READ_BITS];
    int got = table == REGISTER_COIL
                  ? modbus_read_bits(wire->modbus, address, count, bits)
                  : modbus_read_input_bits(wire->modbus, address, count, bits);
    enum err err = outcome(wire, got, answer);

    for (uint16_t i = 0; !err && i < count; i++) {
        words[i] = bits[i];
    }
    return err;
}

static enum err wire_read(void *self, int unit_id, enum register_table table, uint16_t address,
                          uint16_t count, int64_t timeout_ms, uint16_t *words,
                          struct link_answer *ret_answer)
{
    struct wire *wire = self;
    uint16_t room[MODBUS_MAX_READ_REGISTERS]; /* always the most: replies cannot overrun it */
    int got;
    enum err err;

    *ret_answer = (struct link_answer){0, false};
    if (modbus_set_slave(wire->modbus, unit_id)) {
        return ERR_RANGE; /* else the unit before would be asked */
    }
    set_timeout(wire, timeout_ms);
    if (table == REGISTER_COIL || table == REGISTER_DISCRETE) {
        return read_bits(wire, table, address, count, words, ret_answer);
    }
    got = table == REGISTER_INPUT
              ? modbus_read_input_registers(wire->modbus, address, count, room)
              : modbus_read_registers(wire->modbus, address, count, room);
    err = outcome(wire, got, ret_answer);
    if (!err) {
        memcpy(words, room, count * sizeof(*words));
    }
    return err;
}

static enum err wire_write(void *self, int unit_id, enum register_table table, uint16_t address,
                           uint16_t count, int64_t timeout_ms, const uint16_t *words,
                           struct link_answer *ret_answer)
{
    struct wire *wire = self;
    int got;

    *ret_answer = (struct link_answer){0, false};
    if (modbus_set_slave(wire->modbus, unit_id)) {
        return ERR_RANGE; /* else the unit before would be asked */
    }
    set_timeout(wire, timeout_ms);
    if (table == REGISTER_COIL) {
        got = modbus_write_bit(wire->modbus, address, words[0]);
    } else if (count == 1) {
        got = modbus_write_register(wire->modbus, address, words[0]);
    } else {
        got = modbus_write_registers(wire->modbus, address, count, words);
    }
    return outcome(wire, got, ret_answer);
}

static bool wire_overhear(void *self, int64_t timeout_ms)
{
    const struct wire *wire = self;

    return link_overhear(wire->connected ? modbus_get_socket(wire->modbus) : -1, timeout_ms);
}

static void wire_flush(void *self)
{
    struct wire *wire = self;

    if (wire->connected) {
        modbus_flush(wire->modbus);
    }
}

static void wire_close(void *self)
{
    struct wire *wire = self;

    wire_hang_up(wire);
    modbus_free(wire->modbus);
    free(wire);
}

static const struct link_ops ops = {
    .open = wire_open,
    .is_open = wire_is_open,
    .read = wire_read,
    .write = wire_write,
    .overhear = wire_overhear,
    .flush = wire_flush,
    .hang_up = wire_hang_up,
    .close = wire_close,
};

static enum err make(modbus_t *modbus, struct link *ret_link)
{
    struct wire *wire = calloc(1, sizeof(*wire));

    if (!wire || !modbus) {
        if (modbus) {
            modbus_free(modbus);
        }
        free(wire);
        return ERR_NOMEM;
    }
    /* LINK recovery would connect for ever inside a send (agent.md 5.2): we hang up ourselves */
    modbus_set_error_recovery(modbus, MODBUS_ERROR_RECOVERY_PROTOCOL);
    /* no time-out of its own for each byte: the response timeout bounds the whole answer */
    modbus_set_byte_timeout(modbus, 0, 0);
    wire->modbus = modbus;
    *ret_link = (struct link){.ops = &ops, .self = wire};
    return ERR_OK;
}

enum err link_open_tcp(const char *host, int port, struct link *ret_link)
{
    TEXT(service, 16);

    text_addf(&service, "%d", port);
    return make(modbus_new_tcp_pi(host, service.at), ret_link);
}

enum err link_open_serial(const char *device, int baud, char parity, int stop,
                          struct link *ret_link)
{
    enum err err = make(modbus_new_rtu(device, baud, parity, 8, stop), ret_link);

    if (!err) {
        ((struct wire *)ret_link->self)->serial = true;
        ret_link->is_serial = true;
        /* 11 bits a character; above 19200 baud the standard fixes 1.75 ms (Modbus over Serial Line
         * 1.02, 2.5.1.1) */
        ret_link->silence_us = baud > 19200 ? 1750 : (int64_t)(3.5 * 11 * 1e6) / baud;
    }
    return err;
}
