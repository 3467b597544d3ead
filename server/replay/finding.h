/* What a replay has found: a span of one fault, in the order of raising. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "models/base/json.h"
#include "models/base/zone.h"
#include "models/profile/profile.h"

#define FINDINGS_MOST 100000 /* later ones are counted only */
#define REGRADES_MOST 8      /* of a finding; grades only have three values, a ladder few rungs */

struct regrade {
    int64_t at_ms;
    int grade;
};

struct finding {
    size_t fault;
    int grade; /* the last one */
    int64_t onset_ms, raised_ms;
    int64_t cleared_ms; /* 0: still open at the end */
    struct regrade regrades[REGRADES_MOST];
    size_t regrade_count;
    const char *evidence; /* JSON */
};

/* As an object of the JSON answer. */
void finding_put(struct json_out *out, const struct profile *profile, const struct finding *finding, int64_t zone_ms);
/* A time in the recording's own zone; as a field, 0 is null. */
void finding_put_time(struct json_out *out, const char *name, int64_t ms, int64_t zone_ms);
void finding_time(int64_t ms, int64_t zone_ms, struct text *to);
