/* server.yaml. */
#include "server/config.h"

#include <string.h>

#include "host/file.h"
#include "models/base/json.h"
#include "models/base/text.h"
#include "models/base/yaml.h"
#include "models/service/sms.h"
#include "models/telemetry/topic.h"

#define FILE_MOST    (1024 * 1024)
#define COME_BACK_MS 60000 /* interfaces.md 8 */
#define SKEW_MS     (15 * 60000)
#define LOST_AFTER_MS (15 * 60000)
#define DIGEST_MINUTE (8 * 60)
#define FILE_BYTES  (16LL << 20)
#define SMS_SEGMENTS 4
#define PHOTOS      10
#define PHOTO_BYTES (1LL << 20)
#define WRITES      20
#define TRIES       30
#define SMS_TIMEOUT_MS 10000
#define SMS_HEADERS_MOST 16
#define FILES_BYTES (20LL << 30)
#define EXPORT_BYTES (20LL << 30)

const char *const config_kept_names[] = {"readings", "photos", "notices", "logs", "access", "exports", "contacts", NULL};

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

/* A template whose fields are known. */
static const char *read_template(struct reader *reader, struct yaml_node *node, const char *what)
{
    const char *words = yaml_text(&reader->complaints, node, what, NULL), *at;
    size_t size;

    if (words && (at = sms_unknown_field(words, &size))) {
        complain(&reader->complaints, node, "expected one of {to} {text} {id} {secret}, found '%.*s'", (int)size, at);
    }
    return words;
}

/* Filled in, it has to be JSON. */
static void check_sms_json(struct reader *reader, struct yaml_node *node, const struct sms_gateway *gateway)
{
    const struct sms_letter letter = {"+8610\"", "a\"b\\c\n", 1};
    const struct cJSON *value;
    TEXT(body, 32768);

    if (sms_fill(gateway, gateway->body, SMS_IN_JSON, &letter, &body) ||
        json_parse(reader->arena, body.at, body.length, &value, NULL)) {
        complain(&reader->complaints, node, "expected JSON with fields such as {\"to\":\"{to}\",\"text\":\"{text}\"}, found '%.80s'",
                 gateway->body);
    }
}

static void read_sms_body(struct reader *reader, struct yaml_node *map, struct sms_gateway *gateway)
{
    static const char *const methods[] = {"POST", "PUT", "GET", NULL}, *const forms[] = {"json", "form", NULL};
    struct complaints *complaints = &reader->complaints;
    struct yaml_node *body;
    int method = yaml_choice(complaints, yaml_find(map, "method"), "a method", methods, 0);

    gateway->method = methods[method];
    gateway->form = yaml_choice(complaints, yaml_find(map, "content"), "a kind of body", forms, 0) == 1;
    body = yaml_find(map, "body");
    gateway->body = read_template(reader, body, "a template such as '{\"to\":\"{to}\",\"text\":\"{text}\"}'");
    if (!body && method != 2) {
        complain(complaints, map, "expected the key 'body', found none");
    } else if (body && method == 2) {
        complain(complaints, body, "expected no body with the method GET, found one");
    } else if (gateway->body && !gateway->form) {
        check_sms_json(reader, body, gateway);
    }
}

/* Statuses that say no for good. */
static void read_refuses(struct reader *reader, struct yaml_node *node, struct sms_gateway *gateway)
{
    struct yaml_node *list = yaml_list(&reader->complaints, node, "a list of HTTP statuses");
    int count = 0;

    if (!list) {
        gateway->refuses[0] = 400;
        gateway->refuses[1] = 422;
        return;
    }
    for (node = list->first; node; node = node->next) {
        int status = (int)yaml_int(&reader->complaints, node, "an HTTP status from 400 to 499", 400, 499, 400);

        if (count < SMS_REFUSES_MOST - 1) {
            gateway->refuses[count++] = status;
        } else {
            complain(&reader->complaints, node, "expected at most %d statuses, found more", SMS_REFUSES_MOST - 1);
        }
    }
}

static void read_sms_headers(struct reader *reader, struct yaml_node *node, struct sms_gateway *gateway)
{
    struct yaml_node *list = yaml_list(&reader->complaints, node, "a list of headers");
    const char **headers = arena_array(reader->arena, SMS_HEADERS_MOST + 1, sizeof(*headers));
    size_t count = 0;

    for (node = list && headers ? list->first : NULL; node; node = node->next) {
        const char *words = read_template(reader, node, "a header such as 'Authorization: Bearer {secret}'");

        if (words && (!strchr(words, ':') || words[strcspn(words, "\r\n")])) {
            complain(&reader->complaints, node, "expected a header such as 'Authorization: Bearer {secret}', found '%.80s'",
                     words);
        } else if (words && count < SMS_HEADERS_MOST) {
            headers[count++] = words;
        }
    }
    gateway->headers = headers;
}

