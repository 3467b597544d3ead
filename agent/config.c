/* agent.yaml: reading, and every complaint with its place. */
#include "agent/config.h"

#include <stdlib.h>
#include <string.h>

#include "host/file.h"
#include "models/base/text.h"
#include "models/base/yaml.h"
#include "models/telemetry/topic.h"

#define FILE_MOST (4 * 1024 * 1024)

static const char *const full_names[] = {"thin_oldest", "drop_oldest", "stop_sampling", NULL};
static const char *const parity_names[] = {"none", "even", "odd", NULL};

struct reader {
    struct arena *arena;
    struct complaints complaints;
    struct agent_config *config;
    const char *folder;
    struct loaded { /* profiles read so far */
        const char *id;
        const struct profile *profile;
        bool failed;
    } *profiles;
    size_t profile_count;
    void (*say)(void *context, const char *line);
    void *context;
    size_t foreign; /* complaints of other files, told already */
};

static void tell(struct reader *reader, const struct complaints *complaints)
{
    size_t count = complaints->count < COMPLAINTS_MOST ? complaints->count : COMPLAINTS_MOST;

    for (size_t i = 0; i < count; i++) {
        reader->say(reader->context, complaints->lines[i]);
    }
}

/* "host:port" to its parts. */
static void read_address(struct reader *reader, struct yaml_node *node, struct bus_config *bus)
{
    const char *words = yaml_text(&reader->complaints, node, "host:port", "");
    const char *colon = strrchr(words, ':');
    int64_t port = 0;

    if (!colon || colon == words || text_to_int(colon + 1, strlen(colon + 1), &port) || port < 1 ||
        port > 65535) {
        if (node->kind == YAML_SCALAR) {
            complain(&reader->complaints, node, "expected host:port, found '%.80s'", words);
        }
        return;
    }
    bus->host = arena_text(reader->arena, words, (size_t)(colon - words));
    bus->port = (int)port;
}

static void read_serial(struct reader *reader, struct yaml_node *node, struct bus_config *bus)
{
    struct complaints *complaints = &reader->complaints;
    struct yaml_node *map = yaml_map(complaints, node, "a map {device, baud, parity, stop}");

    if (!map) {
        return;
    }
    bus->device = yaml_text(complaints, yaml_need(complaints, map, "device"), "a device", "");
    bus->baud = (int)yaml_int(complaints, yaml_find(map, "baud"), "a baud rate", 300, 1000000, 9600);
    bus->parity =
        "NEO"[yaml_choice(complaints, yaml_find(map, "parity"), "a parity", parity_names, 0)];
    bus->stop = (int)yaml_int(complaints, yaml_find(map, "stop"), "stop bits", 1, 2, 1);
    yaml_no_more(complaints, map);
}

static int find_bus(const struct agent_config *config, const char *name)
{
    for (size_t i = 0; i < config->bus_count; i++) {
        if (text_same(config->buses[i].name, name)) {
            return (int)i;
        }
    }
    return -1;
}

static void read_bus(struct reader *reader, struct yaml_node *map, struct bus_config *bus)
{
    struct complaints *complaints = &reader->complaints;
    struct yaml_node *tcp = yaml_find(map, "tcp"), *serial = yaml_find(map, "serial");
    struct yaml_node *over = yaml_find(map, "rtu_over_tcp");
    struct yaml_node *name = yaml_need(complaints, map, "name");
    int kinds = (tcp != NULL) + (serial != NULL) + (over != NULL);

    bus->name = yaml_id(complaints, name, "a name");
    if (bus->name && find_bus(reader->config, bus->name) >= 0) {
        complain(complaints, name, "expected a name of its own, found '%s' again", bus->name);
    }
    if (kinds != 1) {
        complain(complaints, map, "expected one of tcp, serial, rtu_over_tcp, found %d", kinds);
    }
    if (serial) {
        bus->kind = BUS_SERIAL;
        read_serial(reader, serial, bus);
    } else if (tcp || over) {
        bus->kind = tcp ? BUS_TCP : BUS_RTU_OVER_TCP;
        read_address(reader, tcp ? tcp : over, bus);
    }
    yaml_no_more(complaints, map);
}

