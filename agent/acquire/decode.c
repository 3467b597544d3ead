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
        } else if (device->plausible &&
                   !plausible_take(point, &device->plausible[index], value.number, t_ms)) {
            reading.quality = QUALITY_RANGE;
        }
    }
    device_report(device, index, &reading);
}

bool device_disproves(const struct device *device, const struct sweep_read *read, const uint16_t *words)
{
    const struct profile *profile = device->options.profile;

    for (size_t i = 0; i < profile->identity_count; i++) {
        const struct profile_identity *one = &profile->identity[i];
        struct register_value value;

        if (one->reg.table != read->table || one->reg.address < read->address ||
            sweep_end_of(&one->reg) > read->address + (unsigned)read->count) {
            continue;
        }
        if (register_decode(&one->reg, words + (one->reg.address - read->address), &value) ||
            value.raw < one->least || value.raw > one->most) {
            return true;
        }
    }
    return false;
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
