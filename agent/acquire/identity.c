/* Who a device is: no value of a profile is believed before its identity registers say that it fits. */
#include <stdio.h>
#include <string.h>

#include "agent/acquire/device_int.h"
#include "host/log.h"
#include "models/base/text.h"

static void settle(struct device *device, bool fits)
{
    if (!fits && !device->misfit_told) {
        log_warn("%s is not what profile %s says: its values are not believed", device->options.id,
                 device->options.profile->id);
        device_say_bus(device, false, "the device is not what its profile says: values are not believed",
                       "设备与配置的型号不符：读数不予采信");
    }
    device->misfit_told = !fits;
    device->fits = fits;
    device->checked = fits; /* another device may be put there */
    device->identified = true;
    device->identity_at = 0;
    device->identity_fits = true;
}

struct limits *device_limits(const struct device *device)
{
    const struct device_options *options = &device->options;
    const char *profile = options->profile->id;
    TEXT(key, LIMITS_KEY_SIZE + 80);

    if (device->firmware[0]) {
        text_addf(&key, "%.40s:%s", profile, device->firmware);
    } else {
        text_addf(&key, "%.40s@%.40s", profile, options->id);
    }
    return options->limits_of(options->bus_context, key.at, options->profile->max_registers);
}

/* What was learned of this firmware holds from now on. */
static void know_firmware(struct device *device)
{
    struct limits *limits = device_limits(device);

    if (limits && limits != device->limits) {
        device->limits = limits;
        device->replan = true;
        for (size_t i = 0; i < device->options.profile->point_count; i++) {
            device->apart[i].set = false; /* what another program refused */
        }
    }
}

/* Which register comes next: the identity's, then the firmware's. NULL: that was all. */
static const struct register_spec *next_register(const struct device *device)
{
    const struct profile *profile = device->options.profile;

    if (device->identity_at < profile->identity_count) {
        return &profile->identity[device->identity_at].reg;
    }
    return device->identity_at == profile->identity_count && profile->has_firmware ? &profile->firmware : NULL;
}

static void add_firmware(struct device *device, const struct register_value *value)
{
    size_t length = strlen(device->firmware);
    int room = (int)(sizeof(device->firmware) - length);

    if (value->is_text) {
        snprintf(device->firmware + length, (size_t)room, "%s%.16s", length ? "." : "", value->text);
    } else {
        snprintf(device->firmware + length, (size_t)room, "%s%lld", length ? "." : "", (long long)value->raw);
    }
}

/* words: the register's; NULL: the device refuses it. */
static void take_register(struct device *device, const struct register_spec *spec, const uint16_t *words)
{
    const struct profile *profile = device->options.profile;
    struct register_value value;
    bool read = words && !register_decode(spec, words, &value);

    if (device->identity_at == 0) {
        device->firmware[0] = '\0';
    }
    if (device->identity_at < profile->identity_count) {
        const struct profile_identity *identity = device->identity_at < profile->identity_count
                                                  ? &profile->identity[device->identity_at] : NULL;

        device->identity_fits = device->identity_fits && read && value.raw >= identity->least &&
                                value.raw <= identity->most;
    }
    if (read) {
        add_firmware(device, &value);
    }
    device->identity_at++;
}

enum err device_identity_step(struct device *device)
{
    const struct register_spec *spec = next_register(device);
    struct master_request request;
    uint16_t words[REGISTER_STRING_MOST];
    int exception;
    enum err err;

    if (spec) {
        request = device_request(device, spec->table, spec->address, register_width(spec));
        err = master_read(device->options.master, &request, words, &exception);
        if (err && (err != ERR_DENIED || master_is_gateways_word(exception))) {
            return err;
        }
        take_register(device, spec, err ? NULL : words);
    }
    if (!next_register(device)) {
        know_firmware(device);
        settle(device, device->identity_fits);
    }
    return ERR_OK;
}

enum err device_check_identity(struct device *device)
{
    enum err err = ERR_OK;

    do {
        err = device_identity_step(device);
    } while (!err && device->identity_at > 0);
    return err;
}
