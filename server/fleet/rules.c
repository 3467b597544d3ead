/* Profiles and plans from their folders; zones from the system. */
#include "server/fleet/rules.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "host/file.h"

#define RULES_MOST 1000
#define OVERLAYS_MOST 100
#define FILE_MOST  (4 * 1024 * 1024)
#define ARENA_MOST (512 * 1024 * 1024)
#define ZONE_BYTES (1024 * 1024)
#define CALENDARS_MOST 4096 /* versions of calendars in a run of the server */

struct known_zone { /* read when somebody asks; never changed, never let go before the end */
    struct arena *arena;
    const struct zone *zone;
    struct known_zone *next;
};

struct overlay { /* a text until a contract lays it over a plan */
    const char *id, *bytes;
    size_t size;
};

struct kept_plan { /* laid over, or of running tickets, when its file says something else by now; the same */
    struct arena *arena;
    const struct plan *plan;
    const char *key; /* id+overlay+overlay; NULL: of tickets */
    struct kept_plan *next;
};

struct known_calendar { /* read when a clock asks; the same */
    struct arena *arena;
    const char *doc;
    struct workdays workdays;
    struct known_calendar *next;
};

struct rules {
    struct arena *arena;
    const struct profile *profiles[RULES_MOST];
    size_t profile_count;
    const struct plan *plans[RULES_MOST];
    size_t plan_count;
    struct overlay overlays[OVERLAYS_MOST];
    size_t overlay_count;
    const struct job *jobs[RULES_MOST];
    size_t job_count;
    const struct codes *codes; /* or NULL */
    const struct notices *notices[RULES_MOST];
    size_t notices_count;
    const struct paper *papers[RULES_MOST];
    size_t paper_count;
    const struct paper_dictionary *dictionary; /* or NULL */
    const struct checklist *checklist; /* or NULL */
    const struct training_course *courses[RULES_MOST];
    size_t course_count;
    _Atomic(struct known_zone *) zones; /* any thread puts one in front */
    _Atomic(struct kept_plan *) kept;
    _Atomic(struct known_calendar *) calendars;
    atomic_size_t calendar_count;
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

/* What should be looked at is said once, at the start and by --check. */
static void warn(struct rules *rules, const struct complaints *complaints)
{
    for (size_t i = 0; i < complaints->warning_count && i < COMPLAINTS_MOST; i++) {
        rules->say(rules->context, complaints->warnings[i]);
    }
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
        warn(rules, &complaints);
    }
}

static void read_job_in(struct rules *rules, const char *path, const char *bytes, size_t size,
                        const struct job_world *world)
{
    struct complaints complaints = {.path = path, .arena = rules->arena};
    const struct job *job;

    if (job_read(rules->arena, bytes, size, world, &complaints, &job)) {
        tell(rules, &complaints);
    } else if (rules_job(rules, job->id)) {
        say_twice(rules, path, "job", job->id);
    } else {
        rules->jobs[rules->job_count++] = job;
    }
}

static void read_job(struct rules *rules, const char *path, const char *bytes, size_t size)
{
    const struct job_world world = {rules->profiles, rules->profile_count};

    read_job_in(rules, path, bytes, size, &world);
}

/* Shipped plans know the shipped profiles; a profile of one's own may bear the same id and have fewer points. */
static void read_job_alone(struct rules *rules, const char *path, const char *bytes, size_t size)
{
    read_job_in(rules, path, bytes, size, NULL);
}

/* Its leaves are judged on the plan they are laid over; here: that it is an overlay, with an id of its own. */
static void read_overlay(struct rules *rules, const char *path, const char *bytes, size_t size)
{
    struct complaints complaints = {.path = path, .arena = rules->arena};
    struct yaml_node *root;
    const char *id = NULL;

    if (!yaml_parse(rules->arena, bytes, size, &complaints, &root) &&
        yaml_map(&complaints, root, "a map: an overlay")) {
        id = yaml_id(&complaints, yaml_need(&complaints, root, "overlay"), "an overlay id");
    }
    if (complaints.count) {
        tell(rules, &complaints);
    } else if (rules_has_overlay(rules, id)) {
        say_twice(rules, path, "overlay", id);
    } else if (rules->overlay_count < OVERLAYS_MOST) {
        rules->overlays[rules->overlay_count++] = (struct overlay){id, bytes, size};
    } else {
        complain_at(&complaints, 1, 1, "expected at most %d overlays, found one more", OVERLAYS_MOST);
        tell(rules, &complaints);
    }
}

