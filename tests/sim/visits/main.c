/*
 * Twenty years of visits in four zones, under a clock that nobody waits for. Run from the root of the tree.
 *
 *   visits [--seed N] [--heaters N] [--years N] [--database URL]
 */
#include "tests/sim/visits/visits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "models/base/civil.h"

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The server goes: for days, now and then for weeks, rarely for more than a year. */
static void stop(struct world *world)
{
    int days = (int)dice_between(&world->dice, 1, dice_chance(&world->dice, 85) ? 6 : dice_chance(&world->dice, 70) ? 60 : 450);

    if (world->down_count == DOWNS) {
        return;
    }
    world->downs[world->down_count].from = world->today;
    world->up_on = world->today + days;
    world->downs[world->down_count++].to = world->up_on - 1;
    world->up = false;
    desk_close(world->desk);
}

static void start(struct world *world)
{
    struct office_options options = {.rules = world->rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard"};

    if (desk_open(&options, &world->desk)) {
        abort();
    }
    world->up = true;
    world->next_ms = 0;
}

static void turn(struct world *world)
{
    int again = 0;

    do {
        if (desk_turn(world->desk, world->sql, world->now_ms, &world->next_ms)) {
            fprintf(stderr, "a turn fails: %s\n", sql_why(world->sql));
            abort();
        }
        world->turns++;
    } while (world->next_ms <= world->now_ms && again++ < 50);
}

static void run(struct world *world)
{
    for (world->today = world->begin + 1; world->today < world->end; world->today++) {
        world->now_ms = world->today * DAY_MS + 9 * 3600000;
        if (!world->up && world->today >= world->up_on) {
            start(world);
        }
        if (!world->up) {
            continue;
        }
        turn(world);
        people_day(world);
        if (world->today % 5 == 0) {
            witness_look(world);
        }
        if (world->today < world->end - 40 && dice_chance(&world->dice, 2)) {
            stop(world);
        }
        if (world->today % 50 == 0 && (sql_commit(world->sql) || sql_begin(world->sql))) {
            abort();
        }
    }
    if (!world->up) {
        start(world);
    }
    turn(world);
}

static void remove_all(struct world *world, const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock", ".guest"};
    char line[300];

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        snprintf(line, sizeof(line), "%s%s", path, ends[i]);
        unlink(line);
    }
    snprintf(line, sizeof(line), "rm -r %s", world->plans);
    (void)!system(line);
}

int main(int argc, char **argv)
{
    static struct world world;
    const char *folder = getenv("TMPDIR"), *database = NULL;
    char path[120], url[140];
    double began = seconds();
    int years = 20;

    world.seed = 2027;
    world.heater_count = 24;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0) {
            world.seed = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--heaters") == 0) {
            world.heater_count = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--years") == 0) {
            years = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--database") == 0) {
            database = argv[i + 1];
        }
    }
    if (argc % 2 == 0 || world.heater_count < 2 || world.heater_count > HEATERS || years < 1 || years > 60) {
        fprintf(stderr, "usage: visits [--seed N] [--heaters N] [--years N] [--database URL]\n");
        return 2;
    }
    snprintf(path, sizeof(path), "%s/heliograph-visits-%d.db", folder ? folder : "/tmp", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    snprintf(world.plans, sizeof(world.plans), "%s/heliograph-visits-%d", folder ? folder : "/tmp", (int)getpid());
    world.begin = civil_days(2027, 1, 1);
    world.end = civil_add_months(world.begin, 12 * years);
    printf("seed %llu\n", (unsigned long long)world.seed);
    world_begin(&world, database ? database : url);
    run(&world);
    witness_end(&world);
    printf("%d heaters in %d zones, %d years, seed %llu: %lld visits made, %lld rode along, %lld skipped, %lld moved\n",
           world.heater_count, ZONES, years, (unsigned long long)world.seed, (long long)world.made, (long long)world.ridden,
           (long long)world.skipped, (long long)world.moved);
    printf("%d stops, %lld changes of the fleet file, %lld actions (%lld refused), %lld turns\n", world.down_count,
           (long long)world.changes, (long long)world.actions, (long long)world.refused, (long long)world.turns);
    printf("%s: %lld differences, %.1f s\n", world.wrong ? "FAILED" : "ok", (long long)world.wrong, seconds() - began);
    desk_close(world.desk);
    sql_rollback(world.sql);
    sql_close(world.sql);
    rules_close(world.rules);
    arena_close(world.arena);
    remove_all(&world, path);
    return world.wrong > 0;
}
