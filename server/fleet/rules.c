/* Profiles and plans from their folders; zones from the system. */
#include "server/fleet/rules.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "host/file.h"

#define RULES_MOST 1000
#define FILE_MOST  (4 * 1024 * 1024)
#define ARENA_MOST (512 * 1024 * 1024)
#define ZONE_BYTES (1024 * 1024)

struct known_zone { /* read when somebody asks; never changed, never let go before the end */
    struct arena *arena;
    const struct zone *zone;
    struct known_zone *next;
};

struct kept_plan { /* of running tickets, when its file says something else by now; the same */
    struct arena *arena;
    const struct plan *plan;
    struct kept_plan *next;
};

struct rules {
    struct arena *arena;
    const struct profile *profiles[RULES_MOST];
    size_t profile_count;
    const struct plan *plans[RULES_MOST];
    size_t plan_count;
    const struct job *jobs[RULES_MOST];
    size_t job_count;
    _Atomic(struct known_zone *) zones; /* any thread puts one in front */
    _Atomic(struct kept_plan *) kept;
    void (*say)(void *context, const char *line);
    void *context;
    size_t wrong;
};

static void tell(struct rules *rules, const struct complaints *complaints)
{
    size_t count = complaints->count < COMPLAINTS_MOST ? complaints->count : COMPLAINTS_MOST;

    for (size_t i = 0; i < count; i++) {
        rules->say(rules->context, complaints->lines[i]);
    }
    rules->wrong += complaints->count;
}

static void say_twice(struct rules *rules, const char *path, const char *what, const char *id)
{
    TEXT(line, 1400);

    text_addf(&line, "%s:1:1: error: expected a %s id of its own, found '%s' again", path, what, id);
    rules->say(rules->context, line.at);
    rules->wrong++;
}

static void read_profile(struct rules *rules, const char *path, const char *bytes, size_t size)
{
    struct complaints complaints = {.path = path, .arena = rules->arena};
    const struct profile *profile;

    if (profile_read(rules->arena, bytes, size, &complaints, &profile)) {
        tell(rules, &complaints);
    } else if (rules_profile(rules, profile->id)) {
        say_twice(rules, path, "profile", profile->id);
    } else {
        rules->profiles[rules->profile_count++] = profile;
    }
}

static void read_plan(struct rules *rules, const char *path, const char *bytes, size_t size)
{
    struct complaints complaints = {.path = path, .arena = rules->arena};
    const struct plan *plan;

    if (plan_read(rules->arena, bytes, size, &complaints, &plan)) {
        tell(rules, &complaints);
    } else if (rules_plan(rules, plan->id)) {
        say_twice(rules, path, "plan", plan->id);
    } else {
        rules->plans[rules->plan_count++] = plan;
    }
}

static void read_job(struct rules *rules, const char *path, const char *bytes, size_t size)
{
    struct complaints complaints = {.path = path, .arena = rules->arena};
    const struct job_world world = {rules->profiles, rules->profile_count};
    const struct job *job;

    if (job_read(rules->arena, bytes, size, &world, &complaints, &job)) {
        tell(rules, &complaints);
    } else if (rules_job(rules, job->id)) {
        say_twice(rules, path, "job", job->id);
    } else {
        rules->jobs[rules->job_count++] = job;
    }
}

static void read_folder(struct rules *rules, const char *folder,
                        void (*read)(struct rules *rules, const char *path, const char *bytes,
                                     size_t size))
{
    const char *const *names;
    size_t count;
    enum err err = file_list(rules->arena, folder, ".yaml", &names, &count);
    TEXT(line, 1200);

    if (err) {
        text_addf(&line, "%s:1:1: error: expected a folder of YAML files, found: %s", folder,
                  err_text(err));
        rules->say(rules->context, line.at);
        rules->wrong++;
        return;
    }
    if (count > RULES_MOST) {
        text_addf(&line, "%s:1:1: error: expected at most %d files, found %zu", folder, RULES_MOST, count);
        rules->say(rules->context, line.at);
        rules->wrong++;
        count = RULES_MOST;
    }
    for (size_t i = 0; i < count; i++) {
        TEXT(path, 1100);
        char *bytes;
        size_t size;

        text_addf(&path, "%s/%s", folder, names[i]);
        if (file_read(rules->arena, path.at, FILE_MOST, &bytes, &size)) {
            text_clear(&line);
            text_addf(&line, "%s:1:1: error: expected a file that can be read", path.at);
            rules->say(rules->context, line.at);
            rules->wrong++;
            continue;
        }
        read(rules, arena_text(rules->arena, path.at, path.length), bytes, size);
    }
}

enum err rules_open(const char *profiles, const char *plans,
                    void (*say)(void *context, const char *line), void *context,
                    struct rules **ret_rules)
{
    struct rules *rules = calloc(1, sizeof(*rules));
    enum err err;

    if (!rules) {
        return ERR_NOMEM;
    }
    rules->say = say;
    rules->context = context;
    err = arena_open(ARENA_MOST, &rules->arena);
    if (!err) {
        if (profiles) {
            read_folder(rules, profiles, read_profile);
        }
        if (plans) {
            read_folder(rules, plans, read_plan);
        }
        err = rules->wrong ? ERR_FORMAT : ERR_OK;
    }
    if (err) {
        rules_close(rules);
        return err;
    }
    *ret_rules = rules;
    return ERR_OK;
}

enum err rules_add_jobs(struct rules *rules, const char *folder)
{
    read_folder(rules, folder, read_job);
    return rules->wrong ? ERR_FORMAT : ERR_OK;
}

static void free_zone(struct known_zone *known)
{
    if (known) {
        arena_close(known->arena);
        free(known);
    }
}

