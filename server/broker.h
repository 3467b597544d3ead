/* The broker's side: messages in, to the committing thread; letters out, from it. */
#pragma once

#include "server/server_int.h"

/* Any thread, and in fact the committing one: a letter for the broker. send_command: ERR_CLOSED when
 * there is no broker now. context is the server. */
void broker_send_ack(void *context, const char *agent, const char *payload, size_t size);
enum err broker_send_command(void *context, const char *agent, const char *payload,
                           size_t size) MUST_CHECK;

/* The main thread. */
enum err broker_open(struct server *server, struct text *why) MUST_CHECK;
/* Whatever there is to do now; returns the boot-clock ms at which to come again. */
int64_t broker_turn(struct server *server);
void broker_send_letters(struct server *server);
