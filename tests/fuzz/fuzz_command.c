/* Commands from anywhere; one that was read can be written and comes back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "models/telemetry/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct json_out out = json_out(1 << 20), args = json_out(1 << 20);
    struct command command, again;
    struct arena *arena;
    TEXT(why, 200);

    if (arena_open(16 << 20, &arena)) {
        return 0;
    }
    if (command_decode(arena, (const char *)bytes, size, &command, &why)) {
        if (why.length == 0) {
            abort();
        }
    } else {
        json_put_value(&args, command.args);
        if (command_encode(&out, command.id, command.name, command.equipment, command.expires_ms, command.args ? args.bytes : NULL)) {
            abort();
        }
        /* what grew beyond a message (escapes do) is refused for its size alone */
        if (out.size <= 64 * 1024 &&
            (command_decode(arena, out.bytes, out.size, &again, NULL) || strcmp(command.id, again.id) != 0 ||
             strcmp(command.name, again.name) != 0 || !text_same(command.equipment, again.equipment) || command.expires_ms != again.expires_ms)) {
            abort();
        }
    }
    json_out_free(&out);
    json_out_free(&args);
    arena_close(arena);
    return 0;
}
