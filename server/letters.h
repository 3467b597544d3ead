/* Letters to the broker, written by the committing thread, taken by the main thread. */
#pragma once

#include "server/parts.h"

struct letter { /* something to publish */
    char topic[TOPIC_SIZE];
    char command[COMMAND_ID_MOST + 1]; /* its id; "" for acks */
    size_t size;
    char bytes[];
};


enum err letters_open(struct server *server) MUST_CHECK;
void letters_close(struct server *server);
/* context is the server. An ack that finds no room is lost: acks come again. */
void letters_send_ack(void *context, const char *agent, const char *payload, size_t size);
/* ERR_CLOSED: it stays waiting until there is a broker. */
enum err letters_send_command(void *context, const char *agent, const char *payload,
                              size_t size) MUST_CHECK;
