/* Rows in, findings out. */
#include "server/replay/replay.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/file.h"
#include "models/base/yaml.h"
#include "server/replay/replay_int.h"

#define MEMORY_MOST   (512 << 20)
#define PROFILE_MOST  (4 << 20)
#define EVIDENCE_MOST 4096
#define ROWS_BETWEEN  4096 /* looks at the clock, for the bar */
#define BAR           30

const char replay_help[] =
    "replay --profile FILE --csv FILE [--map FILE] [--json]\n"
    "  A recording through the rules of a profile, in its own time: what would have been found. Needs no --config.\n"
    "  --csv FILE  a head line and rows; - is standard input. Columns are named as the points, and the time is called\n"
    "              time, timestamp, datetime or date_time, unless a map says otherwise\n"
    "  --map FILE  YAML: time: COLUMN, zone_offset: MINUTES, points: {COLUMN: POINT}\n"
    "  --json      one object with all findings instead of a line each\n";

int replay_options(int argc, char **argv, struct replay_options *ret_options)
{
    struct replay_options options = {.json = false};

    for (int i = 0; i < argc; i++) {
        const char **value = strcmp(argv[i], "--profile") == 0 ? &options.profile
                             : strcmp(argv[i], "--csv") == 0   ? &options.csv
                             : strcmp(argv[i], "--map") == 0   ? &options.map
                                                               : NULL;

        if (strcmp(argv[i], "--json") == 0) {
            options.json = true;
        } else if (value && i + 1 < argc) {
            *value = argv[++i];
        } else {
            fprintf(stderr, "heliograph-server replay: expected --profile, --csv, --map with a file or --json, found %s\n%s",
                    argv[i], replay_help);
            return 2;
        }
    }
    if (!options.profile || !options.csv) {
        fprintf(stderr, "heliograph-server replay: %s FILE is missing\n%s", options.profile ? "--csv" : "--profile",
                replay_help);
        return 2;
    }
    *ret_options = options;
    return -1;
}

/* ------------------------------------------------------------------ begin */

static bool read_profile(struct replay *replay)
{
    struct complaints complaints = {.path = replay->options->profile, .arena = replay->arena};
    char *bytes;
    size_t size;

    if (file_read(replay->arena, complaints.path, PROFILE_MOST, &bytes, &size)) {
        complain_at(&complaints, 1, 1, "expected a profile that can be read, found none");
    } else if (profile_read(replay->arena, bytes, size, &complaints, &replay->profile)) {
        replay->profile = NULL;
    }
    for (size_t i = 0; i < complaints.count && i < COMPLAINTS_MOST; i++) {
        fprintf(stderr, "%s\n", complaints.lines[i]);
    }
    return replay->profile != NULL;
}

static bool knows(void *context, const char *point)
{
    const struct replay *replay = context;

    return profile_point(replay->profile, point) >= 0;
}

static bool begin(struct replay *replay)
{
    size_t used = 0;

    if (arena_open(MEMORY_MOST, &replay->arena) || !read_profile(replay)) {
        return false;
    }
    replay->recording = recording_open(replay->options->csv, replay->options->map, knows, replay);
    if (!replay->recording || judge_open(replay->profile, &replay->judge)) {
        return false;
    }
    for (int i = 0; i < recording_columns(replay->recording); i++) {
        const char *point = recording_point(replay->recording, i);

        replay->points[i] = point ? profile_point(replay->profile, point) : -1;
        used += replay->points[i] >= 0;
    }
    if (!used) {
        fprintf(stderr, "%s:1:1: error: expected a column that is named as a point of %s, found none\n",
                replay->options->csv, replay->profile->id);
        return false;
    }
    replay->evidence = json_out(EVIDENCE_MOST);
    replay->shows_bar = isatty(STDERR_FILENO) != 0;
    return true;
}

static void end(struct replay *replay)
{
    json_out_free(&replay->evidence);
    judge_close(replay->judge);
    recording_close(replay->recording);
    arena_close(replay->arena);
}

/* ------------------------------------------------------------------ findings */

static void print(const struct replay *replay, const struct finding *finding, const char *what, int64_t at_ms)
{
    const struct fault_rule *rule = &replay->profile->faults[finding->fault];
    TEXT(at, 48);

    if (replay->options->json) {
        return;
    }
    if (replay->shows_bar) {
        fprintf(stderr, "\r\033[K");
    }
    finding_time(at_ms, recording_zone_ms(replay->recording), &at);
    printf("%s  %-8s  grade %d  %-24s  %-14s  %s", at.at, what, finding->grade, rule->id, rule->component ? rule->component : "",
           rule->title.en ? rule->title.en : "");
    if (strcmp(what, "raised") == 0) {
        printf("\n    evidence %s", finding->evidence);
        for (size_t i = 0; i < rule->cause_count; i++) {
            printf("%s%s %.2g", i ? ", " : "\n    causes   ", rule->causes[i].cause, rule->causes[i].odds);
        }
    }
    printf("\n");
}