static void read_file(struct rules *rules, const char *path,
                      void (*read)(struct rules *rules, const char *path, const char *bytes, size_t size))
{
    char *bytes;
    size_t size;
    TEXT(line, 1200);

    if (file_read(rules->arena, path, FILE_MOST, &bytes, &size)) {
        text_addf(&line, "%s:1:1: error: expected a file that can be read", path);
        rules->say(rules->context, line.at);
        rules->wrong++;
        return;
    }
    read(rules, arena_text(rules->arena, path, strlen(path)), bytes, size);
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

        text_addf(&path, "%s/%s", folder, names[i]);
        read_file(rules, path.at, read);
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
            const char *const *names;
            size_t count;
            TEXT(overlays, 1100);

            read_folder(rules, plans, read_plan);
            text_addf(&overlays, "%s/overlays", plans);
            if (!file_list(rules->arena, overlays.at, ".yaml", &names, &count)) { /* it may not be there */
                read_folder(rules, overlays.at, read_overlay);
            }
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

static void read_notices(struct rules *rules, const char *path, const char *bytes, size_t size)
{
    struct complaints complaints = {.path = path, .arena = rules->arena};
    const struct notices *notices;

    if (notices_read(rules->arena, bytes, size, &complaints, &notices) || complaints.count) {
        tell(rules, &complaints);
    } else {
        rules->notices[rules->notices_count++] = notices;
    }
}

enum err rules_add_notices(struct rules *rules, const char *folder)
{
    read_folder(rules, folder, read_notices);
    return rules->wrong ? ERR_FORMAT : ERR_OK;
}

size_t rules_notices_count(const struct rules *rules)
{
    return rules->notices_count;
}

const struct notices *rules_notices_at(const struct rules *rules, size_t index)
{
    return rules->notices[index];
}

static void read_checklist(struct rules *rules, const char *path, const char *bytes, size_t size)
{
    struct complaints complaints = {.path = path, .arena = rules->arena};
    const struct checklist *checklist;

    if (checklist_read(rules->arena, bytes, size, &complaints, &checklist)) {
        tell(rules, &complaints);
    } else if (rules->checklist) {
        complain_at(&complaints, 1, 1, "expected one checklist for all equipment, found '%s' beside '%s'", checklist->id,
                    rules->checklist->id);
        tell(rules, &complaints);
    } else {
        rules->checklist = checklist;
    }
}

enum err rules_add_checklist(struct rules *rules, const char *folder)
{
    read_folder(rules, folder, read_checklist);
    return rules->wrong ? ERR_FORMAT : ERR_OK;
}

const struct checklist *rules_checklist(const struct rules *rules)
{
    return rules->checklist;
}

static void read_course(struct rules *rules, const char *path, const char *bytes, size_t size)
{
    struct complaints complaints = {.path = path, .arena = rules->arena};
    const struct training_course *course;

    if (course_read(rules->arena, bytes, size, &complaints, &course) || complaints.count) {
        tell(rules, &complaints);
    } else if (rules_course(rules, course->id)) {
        complain_at(&complaints, 1, 1, "expected an id of its own, found '%s' again", course->id);
        tell(rules, &complaints);
    } else {
        rules->courses[rules->course_count++] = course;
    }
}

/* What a course builds on is a course. */
static void check_before(struct rules *rules, const struct training_course *course)
{
    for (const char *const *id = course->before; *id; id++) {
        if (!rules_course(rules, *id)) {
            TEXT(line, 300);

            text_addf(&line, "course %s: error: expected requires to name courses, found '%s'", course->id, *id);
            rules->wrong++;
            rules->say(rules->context, line.at);
        }
    }
}

enum err rules_add_courses(struct rules *rules, const char *folder)
{
    read_folder(rules, folder, read_course);
    for (size_t i = 0; i < rules->course_count; i++) {
        check_before(rules, rules->courses[i]);
    }
    return rules->wrong ? ERR_FORMAT : ERR_OK;
}

const struct training_course *rules_course(const struct rules *rules, const char *id)
{
    for (size_t i = 0; i < rules->course_count; i++) {
        if (strcmp(rules->courses[i]->id, id) == 0) {
            return rules->courses[i];
        }
    }
    return NULL;
}

size_t rules_course_count(const struct rules *rules)
{
    return rules->course_count;
}

const struct training_course *rules_course_at(const struct rules *rules, size_t index)
{
    return rules->courses[index];
}

const struct training_course *rules_choose_course(const struct rules *rules, enum course_occasion occasion, const char *profile)
{
    return course_choose(rules->courses, rules->course_count, occasion, profile);
}

enum err rules_add_jobs(struct rules *rules, const char *folder)
{
    read_folder(rules, folder, read_job);
    return rules->wrong ? ERR_FORMAT : ERR_OK;
}

enum err rules_add_shipped_jobs(struct rules *rules, const char *folder)
{
    read_folder(rules, folder, read_job_alone);
    return rules->wrong ? ERR_FORMAT : ERR_OK;
}

static void read_dictionary(struct rules *rules, const char *path, const char *bytes, size_t size)
{
    struct complaints complaints = {.path = path, .arena = rules->arena};
    struct paper_dictionary *dictionary;
    enum err err = paper_read_dictionary(rules->arena, bytes, size, &complaints, &dictionary);

    if (!err) {
        dictionary->next = rules->dictionary;
        rules->dictionary = dictionary;
    } else if (err != ERR_NOT_FOUND) {
        tell(rules, &complaints);
    }
}

static void read_paper(struct rules *rules, const char *path, const char *bytes, size_t size)
{
    struct complaints complaints = {.path = path, .arena = rules->arena}, unheard = complaints;
    struct paper_dictionary *dictionary;
    const struct paper *paper;

    if (paper_read_dictionary(rules->arena, bytes, size, &unheard, &dictionary) != ERR_NOT_FOUND) {
        return;
    }
    if (paper_read(rules->arena, bytes, size, rules->dictionary, &complaints, &paper)) {
        tell(rules, &complaints);
    } else if (rules_paper(rules, paper->id)) {
        say_twice(rules, path, "paper", paper->id);
    } else {
        rules->papers[rules->paper_count++] = paper;
    }
}

enum err rules_add_papers(struct rules *rules, const char *folder)
{
    read_folder(rules, folder, read_dictionary);
    if (!rules->wrong) {
        read_folder(rules, folder, read_paper);
    }
    return rules->wrong ? ERR_FORMAT : ERR_OK;
}

const struct paper *rules_paper(const struct rules *rules, const char *id)
{
    for (size_t i = 0; i < rules->paper_count; i++) {
        if (strcmp(rules->papers[i]->id, id) == 0) {
            return rules->papers[i];
        }
    }
    return NULL;
}

size_t rules_paper_count(const struct rules *rules)
{
    return rules->paper_count;
}

const struct paper *rules_paper_at(const struct rules *rules, size_t index)
{
    return rules->papers[index];
}

static void read_codes(struct rules *rules, const char *path, const char *bytes, size_t size)
{
    struct complaints complaints = {.path = path, .arena = rules->arena};

    if (codes_read(rules->arena, bytes, size, &complaints, &rules->codes)) {
        tell(rules, &complaints);
    }
}

enum err rules_add_codes(struct rules *rules, const char *path)
{
    read_file(rules, path, read_codes);
    return rules->wrong ? ERR_FORMAT : ERR_OK;
}

const struct codes *rules_codes(const struct rules *rules)
{
    return rules->codes;
}

static void free_zone(struct known_zone *known)
{
    if (known) {
        arena_close(known->arena);
        free(known);
    }
}

static void free_calendar(struct known_calendar *known)
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
    struct known_calendar *calendar;
    struct kept_plan *kept;

    if (!rules) {
        return;
    }
    while ((calendar = atomic_load(&rules->calendars)) != NULL) {
        atomic_store(&rules->calendars, calendar->next);
        free_calendar(calendar);
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

static const struct plan *find_plan(const struct rules *rules, const char *id, size_t size)
{
    for (size_t i = 0; id && i < rules->plan_count; i++) {
        if (strncmp(rules->plans[i]->id, id, size) == 0 && !rules->plans[i]->id[size]) {
            return rules->plans[i];
        }
    }
    return NULL;
}

static const struct overlay *find_overlay(const struct rules *rules, const char *id, size_t size)
{
    for (size_t i = 0; i < rules->overlay_count; i++) {
        if (strncmp(rules->overlays[i].id, id, size) == 0 && !rules->overlays[i].id[size]) {
            return &rules->overlays[i];
        }
    }
    return NULL;
}

bool rules_has_overlay(const struct rules *rules, const char *id)
{
    return find_overlay(rules, id, strlen(id)) != NULL;
}

/* The texts of a plan and its overlays in one, with the seams that plan_merge.c looks for. */
static char *compose(const struct rules *rules, const char *id, struct arena *arena, size_t *ret_size)
{
    size_t first = strcspn(id, "+"), room = 0, size = 0;
    const struct plan *plan = find_plan(rules, id, first);
    char *all = NULL;

    for (int round = 0; plan && round < 2; round++) {
        room = plan->size;
        if (all) {
            memcpy(all, plan->bytes, plan->size);
        }
        for (const char *at = id + first; *at; at += size) {
            size = strcspn(++at, "+");
            const struct overlay *overlay = find_overlay(rules, at, size);
            TEXT(seam, 128);

            if (!overlay) {
                return NULL;
            }
            text_addf(&seam, "%s%s.yaml\n", PLAN_SEAM, overlay->id);
            if (all) {
                memcpy(all + room, seam.at, seam.length);
                memcpy(all + room + seam.length, overlay->bytes, overlay->size);
            }
            room += seam.length + overlay->size;
        }
        if (!all) {
            all = arena_take(arena, room + 1);
            if (!all) {
                return NULL;
            }
        }
    }
    *ret_size = room;
    return all;
}

static const struct plan *find_laid(const struct kept_plan *kept, const char *key)
{
    for (; kept; kept = kept->next) {
        if (kept->key && strcmp(kept->key, key) == 0) {
            return kept->plan;
        }
    }
    return NULL;
}

const struct plan *rules_lay(struct rules *rules, const char *id, struct complaints *complaints)
{
    struct kept_plan *kept = calloc(1, sizeof(*kept)), *first = atomic_load(&rules->kept);
    enum err err = kept ? arena_open(ARENA_MOST, &kept->arena) : ERR_NOMEM;
    size_t size = 0;

    if (!err) {
        const char *bytes = compose(rules, id, kept->arena, &size);

        kept->key = arena_text(kept->arena, id, strlen(id));
        err = bytes ? plan_read(kept->arena, bytes, size, complaints, &kept->plan) : ERR_NOT_FOUND;
    }
    if (err) {
        free_kept(kept);
        return NULL;
    }
    do { /* two threads may both lay one once */
        kept->next = first;
    } while (!atomic_compare_exchange_weak(&rules->kept, &first, kept));
    return kept->plan;
}

const struct plan *rules_plan(struct rules *rules, const char *id)
{
    const struct plan *plan = id ? find_plan(rules, id, strlen(id)) : NULL;
    struct complaints unheard = {.path = id};
    struct arena *arena;

    if (plan || !id || !strchr(id, '+')) {
        return plan;
    }
    plan = find_laid(atomic_load(&rules->kept), id);
    if (!plan && !arena_open(ZONE_BYTES, &arena)) {
        unheard.arena = arena;
        plan = rules_lay(rules, id, &unheard);
        arena_close(arena);
    }
    return plan;
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

/* ------------------------------------------------------------------ calendars */

static const struct zone *zone_by_name(void *context, const char *name)
{
    return rules_zone(context, name);
}

static struct known_calendar *read_calendar(struct rules *rules, const char *doc)
{
    struct known_calendar *known = calloc(1, sizeof(*known));
    struct complaints complaints = {.path = "calendar"};
    struct yaml_node *root;

    if (known && !arena_open(ARENA_MOST, &known->arena)) {
        complaints.arena = known->arena;
        known->doc = arena_text(known->arena, doc, strlen(doc));
        if (known->doc && !yaml_parse(known->arena, doc, strlen(doc), &complaints, &root)) { /* JSON is YAML */
            workdays_read(known->arena, root, &complaints, zone_by_name, rules, &known->workdays);
            return known;
        }
    }
    free_calendar(known);
    return NULL;
}

const struct workdays *rules_calendar(struct rules *rules, const char *doc)
{
    struct known_calendar *first = atomic_load(&rules->calendars), *mine;

    for (struct known_calendar *known = first; known; known = known->next) {
        if (strcmp(known->doc, doc) == 0) {
            return &known->workdays;
        }
    }
    mine = atomic_load(&rules->calendar_count) < CALENDARS_MOST ? read_calendar(rules, doc) : NULL;
    if (!mine) {
        return NULL;
    }
    atomic_fetch_add(&rules->calendar_count, 1);
    do {
        mine->next = first;
    } while (!atomic_compare_exchange_weak(&rules->calendars, &first, mine));
    return &mine->workdays;
}
