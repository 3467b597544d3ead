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

/* Whether the registration card came back in time (S0-136), where the plan asks for it (C-20). */
enum warranty_card {
    WARRANTY_CARD_FREE,    /* nobody asks */
    WARRANTY_CARD_OPEN,    /* it may still come */
    WARRANTY_CARD_IN_TIME,
    WARRANTY_CARD_LATE,    /* it came after its time, or not at all */
};
extern const char *const warranty_card_names[]; /* not_required open in_time late */

struct warranty_facts {
    const struct warranty_dates *dates;
    const char *component, *domain;
    int32_t fault_day;
    int32_t exchanged_day;  /* the component was exchanged then; or NO_DATE */
    int32_t registered_day; /* the card came back; or NO_DATE */
};

struct warranty {
    enum warranty_verdict verdict;
    const char *component;
    int32_t from, until;  /* until: the last covered day (start + term - 1 day); or NO_DATE */
    const char *start_rule; /* "acceptance_date" …, "exchange_date", or NULL */
    const char *phase;      /* of the plan's two: guarantee or what comes after it (S0-75, S0-56); NULL: unknown */
    enum warranty_card card;
    int32_t card_due;       /* or NO_DATE */
    struct plan_origin origin;
};

/* domain "external" (no defect of the product) is excluded. component without a class: unknown. A card that came too late
 * is as the plan says: unknown until a person decides, excluded, or of no account. */
struct warranty warranty_of(const struct plan *plan, const struct warranty_facts *facts);
/* The same without an exchange and without a card's day. */
struct warranty warranty_judge(const struct plan *plan, const struct warranty_dates *dates,
                               const char *component, const char *domain, int32_t fault_day);
/* "tank: 3y from acceptance_date 2025-03-06" in words. */
void warranty_rule(const struct plan *plan, const struct warranty *warranty, struct text *to);
void warranty_evidence(const struct warranty *warranty, struct text *to);
