/*
 * An appointment, as every action names it that makes or moves one: `appointment: {from, to, agreed_by}`. Who agreed to
 * it may also be said beside it (`agreed_by`).
 */
#pragma once

#include <stdint.h>

#include "models/base/err.h"
#include "models/base/json.h"
#include "models/base/text.h"

struct appointment {
    int64_t from_ms, to_ms; /* 0: none was named */
    const char *agreed_by;  /* at the customer's; in the body's memory, or NULL */
};

/* ERR_FORMAT, in words. */
enum err appointment_read(const struct cJSON *body, struct appointment *ret_appointment, struct text *why) MUST_CHECK;
