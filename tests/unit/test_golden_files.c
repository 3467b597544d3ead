/*
 * tests/golden/files: a profile and a plan with every key, and what was understood of them (.txt).
 * What a file of today means, a program of tomorrow reads. `test_golden_files FILE` prints it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/file.h"
#include "models/base/text.h"
#include "models/inspection/checklist.h"
#include "models/profile/profile.h"
#include "models/service/job.h"
#include "models/service/plan_staff.h"
#include "models/training/course.h"

#define ROOM (64 * 1024)

static const char *or_dash(const char *words)
{
    return words && words[0] ? words : "-";
}

static void show_title(const struct words2 *words, struct text *to)
{
    text_addf(to, " title '%s' '%s'", or_dash(words->en), or_dash(words->zh));
}

static void show_register(const struct register_spec *reg, struct text *to)
{
    text_addf(to, " %s %u %s %s scale %g offset %g mask %llx shift %u length %u",
              register_table_names[reg->table], (unsigned)reg->address,
              register_type_names[reg->type], register_order_names[reg->order], reg->scale,
              reg->offset, (unsigned long long)reg->mask, (unsigned)reg->shift,
              (unsigned)reg->length);
}

static void show_point(const struct point *point, struct text *to)
{
    text_addf(to, "point %s unit %s role %s", point->name, or_dash(point->unit),
              or_dash(point->role));
    show_title(&point->title, to);
    show_register(&point->reg, to);
    for (size_t i = 0; i < point->invalid_count; i++) {
        text_addf(to, " invalid %lld", (long long)point->invalid[i]);
    }
    if (point->has_range) {
        text_addf(to, " range %g %g", point->least, point->most);
    }
    if (point->step > 0) {
        text_addf(to, " step %g in %lld", point->step, (long long)point->step_ms);
    }
    for (size_t i = 0; i < point->name_count; i++) {
        text_addf(to, " enum %lld %s", (long long)point->names[i].value, point->names[i].name);
    }
    text_addf(to, " every %lld heartbeat %lld deadband %g", (long long)point->every_ms,
              (long long)point->heartbeat_ms, point->deadband);
    if (point->may_write) {
        text_addf(to, " write %g %g budget %lld rate %lld", point->write_least, point->write_most,
                  (long long)point->write_budget, (long long)point->write_rate_ms);
    }
    text_add(to, "\n");
}

static void show_cause(const struct fault_cause *cause, struct text *to)
{
    text_addf(to, "  cause %s odds %g skill %s", cause->cause, cause->odds, or_dash(cause->skill));
    for (size_t i = 0; cause->parts[i]; i++) {
        text_addf(to, " part %s", cause->parts[i]);
    }
    for (size_t i = 0; cause->tools[i]; i++) {
        text_addf(to, " tool %s", cause->tools[i]);
    }
    text_add(to, "\n");
}

static void show_fault(const struct profile *profile, const struct fault_rule *fault,
                       struct text *to)
{
    text_addf(to, "fault %s", fault->id);
    show_title(&fault->title, to);
    text_addf(to, " when \"%s\" for %lld clear %s for %lld grade %d domain %s component %s%s%s%s\n",
              fault->when_text, (long long)fault->for_ms, fault->clear ? "given" : "not when",
              (long long)fault->clear_for_ms, fault->grade, fault->domain, fault->component,
              fault->latching ? " latching" : "", fault->safety ? " safety" : "", fault->danger ? " danger" : "");
    if (fault->service) {
        text_addf(to, "service %s\n", fault->service);
    }
    for (size_t i = 0; i < fault->rung_count; i++) {
        text_addf(to, "  rung after %lld when %s grade %d\n", (long long)fault->ladder[i].after_ms,
                  fault->ladder[i].when ? "given" : "-", fault->ladder[i].grade);
    }
    for (size_t i = 0; i < fault->inhibited_count; i++) {
        text_addf(to, "  inhibited by %s\n", profile->faults[fault->inhibited_by[i]].id);
    }
    for (size_t i = 0; i < fault->cause_count; i++) {
        show_cause(&fault->causes[i], to);
    }
    for (size_t i = 0; i < fault->remote_count; i++) {
        text_addf(to, "  remote '%s' '%s'\n", or_dash(fault->remote[i].en),
                  or_dash(fault->remote[i].zh));
    }
    text_addf(to, "  advice '%s' '%s'\n", or_dash(fault->advice.en), or_dash(fault->advice.zh));
}

static void show_rest(const struct profile *profile, struct text *to)
{
    for (size_t i = 0; i < profile->derived_count; i++) {
        text_addf(to, "derived %s unit %s", profile->derived[i].name,
                  or_dash(profile->derived[i].unit));
        show_title(&profile->derived[i].title, to);
        text_add(to, "\n");
    }
    for (size_t i = 0; i < profile->command_count; i++) {
        text_addf(to, "command %s point %s value %g\n", profile->commands[i].name,
                  profile->points[profile->commands[i].point].name, profile->commands[i].value);
    }
    for (size_t i = 0; i < profile->inspection_count; i++) {
        const struct inspection_line *line = &profile->inspection[i];

        text_addf(to, "inspection %s green %g %g amber %g %g\n", line->id, line->green_least,
                  line->green_most, line->amber_least, line->amber_most);
    }
    for (size_t i = 0; i < profile->part_count; i++) {
        text_addf(to, "part %s class %s\n", profile->parts[i].id, profile->parts[i].component);
    }
}

static void show_profile(const struct profile *profile, struct text *to)
{
    text_addf(to, "profile %s version %lld maker %s model %s", profile->id,
              (long long)profile->version, profile->maker, profile->model);
    show_title(&profile->title, to);
    text_addf(to, "\nunit %d registers %u gap %u timeout %lld pause %lld\n", profile->unit_id,
              (unsigned)profile->max_registers, (unsigned)profile->gap,
              (long long)profile->timeout_ms, (long long)profile->pause_ms);
    for (size_t i = 0; i < profile->identity_count; i++) {
        text_add(to, "identity");
        show_register(&profile->identity[i].reg, to);
        text_addf(to, " from %lld to %lld%s\n", (long long)profile->identity[i].least,
                  (long long)profile->identity[i].most, profile->identity[i].canary ? " canary" : "");
    }
    if (profile->has_firmware) {
        text_add(to, "firmware");
        show_register(&profile->firmware, to);
        text_add(to, "\n");
    }
    for (size_t i = 0; i < profile->point_count; i++) {
        show_point(&profile->points[i], to);
    }
    for (size_t i = 0; i < profile->fault_count; i++) {
        show_fault(profile, &profile->faults[i], to);
    }
    show_rest(profile, to);
}

static void show_limit(const char *name, const struct plan_limit *limit, struct text *to)
{
    if (limit->set) {
        text_addf(to, " %s %lld%s %c", name, (long long)limit->limit.count,
                  duration_unit_text(limit->limit.unit), limit->origin.flag);
    }
}

static void show_target(const struct plan_target *target, struct text *to)
{
    text_addf(to, "target %s %s to %s cap %g warn %g", target->kind, plan_start_names[target->start],
              plan_stop_names[target->stop], target->cap_onsite, target->warn);
    for (int grade = 0; grade < PLAN_GRADES; grade++) {
        for (int level = 0; level < PLAN_LEVELS; level++) {
            char name[3] = {(char)('1' + grade), (char)('A' + level), '\0'};

            show_limit(name, &target->limits[grade][level], to);
        }
    }
    text_addf(to, " %s complexity %d", target->working_hours ? "working" : "always", (int)target->complexity);
    for (const char *const *step = target->needs; *step; step++) {
        text_addf(to, " %s", *step);
    }
    show_limit("emergency", &target->emergency, to);
    show_limit("remote", &target->remote_area, to);
    show_limit("aim", &target->aim, to);
    text_add(to, "\n");
}

static void show_list(const char *name, const char *const *list, struct text *to)
{
    text_add(to, name);
    for (; *list; list++) {
        text_addf(to, " %s", *list);
    }
    text_add(to, "\n");
}

static void show_alarms(const struct alarm_rules *rules, struct text *to)
{
    text_addf(to, "alarms flood %d %d %d %lld %lld chatter %d %lld %lld outage %d %lld backlog %lld %lld", rules->flood_most,
              rules->flood_single, rules->flood_end, (long long)rules->flood_span_ms, (long long)rules->gather_ms,
              rules->chatter_count, (long long)rules->chatter_span_ms, (long long)rules->chatter_quiet_ms,
              rules->outage_count, (long long)rules->outage_span_ms, (long long)rules->settle_ms,
              (long long)rules->settle_most_ms);
    text_addf(to, " fleeting %lld shelve %lld\n", (long long)rules->fleeting_ms, (long long)rules->shelve_most_ms);
}

static void show_staff(const struct plan_staff *staff, struct text *to)
{
    const struct routing_rules *routing = &staff->routing;

    text_addf(to, "hotline %d bounces %d not cleared %lld", (int)staff->hotline_always, staff->bounce_most,
              (long long)staff->not_cleared_ms);
    show_limit("ola", &staff->ola, to);
    text_addf(to, " cap %g", staff->ola_cap);
    text_addf(to, "\nrouting speed %g detour %g order %lld travel %lld load %g blocks %x weights",
              routing->speed_kmh, routing->detour, (long long)routing->order_ms,
              (long long)routing->travel_most_ms, routing->load_most, routing->blocks);
    for (int i = 0; i < ROUTING_CRITERIA; i++) {
        text_addf(to, " %d", routing->weights[i]);
    }
    text_add(to, "\n");
    show_list("refusals", staff->refusals, to);
    for (size_t i = 0; i < staff->channel_count; i++) {
        text_addf(to, "channel %s by day %d %c\n", staff->channels[i].name, (int)staff->channels[i].working_hours,
                  staff->channels[i].origin.flag);
    }
    for (size_t i = 0; i < staff->escalation_count; i++) {
        const struct escalation_rule *rule = &staff->escalations[i].rule;

        text_addf(to, "escalation %s grades %x ack %lld %c\n", escalation_on_names[rule->on], rule->grades,
                  (long long)rule->ack_ms, staff->escalations[i].origin.flag);
        for (size_t k = 0; k < rule->step_count; k++) {
            const struct escalation_step *step = &rule->steps[k];

            text_addf(to, "  after %lld to %x channels %x repeat %lld times %d\n", (long long)step->wait_ms,
                      step->to, step->channels, (long long)step->repeat_ms, step->times);
        }
    }
}

static void show_money(const struct plan *plan, struct text *to)
{
    const struct price_rules *price = &plan->price;

    for (size_t i = 0; i < plan->exclusion_count; i++) {
        text_addf(to, "exclusion %s group %s party %s when %s %c\n", plan->exclusions[i].code, plan->exclusions[i].group,
                  plan->exclusions[i].party, plan->exclusions[i].when, plan->exclusions[i].origin.flag);
    }
    text_addf(to, "phases %s %s exchanged %s least %lld%s card %d late %d persons %d fees %d\n", plan->phases[0], plan->phases[1],
              plan->exchange_fresh ? "fresh" : "remaining", (long long)plan->exchange_least.count,
              duration_unit_text(plan->exchange_least.unit), plan->requires_card, (int)plan->late_card,
              plan->two_persons ? 2 : 1, plan->fee_approval);
    text_addf(to, "price %s hour %lld %lld call %lld cost %lld %lld %lld complex %lld markup %lld tax %lld from %lld to %lld valid"
                  " %lld new %lld\n",
              price->currency, (long long)price->labour_hour, (long long)price->travel_hour, (long long)price->call_out,
              (long long)price->labour_hour_cost, (long long)price->travel_hour_cost, (long long)price->call_out_cost,
              (long long)price->complex, (long long)price->markup, (long long)price->tax, (long long)price->minimum,
              (long long)price->most, (long long)price->validity_ms, (long long)price->advise_new);
    for (int by = 0; by < PRICE_CASES; by++) {
        text_addf(to, "who pays %s:", price_case_names[by]);
        for (int item = 0; item < PRICE_ITEMS; item++) {
            text_addf(to, " %s %s", price_item_names[item], price_mode_names[price->who_pays[by][item]]);
        }
        text_add(to, "\n");
    }
    text_addf(to, "approve %lld %lld %lld\n", (long long)price->approve[ROLE_DISPATCHER],
              (long long)price->approve[ROLE_MANAGER], (long long)price->approve[ROLE_ADMIN]);
}

static void show_relation(const struct plan *plan, struct text *to)
{
    const struct plan_complaint *complaint = &plan->complaint;

    text_add(to, "complaint");
    for (int i = 0; i < PLAN_COMPLAINT_LIMITS; i++) {
        text_addf(to, " %lld%s %c", (long long)complaint->limits[i].limit.count,
                  duration_unit_text(complaint->limits[i].limit.unit), complaint->limits[i].origin.flag);
    }
    text_addf(to, " escalate %lld deemed %lld chain", (long long)complaint->escalate_ms, (long long)complaint->deemed_ms);
    for (size_t i = 0; i < complaint->chain_count; i++) {
        text_addf(to, " %s", complaint->chain[i]);
    }
    text_add(to, "\n");
    show_list("straight up", complaint->straight_up, to);
    text_addf(to, "questionnaire every %lld expires %lld contact %lld%s\n", (long long)plan->questionnaire.every_ms,
              (long long)plan->questionnaire.expires_ms, (long long)plan->duties[PLAN_DUTY_TALK].limit.count,
              duration_unit_text(plan->duties[PLAN_DUTY_TALK].limit.unit));
    for (size_t i = 0; i < plan->questionnaire.question_count; i++) {
        const struct plan_question *question = &plan->questionnaire.questions[i];

        text_addf(to, "question %s %s each %d found %s", question->id, plan_question_kind_names[question->kind],
                  (int)question->each, plan_question_found_names[question->found]);
        show_title(&question->title, to);
        text_add(to, "\n");
        show_list("alert", question->alert, to);
    }
}

static void show_plan(const struct plan *plan, struct text *to)
{
    text_addf(to, "plan %s version %s zone %s gate %s consent %d hold %lld", plan->id, plan->version,
              plan->time_zone, plan->onsite_gate, (int)plan->consent_before_repair,
              (long long)plan->hold_ms);
    show_title(&plan->title, to);
    text_addf(to, "\noutage %lld link %lld %lld\nvisits %d every %lld%s give %lld%s",
              (long long)plan->g1_outage_ms, (long long)plan->link_loss_delay_ms,
              (long long)plan->link_loss_limit_ms, plan->visits_per_year,
              (long long)plan->visit_spacing.count, duration_unit_text(plan->visit_spacing.unit),
              (long long)plan->visit_tolerance.count,
              duration_unit_text(plan->visit_tolerance.unit));
    for (size_t i = 0; i < plan->window_count; i++) {
        const struct plan_window *window = &plan->windows[i];

        text_addf(to, " %02d-%02d/%02d-%02d", window->from_month, window->from_day, window->to_month,
                  window->to_day);
    }
    text_add(to, "\n");
    for (size_t i = 0; i < plan->class_count; i++) {
        text_addf(to, "class %s %lld%s %c\n", plan->classes[i].component,
                  (long long)plan->classes[i].term.count,
                  duration_unit_text(plan->classes[i].term.unit), plan->classes[i].origin.flag);
    }
    show_list("start", plan->start_order, to);
    show_list("free", plan->free_causes, to);
    show_list("excluded", plan->excluded, to);
    show_money(plan, to);
    show_relation(plan, to);
    for (size_t i = 0; i < plan->target_count; i++) {
        show_target(&plan->targets[i], to);
    }
    text_addf(to, "training faults %d over %lld remind %lld\n", plan->training.operator_faults, (long long)plan->training.over_ms,
              (long long)plan->training.remind_ms);
    show_alarms(&plan->alarms, to);
    show_staff(plan->staff, to);
}

static void show_step(const struct job_step *step, struct text *to)
{
    text_addf(to, "step %s %s required %d expect %d unit %s point %s part %s component %s tool %s grade %d", step->id,
              job_type_names[step->type], (int)step->required, (int)step->expect, or_dash(step->unit),
              or_dash(step->point), or_dash(step->part), or_dash(step->component), or_dash(step->tool), step->grade);
    if (step->has_limits) {
        text_addf(to, " limits %g %g", step->least, step->most);
    }
    for (size_t i = 0; i < step->choice_count; i++) {
        text_addf(to, " choice %s %d", step->choices[i].id, (int)step->choices[i].fails);
    }
    show_title(&step->title, to);
    show_title(&step->hint, to);
    text_add(to, "\n");
}

static void show_job(const struct job *job, struct text *to)
{
    text_addf(to, "job %s version %lld kind %s duration %lld fresh %lld", job->id, (long long)job->version,
              job_kind_names[job->kind], (long long)job->duration_ms, (long long)job->fresh_ms);
    show_title(&job->title, to);
    text_add(to, "\n");
    show_list("profiles", job->profiles, to);
    show_list("faults", job->faults, to);
    show_list("components", job->components, to);
    show_list("skills", job->skills, to);
    show_list("tools", job->tools, to);
    for (size_t i = 0; i < job->precaution_count; i++) {
        text_addf(to, "precaution %s", job->precautions[i].id);
        show_title(&job->precautions[i].title, to);
        text_add(to, "\n");
    }
    for (size_t i = 0; i < job->advice_count; i++) {
        show_title(&job->advice[i], to);
        text_add(to, "\n");
    }
    for (int stage = 0; stage < JOB_STAGES; stage++) {
        text_addf(to, "needs %s %x\n", job_stage_names[stage], job->needs[stage]);
    }
    for (size_t i = 0; i < job->gate_count; i++) {
        text_addf(to, "gate %s before %s written %d must %d another %d manager %d after %s optional %s\n", job->gates[i].id,
                  job_stage_names[job->gates[i].before], (int)job->gates[i].written, (int)job->gates[i].must,
                  (int)job->gates[i].another, (int)job->gates[i].manager,
                  job->gates[i].after ? job->gates[i].after : "-",
                  job->gates[i].optional ? job->gates[i].optional : "-");
    }
    for (size_t i = 0; i < job->test_count; i++) {
        text_addf(to, "test %s point %s %g %g\n", job->tests[i].id, job->tests[i].point, job->tests[i].least,
                  job->tests[i].most);
    }
    for (size_t i = 0; i < job->step_count; i++) {
        show_step(&job->steps[i], to);
    }
}

static void show_ids(const char *name, const char *const *ids, struct text *to)
{
    text_addf(to, " %s", name);
    for (; *ids; ids++) {
        text_addf(to, " %s", *ids);
    }
}

static void show_question(const struct course_question *question, struct text *to)
{
    text_addf(to, "question %s must %d practical %d", question->id, question->must, question->practical);
    show_title(&question->title, to);
    for (size_t i = 0; i < question->choice_count; i++) {
        text_addf(to, " choice %s right %d", question->choices[i].id, question->choices[i].right);
        show_title(&question->choices[i].title, to);
    }
    text_add(to, "\n");
}

static void show_course(const struct training_course *course, struct text *to)
{
    text_addf(to, "course %s version %lld kind %s occasions %u", course->id, (long long)course->version,
              course_kind_names[course->kind], course->occasions);
    show_title(&course->title, to);
    show_ids("profiles", course->profiles, to);
    show_ids("audience", course->audience, to);
    show_ids("modes", course->modes, to);
    show_ids("trainer", course->trainer, to);
    show_ids("requires", course->before, to);
    text_addf(to, " duration %lld every %lld%s\n", (long long)course->duration_ms, (long long)course->every.count,
              duration_unit_text(course->every.unit));
    for (size_t i = 0; i < course->topic_count; i++) {
        text_addf(to, "topic %s required %d faults %d", course->topics[i].id, course->topics[i].required, course->topics[i].faults);
        show_title(&course->topics[i].title, to);
        text_add(to, "\n");
    }
    for (size_t i = 0; i < course->goal_count; i++) {
        text_add(to, "goal");
        show_title(&course->goals[i], to);
        text_add(to, "\n");
    }
    for (size_t i = 0; i < course->material_count; i++) {
        text_addf(to, "material %s form %s", course->material[i].id, or_dash(course->material[i].form));
        show_title(&course->material[i].title, to);
        text_add(to, "\n");
    }
    text_addf(to, "pass %g\n", course->pass);
    for (size_t i = 0; i < course->question_count; i++) {
        show_question(&course->questions[i], to);
    }
    text_addf(to, "gives %s certificate %s skill %d valid %lld%s warn %lld exam %d\n", course->level, or_dash(course->certificate),
              course->skill_level, (long long)course->valid.count, duration_unit_text(course->valid.unit),
              (long long)course->warn_days, course->exam);
}

static void show_checklist(const struct checklist *checklist, struct text *to)
{
    text_addf(to, "checklist %s version %lld", checklist->id, (long long)checklist->version);
    show_title(&checklist->title, to);
    text_add(to, "\n");
    for (size_t i = 0; i < checklist->line_count; i++) {
        const struct check_line *line = &checklist->lines[i];

        text_addf(to, "line %s", line->id);
        show_title(&line->title, to);
        text_addf(to, " look %s point %s of %s over %lld samples %lld limits %g %g grade %d", look_names[line->look],
                  or_dash(line->point), check_of_names[line->of], (long long)line->over_ms, (long long)line->samples,
                  line->least, line->most, line->grade);
        show_title(&line->ask, to);
        show_title(&line->advice, to);
        text_add(to, "\n");
    }
    for (size_t i = 0; i < checklist->proposal_count; i++) {
        const struct proposal_rule *rule = &checklist->proposals[i];

        text_addf(to, "proposal %s", rule->id);
        show_title(&rule->title, to);
        text_addf(to, " kind %s look %s component %s over %lld at least %g", proposal_kind_names[rule->kind],
                  proposal_look_names[rule->look], or_dash(rule->component), (long long)rule->over_ms, rule->at_least);
        show_title(&rule->reason, to);
        text_add(to, "\n");
    }
}

static void look(struct arena *arena, const char *path, struct text *to)
{
    struct complaints complaints = {.path = path, .arena = arena};
    const struct profile *profile;
    const struct plan *plan;
    const struct job *job;
    const struct checklist *checklist;
    const struct training_course *course;
    char *bytes;
    size_t size;

    assert_int_equal(file_read(arena, path, 1 << 20, &bytes, &size), ERR_OK);
    if (strstr(path, "profile")) {
        assert_int_equal(profile_read(arena, bytes, size, &complaints, &profile), ERR_OK);
        show_profile(profile, to);
    } else if (strstr(path, "checklist")) {
        assert_int_equal(checklist_read(arena, bytes, size, &complaints, &checklist), ERR_OK);
        show_checklist(checklist, to);
    } else if (strstr(path, "course")) {
        assert_int_equal(course_read(arena, bytes, size, &complaints, &course), ERR_OK);
        show_course(course, to);
    } else if (strstr(path, "job")) {
        assert_int_equal(job_read(arena, bytes, size, NULL, &complaints, &job), ERR_OK);
        show_job(job, to);
    } else {
        assert_int_equal(plan_read(arena, bytes, size, &complaints, &plan), ERR_OK);
        show_plan(plan, to);
    }
}

static void files_are_understood_for_ever(void **state)
{
    static const char *const paths[] = {"tests/golden/files/profile", "tests/golden/files/plan",
                                        "tests/golden/files/job", "tests/golden/files/checklist",
                                        "tests/golden/files/course"};
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_open(8 << 20, &arena), ERR_OK);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct text words = text_on(arena_take(arena, ROOM), ROOM);
        char *expected;
        TEXT(path, 128);
        size_t size;

        text_addf(&path, "%s.yaml", paths[i]);
        look(arena, path.at, &words);
        text_clear(&path);
        text_addf(&path, "%s.txt", paths[i]);
        assert_int_equal(file_read(arena, path.at, ROOM, &expected, &size), ERR_OK);
        assert_string_equal(words.at, expected);
    }
    arena_close(arena);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(files_are_understood_for_ever)};
    struct arena *arena;

    if (argc == 2 && !arena_open(8 << 20, &arena)) {
        struct text words = text_on(arena_take(arena, ROOM), ROOM);

        look(arena, argv[1], &words);
        fputs(words.at, stdout);
        arena_close(arena);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
