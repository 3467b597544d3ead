/* Telling the supervisor: READY=1, WATCHDOG=1, STOPPING=1 by sd_notify's datagram; a line `ready` to
 * standard error when nobody listens. And the signals that end a program. */
#pragma once

#include <stdbool.h>

void ready_serving(const char *program);
void ready_alive(void);
void ready_stopping(void);
/* SIGTERM and SIGINT set a flag and make ready_fd readable; SIGPIPE is ignored. Once, before any
 * thread. */
void ready_catch_signals(void);
bool ready_must_stop(void);
int ready_fd(void);
