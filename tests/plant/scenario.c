/* Scenario files. */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>

#include "host/file.h"
#include "models/base/yaml.h"

static void read_event(struct complaints *complaints, struct yaml_node *row, int heaters, struct scenario_event *event)
{
    struct yaml_node *draw;

    *event = (struct scenario_event){.fault = -1};
    if (!yaml_map(complaints, row, "an event {at, heater, fault}")) {
        return;
    }
    event->at_s = (double)yaml_duration_ms(complaints, yaml_need(complaints, row, "at"), "a time such as 10m", 0) / 1000;
    event->heater = (int)yaml_int(complaints, yaml_need(complaints, row, "heater"), "the number of a heater", 1, heaters, 1);
    draw = yaml_find(row, "draw");
    if (draw) {
        event->litres = yaml_number(complaints, draw, "litres", 0, 1000, 0);
    } else {
        event->fault = yaml_choice(complaints, yaml_need(complaints, row, "fault"), "a fault", heater_fault_names, 0);
        event->on = yaml_bool(complaints, yaml_find(row, "on"), "true or false", true);
    }
    yaml_no_more(complaints, row);
}

static int by_time(const void *a, const void *b)
{
    double left = ((const struct scenario_event *)a)->at_s, right = ((const struct scenario_event *)b)->at_s;

    return (left > right) - (left < right);
}

bool scenario_read(struct scenario *scenario, const char *path, int heaters)
{
    struct complaints complaints = {.path = path};
    struct yaml_node *root = NULL;
    char *bytes;
    size_t size;

    if (arena_open(16 << 20, &complaints.arena)) {
        return false;
    }
    if (file_read(complaints.arena, path, 1 << 20, &bytes, &size)) {
        complain_at(&complaints, 1, 1, "expected a file that can be read, found none");
    } else if (!yaml_parse(complaints.arena, bytes, size, &complaints, &root) &&
               yaml_list(&complaints, root, "a list of events {at, heater, fault}")) {
        for (struct yaml_node *row = root->first; row; row = row->next) {
            if (scenario->count == SCENARIO_EVENTS) {
                complain(&complaints, row, "expected at most %d events, found more", SCENARIO_EVENTS);
                break;
            }
            read_event(&complaints, row, heaters, &scenario->events[scenario->count++]);
        }
    }
    for (size_t i = 0; i < complaints.count && i < COMPLAINTS_MOST; i++) {
        fprintf(stderr, "%s\n", complaints.lines[i]);
    }
    arena_close(complaints.arena);
    qsort(scenario->events, scenario->count, sizeof(scenario->events[0]), by_time);
    return complaints.count == 0;
}

void scenario_act(struct scenario *scenario, double at_s, struct heater *heaters)
{
    while (scenario->next < scenario->count && scenario->events[scenario->next].at_s <= at_s) {
        const struct scenario_event *event = &scenario->events[scenario->next++];
        struct heater *heater = &heaters[event->heater - 1];

        if (event->fault < 0) {
            heater->drawing += event->litres;
            printf("heater %d: %.0f l drawn\n", event->heater, event->litres);
        } else {
            heater->faults[event->fault] = event->on;
            printf("heater %d: %s %s\n", event->heater, heater_fault_names[event->fault], event->on ? "on" : "off");
        }
        fflush(stdout);
    }
}
