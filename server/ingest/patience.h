/*
 * Messages that fail by themselves, and since when. A failure may pass (a program that is mended, a
 * constraint that is lifted), so a message may come again for an hour; then it is put away. Belongs
 * to the committing thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/telemetry/message.h"

#define PATIENCE_MS (3600 * 1000)

struct patience;

enum err patience_open(struct patience **ret_patience) MUST_CHECK;
void patience_close(struct patience *patience);
/* This message failed (again); true when it has been failing for PATIENCE_MS. */
bool patience_is_over(struct patience *patience, const char *agent,
                      const struct envelope *envelope, int64_t boot_ms);
