/* A bounded queue of letters. */
#include "server/letters.h"

#include <stdlib.h>
#include <string.h>

#define LETTERS_MOST  20000
#define LETTERS_BYTES (64 * 1024 * 1024)

enum err letters_open(struct server *server)
{
    return queue_open(LETTERS_MOST, LETTERS_BYTES, &server->letters);
}

void letters_close(struct server *server)
{
    queue_close(server->letters, free);
}

static enum err post(struct server *server, const char *agent, enum channel channel,
                     const char *command, const char *payload, size_t size)
{
    struct letter *letter = calloc(1, sizeof(*letter) + size);
    struct text topic;
    enum err err;

    if (!letter) {
        return ERR_NOMEM;
    }
    topic = text_on(letter->topic, sizeof(letter->topic));
    letter->size = size;
    memcpy(letter->bytes, payload, size);
    err = text_copy(letter->command, sizeof(letter->command), command);
    if (!err) {
        err = topic_make(&topic, server->config->prefix, agent, channel);
    }
    if (!err) {
        err = queue_put(server->letters, letter, size, 0);
    }
    if (err) {
        free(letter);
    }
    return err;
}

void letters_send_ack(void *context, const char *agent, const char *payload, size_t size)
{
    (void)!post(context, agent, CHANNEL_ACK, "", payload, size); /* acks come again */
}

enum err letters_send_command(void *context, const char *agent, const char *payload, size_t size)
{
    struct server *server = context;
    struct command command;
    struct arena *arena;
    enum err err;

    if (!atomic_load(&server->up)) {
        return ERR_CLOSED;
    }
    err = arena_open(1024 * 1024, &arena);
    if (!err) {
        err = command_decode(arena, payload, size, &command, NULL);
        if (!err) {
            err = post(server, agent, CHANNEL_COMMAND, command.id, payload, size);
        }
        arena_close(arena);
    }
    return err == ERR_FULL ? ERR_CLOSED : err;
}
