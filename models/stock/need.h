/*
 * How many pieces of a part a depot should have. Failures of many pieces that each fail seldom come as a Poisson process
 * (Palm's theorem; used for spares by Feeney and Sherbrooke, "The (s-1, s) Inventory Policy under Compound Poisson
 * Demand", Management Science 12 (5), 1966, for a demand of one piece at a time): what is asked for within a lead time has
 * the mean rate × pieces × lead, and the least stock that is enough with the probability `service` is the smallest s with
 * P(demand ≤ s) ≥ service.
 *
 * How often a piece fails is not known well from few failures: what the maker says counts like so many failures of one's own
 * (a gamma prior on a Poisson rate, whose mean after n failures in t piece-years is (k + n) / (k / prior + t)).
 */
#pragma once

#include <stdint.h>

#define NEED_PRIOR_WEIGHT 2.0 /* failures that the prior is worth */

struct need_facts {
    double pieces;     /* installed */
    double failures;   /* observed … */
    double years;      /* … in so many piece-years */
    double prior;      /* failures of a piece a year, as its maker says; 0: not said */
    double predicted;  /* pieces that open tickets and predictions are likely to ask for */
    double lead_days;  /* till a piece that is ordered is there */
    double cover_days; /* how long a purchase shall last: to the next review, or a season */
    double service;    /* 0.5 … 0.9999 */
};

struct need {
    double rate;   /* failures of a piece a year */
    double demand; /* mean within the lead time, with what is predicted */
    int64_t least, target; /* order below least, up to target */
};

/* Facts below 0 and services outside their range count as the nearest that is right. */
struct need need_judge(const struct need_facts *facts);
/* The smallest s with P(Poisson(mean) ≤ s) ≥ service; mean up to 100,000. */
int64_t need_quantile(double mean, double service);
