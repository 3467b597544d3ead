/*
 * heliograph-plant: solar water heaters in software behind Modbus, and recordings sent again.
 *
 *   heliograph-plant --tcp 127.0.0.1:1502 --heaters 3 [--serial DEVICE] [--speed 60] [--noon]
 *                    [--scenario FILE] [--seed N]
 *   heliograph-plant replay --csv FILE --map FILE --broker mqtt://… --agent ID --equipment ID
 *                    --profile ID
 *
 * Each heater is a unit id from 1. On standard input: `fault UNIT NAME`, `clear UNIT NAME`. A scenario
 * is YAML: a list of {at: 10s, heater: 1, fault: pump_stopped, on: true}.
 */
#include <errno.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heater.h"
#include "host/clock.h"
#include "host/file.h"
#include "host/ready.h"
#include "models/base/yaml.h"
#include "replay.h"

#define HEATERS_MOST 247
#define CLIENTS_MOST 64
#define EVENTS_MOST  1000

struct plan_event {
    int64_t at_ms;
    int heater, fault;
    bool on;
};

struct plant {
    struct heater heaters[HEATERS_MOST];
    modbus_mapping_t *maps[HEATERS_MOST];
    int count;
    double speed;
    modbus_t *tcp, *rtu;
    int clients[CLIENTS_MOST], listener;
    size_t client_count;
    struct plan_event plan[EVENTS_MOST];
    size_t plan_count, plan_next;
    int64_t began_ms, stepped_ms;
};

static int fault_by_name(const char *name)
{
    for (int i = 0; heater_fault_names[i]; i++) {
        if (strcmp(heater_fault_names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

static void show(struct plant *plant)
{
    for (int i = 0; i < plant->count; i++) {
        modbus_mapping_t *map = plant->maps[i];

        /* the set point may have been written by a master */
        if (map->tab_registers[10]) {
            plant->heaters[i].setpoint = map->tab_registers[10] / 2.0;
        }
        heater_registers(&plant->heaters[i], map->tab_input_registers, map->tab_registers);
    }
}

static void step(struct plant *plant)
{
    int64_t now_ms = clock_boot_ms();
    double seconds = (double)(now_ms - plant->stepped_ms) / 1000 * plant->speed;

    plant->stepped_ms = now_ms;
    for (int i = 0; i < plant->count; i++) {
        heater_step(&plant->heaters[i], seconds);
    }
    while (plant->plan_next < plant->plan_count &&
           plant->plan[plant->plan_next].at_ms <= now_ms - plant->began_ms) {
        const struct plan_event *event = &plant->plan[plant->plan_next++];

        plant->heaters[event->heater - 1].faults[event->fault] = event->on;
        printf("heater %d: %s %s\n", event->heater, heater_fault_names[event->fault],
               event->on ? "on" : "off");
    }
    show(plant);
}

static void obey(struct plant *plant, const char *line)
{
    char verb[16], name[32];
    int unit, fault;

    if (sscanf(line, "%15s %d %31s", verb, &unit, name) != 3 || unit < 1 || unit > plant->count ||
        (fault = fault_by_name(name)) < 0) {
        printf("expected: fault UNIT NAME or clear UNIT NAME\n");
        return;
    }
    plant->heaters[unit - 1].faults[fault] = verb[0] == 'f';
    show(plant);
    printf("heater %d: %s %s\n", unit, name, verb[0] == 'f' ? "on" : "off");
    fflush(stdout);
}

static bool read_scenario(struct plant *plant, const char *path)
{
    struct complaints complaints = {.path = path};
    struct yaml_node *root = NULL;
    char *bytes;
    size_t size;

    if (arena_open(16 << 20, &complaints.arena) ||
        file_read(complaints.arena, path, 1 << 20, &bytes, &size) ||
        yaml_parse(complaints.arena, bytes, size, &complaints, &root) ||
        !yaml_list(&complaints, root, "a list of events")) {
        fprintf(stderr, "%s: expected a list of events\n", path);
        return false;
    }
    for (struct yaml_node *row = root->first; row && plant->plan_count < EVENTS_MOST; row = row->next) {
        struct plan_event *event = &plant->plan[plant->plan_count++];

        event->at_ms = yaml_duration_ms(&complaints, yaml_need(&complaints, row, "at"), "a time", 0);
        event->heater = (int)yaml_int(&complaints, yaml_need(&complaints, row, "heater"), "a heater", 1,
                                      plant->count, 1);
        event->fault = yaml_choice(&complaints, yaml_need(&complaints, row, "fault"), "a fault",
                                   heater_fault_names, 0);
        event->on = yaml_bool(&complaints, yaml_find(row, "on"), "true or false", true);
        yaml_no_more(&complaints, row);
    }
    for (size_t i = 0; i < complaints.count && i < COMPLAINTS_MOST; i++) {
        fprintf(stderr, "%s\n", complaints.lines[i]);
    }
    size = complaints.count;
    arena_close(complaints.arena);
    return size == 0;
}

/* Answers one request; false: the client has gone. */
static bool serve(struct plant *plant, modbus_t *modbus, int unit_at)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int size = modbus_receive(modbus, query), unit;

    if (size == 0) {
        return true;
    }
    if (size < 0) {
        return unit_at == 0; /* noise on a serial wire is no reason to leave */
    }
    unit = query[unit_at];
    if (unit >= 1 && unit <= plant->count && !plant->heaters[unit - 1].faults[HEATER_SILENT]) {
        modbus_reply(modbus, query, size, plant->maps[unit - 1]);
        if (plant->maps[unit - 1]->tab_registers[10]) {
            plant->heaters[unit - 1].setpoint = plant->maps[unit - 1]->tab_registers[10] / 2.0;
        }
    }
    return true;
}

static void serve_client(struct plant *plant, size_t index)
{
    modbus_set_socket(plant->tcp, plant->clients[index]);
    if (!serve(plant, plant->tcp, 6)) {
        close(plant->clients[index]);
        plant->clients[index] = plant->clients[--plant->client_count];
    }
}

static void take_client(struct plant *plant)
{
    int fd = modbus_tcp_accept(plant->tcp, &plant->listener);

    if (fd >= 0 && plant->client_count < CLIENTS_MOST) {
        plant->clients[plant->client_count++] = fd;
    } else if (fd >= 0) {
        close(fd);
    }
}

static void run(struct plant *plant)
{
    bool input_open = true;

    while (!ready_must_stop()) {
        struct pollfd fds[CLIENTS_MOST + 4];
        size_t count = plant->client_count;

        for (size_t i = 0; i < count; i++) {
            fds[i] = (struct pollfd){.fd = plant->clients[i], .events = POLLIN};
        }
        fds[count] = (struct pollfd){.fd = plant->listener, .events = POLLIN};
        fds[count + 1] = (struct pollfd){.fd = input_open ? 0 : -1, .events = POLLIN};
        fds[count + 2] = (struct pollfd){.fd = plant->rtu ? modbus_get_socket(plant->rtu) : -1, .events = POLLIN};
        fds[count + 3] = (struct pollfd){.fd = ready_fd(), .events = POLLIN};
        poll(fds, count + 4, 100);
        step(plant);
        if (fds[count + 2].revents & POLLIN) {
            (void)serve(plant, plant->rtu, 0);
        }
        for (size_t i = count; i-- > 0;) {
            if (fds[i].revents) {
                serve_client(plant, i);
            }
        }
        if (fds[count].revents) {
            take_client(plant);
        }
        if (fds[count + 1].revents) {
            char line[128];

            input_open = fgets(line, sizeof(line), stdin) != NULL;
            if (input_open) {
                obey(plant, line);
            }
        }
        fflush(stdout);
    }
}

static bool open_faces(struct plant *plant, const char *tcp, const char *serial)
{
    char host[64] = {0};
    const char *colon = strrchr(tcp, ':');

    if (!colon || (size_t)(colon - tcp) >= sizeof(host)) {
        return false;
    }
    memcpy(host, tcp, (size_t)(colon - tcp));
    plant->tcp = modbus_new_tcp(host, (int)strtol(colon + 1, NULL, 10));
    plant->listener = plant->tcp ? modbus_tcp_listen(plant->tcp, 16) : -1;
    if (serial) {
        plant->rtu = modbus_new_rtu(serial, 9600, 'N', 8, 1);
        if (!plant->rtu || modbus_set_slave(plant->rtu, 1) || modbus_connect(plant->rtu)) {
            fprintf(stderr, "%s: %s\n", serial, modbus_strerror(errno));
            return false;
        }
    }
    if (plant->listener < 0) {
        fprintf(stderr, "%s: %s\n", tcp, modbus_strerror(errno));
    }
    return plant->listener >= 0;
}

static const char *option(int argc, char **argv, const char *name, const char *fallback)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return argv[i + 1];
        }
    }
    return fallback;
}