static void read_buses(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *list = yaml_list(&reader->complaints, node, "a list of buses");
    struct agent_config *config = reader->config;

    config->buses =
        arena_array(reader->arena, list ? list->count + 1 : 1, sizeof(*config->buses));
    for (node = list && config->buses ? list->first : NULL; node; node = node->next) {
        struct bus_config bus = {.name = NULL};
        struct yaml_node *map = yaml_map(&reader->complaints, node, "a bus {name, tcp or serial}");

        if (map) {
            read_bus(reader, map, &bus);
        }
        config->buses[config->bus_count++] = bus;
    }
}

/* The profile called id, read once; its complaints are told under its own name. */
static const struct profile *load(struct reader *reader, struct yaml_node *node, const char *id)
{
    struct complaints complaints = {.arena = reader->arena};
    const struct profile *profile = NULL;
    TEXT(path, 1024);
    char *bytes;
    size_t size;
    enum err err;

    for (size_t i = 0; i < reader->profile_count; i++) {
        if (text_same(reader->profiles[i].id, id)) {
            return reader->profiles[i].profile;
        }
    }
    text_addf(&path, "%s/%s.yaml", reader->folder, id);
    err = file_read(reader->arena, path.at, FILE_MOST, &bytes, &size);
    if (err) {
        complain(&reader->complaints, node, "expected the id of a profile in %s, found '%.80s' (%s)",
                 reader->folder, id, err_text(err));
    } else {
        complaints.path = arena_text(reader->arena, path.at, path.length);
        if (profile_read(reader->arena, bytes, size, &complaints, &profile)) {
            tell(reader, &complaints);
            reader->foreign += complaints.count ? complaints.count : 1;
            profile = NULL;
        }
    }
    reader->profiles[reader->profile_count++] = (struct loaded){id, profile, profile == NULL};
    return profile;
}

/* Of its own on its bus, and one that the bus can address. */
static void check_unit(struct reader *reader, struct yaml_node *node,
                       const struct equipment_config *one)
{
    const struct agent_config *config = reader->config;

    if (one->bus >= config->bus_count) {
        return; /* no buses at all: that has been said */
    }
    if ((one->unit_id == 0 && config->buses[one->bus].kind != BUS_TCP) ||
        (one->unit_id > 247 && (one->unit_id != 255 || config->buses[one->bus].kind != BUS_TCP))) {
        complain(&reader->complaints, node,
                 "expected a unit id from 1 to 247 (on TCP also 0 or 255), found %d", one->unit_id);
    }
    for (size_t i = 0; i < config->equipment_count; i++) {
        const struct equipment_config *other = &config->equipment[i];

        if (other->bus == one->bus && other->unit_id == one->unit_id) {
            complain(&reader->complaints, node,
                     "expected a unit of its own on bus %s, found unit %d again (%s has it)",
                     config->buses[one->bus].name, one->unit_id, other->id ? other->id : "another");
        }
    }
}

static void read_equipment_row(struct reader *reader, struct yaml_node *map,
                               struct equipment_config *one)
{
    struct complaints *complaints = &reader->complaints;
    struct yaml_node *id = yaml_need(complaints, map, "id");
    struct yaml_node *bus = yaml_need(complaints, map, "bus");
    struct yaml_node *profile = yaml_need(complaints, map, "profile");
    struct yaml_node *unit = yaml_find(map, "unit_id");
    const char *name = yaml_text(complaints, bus, "the name of a bus", NULL);
    int index = name ? find_bus(reader->config, name) : 0;
    bool bus_known = index >= 0;

    one->id = yaml_id(complaints, id, "an equipment id");
    for (size_t i = 0; one->id && i < reader->config->equipment_count; i++) {
        if (text_same(reader->config->equipment[i].id, one->id)) {
            complain(complaints, id, "expected an id of its own, found '%s' again", one->id);
        }
    }
    if (!bus_known) {
        complain(complaints, bus, "expected the name of a bus, found '%.80s'", name);
        index = 0;
    }
    one->bus = (size_t)index;
    one->unit_id = (int)yaml_int(complaints, unit, "a unit id", 0, 255, -1);
    name = yaml_id(complaints, profile, "a profile id");
    one->profile = name ? load(reader, profile, name) : NULL;
    if (one->unit_id < 0) {
        one->unit_id = one->profile ? one->profile->unit_id : 1;
    }
    if (bus_known) {
        check_unit(reader, unit ? unit : map, one);
    } else {
        one->unit_id = -1; /* nobody's double */
    }
    yaml_no_more(complaints, map);
}

