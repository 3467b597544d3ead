/* Is it JSON to the letter (RFC 8259)? cJSON takes more than that, so this is asked first. */
#pragma once

#include <stddef.h>

/*
 * NULL when bytes[0..size) are one JSON value of at most depth_most levels, else a constant
 * sentence. \u0000 is refused as well: a text of ours ends at a NUL.
 */
const char *json_check(const char *bytes, size_t size, int depth_most);
