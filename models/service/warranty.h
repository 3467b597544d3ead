/*
 * Covered or not, at the time of the fault, by which rule and with which evidence. A function of
 * dates; nothing is stored that could go stale.
 */
#pragma once

#include <stdint.h>

#include "models/base/text.h"
#include "models/service/plan.h"

#define WARRANTY_NO_DATE INT32_MIN

struct warranty_dates { /* civil days, or WARRANTY_NO_DATE */
    int32_t acceptance, completion_signed, completion, invoice, sale, manufacture;
};

enum warranty_verdict {
    WARRANTY_COVERED,
    WARRANTY_EXPIRED,
    WARRANTY_EXCLUDED,
    WARRANTY_UNKNOWN,
};
extern const char *const warranty_verdict_names[];

struct warranty {
    enum warranty_verdict verdict;
    const char *component;
    int32_t from, until;  /* until: the last covered day (start + term - 1 day); or NO_DATE */
    const char *start_rule; /* "acceptance_date" …, or NULL */
    struct plan_origin origin;
};

/* domain "external" (no defect of the product) is excluded. component without a class: unknown. */
struct warranty warranty_judge(const struct plan *plan, const struct warranty_dates *dates,
                               const char *component, const char *domain, int32_t fault_day);
/* "tank: 3y from acceptance_date 2025-03-06" in words. */
void warranty_rule(const struct plan *plan, const struct warranty *warranty, struct text *to);
void warranty_evidence(const struct warranty *warranty, struct text *to);
