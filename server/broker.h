/* The broker's side, on the main thread: messages in, letters out. */
#pragma once

#include "server/parts.h"

enum err broker_open(struct server *server, struct text *why) MUST_CHECK;
/* Whatever there is to do now; returns the boot-clock ms at which to come again. */
int64_t broker_turn(struct server *server);
void broker_send_letters(struct server *server);
