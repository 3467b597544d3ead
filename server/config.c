/* server.yaml. */
#include "server/config.h"

#include <string.h>

#include "host/file.h"
#include "models/base/text.h"
#include "models/base/yaml.h"
#include "models/telemetry/topic.h"

#define FILE_MOST    (1024 * 1024)
#define COME_BACK_MS 60000 /* interfaces.md 8 */
#define SKEW_MS     (15 * 60000)
#define LOST_AFTER_MS (15 * 60000)
#define DIGEST_MINUTE (8 * 60)
#define FILE_BYTES  (16LL << 20)
#define FILES_BYTES (20LL << 30)

struct reader {
    struct arena *arena;
    struct complaints complaints;
    struct server_config *config;
};

static const char *read_secret(struct reader *reader, struct yaml_node *node)
{
    const char *path = yaml_text(&reader->complaints, node, "a file", NULL);
    char *bytes;
    size_t size;

    if (!path) {
        return NULL;
    }
    if (file_read(reader->arena, path, 4096, &bytes, &size)) {
        complain(&reader->complaints, node, "expected a file that can be read, found '%.200s'", path);
        return NULL;
    }
    bytes[strcspn(bytes, "\r\n")] = '\0';
    return bytes;
}

static void read_broker(struct reader *reader, struct yaml_node *map)
{
    struct complaints *complaints = &reader->complaints;
    struct server_config *config = reader->config;
    struct yaml_node *url = yaml_need(complaints, map, "url");

    config->broker_url = yaml_text(complaints, url, "mqtt://host:port or mqtts://host:port", "");
    if (url && url->kind == YAML_SCALAR && strncmp(config->broker_url, "mqtt://", 7) != 0 &&
        strncmp(config->broker_url, "mqtts://", 8) != 0) {
        complain(complaints, url, "expected mqtt://host:port or mqtts://host:port, found '%.80s'",
                 config->broker_url);
    }
    config->ca = yaml_text(complaints, yaml_find(map, "ca"), "a file", NULL);
    config->cert = yaml_text(complaints, yaml_find(map, "cert"), "a file", NULL);
    config->key = yaml_text(complaints, yaml_find(map, "key"), "a file", NULL);
    config->user = yaml_text(complaints, yaml_find(map, "user"), "a user name", NULL);
    config->password = read_secret(reader, yaml_find(map, "password_file"));
    config->client_id =
        yaml_text(complaints, yaml_find(map, "client_id"), "a client id", "heliograph-server");
    config->prefix = yaml_text(complaints, yaml_find(map, "prefix"), "a topic prefix", TOPIC_PREFIX);
    yaml_no_more(complaints, map);
}

static void read_http(struct reader *reader, struct yaml_node *map)
{
    struct complaints *complaints = &reader->complaints;
    struct yaml_node *listen = yaml_find(map, "listen");
    const char *colon;

    reader->config->listen = yaml_text(complaints, listen, "host:port", "127.0.0.1:8080");
    colon = strrchr(reader->config->listen, ':');
    if (listen && listen->kind == YAML_SCALAR) {
        int64_t port = -1;

        if (!colon || text_to_int(colon + 1, strlen(colon + 1), &port) || port < 0 || port > 65535) {
            complain(complaints, listen, "expected host:port, found '%.80s'", reader->config->listen);
        }
    }
    reader->config->public_url =
        yaml_text(complaints, yaml_find(map, "public_url"), "a URL", NULL);
    if (yaml_find(map, "tls")) {
        complain(complaints, yaml_find(map, "tls"),
                 "expected a proxy in front that speaks TLS, found the key 'tls'");
    }
    yaml_no_more(complaints, map);
}

/* "HH:MM", as minutes of the day. */
static int64_t read_minute(struct complaints *complaints, struct yaml_node *node, int64_t preset)
{
    const char *words = yaml_text(complaints, node, "a time of day such as '08:00'", NULL);
    int64_t hour = -1, minute = -1;

    if (!words) {
        return preset;
    }
    if (strlen(words) != 5 || words[2] != ':' || text_to_int(words, 2, &hour) || text_to_int(words + 3, 2, &minute) ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59) {
        complain(complaints, node, "expected a time of day such as '08:00', found '%.40s'", words);
        return preset;
    }
    return hour * 60 + minute;
}