static void read_sms(struct reader *reader, struct yaml_node *map)
{
    struct complaints *complaints = &reader->complaints;
    struct server_config *config = reader->config;
    struct sms_gateway *gateway = &config->sms;
    struct yaml_node *url = yaml_need(complaints, map, "url"), *to = yaml_find(map, "to");
    const char *words;
    TEXT(number, SMS_NUMBER_ROOM);

    gateway->secret = read_secret(reader, yaml_find(map, "secret_file"));
    gateway->url = read_template(reader, url, "a URL");
    if (gateway->url && strncmp(gateway->url, "http://", 7) != 0 && strncmp(gateway->url, "https://", 8) != 0) {
        complain(complaints, url, "expected http://… or https://…, found '%.80s'", gateway->url);
    }
    read_sms_body(reader, map, gateway);
    read_sms_headers(reader, yaml_find(map, "headers"), gateway);
    read_refuses(reader, yaml_find(map, "refuses"), gateway);
    gateway->accepts = yaml_text(complaints, yaml_find(map, "accepts"), "a text of the answer", NULL);
    gateway->timeout_ms = yaml_duration_ms(complaints, yaml_find(map, "timeout"), "a duration", SMS_TIMEOUT_MS);
    config->sms_segments = (int)yaml_int(complaints, yaml_find(map, "segments"), "a number from 1 to 10", 1,
                                         SMS_SEGMENTS_MOST, SMS_SEGMENTS);
    words = yaml_text(complaints, to, "a telephone number", NULL);
    if (words && !sms_number(words, &number)) {
        complain(complaints, to, "expected a telephone number such as '+86 21 5550 1234', found '%.40s'", words);
    } else if (words) {
        config->sms_to = arena_text(reader->arena, number.at, number.length);
    }
    yaml_no_more(complaints, map);
}

static void read_notify(struct reader *reader, struct yaml_node *map)
{
    struct yaml_node *sms = yaml_map(&reader->complaints, yaml_find(map, "sms"), "a map {url, body}");
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
    if (sms) {
        read_sms(reader, sms);
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

/* What customers may send by the code of a ticket or a survey. */
static void read_customers(struct reader *reader, struct yaml_node *node)
{
    struct complaints *complaints = &reader->complaints;
    struct server_config *config = reader->config;
    struct yaml_node *map = yaml_map(complaints, node, "a map {photos, photo_bytes, writes, tries}"),
                     *bytes = yaml_find(map, "photo_bytes");

    config->photos = yaml_int(complaints, yaml_find(map, "photos"), "a number of pictures", 0, 1000, PHOTOS);
    config->photo_bytes = yaml_size(complaints, bytes, "a size", 1024, PHOTO_BYTES);
    config->customer_writes = yaml_int(complaints, yaml_find(map, "writes"), "a number a minute", 1, 1000, WRITES);
    config->customer_tries = yaml_int(complaints, yaml_find(map, "tries"), "a number a minute", 1, 1000, TRIES);
    if (config->photo_bytes > PHOTO_BYTES) {
        complain(complaints, bytes, "expected at most 1MiB: a request is no larger, found '%.20s'", bytes->text);
    }
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

/* 0s: for ever. What the law or another promise needs longer is refused here, not found out later. */
static void read_keep(struct reader *reader, struct yaml_node *map)
{
    static const struct duration preset[CONFIG_KEPT] = {{10, DURATION_Y}, {5, DURATION_Y}, {2, DURATION_Y}, {400, DURATION_D},
                                                        {3, DURATION_Y},  {30, DURATION_D}, {3, DURATION_Y}};
    static const int64_t least_days[CONFIG_KEPT] = {31, 1, 7, 7, 30, 1, 1};

    for (int i = 0; i < CONFIG_KEPT; i++) {
        struct yaml_node *node = yaml_find(map, config_kept_names[i]);
        int64_t ms = long_ms(yaml_duration(&reader->complaints, node, "a duration, 0s for ever", preset[i]));

        if (node && node->kind == YAML_SCALAR && ms && ms < least_days[i] * 86400000) {
            complain(&reader->complaints, node, "expected at least %lldd (or 0s for ever), found '%.40s'", (long long)least_days[i],
                     node->text);
        }
        reader->config->kept_ms[i] = ms;
    }
    if (map) {
        yaml_no_more(&reader->complaints, map);
    }
}

/* Beside a database that is a file: customers' data is never left wherever the server was started from. */
static const char *exports_folder(struct reader *reader)
{
    const char *path = reader->config->database;
    const char *slash = path && strncmp(path, "sqlite:", 7) == 0 ? strrchr(path, '/') : NULL;
    TEXT(folder, 1100);

    if (!slash) {
        return "exports";
    }
    text_addf(&folder, "%.*s/exports", (int)(slash - path - 7), path + 7);
    return folder.cut ? "exports" : arena_text(reader->arena, folder.at, folder.length);
}

static void read_exports(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *map = yaml_map(&reader->complaints, node, "a map {folder, bytes}");

    reader->config->exports = yaml_text(&reader->complaints, yaml_find(map, "folder"), "a folder", exports_folder(reader));
    reader->config->export_bytes = yaml_size(&reader->complaints, yaml_find(map, "bytes"), "a size", 1 << 20, EXPORT_BYTES);
    if (map) {
        yaml_no_more(&reader->complaints, map);
    }
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
    config->courses = yaml_text(complaints, yaml_find(root, "courses"), "a folder", NULL);
    config->codes = yaml_text(complaints, yaml_find(root, "codes"), "a file", NULL);
    read_work(reader, yaml_find(root, "work"));
    read_customers(reader, yaml_find(root, "customers"));
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
    map = yaml_map(complaints, yaml_find(root, "keep"), "a map of classes of data and how long they are kept");
    config->trail_keep_ms =
        long_ms(yaml_duration(complaints, yaml_find(map, "trail"), "a duration", trail_keep));
    read_keep(reader, map);
    read_exports(reader, yaml_find(root, "exports"));
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
