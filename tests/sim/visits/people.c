/* What people do on a day on which the server runs. */
#include "tests/sim/visits/visits.h"

#include <stdio.h>
#include <stdlib.h>

#include "models/base/civil.h"

#define MOST 400

static int64_t any_visit(struct world *world, const char *state)
{
    const struct heater *heater = &world->heaters[dice_between(&world->dice, 0, world->heater_count - 1)];

    return sql_find_int(world->sql, 0,
                        "SELECT id FROM visit WHERE equipment = ?1 AND state = ?2 AND due_day >= ?3 ORDER BY sequence LIMIT 1", "iti",
                        heater->row, state, (int64_t)world->today - 200);
}

static void appointment(struct world *world, int days, struct text *to)
{
    char day[11];

    civil_write_date(world->today + days, day);
    text_addf(to, "\"technician\":\"tech-%d\",\"appointment\":{\"from\":\"%sT09:00:00Z\",\"to\":\"%sT11:00:00Z\"}",
              (int)dice_between(&world->dice, 0, ZONES - 1), day, day);
}

/* An order is driven to and finished, at the time of its appointment: the phone may have been offline. */
static void make(struct world *world, int64_t order, int64_t at_ms)
{
    world_act(world, false, order, "arrive", "", at_ms);
    world_act(world, false, order, "start", "", at_ms);
    world_act(world, false, order, "finish", "", at_ms);
}

/* Appointments that have come are kept, or not; orders that wait get one. */
static void drive(struct world *world)
{
    struct order {
        int64_t id, from_ms, created_ms;
        bool corrective;
    } orders[MOST];
    struct sql_rows rows;
    int count = 0;

    sql_find(world->sql, &rows,
             "SELECT id, from_ms, created_ms, kind = 'corrective' FROM work_order WHERE ride IS NULL AND state IN ('proposed',"
             " 'dispatched', 'assigned', 'accepted', 'refused') ORDER BY id LIMIT 400",
             "");
    while (count < MOST && sql_next(&rows)) {
        orders[count++] = (struct order){sql_int(&rows, 0), sql_int(&rows, 1), sql_int(&rows, 2), sql_int(&rows, 3) != 0};
    }
    if (sql_end(&rows)) {
        abort();
    }
    for (int i = 0; i < count; i++) {
        TEXT(fields, 200);

        if (orders[i].from_ms && orders[i].from_ms <= world->now_ms && dice_chance(&world->dice, 90)) {
            make(world, orders[i].id, orders[i].from_ms > orders[i].created_ms ? orders[i].from_ms : world->now_ms);
        } else if (orders[i].from_ms && dice_chance(&world->dice, 2)) {
            appointment(world, (int)dice_between(&world->dice, 1, 40), &fields);
            text_add(&fields, ",\"reason\":\"another day\"");
            world_act(world, false, orders[i].id, orders[i].corrective ? "reschedule" : "assign", fields.at, 0);
            world->moved++;
        } else if (orders[i].from_ms && dice_chance(&world->dice, 1)) {
            world_act(world, false, orders[i].id, "cancel", "\"reason\":\"not wanted\"", 0);
        } else if (!orders[i].from_ms && !orders[i].corrective && dice_chance(&world->dice, 4)) {
            appointment(world, (int)dice_between(&world->dice, 0, 25), &fields);
            world_act(world, false, orders[i].id, "assign", fields.at, 0);
        }
    }
}

