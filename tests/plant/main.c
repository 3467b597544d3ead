/* heliograph-plant: options, heaters, commands. What it does stands in usage(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heater.h"
#include "host/clock.h"
#include "host/ready.h"
#include "models/base/text.h"
#include "replay.h"
#include "scenario.h"
#include "serve.h"

struct plant {
    struct heater heaters[SERVE_UNITS];
    modbus_mapping_t *maps[SERVE_UNITS];
    int count;
    double speed;
    struct scenario scenario;
    int64_t began_ms, stepped_ms;
};

static void usage(FILE *to)
{
    fputs("Solar water heaters in software behind Modbus, and recordings sent again.\n"
          "\n"
          "heliograph-plant [--tcp HOST:PORT] [--serial DEVICE] [--heaters N] [--speed X]\n"
          "                 [--weather fine|year] [--day N] [--hour H] [--seed N] [--scenario FILE]\n"
          "    N heaters (1) as units 1 to N with the registers of profile swh-basic, on Modbus TCP\n"
          "    (127.0.0.1:1502 when neither is given) and RTU (9600 8N1). X times as fast as real (1). Every\n"
          "    day is alike and fine, or the year has seasons; they begin at H o'clock (13) of day N (0 is\n"
          "    1 January).\n"
          "    On standard input: fault UNIT NAME, clear UNIT NAME, draw UNIT LITRES, show UNIT.\n"
          "    A scenario is YAML, a list of events: {at: 10s, heater: 1, fault: pump_stopped}, with\n"
          "    on: false for the repair, or {at: 1h, heater: 1, draw: 120}; `at` is the plant's own time.\n"
          "\n"
          "heliograph-plant replay --csv FILE --map FILE --equipment ID --profile ID --broker URL --agent ID\n"
          "                 [--ca FILE --cert FILE --key FILE]\n"
          "    A recording over MQTT, as an agent that does not grade, with the recorded times, as fast as\n"
          "    the server takes it. It ends when the server has acknowledged everything.\n"
          "\n"
          "heliograph-plant replay --csv FILE --map FILE --profile ID [--profiles FOLDER]\n"
          "                 --tcp HOST:PORT | --serial DEVICE [--speed X]\n"
          "    A recording over Modbus in the registers of its profile (from models/equipment), at the\n"
          "    recorded pace times X.\n"
          "\n"
          "    The map is YAML: time: COLUMN, zone_offset: MINUTES, points: {COLUMN: POINT, ...}.\n"
          "\n"
          "Faults:\n",
          to);
    for (int i = 0; heater_fault_names[i]; i++) {
        fprintf(to, "%s%-16s%s", i % 4 == 0 ? "    " : "", heater_fault_names[i],
                i % 4 == 3 || !heater_fault_names[i + 1] ? "\n" : " ");
    }
}

/* ------------------------------------------------------------------ heaters */

