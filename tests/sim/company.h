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

struct company {
    struct minutes calendars[CALENDARS];
    struct heater *heaters;
    struct gateway *gateways;
    int heater_count, gateway_count;
    struct arena *arena;
    struct yaml_node *plans[PLANS]; /* the files, as trees */
};

extern const char *const plan_ids[PLANS];

/* The rows, drawn by dice, with calendars from from_ms to to_ms. */
void company_draw(struct company *company, struct dice *dice, int heaters, int64_t from_ms, int64_t to_ms);
/* The fleet file of the same, into the database; row ids are noted. */
void company_import(struct company *company, struct sql *sql, struct rules *rules, int64_t now_ms);
void company_free(struct company *company);
