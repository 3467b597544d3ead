/* Durations and sizes with their units. */
#include "models/base/duration.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "models/base/text.h"

static const struct {
    const char *text;
    int64_t ms;      /* 0: not exact */
    int64_t most;    /* about 100 years */
} units[] = {
    [DURATION_MS] = {"ms", 1, 3155760000000},
    [DURATION_S] = {"s", 1000, 3155760000},
    [DURATION_M] = {"m", 60 * 1000, 52596000},
    [DURATION_H] = {"h", 3600 * 1000, 876600},
    [DURATION_WD] = {"wd", 0, 36525},
    [DURATION_D] = {"d", 24 * 3600 * 1000, 36525},
    [DURATION_MO] = {"mo", 0, 1200},
    [DURATION_Y] = {"y", 0, 100},
};

enum err duration_read(const char *words, struct duration *ret_duration)
{
    size_t digits = strspn(words, "0123456789");
    int64_t count;
    enum err err = text_to_int(words, digits, &count);

    if (err) {
        return err;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(words + digits, units[i].text) == 0) {
            if (count > units[i].most) {
                return ERR_RANGE;
            }
            *ret_duration = (struct duration){count, (enum duration_unit)i};
            return ERR_OK;
        }
    }
    return ERR_FORMAT;
}

enum err duration_ms(struct duration duration, int64_t *ret_ms)
{
    int64_t ms = units[duration.unit].ms;

    if (ms == 0) {
        return ERR_UNSUPPORTED;
    }
    *ret_ms = duration.count * ms;
    return ERR_OK;
}

void duration_write(int64_t ms, char ret_words[DURATION_SIZE])
{
    static const struct {
        int64_t ms;
        const char *unit;
    } exact[] = {{3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;

    while (ms % exact[i].ms != 0) {
        i++;
    }
    (void)snprintf(ret_words, DURATION_SIZE, "%lld%s", (long long)(ms / exact[i].ms), exact[i].unit);
}

const char *duration_unit_text(enum duration_unit unit)
{
    return units[unit].text;
}

enum err duration_size(const char *words, int64_t *ret_bytes)
{
    static const char *const names[] = {"", "KiB", "MiB", "GiB"};
    size_t digits = strspn(words, "0123456789");
    const char *unit = words + digits + (words[digits] == ' ' ? 1 : 0);
    int64_t count;
    enum err err = text_to_int(words, digits, &count);

    if (err) {
        return err;
    }
    for (unsigned i = 0; i < 4; i++) {
        if (strcmp(unit, names[i]) == 0) {
            if (count > INT64_MAX >> (10 * i)) {
                return ERR_RANGE;
            }
            *ret_bytes = count << (10 * i);
            return ERR_OK;
        }
    }
    return ERR_FORMAT;
}
