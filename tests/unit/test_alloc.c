/*
 * Every allocation fails once, in turn, and so does every ceiling of an arena: no crash, no leak (the
 * sanitizers look), and no lie: what is said to be done is the same as with memory enough.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/fault/judge.h"
#include "models/service/job.h"
#include "models/service/plan.h"
#include "models/service/workdays.h"
#include "models/telemetry/ack.h"
#include "models/telemetry/command.h"
#include "tests/fake/alloc.h"

#define BYTES_MOST 100000

struct input {
    char bytes[BYTES_MOST];
    size_t size;
};

static struct input profile_file, plan_file, job_file, zone_file;

/* What a task made of it, as text: compared with what it makes undisturbed. */
struct outcome {
    enum err err;
    char words[60000];
    struct text text;
};

typedef void (*task)(size_t ceiling, struct outcome *outcome);

static void add(struct outcome *outcome, const char *words)
{
    text_add(&outcome->text, words ? words : "NULL");
    text_add(&outcome->text, "|");
}

static void add_number(struct outcome *outcome, double number)
{
    text_add_number(&outcome->text, number);
    text_add(&outcome->text, "|");
}

static void add_words(struct outcome *outcome, struct words2 words)
{
    add(outcome, words.en);
    add(outcome, words.zh);
}

static void add_list(struct outcome *outcome, const char *const *list)
{
    for (; *list; list++) {
        add(outcome, *list);
    }
}

static void describe_profile(struct outcome *outcome, const struct profile *profile)
{
    add(outcome, profile->id);
    add(outcome, profile->maker);
    add_words(outcome, profile->title);
    add_number(outcome, (double)profile->identity_count);
    for (size_t i = 0; i < profile->point_count; i++) {
        const struct point *point = &profile->points[i];

        add(outcome, point->name);
        add(outcome, point->unit);
        add(outcome, point->role);
        add_words(outcome, point->title);
        add_number(outcome, (double)point->invalid_count);
        for (size_t k = 0; k < point->name_count; k++) {
            add(outcome, point->names[k].name);
        }
    }
    for (size_t i = 0; i < profile->derived_count; i++) {
        add(outcome, profile->derived[i].name);
        add(outcome, profile->derived[i].is ? "is" : NULL);
    }
    for (size_t i = 0; i < profile->fault_count; i++) {
        const struct fault_rule *fault = &profile->faults[i];

        add(outcome, fault->id);
        add_words(outcome, fault->title);
        add(outcome, fault->when_text);
        add(outcome, fault->clear ? "clear" : NULL);
        add(outcome, fault->component);
        add_words(outcome, fault->advice);
        add_number(outcome, (double)(fault->rung_count * 100 + fault->inhibited_count));
        for (size_t k = 0; k < fault->cause_count; k++) {
            add(outcome, fault->causes[k].cause);
            add_list(outcome, fault->causes[k].parts);
            add_list(outcome, fault->causes[k].tools);
        }
        for (size_t k = 0; k < fault->remote_count; k++) {
            add_words(outcome, fault->remote[k]);
        }
    }
    for (size_t i = 0; i < profile->inspection_count; i++) {
        add(outcome, profile->inspection[i].id);
    }
    for (size_t i = 0; i < profile->part_count; i++) {
        add(outcome, profile->parts[i].id);
        add_words(outcome, profile->parts[i].title);
    }
    for (size_t i = 0; i < profile->command_count; i++) {
        add(outcome, profile->commands[i].name);
    }
}

static void judge_by(struct outcome *outcome, const struct profile *profile)
{
    struct verdict verdicts[16];
    struct judge *judge;

    outcome->err = judge_open(profile, &judge);
    if (outcome->err) {
        return;
    }
    for (int64_t t_ms = 1790000000000; t_ms < 1790000900000; t_ms += 30000) {
        for (size_t i = 0; i < profile->point_count; i++) {
            struct reading reading = {.t_ms = t_ms, .has_value = true, .value = (double)(1 + i)};

            assert_int_equal(judge_take(judge, i, &reading), ERR_OK);
        }
        add_number(outcome, (double)judge_decide(judge, t_ms, verdicts, 16));
    }
    judge_close(judge);
}

