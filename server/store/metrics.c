/* Counters. */
#include "server/store/metrics.h"

#include <stdatomic.h>

static _Atomic int64_t values[METRIC_COUNT];

static const struct {
    const char *name, *kind, *help;
} metrics[] = {
#define METRIC_ROW(id, text, kind, help) {text, kind, help},
    METRIC_LIST(METRIC_ROW)
#undef METRIC_ROW
};

void metric_add(enum metric metric, int64_t count)
{
    atomic_fetch_add(&values[metric], count);
}

void metric_set(enum metric metric, int64_t value)
{
    atomic_store(&values[metric], value);
}

int64_t metric_get(enum metric metric)
{
    return atomic_load(&values[metric]);
}

const char *metric_name(enum metric metric)
{
    return metrics[metric].name;
}

const char *metric_kind(enum metric metric)
{
    return metrics[metric].kind;
}

const char *metric_help(enum metric metric)
{
    return metrics[metric].help;
}