static void read_notify(struct reader *reader, struct yaml_node *map)
{
    struct complaints *complaints = &reader->complaints;
    struct server_config *config = reader->config;
    struct yaml_node *smtp = yaml_map(complaints, yaml_find(map, "smtp"), "a map {url, from, to}");
    struct yaml_node *hooks = yaml_list(complaints, yaml_find(map, "webhooks"), "a list of URLs");
    const char **list;
    size_t count = 0;

    if (smtp) {
        config->smtp_url = yaml_text(complaints, yaml_need(complaints, smtp, "url"), "a URL", NULL);
        config->smtp_user = yaml_text(complaints, yaml_find(smtp, "user"), "a user", NULL);
        config->smtp_password = read_secret(reader, yaml_find(smtp, "password_file"));
        config->smtp_from =
            yaml_text(complaints, yaml_need(complaints, smtp, "from"), "an address", NULL);
        config->smtp_to = yaml_text(complaints, yaml_need(complaints, smtp, "to"), "an address", NULL);
        yaml_no_more(complaints, smtp);
    }
    list = hooks ? arena_array(reader->arena, hooks->count + 1, sizeof(*list)) : NULL;
    for (struct yaml_node *node = list ? hooks->first : NULL; node; node = node->next) {
        struct yaml_node *url = node->kind == YAML_MAP ? yaml_need(complaints, node, "url") : node;

        list[count++] = yaml_text(complaints, url, "a URL", "");
        yaml_no_more(complaints, node);
    }
    config->webhooks = list;
    config->digest_minute = read_minute(complaints, yaml_find(map, "digest"), DIGEST_MINUTE);
    config->lost_after_ms = yaml_duration_ms(complaints, yaml_find(map, "lost_after"), "a duration", LOST_AFTER_MS);
    config->heartbeat_ms = yaml_duration_ms(complaints, yaml_find(map, "heartbeat"), "a duration", 0);
    yaml_no_more(complaints, map);
}

/* Work in the field: whose clock is believed, how large files may be. */
static void read_work(struct reader *reader, struct yaml_node *node)
{
    struct complaints *complaints = &reader->complaints;
    struct yaml_node *map = yaml_map(complaints, node, "a map {clock_skew, file_bytes, files_bytes}");

    reader->config->skew_ms = yaml_duration_ms(complaints, yaml_find(map, "clock_skew"), "a duration", SKEW_MS);
    reader->config->file_bytes = yaml_size(complaints, yaml_find(map, "file_bytes"), "a size", 1024, FILE_BYTES);
    reader->config->files_bytes =
        yaml_size(complaints, yaml_find(map, "files_bytes"), "a size", 1024, FILES_BYTES);
    if (map) {
        yaml_no_more(complaints, map);
    }
}

static bool is_database(const char *url)
{
    return (strncmp(url, "sqlite:", 7) == 0 && url[7] != '\0') ||
           strncmp(url, "postgresql://", 13) == 0;
}

/* How long something is kept need not be exact: a month is 30 days, a year 365. */
static int64_t long_ms(struct duration duration)
{
    int64_t ms;

    if (!duration_ms(duration, &ms)) {
        return ms;
    }
    return duration.count * 86400000 *
           (duration.unit == DURATION_Y ? 365 : duration.unit == DURATION_MO ? 30 : 1);
}

