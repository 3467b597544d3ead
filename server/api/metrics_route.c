/* GET /metrics: OpenMetrics 1.0. */
#include <string.h>

#include "server/api/api_int.h"
#include "server/store/metrics.h"

static void put(struct call *call, const struct text *line)
{
    json_put_raw(call->out, line->at, line->length);
    call->out->comma = false; /* lines, not JSON */
}

void route_metrics(struct call *call)
{
    call->answer->type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    for (int i = 0; i < METRIC_COUNT; i++) {
        const char *name = metric_name((enum metric)i), *kind = metric_kind((enum metric)i);
        size_t size = strlen(name);
        TEXT(line, 600);

        /* a counter's family has no _total, its sample has */
        if (strcmp(kind, "counter") == 0 && size > 6) {
            size -= 6;
        }
        text_addf(&line, "# TYPE heliograph_%.*s %s\n# HELP heliograph_%.*s %s\nheliograph_%s %lld\n",
                  (int)size, name, kind, (int)size, name, metric_help((enum metric)i), name,
                  (long long)metric_get((enum metric)i));
        put(call, &line);
    }
    json_put_raw(call->out, "# EOF\n", 6);
}
