/* A recording sent again: over MQTT as an agent that does not grade, with the recorded times, as fast as the
 * server takes it; or over Modbus, in the registers of its profile, at the recorded pace or a multiple of it. */
#pragma once

struct replay_options {
    const char *csv; /* "-": standard input */
    const char *map; /* see recording.h */
    /* over MQTT */
    const char *broker, *agent, *equipment, *profile;
    const char *ca, *cert, *key; /* NULL: without TLS */
    int window; /* messages on their way without a receipt */
    /* over Modbus */
    const char *tcp, *serial; /* NULL: not there */
    const char *profiles;     /* folder */
    double speed;
};

/* Exit status: 0 when every message has its receipt, 2 when it cannot begin. */
int replay_mqtt(const struct replay_options *options);
/* 0 when the recording has ended. */
int replay_modbus(const struct replay_options *options);
