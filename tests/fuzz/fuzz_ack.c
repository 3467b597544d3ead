/* Receipts from anywhere; put into a set and out again they say the same numbers. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "models/telemetry/ack.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct json_out out = json_out(1 << 20);
    struct ranges ranges = {.most = 0};
    struct arena *arena;
    struct ack ack;

    if (arena_open(16 << 20, &arena)) {
        return 0;
    }
    if (!ack_decode(arena, (const char *)bytes, size, &ack, NULL)) {
        for (size_t i = 0; i < ack.count; i++) {
            (void)!ranges_add(&ranges, ack.have[i].from, ack.have[i].to);
        }
        for (size_t i = 0; i < ack.count; i++) {
            if (!ranges_has(&ranges, ack.have[i].from) || !ranges_has(&ranges, ack.have[i].to)) {
                abort();
            }
        }
        for (size_t i = 1; i < ranges.count; i++) {
            if (ranges.list[i - 1].to + 1 >= ranges.list[i].from) {
                abort(); /* neighbours would be one range */
            }
        }
        if (ack_encode(&out, ack.epoch, &ranges) || ack_decode(arena, out.bytes, out.size, &ack, NULL) ||
            ack.count != (ranges.count < ACK_RANGES_MOST ? ranges.count : ACK_RANGES_MOST)) {
            abort();
        }
    }
    ranges_free(&ranges);
    json_out_free(&out);
    arena_close(arena);
    return 0;
}
