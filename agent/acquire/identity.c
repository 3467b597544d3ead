/* Who a device is: no value of a profile is believed before its identity registers say that it fits. */
#include "agent/acquire/device_int.h"
#include "host/log.h"

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

enum err device_identity_step(struct device *device)
{
    const struct profile *profile = device->options.profile;
    const struct profile_identity *identity = &profile->identity[device->identity_at];
    struct register_value value;
    struct master_request request;
    uint16_t words[REGISTER_STRING_MOST];
    int exception;
    enum err err;

    if (profile->identity_count == 0) {
        settle(device, true);
        return ERR_OK;
    }
    request = device_request(device, identity->reg.table, identity->reg.address,
                             register_width(&identity->reg));
    err = master_read(device->options.master, &request, words, &exception);
    if (err && (err != ERR_DENIED || master_is_gateways_word(exception))) {
        return err;
    }
    if (err || register_decode(&identity->reg, words, &value) || value.raw < identity->least ||
        value.raw > identity->most) {
        device->identity_fits = false;
    }
    if (++device->identity_at == profile->identity_count) {
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
