/*
 * tests/golden/messages: what must be read, and as what. CHANNEL.NAME.json is taken and its .txt says
 * what was understood; CHANNEL.NAME.bad is refused. Files are added, never changed: what an agent
 * of today sends, a server of tomorrow reads. `test_golden FILE` prints what FILE decodes to.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/file.h"
#include "models/base/text.h"
#include "models/telemetry/ack.h"
#include "models/telemetry/command.h"
#include "models/telemetry/message.h"

#define FOLDER "tests/golden/messages"

static size_t members(const struct cJSON *object)
{
    size_t count = 0;

    for (const struct cJSON *item = json_first(object); item; item = json_next(item)) {
        count++;
    }
    return count;
}

static void show_envelope(const struct envelope *envelope, struct text *to)
{
    text_addf(to, "epoch %s seq %llu t0 %lld %s\n", envelope->epoch,
              (unsigned long long)envelope->seq, (long long)envelope->t0_ms,
              envelope->unsynced ? "unsynced" : "synced");
}

static void show_data(const struct data_message *data, struct text *to)
{
    show_envelope(&data->envelope, to);
    for (size_t i = 0; i < data->count; i++) {
        for (size_t k = 0; k < data->series[i].count; k++) {
            const struct reading *reading = &data->series[i].readings[k];

            text_addf(to, "%s %s %lld ", data->series[i].equipment, data->series[i].point,
                      (long long)reading->t_ms);
            if (!reading->has_value) {
                text_add(to, "null");
            } else if (reading->text) {
                text_addf(to, "\"%s\"", reading->text);
            } else {
                text_add_number(to, reading->value);
            }
            text_addf(to, " %s\n", quality_names[reading->quality]);
        }
    }
}

static void show_event(const struct event_message *event, struct text *to)
{
    static const char *const kinds[] = {"fault",    "bus",    "capture", "tombstone",
                                        "clockfix", "config", "other"};

    show_envelope(&event->envelope, to);
    text_addf(to, "kind %s\n", kinds[event->kind]);
    if (event->kind == EVENT_FAULT) {
        text_addf(to, "%s %s %s grade %d onset %lld detected %lld evidence %zu\n", event->equipment,
                  event->fault, fault_state_names[event->state], event->grade,
                  (long long)event->onset_ms, (long long)event->detected_ms,
                  members(event->evidence));
    } else if (event->kind == EVENT_TOMBSTONE) {
        text_addf(to, "of %s from %llu to %llu lost %llu reason %s\n", event->of_epoch,
                  (unsigned long long)event->from, (unsigned long long)event->to,
                  (unsigned long long)event->lost, event->reason);
    } else if (event->kind == EVENT_CLOCKFIX) {
        text_addf(to, "offset %lld\n", (long long)event->offset_ms);
    }
}

static void show_status(const struct status_message *status, struct text *to)
{
    text_addf(to, "%s epoch %s version %s t %lld %s equipment %zu spool %zu\n",
              status->online ? "online" : "offline", status->epoch[0] ? status->epoch : "-",
              status->version ? status->version : "-", (long long)status->t_ms,
              status->edge ? "edge" : "no edge", members(status->equipment),
              members(status->spool));
}

static void show_ack(const struct ack *ack, struct text *to)
{
    text_addf(to, "epoch %s", ack->epoch);
    for (size_t i = 0; i < ack->count; i++) {
        text_addf(to, " %llu-%llu", (unsigned long long)ack->have[i].from,
                  (unsigned long long)ack->have[i].to);
    }
    text_add(to, "\n");
}

/* What was understood; "" when it was refused. */
static void understand(struct arena *arena, const char *channel, const char *bytes, size_t size,
                       struct text *to)
{
    union {
        struct data_message data;
        struct event_message event;
        struct reply_message reply;
        struct status_message status;
        struct ack ack;
        struct command command;
    } m;

    if (strcmp(channel, "data") == 0 && !data_decode(arena, bytes, size, &m.data, NULL)) {
        show_data(&m.data, to);
    } else if (strcmp(channel, "event") == 0 && !event_decode(arena, bytes, size, &m.event, NULL)) {
        show_event(&m.event, to);
    } else if (strcmp(channel, "reply") == 0 && !reply_decode(arena, bytes, size, &m.reply, NULL)) {
        show_envelope(&m.reply.envelope, to);
        text_addf(to, "command %s state %s reason %s result %zu\n", m.reply.command, m.reply.state,
                  m.reply.reason ? m.reply.reason : "-", members(m.reply.result));
    } else if (strcmp(channel, "status") == 0 &&
               !status_decode(arena, bytes, size, &m.status, NULL)) {
        show_status(&m.status, to);
    } else if (strcmp(channel, "ack") == 0 && !ack_decode(arena, bytes, size, &m.ack, NULL)) {
        show_ack(&m.ack, to);
    } else if (strcmp(channel, "command") == 0 &&
               !command_decode(arena, bytes, size, &m.command, NULL)) {
        text_addf(to, "id %s name %s equipment %s expires %lld args %zu\n", m.command.id,
                  m.command.name, m.command.equipment ? m.command.equipment : "-",
                  (long long)m.command.expires_ms, members(m.command.args));
    }
}

/* The file's message, understood. */
static void look(struct arena *arena, const char *path, struct text *to)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char channel[16] = {0}, *bytes;
    size_t size, length = strcspn(name, ".");

    assert_true(length < sizeof(channel));
    memcpy(channel, name, length);
    assert_int_equal(file_read(arena, path, 1 << 20, &bytes, &size), ERR_OK);
    understand(arena, channel, bytes, size, to);
}

static void hold(struct arena *arena, const char *path)
{
    char *expected, *dot = strrchr(path, '.');
    struct text words = text_on(arena_take(arena, 65536), 65536);
    TEXT(other, 512);
    size_t size;

    look(arena, path, &words);
    if (strcmp(dot, ".bad") == 0) {
        if (words.length > 0) {
            fail_msg("%s is taken:\n%s", path, words.at);
        }
        return;
    }
    text_add_bytes(&other, path, (size_t)(dot - path));
    text_add(&other, ".txt");
    if (file_read(arena, other.at, 1 << 20, &expected, &size)) {
        fail_msg("%s is missing; it would be:\n%s", other.at, words.at);
    }
    if (strcmp(expected, words.at) != 0) {
        fail_msg("%s decodes to\n%swhere it was\n%s", path, words.at, expected);
    }
}

static void messages_are_understood_for_ever(void **state)
{
    DIR *folder = opendir(FOLDER);
    struct dirent *entry;
    struct arena *arena;
    int files = 0;

    (void)state;
    assert_non_null(folder);
    assert_int_equal(arena_open(8 << 20, &arena), ERR_OK);
    while ((entry = readdir(folder)) != NULL) {
        const char *dot = strrchr(entry->d_name, '.');
        TEXT(path, 512);

        if (!dot || (strcmp(dot, ".json") != 0 && strcmp(dot, ".bad") != 0)) {
            continue;
        }
        text_addf(&path, FOLDER "/%s", entry->d_name);
        hold(arena, path.at);
        arena_reset(arena);
        files++;
    }
    closedir(folder);
    arena_close(arena);
    assert_true(files >= 50);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages_are_understood_for_ever)};
    struct arena *arena;

    if (argc == 2 && !arena_open(8 << 20, &arena)) {
        struct text words = text_on(arena_take(arena, 65536), 65536);

        look(arena, argv[1], &words);
        fputs(words.at, stdout);
        arena_close(arena);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