/* A fault somewhere; somebody is sent, and what is due there rides along. */
static void repair(struct world *world)
{
    const struct heater *heater = &world->heaters[dice_between(&world->dice, 0, world->heater_count - 1)];
    struct desk_fault fault = {.equipment = heater->row, .fault = "pump_no_flow", .state = FAULT_RAISED, .grade = 2,
                               .onset_ms = world->now_ms - 60000, .detected_ms = world->now_ms, .t_ms = world->now_ms};
    struct action assign = {.action = "assign", .who = "ann", .role = ROLE_DISPATCHER};
    int64_t ticket;
    TEXT(fields, 300);
    TEXT(json, 400);
    TEXT(why, 800);

    if (desk_fault(world->desk, world->sql, &fault, world->now_ms)) {
        abort();
    }
    ticket = sql_find_int(world->sql, 0, "SELECT id FROM ticket WHERE equipment = ?1 AND closed_ms IS NULL ORDER BY id DESC LIMIT 1", "i",
                          heater->row);
    appointment(world, (int)dice_between(&world->dice, 0, 4), &fields);
    text_addf(&json, "{\"action\":\"assign\",%s,\"override\":{\"reason\":\"x\"}}", fields.at);
    arena_reset(world->arena);
    if (json_parse(world->arena, json.at, json.length, &assign.body, NULL) || sql_save(world->sql)) {
        abort();
    }
    if (!ticket || desk_ticket_action(world->desk, world->sql, ticket, &assign, world->now_ms, &why)) {
        sql_undo(world->sql);
        return;
    }
    sql_release(world->sql);
    fault.state = FAULT_CLEARED; /* so that the next one is another ticket; the order is driven to all the same */
    fault.cleared_ms = world->now_ms;
    if (desk_fault(world->desk, world->sql, &fault, world->now_ms)) {
        abort();
    }
}

static void desk_work(struct world *world)
{
    int64_t visit;
    char day[11];
    TEXT(fields, 200);

    if (dice_chance(&world->dice, 3) && (visit = any_visit(world, dice_chance(&world->dice, 50) ? "released" : "planned"))) {
        world_act(world, true, visit, "skip", "\"code\":\"customer_declines\"", 0);
        world->skipped++;
    }
    if (dice_chance(&world->dice, 2) && (visit = any_visit(world, "skipped"))) {
        world_act(world, true, visit, "reinstate", "\"reason\":\"wanted after all\"", 0);
    }
    if (dice_chance(&world->dice, 4) && (visit = any_visit(world, "planned"))) {
        civil_write_date(world->today + (int32_t)dice_between(&world->dice, 0, 90), day);
        text_addf(&fields, "\"on\":\"%s\",\"reason\":\"as the customer likes\"", day);
        world_act(world, true, visit, "move", fields.at, 0);
        world->moved++;
    }
    if (dice_chance(&world->dice, 1) && (visit = any_visit(world, "planned"))) {
        world_act(world, true, visit, "release", "\"reason\":\"somebody is there\"", 0);
    }
    if (dice_chance(&world->dice, 1) && (visit = any_visit(world, "attached"))) {
        world_act(world, true, visit, "detach", "", 0);
    }
    if (dice_chance(&world->dice, 3) && (visit = any_visit(world, "released"))) {
        text_clear(&fields);
        appointment(world, (int)dice_between(&world->dice, 1, 20), &fields);
        world_act(world, true, visit, "appoint", fields.at, 0);
    }
}

/* Another plan, another end, a corrected date; now and then only the same file again. */
static void change(struct world *world)
{
    int site = (int)dice_between(&world->dice, 0, world->site_count - 1);
    struct contract *contract = &world->contracts[site];

    witness_before_change(world);
    switch (dice_between(&world->dice, 0, 4)) {
    case 0:
    case 1:
        contract->kind = contract->end > world->end ? (int)dice_between(&world->dice, 0, KINDS - 1) : contract->kind;
        break;
    case 2: /* after its end the preset plan holds: of that kind are the contracts that end */
        if (contract->kind == 0) {
            contract->end = contract->end > world->end ? world->today + (int32_t)dice_between(&world->dice, -30, 300)
                                                       : world->end + 2000;
        }
        break;
    case 3:
        world->heaters[2 * site].acceptance += (int32_t)dice_between(&world->dice, -40, 40);
        break;
    default:
        break;
    }
    world_import(world);
    world->changes++;
    witness_after_change(world);
}

void people_day(struct world *world)
{
    drive(world);
    desk_work(world);
    if (dice_chance(&world->dice, 4)) {
        repair(world);
    }
    if (dice_chance(&world->dice, 2)) {
        change(world);
    }
}