/* A file that cannot be read for want of memory says so, among its complaints or instead of them. */
static enum err soften(enum err err, const struct complaints *complaints)
{
    for (size_t i = 0; err == ERR_FORMAT && i < complaints->count && i < COMPLAINTS_MOST; i++) {
        if (strstr(complaints->lines[i], "memory")) {
            return ERR_NOMEM;
        }
    }
    return err;
}

static void read_profile(size_t ceiling, struct outcome *outcome)
{
    struct complaints complaints = {.path = "p"};
    const struct profile *profile;

    outcome->err = arena_open(ceiling, &complaints.arena);
    if (outcome->err) {
        return;
    }
    outcome->err = soften(profile_read(complaints.arena, profile_file.bytes, profile_file.size, &complaints, &profile), &complaints);
    if (!outcome->err) {
        describe_profile(outcome, profile);
        judge_by(outcome, profile);
    }
    arena_close(complaints.arena);
}

static void read_plan(size_t ceiling, struct outcome *outcome)
{
    struct complaints complaints = {.path = "p"};
    const struct plan *plan;

    outcome->err = arena_open(ceiling, &complaints.arena);
    if (outcome->err) {
        return;
    }
    outcome->err = soften(plan_read(complaints.arena, plan_file.bytes, plan_file.size, &complaints, &plan), &complaints);
    if (!outcome->err) {
        add(outcome, plan->id);
        add(outcome, plan->version);
        add(outcome, plan->time_zone);
        add_words(outcome, plan->title);
        add_list(outcome, plan->start_order);
        add_list(outcome, plan->free_causes);
        add_list(outcome, plan->excluded);
        for (size_t i = 0; i < plan->class_count; i++) {
            add(outcome, plan->classes[i].component);
            add_list(outcome, plan->classes[i].origin.ids);
        }
        for (size_t i = 0; i < plan->target_count; i++) {
            add(outcome, plan->targets[i].kind);
            add_list(outcome, plan->targets[i].limits[0][0].set ? plan->targets[i].limits[0][0].origin.ids : (const char *const[]){NULL});
        }
        add_number(outcome, (double)plan->window_count);
    }
    arena_close(complaints.arena);
}

static void read_job(size_t ceiling, struct outcome *outcome)
{
    struct complaints complaints = {.path = "p"};
    const struct job *job;

    outcome->err = arena_open(ceiling, &complaints.arena);
    if (outcome->err) {
        return;
    }
    outcome->err = soften(job_read(complaints.arena, job_file.bytes, job_file.size, NULL, &complaints, &job), &complaints);
    if (!outcome->err) {
        add(outcome, job->id);
        add_words(outcome, job->title);
        add_list(outcome, job->profiles);
        add_list(outcome, job->skills);
        for (size_t i = 0; i < job->step_count; i++) {
            add(outcome, job->steps[i].id);
            add_words(outcome, job->steps[i].title);
            add_number(outcome, (double)job->steps[i].choice_count);
        }
        add_number(outcome, (double)(job->gate_count + job->test_count + job->advice_count + job->precaution_count));
    }
    arena_close(complaints.arena);
}

static const struct zone *no_zone(void *context, const char *name)
{
    (void)context;
    (void)name;
    return zone_utc();
}

static void read_calendar(size_t ceiling, struct outcome *outcome)
{
    static const char bytes[] = "{id: c, time_zone: UTC, week: {mon: [\"08:00-12:00\"]}, holidays: [\"2027-01-01\", \"2027-01-03\"], workdays: [\"2027-01-02\"]}";
    struct complaints complaints = {.path = "p"};
    struct workdays workdays = {.id = NULL};
    struct yaml_node *root;

    outcome->err = arena_open(ceiling, &complaints.arena);
    if (outcome->err) {
        return;
    }
    outcome->err = soften(yaml_parse(complaints.arena, bytes, strlen(bytes), &complaints, &root), &complaints);
    if (!outcome->err) {
        workdays_read(complaints.arena, root, &complaints, no_zone, NULL, &workdays);
        outcome->err = complaints.count ? soften(ERR_FORMAT, &complaints) : ERR_OK;
    }
    if (!outcome->err) {
        add(outcome, workdays.id);
        add_number(outcome, (double)(workdays.holiday_count * 10 + workdays.extra_count));
    }
    arena_close(complaints.arena);
}

