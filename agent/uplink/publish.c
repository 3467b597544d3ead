/* Letters out. A PUBACK frees a slot of the window, nothing more. */
#include "agent/uplink/publish.h"

#include "host/clock.h"
#include "models/telemetry/topic.h"

#define STALL_MS 30000 /* so long without a PUBACK: the connection is of no use */

enum err publish_status(struct publish *publish, bool online, const char *equipment)
{
    struct json_out out = json_out(60 * 1024);
    struct spool_figures figures;
    TEXT(topic, TOPIC_SIZE);
    enum err err;

    spool_figures(publish->spool, &figures);
    json_open_object(&out);
    json_int(&out, "v", 1);
    json_bool(&out, "online", online);
    json_text(&out, "epoch", spool_epoch(publish->spool));
    json_text(&out, "version", HELIOGRAPH_VERSION);
    json_int(&out, "t", clock_wall_ms());
    json_bool(&out, "edge", true);
    if (equipment) {
        json_raw(&out, "equipment", equipment);
    }
    json_key(&out, "spool");
    json_open_object(&out);
    json_int(&out, "messages", figures.messages);
    json_int(&out, "bytes", figures.bytes);
    if (figures.oldest_ms) {
        json_int(&out, "oldest", figures.oldest_ms);
    } else {
        json_null(&out, "oldest");
    }
    json_int(&out, "dropped", figures.dropped);
    json_int(&out, "failures", figures.failures);
    json_close_object(&out);
    json_close_object(&out);
    err = topic_make(&topic, publish->prefix, publish->agent, CHANNEL_STATUS);
    if (!err) {
        err = out.err;
    }
    if (!err) {
        err = mqtt_publish(publish->mqtt, topic.at, out.bytes, out.size, true, 0);
    }
    if (!err && publish->in_flight++ == 0) {
        publish->settled_ms = clock_boot_ms();
    }
    json_out_free(&out);
    return err;
}

static enum channel channel_of(const struct letter *letter)
{
    switch (letter->channel) {
    case LETTER_DATA:
        return CHANNEL_DATA;
    case LETTER_EVENT:
        return CHANNEL_EVENT;
    case LETTER_REPLY:
        return CHANNEL_REPLY;
    }
    return CHANNEL_DATA;
}

/* What cannot be sent now comes again: it stays in the spool until the server has it. */
static void send_letter(struct publish *publish, struct letter *letter)
{
    TEXT(topic, TOPIC_SIZE);

    if (!topic_make(&topic, publish->prefix, publish->agent, channel_of(letter)) &&
        !mqtt_publish(publish->mqtt, topic.at, letter->bytes, letter->size, false, letter->id)) {
        if (publish->in_flight++ == 0) {
            publish->settled_ms = clock_boot_ms();
        }
    }
    letter_free(letter);
}

static bool send_some(struct publish *publish, bool urgent, int window)
{
    struct queue *letters = spool_letters(publish->spool, urgent);
    bool sent = false;
    void *item;

    while (mqtt_is_up(publish->mqtt) && publish->in_flight < window &&
           !queue_take(letters, 0, &item)) {
        send_letter(publish, item);
        sent = true;
    }
    return sent && queue_count(letters) == 0 && spool_is_starved(publish->spool);
}

void publish_turn(struct publish *publish)
{
    /* data leaves half of the window to events and replies */
    bool room = send_some(publish, true, 2 * PUBLISH_WINDOW);

    if (send_some(publish, false, PUBLISH_WINDOW) || room) {
        spool_give(publish->spool, parcel_make(PARCEL_ROOM, 0), 0);
    }
    if (publish->in_flight > 0 && clock_boot_ms() - publish->settled_ms > STALL_MS) {
        publish->in_flight = 0;
        mqtt_drop(publish->mqtt, "the broker acknowledges nothing");
    }
}

void publish_settled(struct publish *publish)
{
    publish->in_flight -= publish->in_flight > 0;
    publish->settled_ms = clock_boot_ms();
}