static int name_index(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

static void show(struct plant *plant)
{
    for (int i = 0; i < plant->count; i++) {
        modbus_mapping_t *map = plant->maps[i];

        if (map->tab_registers[10]) { /* the set point may have been written by a master */
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
    scenario_act(&plant->scenario, (double)(now_ms - plant->began_ms) / 1000 * plant->speed, plant->heaters);
    show(plant);
}

static void tell(const struct heater *heater, int unit)
{
    printf("heater %d: collector %.1f top %.1f bottom %.1f air %.1f sun %.0f pump %d flow %.1f heater %d %.0f W "
           "level %.0f pressure %.2f\n",
           unit, heater->collector, heater->top, heater->bottom, heater->ambient, heater->irradiance,
           heater->pump_on, heater->flow, heater->heater_on, heater->power, heater->level, heater->pressure);
}

static void obey(struct plant *plant, char *line)
{
    char *rest = line, *verb = strtok_r(line, " \t\r\n", &rest), *unit_words = strtok_r(NULL, " \t\r\n", &rest);
    char *what = strtok_r(NULL, " \t\r\n", &rest);
    int64_t unit = 0;
    int fault = what ? name_index(heater_fault_names, what) : -1;
    double litres = 0;
    struct heater *heater;

    if (!verb || !unit_words || text_to_int(unit_words, strlen(unit_words), &unit) || unit < 1 || unit > plant->count) {
        printf("expected: fault UNIT NAME, clear UNIT NAME, draw UNIT LITRES or show UNIT\n");
        return;
    }
    heater = &plant->heaters[unit - 1];
    if ((strcmp(verb, "fault") == 0 || strcmp(verb, "clear") == 0) && fault >= 0) {
        heater->faults[fault] = verb[0] == 'f';
        printf("heater %d: %s %s\n", (int)unit, what, verb[0] == 'f' ? "on" : "off");
    } else if (strcmp(verb, "draw") == 0 && what && !text_to_number(what, strlen(what), &litres) && litres >= 0) {
        heater->drawing += litres;
        printf("heater %d: %.0f l drawn\n", (int)unit, litres);
    } else if (strcmp(verb, "show") == 0) {
        tell(heater, (int)unit);
    } else {
        printf("expected: fault UNIT NAME, clear UNIT NAME, draw UNIT LITRES or show UNIT\n");
    }
}

static modbus_mapping_t *unit_map(void *context, int unit)
{
    struct plant *plant = context;

    return unit <= plant->count && !plant->heaters[unit - 1].faults[HEATER_SILENT] ? plant->maps[unit - 1] : NULL;
}

static void run(struct plant *plant, struct serve *serve)
{
    bool input_open = true;

    while (!ready_must_stop()) {
        if (serve_turn(serve, 100, input_open ? 0 : -1)) {
            char line[128];

            input_open = fgets(line, sizeof(line), stdin) != NULL;
            if (input_open) {
                obey(plant, line);
                show(plant);
            }
        }
        step(plant);
        fflush(stdout);
    }
}

/* ------------------------------------------------------------------ options */

struct options {
    struct replay_options replay;
    const char *scenario;
    double heaters, speed, day, hour, seed;
    int weather;
    bool help, wrong;
};

static void read_number(struct options *options, const char *name, const char *words, double least, double most,
                        double *ret)
{
    double number;

    if (text_to_number(words, strlen(words), &number) || number < least || number > most) {
        fprintf(stderr, "heliograph-plant: %s: expected a number from %g to %g, found '%s'\n", name, least, most, words);
        options->wrong = true;
        return;
    }
    *ret = number;
}

static bool read_text(struct options *options, const char *name, const char *value)
{
    const struct {
        const char *name, **at;
    } texts[] = {
        {"--csv", &options->replay.csv},         {"--map", &options->replay.map},
        {"--broker", &options->replay.broker},   {"--agent", &options->replay.agent},
        {"--profile", &options->replay.profile}, {"--equipment", &options->replay.equipment},
        {"--ca", &options->replay.ca},           {"--cert", &options->replay.cert},
        {"--key", &options->replay.key},         {"--tcp", &options->replay.tcp},
        {"--serial", &options->replay.serial},   {"--profiles", &options->replay.profiles},
        {"--scenario", &options->scenario},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(texts[i].name, name) == 0) {
            *texts[i].at = value;
            return true;
        }
    }
    return false;
}

static bool read_figure(struct options *options, const char *name, const char *value)
{
    const struct {
        const char *name;
        double least, most, *at;
    } figures[] = {
        {"--heaters", 1, SERVE_UNITS, &options->heaters}, {"--speed", 0, 1e6, &options->speed},
        {"--day", 0, 364, &options->day},                 {"--hour", 0, 23.99, &options->hour},
        {"--seed", 0, 1e15, &options->seed},
    };

    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        if (strcmp(figures[i].name, name) == 0) {
            read_number(options, name, value, figures[i].least, figures[i].most, figures[i].at);
            return true;
        }
    }
    return false;
}

static void read_options(struct options *options, int argc, char **argv)
{
    for (int i = 0; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            options->help = true;
            return;
        }
        if (value && strcmp(argv[i], "--weather") == 0) {
            options->weather = name_index(heater_weather_names, value);
            if (options->weather < 0) {
                fprintf(stderr, "heliograph-plant: --weather: expected fine or year, found '%s'\n", value);
                options->wrong = true;
            }
        } else if (!value || (!read_text(options, argv[i], value) && !read_figure(options, argv[i], value))) {
            fprintf(stderr, "heliograph-plant: expected an option and its value, found '%s'; see --help\n", argv[i]);
            options->wrong = true;
            return;
        }
    }
}

static int replay(struct options *options)
{
    struct replay_options *replay = &options->replay;

    replay->speed = options->speed;
    if (!replay->csv || !replay->map || !replay->profile ||
        (!replay->tcp && !replay->serial && (!replay->broker || !replay->agent || !replay->equipment))) {
        fprintf(stderr, "heliograph-plant: replay needs --csv, --map, --profile, and --broker, --agent, --equipment"
                        " or --tcp or --serial; see --help\n");
        return 2;
    }
    return replay->tcp || replay->serial ? replay_modbus(replay) : replay_mqtt(replay);
}

static int heat(struct plant *plant, const struct options *options)
{
    const char *tcp = options->replay.tcp || options->replay.serial ? options->replay.tcp : "127.0.0.1:1502";
    struct serve *serve;

    plant->count = (int)options->heaters;
    plant->speed = options->speed;
    for (int i = 0; i < plant->count; i++) {
        heater_init(&plant->heaters[i], (uint64_t)options->seed + (uint64_t)i, (enum heater_weather)options->weather,
                    (int)options->day, options->hour);
        plant->maps[i] = modbus_mapping_new(16, 16, 32, 32);
        if (!plant->maps[i]) {
            return 1;
        }
    }
    if (options->scenario && !scenario_read(&plant->scenario, options->scenario, plant->count)) {
        return 2;
    }
    serve = serve_open(tcp, options->replay.serial, unit_map, plant);
    if (!serve) {
        return 2;
    }
    plant->began_ms = plant->stepped_ms = clock_boot_ms();
    show(plant);
    ready_serving("heliograph-plant");
    run(plant, serve);
    serve_close(serve);
    return 0;
}

int main(int argc, char **argv)
{
    struct options options = {.heaters = 1, .speed = 1, .hour = 13, .seed = 1,
                              .replay = {.window = 200, .profiles = "models/equipment"}};
    bool is_replay = argc > 1 && strcmp(argv[1], "replay") == 0;
    struct plant *plant;
    int status;

    ready_catch_signals();
    (void)setvbuf(stdin, NULL, _IONBF, 0); /* poll() must see what is still to be read */
    read_options(&options, argc - 1 - is_replay, argv + 1 + is_replay);
    if (options.help || options.wrong) {
        if (options.help) {
            usage(stdout);
        }
        return options.wrong ? 2 : 0;
    }
    if (is_replay) {
        return replay(&options);
    }
    plant = calloc(1, sizeof(*plant));
    status = plant ? heat(plant, &options) : 1;
    for (int i = 0; plant && i < plant->count; i++) {
        if (plant->maps[i]) {
            modbus_mapping_free(plant->maps[i]);
        }
    }
    free(plant);
    return status;
}