static void read_zone(size_t ceiling, struct outcome *outcome)
{
    const struct zone *zone;
    struct arena *arena;

    outcome->err = arena_open(ceiling, &arena);
    if (outcome->err) {
        return;
    }
    outcome->err = zone_read(arena, "Europe/Berlin", zone_file.bytes, zone_file.size, &zone);
    if (!outcome->err) {
        add(outcome, zone_name(zone));
        for (int64_t t_ms = 0; t_ms < 3000000000000; t_ms += 8000000000) {
            add_number(outcome, zone_offset_s(zone, t_ms));
        }
    }
    arena_close(arena);
}

#define HEAD "{\"v\":1,\"epoch\":\"6f1c0a9e5b7d2c44\",\"seq\":412,\"t0\":1790000000000,"

static void read_messages(size_t ceiling, struct outcome *outcome)
{
    static const char *const data[] = {
        HEAD "\"equipment\":{\"a\":{\"p\":[[0,71.2],[1,\"words\"],[2,null,\"timeout\"]],\"q\":[]},\"b\":{}}}",
        HEAD "\"new\":{\"x\":[1]},\"equipment\":{\"a\":{\"p\":[[0,71.2],[1,\"w\\u00e9\"]]}}}",
    };
    static const char event[] = HEAD "\"event\":{\"kind\":\"fault\",\"equipment\":\"a\",\"fault\":\"f\",\"state\":\"raised\",\"grade\":1,\"evidence\":{\"p\":1}}}";
    static const char receipt[] = "{\"v\":1,\"epoch\":\"6f1c0a9e5b7d2c44\",\"have\":[[1,411],[413,413]]}";
    static const char order[] = "{\"v\":1,\"id\":\"c\",\"name\":\"write\",\"equipment\":\"a\",\"args\":{\"point\":\"p\"}}";
    struct data_message message;
    struct event_message fault;
    struct command command;
    struct arena *arena;
    struct ack ack;

    outcome->err = arena_open(ceiling, &arena);
    if (outcome->err) {
        return;
    }
    for (size_t i = 0; !outcome->err && i < 2; i++) {
        outcome->err = data_decode(arena, data[i], strlen(data[i]), &message, NULL);
        for (size_t k = 0; !outcome->err && k < message.count; k++) {
            add(outcome, message.series[k].equipment);
            add(outcome, message.series[k].point);
            for (size_t r = 0; r < message.series[k].count; r++) {
                add(outcome, message.series[k].readings[r].text);
                add_number(outcome, message.series[k].readings[r].value);
            }
        }
    }
    outcome->err = outcome->err ? outcome->err : event_decode(arena, event, strlen(event), &fault, NULL);
    outcome->err = outcome->err ? outcome->err : ack_decode(arena, receipt, strlen(receipt), &ack, NULL);
    outcome->err = outcome->err ? outcome->err : command_decode(arena, order, strlen(order), &command, NULL);
    if (!outcome->err) {
        add(outcome, fault.fault);
        add_number(outcome, json_number_or(fault.evidence, "p", 0));
        add_number(outcome, (double)ack.have[1].from);
        add(outcome, json_text_or(command.args, "point", ""));
    }
    arena_close(arena);
}

