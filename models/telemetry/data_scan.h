/*
 * Data messages in their usual form, read in one pass without a tree. It accepts only what the full
 * decoder would accept with the same result; whatever is unusual (an unknown key, an escape, a letter
 * outside ASCII, a number with many digits, a mistake) is left to that one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "models/telemetry/message.h"

/* false: nothing was decided; ask the full decoder. What it allocated stays in arena. */
bool data_scan(struct arena *arena, const char *bytes, size_t size,
               struct data_message *ret_message) MUST_CHECK;