static void free_kept(struct kept_plan *kept)
{
    if (kept) {
        arena_close(kept->arena);
        free(kept);
    }
}

void rules_close(struct rules *rules)
{
    struct known_zone *known;
    struct kept_plan *kept;

    if (!rules) {
        return;
    }
    while ((kept = atomic_load(&rules->kept)) != NULL) {
        atomic_store(&rules->kept, kept->next);
        free_kept(kept);
    }
    while ((known = atomic_load(&rules->zones)) != NULL) {
        atomic_store(&rules->zones, known->next);
        free_zone(known);
    }
    arena_close(rules->arena);
    free(rules);
}

const struct profile *rules_profile(const struct rules *rules, const char *id)
{
    for (size_t i = 0; id && i < rules->profile_count; i++) {
        if (strcmp(rules->profiles[i]->id, id) == 0) {
            return rules->profiles[i];
        }
    }
    return NULL;
}

const struct plan *rules_plan(const struct rules *rules, const char *id)
{
    for (size_t i = 0; id && i < rules->plan_count; i++) {
        if (strcmp(rules->plans[i]->id, id) == 0) {
            return rules->plans[i];
        }
    }
    return NULL;
}

size_t rules_profile_count(const struct rules *rules)
{
    return rules->profile_count;
}

const struct profile *rules_profile_at(const struct rules *rules, size_t index)
{
    return rules->profiles[index];
}

size_t rules_plan_count(const struct rules *rules)
{
    return rules->plan_count;
}

const struct plan *rules_plan_at(const struct rules *rules, size_t index)
{
    return rules->plans[index];
}

static const struct plan *find_kept(const struct kept_plan *kept, const char *hash)
{
    for (; kept; kept = kept->next) {
        if (strcmp(kept->plan->hash, hash) == 0) {
            return kept->plan;
        }
    }
    return NULL;
}

static struct kept_plan *read_kept(struct sql *sql, const char *hash)
{
    struct kept_plan *kept = calloc(1, sizeof(*kept));
    enum err err = kept ? arena_open(ARENA_MOST, &kept->arena) : ERR_NOMEM, end;
    struct sql_rows rows;

    if (!err) {
        sql_find(sql, &rows, "SELECT body FROM plan_text WHERE hash = ?1", "t", hash);
        err = ERR_NOT_FOUND;
        if (sql_next(&rows)) {
            size_t size = 0;
            const void *body = sql_blob(&rows, 0, &size);
            const char *bytes = body ? arena_text(kept->arena, body, size) : NULL;

            err = bytes ? plan_read_kept(kept->arena, bytes, size, &kept->plan) : ERR_NOMEM;
        }
        end = sql_end(&rows);
        err = err ? err : end;
    }
    if (err) {
        free_kept(kept);
        return NULL;
    }
    return kept;
}

const struct plan *rules_plan_kept(struct rules *rules, struct sql *sql, const char *id,
                                   const char *hash)
{
    const struct plan *plan = rules_plan(rules, id);
    struct kept_plan *first = atomic_load(&rules->kept), *mine;
    const struct plan *kept;

    if (!hash || (plan && strcmp(plan->hash, hash) == 0)) {
        return plan;
    }
    kept = find_kept(first, hash);
    if (kept) {
        return kept;
    }
    mine = read_kept(sql, hash);
    if (!mine) {
        return plan;
    }
    do { /* two threads may both read one once */
        mine->next = first;
    } while (!atomic_compare_exchange_weak(&rules->kept, &first, mine));
    return mine->plan;
}

enum err rules_keep_plan(struct sql *sql, const struct plan *plan, int64_t now_ms)
{
    return sql_run(sql,
                   "INSERT INTO plan_text (hash, plan, body, stored_ms) VALUES (?1, ?2, ?3, ?4)"
                   " ON CONFLICT (hash) DO NOTHING",
                   "ttbi", plan->hash, plan->id, plan->bytes, plan->size, now_ms);
}

const struct job *rules_job(const struct rules *rules, const char *id)
{
    for (size_t i = 0; id && i < rules->job_count; i++) {
        if (strcmp(rules->jobs[i]->id, id) == 0) {
            return rules->jobs[i];
        }
    }
    return NULL;
}

size_t rules_job_count(const struct rules *rules)
{
    return rules->job_count;
}

const struct job *rules_job_at(const struct rules *rules, size_t index)
{
    return rules->jobs[index];
}

const struct job *rules_choose_job(const struct rules *rules, const struct job_wanted *wanted)
{
    return job_choose(rules->jobs, rules->job_count, wanted);
}

static const struct zone *find_zone(const struct known_zone *known, const char *name)
{
    for (; known; known = known->next) {
        if (strcmp(zone_name(known->zone), name) == 0) {
            return known->zone;
        }
    }
    return NULL;
}

static struct known_zone *read_zone(const char *name)
{
    struct known_zone *known = calloc(1, sizeof(*known));

    if (known && !arena_open(ZONE_BYTES, &known->arena) &&
        !file_zone(known->arena, name, &known->zone)) {
        return known;
    }
    free_zone(known);
    return NULL;
}

const struct zone *rules_zone(struct rules *rules, const char *name)
{
    struct known_zone *first = atomic_load(&rules->zones), *mine;
    const struct zone *zone = name ? find_zone(first, name) : NULL;

    if (zone || !name) {
        return zone;
    }
    mine = read_zone(name);
    if (!mine) {
        return NULL;
    }
    do { /* whoever is in front now; two threads may both read a zone once */
        mine->next = first;
    } while (!atomic_compare_exchange_weak(&rules->zones, &first, mine));
    return mine->zone;
}
