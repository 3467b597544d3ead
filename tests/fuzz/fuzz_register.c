/* Registers of any kind with anything in them: a finite number or none; written back they read alike. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "models/base/text.h"
#include "models/profile/register.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const double scales[] = {1, 0.1, 0.01, -1, 1e6, 1e-6, 3.5, 1e12};
    struct register_spec spec = {.mask = UINT64_MAX, .length = 1};
    uint16_t words[REGISTER_STRING_MOST] = {0};
    struct register_value value;

    if (size < 16) {
        return 0;
    }
    spec.table = (enum register_table)(bytes[0] & 3);
    spec.type = (enum register_type)(bytes[1] % 13);
    spec.order = (enum register_order)(bytes[2] & 3);
    spec.scale = scales[bytes[3] & 7];
    spec.offset = (double)(int8_t)bytes[4];
    spec.length = (uint16_t)(1 + bytes[5] % REGISTER_STRING_MOST);
    if (bytes[6] & 1) {
        memcpy(&spec.mask, bytes + 8, sizeof(spec.mask));
        spec.shift = bytes[7] & 63;
    }
    memcpy(words, bytes + 16, size - 16 < sizeof(words) ? size - 16 : sizeof(words));
    if (register_decode(&spec, words, &value)) {
        return 0;
    }
    if (value.is_text) {
        if (!text_is_utf8(value.text, strlen(value.text))) {
            abort();
        }
    } else if (!isfinite(value.number)) {
        abort();
    } else {
        struct register_value back;

        if (!register_encode(&spec, value.number, words) && !register_decode(&spec, words, &back) &&
            !(fabs(back.number - value.number) <= 1e-6 * fabs(value.number) + fabs(spec.scale))) {
            abort();
        }
    }
    return 0;
}
