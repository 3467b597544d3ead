/* Spans, walked from gap to gap; ledgers are short, so no order is kept. */
#include "models/service/pause.h"

int64_t pause_end(const struct sla_pause *pauses, size_t count, int64_t at_ms)
{
    for (size_t i = 0; i < count; i++) {
        if (pauses[i].from_ms <= at_ms && at_ms < pauses[i].to_ms) {
            at_ms = pauses[i].to_ms;
            i = (size_t)-1; /* another one may go on from there */
        }
    }
    return at_ms;
}

int64_t pause_next(const struct sla_pause *pauses, size_t count, int64_t at_ms)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < count; i++) {
        if (pauses[i].from_ms > at_ms && pauses[i].from_ms < next &&
            pauses[i].to_ms > pauses[i].from_ms) {
            next = pauses[i].from_ms;
        }
    }
    return next;
}

int64_t pause_covered_working(const struct sla_pause *pauses, size_t count, int64_t from_ms,
                              int64_t to_ms, const struct workdays *workdays)
{
    int64_t sum = 0, at = from_ms;

    while (at < to_ms) {
        int64_t end = pause_end(pauses, count, at);

        end = end < to_ms ? end : to_ms;
        if (end > at) {
            sum += workdays ? workdays_between(workdays, at, end) : end - at;
            at = end;
        }
        if (at < to_ms && pause_end(pauses, count, at) == at) {
            at = pause_next(pauses, count, at);
        }
    }
    return sum;
}

int64_t pause_covered(const struct sla_pause *pauses, size_t count, int64_t from_ms, int64_t to_ms)
{
    return pause_covered_working(pauses, count, from_ms, to_ms, NULL);
}
