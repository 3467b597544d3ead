/*
 * A company with its heaters, as a fleet file that the server imports and as plain rows that the
 * witness looks at.
 */
#pragma once

#include "minutes.h"

#include "models/base/yaml.h"
#include "server/desk/desk.h"
#include "server/fleet/fleet_file.h"

#include "dice.h"

#define CALENDARS   5
#define PLANS       4
#define TECHNICIANS 40
#define TEAMS       8
#define SERVICES_MOST 16
#define INHIBITED_MOST 40

struct heater {
    int64_t row;
    char name[16];
    int gateway, calendar, plan; /* indices */
    char level;
    bool remote_area;
    char acceptance[11];
};

struct gateway {
    int64_t row;
    char name[16];
    int first, count; /* its heaters */
    int64_t lost_ms, back_ms; /* 0: it is there */
};

/* Parts, and where they lie: on vans and in depots. */
#define PARTS       3
#define VANS        8
#define PLACES      (VANS + 2)
#define VAN_STOCK   2
#define DEPOT_STOCK 20

extern const char *const sim_parts[PARTS];
void books_place(int place, char name[16]);

struct company {
    struct minutes calendars[CALENDARS];
    struct heater *heaters;
    struct gateway *gateways;
    int heater_count, gateway_count;
    struct arena *arena;
    struct yaml_node *plans[PLANS]; /* the files, as trees */
    struct service {
        char fault[40], service[40];
    } services[SERVICES_MOST]; /* of the profile's text */
    int service_count;
    char inhibited[INHIBITED_MOST][40];
    int inhibited_count;
};

extern const char *const plan_ids[PLANS];

/* The rows, drawn by dice, with calendars from from_ms to to_ms. */
void company_draw(struct company *company, struct dice *dice, int heaters, int64_t from_ms, int64_t to_ms);
/* The fleet file of the same, into the database; row ids are noted. */
void company_import(struct company *company, struct sql *sql, struct rules *rules, int64_t now_ms);
/* The service that a fault of the profile interrupts; NULL: none. */
const char *company_service(const struct company *company, const char *fault);
/* The profile names faults that inhibit that one. */
bool company_inhibits(const struct company *company, const char *fault);
/* By row id: an index; -1. */
int company_heater(const struct company *company, int64_t row);
void company_free(struct company *company);
