/* Verdicts by date (service-terms C-06, C-07, C-08). */
#include "models/service/warranty.h"

#include <string.h>

#include "models/base/civil.h"

const char *const warranty_verdict_names[] = {"covered", "expired", "excluded", "unknown", NULL};
const char *const warranty_card_names[] = {"not_required", "open", "in_time", "late", NULL};

static const struct {
    const char *name;
    size_t offset;
} rules[] = {
    {"acceptance_date", offsetof(struct warranty_dates, acceptance)},
    {"completion_report_signed", offsetof(struct warranty_dates, completion_signed)},
    {"completion_date", offsetof(struct warranty_dates, completion)},
    {"invoice_date", offsetof(struct warranty_dates, invoice)},
    {"sale_date", offsetof(struct warranty_dates, sale)},
    {"factory_date", offsetof(struct warranty_dates, manufacture)},
};

/* The first date of the plan's order that is known. */
static int32_t start_of(const struct plan *plan, const struct warranty_dates *dates,
                        const char **ret_rule)
{
    for (const char *const *name = plan->start_order; name && *name; name++) {
        for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
            int32_t day;

            memcpy(&day, (const char *)dates + rules[i].offset, sizeof(day));
            if (strcmp(rules[i].name, *name) == 0 && day != WARRANTY_NO_DATE) {
                *ret_rule = rules[i].name;
                return day;
            }
        }
    }
    return WARRANTY_NO_DATE;
}

static const struct plan_class *class_of(const struct plan *plan, const char *component)
{
    for (size_t i = 0; component && i < plan->class_count; i++) {
        if (strcmp(plan->classes[i].component, component) == 0) {
            return &plan->classes[i];
        }
    }
    return NULL;
}

/* The last covered day: the date + N years - 1 day (interfaces.md 8). */
static int32_t last_day(int32_t from, struct duration term)
{
    int count = (int)term.count;

    switch (term.unit) {
    case DURATION_Y:
        return civil_add_months(from, 12 * count) - 1;
    case DURATION_MO:
        return civil_add_months(from, count) - 1;
    case DURATION_D:
    case DURATION_WD:
        return from + count - 1;
    case DURATION_MS:
    case DURATION_S:
    case DURATION_M:
    case DURATION_H:
        break;
    }
    return from;
}

/* S2-27, G-17: an exchanged component has a term of its own, fresh or at least so long. */
static void add_exchange(const struct plan *plan, const struct plan_class *class,
                         const struct warranty_facts *facts, struct warranty *warranty)
{
    struct duration term = plan->exchange_fresh ? class->term : plan->exchange_least;
    int32_t until;

    if (facts->exchanged_day == WARRANTY_NO_DATE || facts->exchanged_day > facts->fault_day || term.count <= 0) {
        return;
    }
    until = last_day(facts->exchanged_day, term);
    if (warranty->until == WARRANTY_NO_DATE || until > warranty->until) {
        warranty->from = facts->exchanged_day;
        warranty->until = until;
        warranty->start_rule = "exchange_date";
    }
}

/* S0-136: due so long after the sale. */
static void judge_card(const struct plan *plan, const struct warranty_facts *facts, struct warranty *warranty)
{
    const struct plan_limit *due = &plan->duties[PLAN_DUTY_REGISTRATION];
    int32_t sale = facts->dates->sale;

    warranty->card = WARRANTY_CARD_FREE;
    if (!plan->requires_card || !due->set || sale == WARRANTY_NO_DATE) {
        return;
    }
    warranty->card_due = last_day(sale, due->limit) + 1; /* the 20th day after the sale is in time */
    if (facts->registered_day != WARRANTY_NO_DATE) {
        warranty->card = facts->registered_day <= warranty->card_due ? WARRANTY_CARD_IN_TIME : WARRANTY_CARD_LATE;
    } else {
        warranty->card = facts->fault_day <= warranty->card_due ? WARRANTY_CARD_OPEN : WARRANTY_CARD_LATE;
    }
    if (warranty->card == WARRANTY_CARD_LATE && warranty->verdict == WARRANTY_COVERED) {
        warranty->verdict = plan->late_card == PLAN_CARD_GRANT    ? WARRANTY_COVERED
                            : plan->late_card == PLAN_CARD_REFUSE ? WARRANTY_EXCLUDED
                                                                  : WARRANTY_UNKNOWN;
    }
}

struct warranty warranty_of(const struct plan *plan, const struct warranty_facts *facts)
{
    const struct plan_class *class = class_of(plan, facts->component);
    struct warranty warranty = {
        .verdict = WARRANTY_UNKNOWN,
        .component = facts->component,
        .from = WARRANTY_NO_DATE,
        .until = WARRANTY_NO_DATE,
        .card_due = WARRANTY_NO_DATE,
    };

    if (!class) {
        return warranty;
    }
    warranty.origin = class->origin;
    warranty.from = start_of(plan, facts->dates, &warranty.start_rule);
    if (warranty.from != WARRANTY_NO_DATE) {
        warranty.until = last_day(warranty.from, class->term);
    }
    add_exchange(plan, class, facts, &warranty);
    if (warranty.until != WARRANTY_NO_DATE) {
        warranty.verdict = facts->fault_day <= warranty.until ? WARRANTY_COVERED : WARRANTY_EXPIRED;
        warranty.phase = plan->phases[warranty.verdict == WARRANTY_COVERED ? 0 : 1];
    }
    judge_card(plan, facts, &warranty);
    if (facts->domain && strcmp(facts->domain, "external") == 0) {
        warranty.verdict = WARRANTY_EXCLUDED;
    }
    return warranty;
}

struct warranty warranty_judge(const struct plan *plan, const struct warranty_dates *dates,
                               const char *component, const char *domain, int32_t fault_day)
{
    struct warranty_facts facts = {dates, component, domain, fault_day, WARRANTY_NO_DATE, WARRANTY_NO_DATE};

    return warranty_of(plan, &facts);
}

void warranty_rule(const struct plan *plan, const struct warranty *warranty, struct text *to)
{
    const struct plan_class *class = class_of(plan, warranty->component);

    if (!class) {
        text_addf(to, "plan %s says nothing about %s", plan->id, warranty->component);
        return;
    }
    text_addf(to, "plan %s: %s %lld%s", plan->id, warranty->component, (long long)class->term.count,
              duration_unit_text(class->term.unit));
    if (warranty->start_rule) {
        text_addf(to, " from %s", warranty->start_rule);
    }
    if (warranty->card == WARRANTY_CARD_LATE) {
        text_add(to, "; the registration card did not come in time");
    } else if (warranty->verdict == WARRANTY_EXCLUDED) {
        text_add(to, "; causes outside the product are excluded");
    }
}

void warranty_evidence(const struct warranty *warranty, struct text *to)
{
    char words[11];

    if (warranty->from == WARRANTY_NO_DATE) {
        text_add(to, "none of the dates that start the warranty is known");
        return;
    }
    civil_write_date(warranty->from, words);
    text_addf(to, "%s %s", warranty->start_rule, words);
}