static const char *evidence_of(struct replay *replay, size_t fault)
{
    const char *words;

    json_out_reset(&replay->evidence);
    judge_evidence(replay->judge, fault, &replay->evidence);
    words = replay->evidence.err || !replay->evidence.bytes
                ? NULL
                : arena_text(replay->arena, replay->evidence.bytes, replay->evidence.size);
    return words ? words : "{}";
}

/* Room for one more, twice as much each time; NULL: none is left. */
static struct finding *new_finding(struct replay *replay)
{
    if (replay->finding_count == replay->room && replay->room < FINDINGS_MOST) {
        size_t room = replay->room ? 2 * replay->room : 64;
        struct finding *more = arena_array(replay->arena, room, sizeof(*more));

        if (more) {
            if (replay->finding_count) {
                memcpy(more, replay->findings, replay->finding_count * sizeof(*more));
            }
            replay->findings = more;
            replay->room = room;
        }
    }
    if (replay->finding_count == replay->room) {
        replay->beyond++;
        return NULL;
    }
    return &replay->findings[replay->finding_count++];
}

static void raise_one(struct replay *replay, const struct verdict *verdict)
{
    struct finding *finding = new_finding(replay);

    if (finding) {
        *finding = (struct finding){.fault = verdict->fault, .grade = verdict->grade, .onset_ms = verdict->onset_ms,
                                    .raised_ms = verdict->t_ms, .evidence = evidence_of(replay, verdict->fault)};
        replay->open[verdict->fault] = replay->finding_count;
        print(replay, finding, "raised", verdict->t_ms);
    }
}

static void take(struct replay *replay, const struct verdict *verdict)
{
    size_t open = replay->open[verdict->fault];
    struct finding *finding = open ? &replay->findings[open - 1] : NULL;

    if (verdict->state == FAULT_RAISED) {
        raise_one(replay, verdict);
    } else if (finding && verdict->state == FAULT_REGRADED) {
        finding->grade = verdict->grade;
        if (finding->regrade_count < REGRADES_MOST) {
            finding->regrades[finding->regrade_count++] = (struct regrade){verdict->t_ms, verdict->grade};
        }
        print(replay, finding, "regraded", verdict->t_ms);
    } else if (finding) {
        finding->cleared_ms = verdict->cleared_ms;
        replay->open[verdict->fault] = 0;
        print(replay, finding, "cleared", verdict->cleared_ms);
    }
}

/* ------------------------------------------------------------------ rows */

static void take_row(struct replay *replay)
{
    static struct verdict verdicts[PROFILE_FAULTS_MOST];
    const struct recording_row *row = &replay->row;
    size_t count;

    if (replay->last_ms && row->t_ms <= replay->last_ms) {
        replay->late++; /* a clock that was put back, or a row twice */
        return;
    }
    for (size_t i = 0; i < row->count; i++) {
        int point = replay->points[row->columns[i]];
        const struct point *known = point < 0 ? NULL : &replay->profile->points[point];
        bool outside = known && known->has_range && (row->values[i] < known->least || row->values[i] > known->most);
        struct reading reading = {.t_ms = row->t_ms, .has_value = true, .value = row->values[i],
                                  .quality = outside ? QUALITY_RANGE : QUALITY_GOOD};

        replay->outside += outside;
        if (known && judge_take(replay->judge, (size_t)point, &reading)) {
            replay->late++;
        }
    }
    count = judge_decide(replay->judge, row->t_ms, verdicts, PROFILE_FAULTS_MOST);
    for (size_t i = 0; i < count; i++) {
        take(replay, &verdicts[i]);
    }
    for (size_t i = 0; i < replay->profile->fault_count; i++) {
        replay->judged[i] = replay->judged[i] || !judge_is_unknown(replay->judge, i);
    }
    replay->first_ms = replay->first_ms ? replay->first_ms : row->t_ms;
    replay->last_ms = row->t_ms;
}

static void show_bar(struct replay *replay)
{
    double share = recording_share(replay->recording);
    int64_t now_ms = clock_boot_ms();
    int full = share < 0 ? 0 : (int)(share * BAR);

    if (now_ms - replay->said_ms < 200) {
        return;
    }
    replay->said_ms = now_ms;
    if (share < 0) {
        fprintf(stderr, "\r%lld rows, %zu findings", (long long)recording_rows(replay->recording), replay->finding_count);
    } else {
        fprintf(stderr, "\r[%.*s%.*s] %3.0f %%, %zu findings", full, "##############################", BAR - full,
                "                              ", share * 100, replay->finding_count);
    }
}

int replay_run(const struct replay_options *options)
{
    struct replay replay = {.options = options};
    int status = 2;
    int64_t rows = 0;

    if (begin(&replay)) {
        while (recording_next(replay.recording, &replay.row)) {
            take_row(&replay);
            if (replay.shows_bar && ++rows % ROWS_BETWEEN == 0) {
                show_bar(&replay);
            }
        }
        if (replay.shows_bar) {
            fprintf(stderr, "\r\033[K");
        }
        status = 0;
        if (options->json) {
            status = replay_print_json(&replay);
        } else {
            replay_print_sum(&replay);
        }
    }
    end(&replay);
    return status;
}
