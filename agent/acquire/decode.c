/* Registers to readings. */
#include "agent/acquire/device_int.h"

/* A marker of a signed register may be written as -1 or as 65535: both are meant. */
static bool is_invalid(const struct point *point, const struct register_value *value)
{
    unsigned width = register_width(&point->reg);
    int64_t turn = value->raw < 0 && width < 4 ? (int64_t)1 << (16 * width) : 0;

    for (size_t i = 0; i < point->invalid_count; i++) {
        if (point->invalid[i] == value->raw || point->invalid[i] == value->raw + turn) {
            return true;
        }
    }
    return false;
}

void device_decode_point(struct device *device, size_t index, const uint16_t *words, int64_t t_ms)
{
    const struct point *point = &device->options.profile->points[index];
    struct reading reading = {.t_ms = t_ms, .quality = QUALITY_GOOD};
    struct register_value value;
    enum err err = register_decode(&point->reg, words, &value);

    if (err || !device->fits || is_invalid(point, &value)) {
        device_report_nothing(device, index, QUALITY_INVALID, t_ms);
        return;
    }
    reading.has_value = true;
    if (value.is_text) {
        reading.text = value.text;
    } else {
        reading.value = value.number;
        if (point->has_range && (value.number < point->least || value.number > point->most)) {
            reading.quality = QUALITY_RANGE;
        }
    }
    device_report(device, index, &reading);
}

void device_decode(struct device *device, const struct sweep_read *read, const size_t *order,
                   const uint16_t *words, int64_t t_ms)
{
    for (size_t i = 0; i < read->points; i++) {
        size_t index = order[read->first + i];
        const struct point *point = &device->options.profile->points[index];

        device_decode_point(device, index, words + (point->reg.address - read->address), t_ms);
    }
}
