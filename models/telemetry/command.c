/* Commands. */
#include "models/telemetry/command.h"

#include <string.h>

#include "models/telemetry/message_int.h"

enum err command_decode(struct arena *arena, const char *bytes, size_t size,
                        struct command *ret_command, struct text *why)
{
    struct command command = {.expires_ms = 0};
    const struct cJSON *root, *equipment;
    enum err err = message_parse(arena, bytes, size, &root, why);

    if (err) {
        return err;
    }
    command.id = json_text_or(root, "id", "");
    command.name = json_text_or(root, "name", "");
    equipment = json_field(root, "equipment");
    command.equipment = json_as_text(equipment);
    if (equipment && !json_is_null(equipment) && !text_is_id(command.equipment)) {
        return text_say(why, ERR_FORMAT, "equipment: expected an id");
    }
    if (!message_time(root, "expires", 0, &command.expires_ms)) {
        return text_say(why, ERR_FORMAT, "expires: expected milliseconds since 1970");
    }
    command.args = json_field(root, "args");
    if (command.args && !json_is_null(command.args) && !json_is_object(command.args)) {
        return text_say(why, ERR_FORMAT, "args: expected an object");
    }
    if (command.id[0] == '\0' || strlen(command.id) > COMMAND_ID_MOST) {
        return text_say(why, ERR_FORMAT, "id: expected 1 to 64 characters");
    }
    if (command.name[0] == '\0') {
        return text_say(why, ERR_FORMAT, "name: expected the name of a command");
    }
    *ret_command = command;
    return ERR_OK;
}

enum err command_encode(struct json_out *out, const char *id, const char *name,
                        const char *equipment, int64_t expires_ms, const char *args)
{
    json_out_reset(out);
    json_open_object(out);
    json_int(out, "v", 1);
    json_text(out, "id", id);
    json_text(out, "name", name);
    if (equipment) {
        json_text(out, "equipment", equipment);
    }
    if (expires_ms) {
        json_int(out, "expires", expires_ms);
    }
    json_raw(out, "args", args ? args : "{}");
    json_close_object(out);
    return out->err;
}