static void read_equipment(struct reader *reader, struct yaml_node *node)
{
    struct yaml_node *list = yaml_list(&reader->complaints, node, "a list of equipment");
    struct agent_config *config = reader->config;
    size_t count = list ? list->count : 0;

    config->equipment = arena_array(reader->arena, count + 1, sizeof(*config->equipment));
    reader->profiles = arena_array(reader->arena, count + 1, sizeof(*reader->profiles));
    if (!config->equipment || !reader->profiles) {
        return;
    }
    for (node = list ? list->first : NULL; node; node = node->next) {
        struct equipment_config one = {.id = NULL};
        struct yaml_node *map =
            yaml_map(&reader->complaints, node, "an equipment {id, bus, unit_id, profile}");

        if (map) {
            read_equipment_row(reader, map, &one);
        }
        config->equipment[config->equipment_count++] = one;
    }
}

static const char *read_password(struct reader *reader, struct yaml_node *node)
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
    struct agent_config *config = reader->config;
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
    config->user = yaml_text(complaints, yaml_find(map, "user"), "a user name", config->id);
    config->password = read_password(reader, yaml_find(map, "password_file"));
    config->prefix = yaml_text(complaints, yaml_find(map, "prefix"), "a topic prefix", TOPIC_PREFIX);
    config->first_delay_ms =
        yaml_duration_ms(complaints, yaml_find(map, "first_delay"), "a time", 0);
    yaml_no_more(complaints, map);
}

static void read_spool(struct reader *reader, struct yaml_node *map)
{
    struct complaints *complaints = &reader->complaints;
    struct agent_config *config = reader->config;

    config->spool_path = yaml_text(complaints, yaml_need(complaints, map, "path"), "a file", "");
    config->spool_bytes = yaml_size(complaints, yaml_find(map, "max_bytes"), "a size", 1 << 20,
                                    (int64_t)256 << 20);
    config->spool_full = (enum spool_full)yaml_choice(complaints, yaml_find(map, "full"),
                                                      "what to do when it is full", full_names, 0);
    yaml_no_more(complaints, map);
}

static void read_root(struct reader *reader, struct yaml_node *root)
{
    struct complaints *complaints = &reader->complaints;
    struct agent_config *config = reader->config;
    struct yaml_node *agent, *broker, *spool;

    if (!yaml_map(complaints, root, "a map: the agent's configuration")) {
        return;
    }
    agent = yaml_map(complaints, yaml_need(complaints, root, "agent"), "a map {id}");
    if (agent) {
        config->id = yaml_id(complaints, yaml_need(complaints, agent, "id"), "an agent id");
        yaml_no_more(complaints, agent);
    }
    broker = yaml_map(complaints, yaml_need(complaints, root, "broker"), "a map {url, …}");
    if (broker) {
        read_broker(reader, broker);
    }
    spool = yaml_map(complaints, yaml_need(complaints, root, "spool"), "a map {path, …}");
    if (spool) {
        read_spool(reader, spool);
    }
    reader->folder =
        yaml_text(complaints, yaml_need(complaints, root, "profiles"), "a folder", ".");
    read_buses(reader, yaml_need(complaints, root, "buses"));
    read_equipment(reader, yaml_need(complaints, root, "equipment"));
    yaml_no_more(complaints, root);
}

enum err config_read(struct arena *arena, const char *path,
                     void (*say)(void *context, const char *line), void *context,
                     struct agent_config *ret_config)
{
    struct agent_config config = {.prefix = TOPIC_PREFIX};
    struct reader reader = {
        .arena = arena, .config = &config, .folder = ".", .say = say, .context = context};
    struct yaml_node *root;
    char *bytes;
    size_t size;
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
    tell(&reader, &reader.complaints);
    if (reader.complaints.count + reader.foreign > 0) {
        return ERR_FORMAT;
    }
    *ret_config = config;
    return ERR_OK;
}