/* The ceiling is that of what is written. */
static void write_messages(size_t ceiling, struct outcome *outcome)
{
    struct json_out out = json_out(ceiling);
    struct ranges ranges = {.most = 0};
    struct envelope envelope = {.epoch = "0123456789abcdef", .seq = 1};
    struct outgoing list[40];
    size_t used;

    for (size_t i = 0; i < 40; i++) {
        list[i] = (struct outgoing){i % 2 ? "a" : "b", "p", {.t_ms = 1790000000000 + (int64_t)i, .has_value = true, .value = (double)i}};
    }
    outcome->err = data_encode(&out, &envelope, list, 40, 60000, &used);
    if (!outcome->err && used < 40) {
        outcome->err = ERR_FULL; /* as many as fit, and it says how many */
    }
    if (!outcome->err) {
        add(outcome, out.bytes);
        outcome->err = command_encode(&out, "c", "write", "a", 5, "{}");
    }
    if (!outcome->err) {
        add(outcome, out.bytes);
    }
    for (uint64_t i = 1; !outcome->err && i < 60; i += 2) {
        uint64_t before = ranges_size(&ranges);

        outcome->err = ranges_add(&ranges, i, i);
        assert_int_equal(ranges_size(&ranges), before + !outcome->err); /* all or nothing */
    }
    if (!outcome->err) {
        outcome->err = ack_encode(&out, envelope.epoch, &ranges);
    }
    if (!outcome->err) {
        add(outcome, out.bytes);
    }
    ranges_free(&ranges);
    json_out_free(&out);
}

static void reset(struct outcome *outcome)
{
    outcome->err = ERR_OK;
    outcome->text = text_on(outcome->words, sizeof(outcome->words));
}

static void hold(const char *name, const char *how, long nth, const struct outcome *got, const struct outcome *want)
{
    if (got->err != ERR_OK && got->err != ERR_NOMEM && got->err != ERR_FULL) {
        fail_msg("%s, %s %ld: '%s' is not the truth", name, how, nth, err_text(got->err));
    }
    if (!got->err && strcmp(got->text.at, want->text.at) != 0) {
        fail_msg("%s, %s %ld: said to be done, but is\n%s\nnot\n%s", name, how, nth, got->text.at, want->text.at);
    }
}

static void every_allocation(const char *name, task run)
{
    static struct outcome want, got;
    long allocations, ceilings = 0;

    reset(&want);
    alloc_fail_at(0);
    run(64 << 20, &want);
    allocations = alloc_count();
    assert_int_equal(want.err, ERR_OK);
    assert_false(want.text.cut);
    for (long nth = 1; nth <= allocations; nth++) {
        reset(&got);
        alloc_fail_at(nth);
        run(64 << 20, &got);
        alloc_fail_at(0);
        hold(name, "allocation", nth, &got, &want);
    }
    for (size_t ceiling = 0;; ceiling += ceiling / 200 + 16) {
        reset(&got);
        run(ceiling, &got);
        hold(name, "ceiling", (long)ceiling, &got, &want);
        ceilings++;
        if (!got.err) {
            break;
        }
    }
    printf("%s: %ld allocations, %ld ceilings\n", name, allocations, ceilings);
}

static void memory_ends(void **state)
{
    (void)state;
    every_allocation("profile", read_profile);
    every_allocation("plan", read_plan);
    every_allocation("job", read_job);
    every_allocation("calendar", read_calendar);
    every_allocation("zone", read_zone);
    every_allocation("messages in", read_messages);
    every_allocation("messages out", write_messages);
}

static void load(struct input *input, const char *path)
{
    FILE *file = fopen(path, "rb");

    if (!file) {
        fail_msg("%s cannot be read", path);
    }
    input->size = fread(input->bytes, 1, sizeof(input->bytes), file);
    fclose(file);
}

static int load_all(void **state)
{
    (void)state;
    load(&profile_file, "tests/golden/files/profile.yaml");
    load(&plan_file, "tests/golden/files/plan.yaml");
    load(&job_file, "tests/golden/files/job.yaml");
    load(&zone_file, "/usr/share/zoneinfo/Europe/Berlin");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_ends),
    };

    return cmocka_run_group_tests(tests, load_all, NULL);
}
