/* A recording, sent over MQTT as an agent that does not grade, with the recorded times. */
#pragma once

struct replay_options {
    const char *csv; /* "-": standard input */
    const char *map; /* YAML: time, zone_offset, points {column: point} */
    const char *broker, *agent, *equipment, *profile;
    int window; /* messages on their way without a receipt */
};

/* Returns the exit status: 0 when every message has its receipt. */
int replay_run(const struct replay_options *options);
