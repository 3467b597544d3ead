/* When an X.509 certificate is valid: the first of a PEM file. Nothing else of it is read or believed. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"

/* ms since 1970 UTC. ERR_FORMAT: there is no certificate in bytes[0..size), or it is not well-formed. */
enum err certificate_span(const char *bytes, size_t size, int64_t *ret_from_ms, int64_t *ret_until_ms) MUST_CHECK;
