/* Zone files from anywhere: refused, or one that can be asked for any time of ours. */
#include <stdint.h>
#include <stdlib.h>

#include "models/base/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct zone *zone;
    struct arena *arena;
    TEXT(words, 64);

    if (arena_open(4 << 20, &arena)) {
        return 0;
    }
    if (!zone_read(arena, "fuzz", bytes, size, &zone)) {
        for (int64_t t_ms = -2208988800000; t_ms < 9214646400000; t_ms += 86400000LL * 97 + 1234567) {
            int32_t day = zone_day(zone, t_ms);

            (void)zone_instant(zone, day, 0);
            (void)zone_civil(zone, t_ms);
            text_clear(&words);
            zone_write(zone, t_ms, &words);
        }
    }
    arena_close(arena);
    return 0;
}
