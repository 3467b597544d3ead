/* Packed hours from anywhere: no crash, no endless loop; what is read can be packed again and is the
 * same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/store/packed.h"

#define HOUR 497222
#define MOST 5000

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct list {
    struct reading readings[MOST];
    size_t count, at;
    int wrong; /* not what packed_write takes: out of order, outside the hour, a text */
};

static int keep(void *context, const struct reading *reading)
{
    struct list *list = context;
    int64_t before = list->count ? list->readings[list->count - 1].t_ms : (int64_t)HOUR * PACKED_HOUR_MS;

    list->wrong |= reading->text || reading->t_ms < before ||
                   reading->t_ms >= (int64_t)(HOUR + 1) * PACKED_HOUR_MS;
    if (list->count < MOST) {
        list->readings[list->count++] = *reading;
        list->readings[list->count - 1].text = NULL;
    }
    return list->count < MOST;
}

static int compare(void *context, const struct reading *reading)
{
    struct list *list = context;
    const struct reading *want = &list->readings[list->at++];

    if (reading->t_ms != want->t_ms || reading->quality != want->quality ||
        reading->has_value != want->has_value ||
        (want->has_value && memcmp(&reading->value, &want->value, sizeof(want->value)) != 0)) {
        abort();
    }
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct list list;
    struct packed_out out = {0};
    struct packed_sum sum;

    list.count = list.at = 0;
    list.wrong = 0;
    (void)!packed_summarize(bytes, size, &sum);
    if (packed_read(HOUR, bytes, size, keep, &list) || list.wrong || list.count == 0) {
        return 0;
    }
    if (packed_write(HOUR, list.readings, list.count, &out) ||
        packed_read(HOUR, out.bytes, out.size, compare, &list) || list.at != list.count) {
        abort();
    }
    free(out.bytes);
    return 0;
}
