/* Poisson demand within a lead time. */
#include "models/stock/need.h"

#include <math.h>

#define YEAR_DAYS 365.25
#define MEAN_MOST 100000.0

/* Terms are summed as logarithms, so that a large mean does not begin with a zero. */
int64_t need_quantile(double mean, double service)
{
    double term, sum;
    int64_t s = 0;

    mean = mean > 0 ? mean : 0;
    mean = mean < MEAN_MOST ? mean : MEAN_MOST;
    if (mean <= 0) {
        return 0;
    }
    term = -mean;
    sum = exp(term);
    while (sum < service && s < (int64_t)(mean + 40 * sqrt(mean) + 40)) {
        s++;
        term += log(mean / (double)s);
        sum += exp(term);
    }
    return s;
}

static double from_zero(double value)
{
    return value > 0 ? value : 0;
}

struct need need_judge(const struct need_facts *facts)
{
    double service = facts->service < 0.5 ? 0.5 : facts->service > 0.9999 ? 0.9999 : facts->service;
    double failures = from_zero(facts->failures), years = from_zero(facts->years), prior = from_zero(facts->prior);
    double a_day;
    struct need need = {0};

    if (prior > 0) {
        need.rate = (NEED_PRIOR_WEIGHT + failures) / (NEED_PRIOR_WEIGHT / prior + years);
    } else if (years > 0) {
        need.rate = failures / years;
    }
    a_day = need.rate * from_zero(facts->pieces) / YEAR_DAYS;
    need.demand = a_day * from_zero(facts->lead_days) + from_zero(facts->predicted);
    need.least = need_quantile(need.demand, service);
    need.target = need_quantile(need.demand + a_day * from_zero(facts->cover_days), service);
    return need;
}