static int replay(int argc, char **argv)
{
    struct replay_options options = {
        .csv = option(argc, argv, "--csv", "-"),
        .map = option(argc, argv, "--map", ""),
        .broker = option(argc, argv, "--broker", "mqtt://127.0.0.1:1883"),
        .agent = option(argc, argv, "--agent", "replay"),
        .equipment = option(argc, argv, "--equipment", "recording"),
        .profile = option(argc, argv, "--profile", "house-log"),
        .window = 200,
    };

    return replay_run(&options);
}

int main(int argc, char **argv)
{
    struct plant *plant;
    const char *scenario = option(argc, argv, "--scenario", NULL);
    double noon = 13;

    ready_catch_signals();
    if (argc > 1 && strcmp(argv[1], "replay") == 0) {
        return replay(argc, argv);
    }
    plant = calloc(1, sizeof(*plant));
    if (!plant) {
        return 1;
    }
    plant->count = (int)strtol(option(argc, argv, "--heaters", "1"), NULL, 10);
    plant->count = plant->count < 1 ? 1 : plant->count > HEATERS_MOST ? HEATERS_MOST : plant->count;
    plant->speed = strtod(option(argc, argv, "--speed", "1"), NULL);
    for (int i = 0; i < plant->count; i++) {
        long seed = strtol(option(argc, argv, "--seed", "1"), NULL, 10) + i;

        heater_init(&plant->heaters[i], (uint64_t)seed, HEATER_FINE, 0, noon);
        plant->maps[i] = modbus_mapping_new(16, 16, 32, 32);
    }
    plant->began_ms = plant->stepped_ms = clock_boot_ms();
    if ((scenario && !read_scenario(plant, scenario)) ||
        !open_faces(plant, option(argc, argv, "--tcp", "127.0.0.1:1502"),
                    option(argc, argv, "--serial", NULL))) {
        return 2;
    }
    show(plant);
    ready_serving("heliograph-plant");
    run(plant);
    for (size_t i = 0; i < plant->client_count; i++) {
        close(plant->clients[i]);
    }
    close(plant->listener);
    for (int i = 0; i < plant->count; i++) {
        modbus_mapping_free(plant->maps[i]);
    }
    modbus_free(plant->tcp);
    if (plant->rtu) {
        modbus_close(plant->rtu);
        modbus_free(plant->rtu);
    }
    free(plant);
    return 0;
}
