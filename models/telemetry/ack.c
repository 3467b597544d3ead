/* Receipts. */
#include "models/telemetry/ack.h"

#include <string.h>

#include "models/telemetry/message_int.h"

enum err ack_decode(struct arena *arena, const char *bytes, size_t size, struct ack *ret_ack,
                    struct text *why)
{
    const struct cJSON *root, *have;
    struct ack ack = {.count = 0};
    const char *epoch;
    enum err err = message_parse(arena, bytes, size, &root, why);

    if (err) {
        return err;
    }
    epoch = json_as_text(json_field(root, "epoch"));
    have = json_field(root, "have");
    if (!message_is_epoch(epoch) || !json_is_list(have)) {
        return text_say(why, ERR_FORMAT, "expected epoch (16 hex digits) and have (a list)");
    }
    memcpy(ack.epoch, epoch, EPOCH_SIZE);
    ack.have = arena_array(arena, json_size(have) + 1, sizeof(*ack.have));
    if (!ack.have) {
        return text_say(why, ERR_NOMEM, "too large for the memory it may use");
    }
    for (const struct cJSON *item = json_first(have); item; item = json_next(item)) {
        int64_t from, to;

        if (json_size(item) != 2 || !json_as_int(json_first(item), &from) ||
            !json_as_int(json_next(json_first(item)), &to) || from < 1 || to < from) {
            return text_say(why, ERR_FORMAT, "have[%zu]: expected [from, to]", ack.count);
        }
        ack.have[ack.count++] = (struct range){(uint64_t)from, (uint64_t)to};
    }
    *ret_ack = ack;
    return ERR_OK;
}

enum err ack_encode(struct json_out *out, const char *epoch, const struct ranges *have)
{
    json_out_reset(out);
    json_open_object(out);
    json_int(out, "v", 1);
    json_text(out, "epoch", epoch);
    json_key(out, "have");
    json_open_list(out);
    for (size_t i = 0; i < have->count && i < ACK_RANGES_MOST; i++) {
        json_open_list(out);
        json_put_int(out, (int64_t)have->list[i].from);
        json_put_int(out, (int64_t)have->list[i].to);
        json_close_list(out);
    }
    json_close_list(out);
    json_close_object(out);
    return out->err;
}
