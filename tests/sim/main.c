/*
 * A simulated year of a company, under a clock that nobody waits for: the real desk on a real database,
 * against a witness that counts minutes. Run from the root of the tree.
 *
 *   year [--seed N] [--heaters N] [--days N] [--faults N] [--database URL] [--doubt]
 *
 * --doubt spoils the result in one way after the other, and fails when the witness does not see it.
 */
#include "year.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void complain_to_nobody(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s\n", line);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void report(const struct year *year, double ran)
{
    const struct ledger *ledger = &year->ledger;

    printf("%d heaters, %d gateways, %d technicians, %lld days, seed %llu\n", year->company.heater_count,
           year->company.gateway_count, TECHNICIANS, (long long)((year->end_ms - year->begin_ms) / DAY),
           (unsigned long long)year->seed);
    printf("%lld faults, %lld lost links, %lld reports, %lld actions (%lld refused, %lld sent twice), %lld stops\n",
           (long long)year->episode_count, (long long)year->losses, (long long)year->reports, (long long)year->actions,
           (long long)year->refused, (long long)year->repeated, (long long)year->stops);
    printf("%lld tickets, %lld lines, %lld clocks compared, %lld notices, %lld turns\n", (long long)ledger->count,
           (long long)ledger->lines, (long long)ledger->compared, (long long)ledger->notices, (long long)year->turns);
    printf("%lld parts used, %lld times too few, %lld.%02lld billed\n", (long long)year->books.used, (long long)year->books.refused,
           (long long)year->books.billed_minor / 100, (long long)year->books.billed_minor % 100);
    printf("%s: %lld differences, %.1f s\n", ledger->wrong ? "FAILED" : "ok", (long long)ledger->wrong, ran);
}

static void remove_files(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock", ".guest"};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        char name[200];

        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
}

struct options {
    const char *database;
    int heaters, days, faults; /* faults: of a heater and year */
    uint64_t seed;
    bool doubt;
};

static bool read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "--doubt") == 0) {
            options->doubt = true;
            continue;
        }
        if (!value) {
            return false;
        }
        if (strcmp(argv[i], "--seed") == 0) {
            options->seed = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i], "--heaters") == 0) {
            options->heaters = atoi(value);
        } else if (strcmp(argv[i], "--days") == 0) {
            options->days = atoi(value);
        } else if (strcmp(argv[i], "--faults") == 0) {
            options->faults = atoi(value);
        } else if (strcmp(argv[i], "--database") == 0) {
            options->database = value;
        } else {
            return false;
        }
        i++;
    }
    return options->faults >= 0 && options->faults <= 1000 && options->heaters >= 10 && options->heaters <= 20000 && options->days >= 1 && options->days <= 700;
}

int main(int argc, char **argv)
{
    static struct year year;
    struct options options = {.heaters = 2000, .days = 365, .faults = 2, .seed = 2026};
    const char *folder = getenv("TMPDIR");
    char path[100], url[120];
    double began = seconds();
    int failed;

    if (!read_options(argc, argv, &options)) {
        fprintf(stderr, "usage: year [--seed N] [--heaters N] [--days N] [--faults N] [--database URL] [--doubt]\n");
        return 2;
    }
    year.seed = options.seed;
    snprintf(path, sizeof(path), "%.60s/heliograph-year-%d.db", folder ? folder : "/tmp", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    if (rules_open("models/equipment", "models/plans", complain_to_nobody, NULL, &year.rules)) {
        return 2;
    }
    printf("seed %llu\n", (unsigned long long)year.seed);
    year_begin(&year, options.database ? options.database : url, options.heaters, options.days,
               options.faults);
    year_run(&year);
    year_check(&year);
    report(&year, seconds() - began);
    failed = year.ledger.wrong > 0 || (options.doubt && year_doubt(&year) > 0);
    year_end(&year);
    rules_close(year.rules);
    remove_files(path);
    return failed;
}
