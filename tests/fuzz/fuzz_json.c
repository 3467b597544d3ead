/* JSON from anywhere: what the grammar takes, the reader takes; written and read again it is the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "models/base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct json_out out = json_out(1 << 22), again = json_out(1 << 22);
    const struct cJSON *value;
    const char *why = NULL;
    struct arena *arena;
    enum err err;

    if (size > 20000 || arena_open(32 << 20, &arena)) {
        return 0;
    }
    err = json_parse(arena, (const char *)bytes, size, &value, &why);
    if (err == ERR_NOMEM || (err && !why)) {
        abort(); /* there was room enough: the grammar took what cJSON did not */
    }
    if (!err) {
        json_put_value(&out, value);
        if (out.err || json_parse(arena, out.bytes, out.size, &value, NULL)) {
            abort();
        }
        json_put_value(&again, value);
        if (again.size != out.size || memcmp(again.bytes, out.bytes, out.size) != 0) {
            abort();
        }
    }
    json_out_free(&out);
    json_out_free(&again);
    arena_close(arena);
    return 0;
}
