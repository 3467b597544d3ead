/* Faults of a piece of equipment that a person has put aside: shelved for some time, or out of service until
 * somebody brings it back. Both hold for later alarms of the fault too. */
#pragma once

#include "models/service/role.h"
#include "server/alarm/alarm.h"

struct shelf { /* what holds of a fault now */
    int64_t shelved_until_ms; /* 0: not shelved */
    bool out_of_service;
};
struct shelf shelf_of(struct sql *sql, int64_t equipment, const char *fault, int64_t now_ms);

struct shelf_wish {
    const char *who, *action_id, *reason, *note;
    enum role role;
    const char *role_name;
    int64_t until_ms; /* 0: out of service */
};
enum err shelf_put(struct sql *sql, const struct alarm *alarm, const struct shelf_wish *wish,
                   int64_t now_ms) MUST_CHECK;
/* Back again, by a person: kind shelved or out_of_service. */
enum err shelf_take(struct sql *sql, const struct alarm *alarm, const char *kind, const struct shelf_wish *wish,
                    int64_t now_ms) MUST_CHECK;
/* The next one whose time is over is ended at that time; *ret_alarm: the open alarm of the fault, or 0. ERR_NOT_FOUND:
 * there is none. */
enum err shelf_expire(struct sql *sql, int64_t now_ms, int64_t *ret_alarm) MUST_CHECK;
int64_t shelf_due_ms(struct sql *sql); /* INT64_MAX */