static void read_root(struct reader *reader, struct yaml_node *root)
{
    struct complaints *complaints = &reader->complaints;
    struct server_config *config = reader->config;
    struct yaml_node *map, *database, *zone, *preset;
    const struct zone *found;
    const struct duration trail_keep = {5, DURATION_Y};

    if (!yaml_map(complaints, root, "a map: the server's configuration")) {
        return;
    }
    map = yaml_map(complaints, yaml_need(complaints, root, "broker"), "a map {url}");
    if (map) {
        read_broker(reader, map);
    }
    database = yaml_need(complaints, root, "database");
    config->database = yaml_text(complaints, database, "sqlite:PATH or postgresql://…", "");
    if (database && database->kind == YAML_SCALAR && !is_database(config->database)) {
        complain(complaints, database, "expected sqlite:PATH or postgresql://…, found '%.80s'",
                 config->database);
    }
    map = yaml_map(complaints, yaml_find(root, "http"), "a map {listen}");
    config->listen = "127.0.0.1:8080";
    if (map) {
        read_http(reader, map);
    }
    config->profiles =
        yaml_text(complaints, yaml_need(complaints, root, "profiles"), "a folder", NULL);
    config->plans = yaml_text(complaints, yaml_need(complaints, root, "plans"), "a folder", NULL);
    config->notices = yaml_text(complaints, yaml_find(root, "notices"), "a folder", NULL);
    config->jobs = yaml_text(complaints, yaml_find(root, "jobs"), "a folder", NULL);
    config->papers = yaml_text(complaints, yaml_find(root, "papers"), "a folder", NULL);
    config->inspections = yaml_text(complaints, yaml_find(root, "inspections"), "a folder", NULL);
    config->codes = yaml_text(complaints, yaml_find(root, "codes"), "a file", NULL);
    read_work(reader, yaml_find(root, "work"));
    map = yaml_map(complaints, yaml_find(root, "notify"), "a map {smtp, webhooks, digest, lost_after, heartbeat}");
    if (map) {
        read_notify(reader, map);
    }
    zone = yaml_find(root, "time_zone");
    config->time_zone = yaml_text(complaints, zone, "a time zone", "UTC");
    if (zone && zone->kind == YAML_SCALAR && file_zone(reader->arena, config->time_zone, &found)) {
        complain(complaints, zone, "expected a time zone such as Asia/Shanghai, found '%.80s'",
                 config->time_zone);
    }
    preset = yaml_find(root, "preset_plan");
    config->preset_plan = yaml_text(complaints, preset, "a plan", "swh_standard");
    config->preset_line = preset ? preset->line : 0;
    config->preset_column = preset ? preset->column : 0;
    config->come_back_ms = yaml_duration_ms(complaints, yaml_find(root, "come_back"),
                                            "a duration", COME_BACK_MS);
    map = yaml_map(complaints, yaml_find(root, "keep"), "a map {trail}");
    config->trail_keep_ms =
        long_ms(yaml_duration(complaints, yaml_find(map, "trail"), "a duration", trail_keep));
    if (map) {
        yaml_no_more(complaints, map);
    }
    yaml_no_more(complaints, root);
}

enum err config_read(struct arena *arena, const char *path,
                     void (*say)(void *context, const char *line), void *context,
                     struct server_config *ret_config)
{
    struct server_config config = {.prefix = TOPIC_PREFIX, .digest_minute = DIGEST_MINUTE,
                                  .lost_after_ms = LOST_AFTER_MS};
    struct reader reader = {.arena = arena, .config = &config};
    struct yaml_node *root;
    size_t size, count;
    char *bytes;
    enum err err = file_read(arena, path, FILE_MOST, &bytes, &size);

    if (err) {
        TEXT(line, 1200);

        text_addf(&line, "%s:1:1: error: expected a file that can be read, found: %s", path,
                  err_text(err));
        say(context, line.at);
        return err;
    }
    reader.complaints = (struct complaints){.path = path, .arena = arena};
    if (!yaml_parse(arena, bytes, size, &reader.complaints, &root)) {
        read_root(&reader, root);
    }
    count = reader.complaints.count < COMPLAINTS_MOST ? reader.complaints.count : COMPLAINTS_MOST;
    for (size_t i = 0; i < count; i++) {
        say(context, reader.complaints.lines[i]);
    }
    *ret_config = config;
    return reader.complaints.count ? ERR_FORMAT : ERR_OK;
}
