/*
 * What the service documents promise, as rows: each value at its place in a shipped plan or overlay, with its origin.
 * An edit of a plan that breaks a documented promise, or that makes an assumption a stated value, fails here.
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
#include "models/service/plan_staff.h"

#define SWH     "swh_standard"
#define ABC     "tiered_abc"
#define REPLY   "generic_24_48"
#define URGENT  "generic_emergency_2h"
#define PRESETS 4

static const char *const presets[PRESETS] = {SWH, ABC, REPLY, URGENT};

static struct arena *arena;

static const char *load(const char *path)
{
    char *bytes;
    size_t size;

    assert_int_equal(file_read(arena, path, 1 << 20, &bytes, &size), ERR_OK);
    return arena_text(arena, bytes, size);
}

/* A plan by its id, or an overlay by its own: laid over the plan that says least. */
static const struct plan *plan_of(const char *id)
{
    static char room[60000];
    struct text all = text_on(room, sizeof(room));
    struct complaints complaints = {.path = id, .arena = arena};
    const struct plan *plan = NULL;
    bool is_plan = false;
    TEXT(path, 100);
    TEXT(over, 100);

    for (size_t i = 0; i < PRESETS; i++) {
        is_plan = is_plan || strcmp(presets[i], id) == 0;
    }
    text_addf(&path, "models/plans/%s.yaml", is_plan ? id : REPLY);
    text_addf(&all, "%s", load(path.at));
    if (!is_plan) {
        text_addf(&over, "models/plans/overlays/%s.yaml", id);
        text_addf(&all, "%s%s\n%s", PLAN_SEAM, over.at, load(over.at));
    }
    assert_false(all.cut);
    if (plan_read(arena, arena_text(arena, all.at, all.length), all.length, &complaints, &plan)) {
        fail_msg("%s", complaints.lines[0]);
    }
    return plan;
}

static const struct yaml_node *child(const struct yaml_node *map, const char *key, size_t size)
{
    for (map = map ? map->first : NULL; map; map = map->next) {
        if (map->key && strlen(map->key) == size && strncmp(map->key, key, size) == 0) {
            return map;
        }
    }
    return NULL;
}

/* What stands at a dotted path; NULL when nothing does. */
static const struct yaml_node *at_path(const struct plan *plan, const char *path)
{
    const struct yaml_node *node = plan->root;

    while (node && *path) {
        size_t size = strcspn(path, ".");

        node = child(node, path, size);
        path += size + (path[size] == '.');
    }
    return node;
}

/* A scalar as it is, a list with blanks between its items. */
static void words_of(const struct yaml_node *node, struct text *to)
{
    if (node && node->kind == YAML_SCALAR) {
        text_addf(to, "%s", node->text);
    }
    for (const struct yaml_node *item = node && node->kind == YAML_LIST ? node->first : NULL; item; item = item->next) {
        text_addf(to, "%s%s", to->length ? " " : "", item->kind == YAML_SCALAR ? item->text : "?");
    }
}

struct promise {
    const char *plan, *path, *value; /* value "": nothing is promised, the path has to be missing */
    const char *origin;              /* "S" and the row ids that have to be named, or "A" */
};

static const struct promise promises[] = {
    /* ---- the solar water heater company */
    {SWH, "staff.tiers", "3", "S S0-48"},
    {SWH, "staff.hotline.hours", "24x7", "S S0-51"},
    {SWH, "staff.hotline.numbers", "2", "S S0-51"},
    {SWH, "clocks.calendar.hours", "24x7", "A"},
    {SWH, "clocks.calendar.tz", "Asia/Shanghai", "A"},
    {SWH, "clocks.grade.rules", "by_telemetry", "A"},
    {SWH, "clocks.grade.g1_outage", "10m", "A"},
    {SWH, "clocks.grade.g1_outage_services", "circulation backup_heating refill", "A"},
    {SWH, "clocks.grade.link_loss_limit", "4h", "A"},
    {SWH, "clocks.targets.response.all", "30m", "A"},
    {SWH, "clocks.targets.dispatch.all", "2h", "A"},
    {SWH, "clocks.targets.dispatch.target", "30m", "A"},
    {SWH, "clocks.targets.assign.all", "2h", "A"},
    {SWH, "clocks.targets.assign.target", "1h", "A"},
    {SWH, "clocks.targets.supervision.all", "2h", "A"},
    {SWH, "clocks.targets.onsite_l1.all", "4h", "S S0-49"},
    {SWH, "clocks.targets.onsite_crew.all", "12h", "S S0-50"},
    {SWH, "staff.tier_up.not_cleared", "12h", "S S0-50"},
    {SWH, "clocks.targets.onsite_l1.emergency", "4h", "A"},
    {SWH, "clocks.targets.repair.all", "3wd", "A"},
    {SWH, "clocks.targets.solution.all", "7wd", "A"},
    {SWH, "clocks.targets.spare_delivery.g1", "4h", "A"},
    {SWH, "clocks.targets.spare_delivery.g2", "24h", "A"},
    {SWH, "clocks.targets.spare_delivery.g3", "24h", "A"},
    {SWH, "items.onsite_gate", "immediate", "S S0-49"},
    {SWH, "items.inspection.remote_interval", "1mo", "A"},
    {SWH, "items.inspection.report", "3wd", "A"},
    {SWH, "items.visits.per_year", "2", "S S0-61"},
    {SWH, "items.visits.spacing", "6mo", "A"},
    {SWH, "items.visits.tolerance", "30d", "A"},
    {SWH, "items.visits.free_scope", "agreement_active", "A"},
    {SWH, "period.warranty.classes.tank", "3y", "S S0-54 S0-57"},
    {SWH, "period.warranty.classes.evacuated_tube", "3y", "S S0-54"},
    {SWH, "period.warranty.classes.collector", "3y", "S S0-54"},
    {SWH, "period.warranty.classes.bracket", "3y", "S S0-54"},
    {SWH, "period.warranty.classes.pipe_fittings", "1y", "S S0-55"},
    {SWH, "period.warranty.classes.electrical", "1y", "S S0-55"},
    {SWH, "period.warranty.after", "lifetime_service", "S S0-56"},
    {SWH, "period.warranty.start_order", "acceptance_date completion_report_signed completion_date invoice_date factory_date", "A"},
    {SWH, "period.warranty.free_causes", "product_quality installation", "S S0-63"},
    {SWH, "period.warranty.excluded", "own_dismantling user_transport_storage_misuse part_past_its_period force_majeure", "S S0-64 S0-65 S0-66 S0-67"},
    {SWH, "items.charge.chargeable", "parts_and_labour", "S S0-58"},
    {SWH, "items.charge.price_rule", "market_or_company_list", "S S0-68"},
    {SWH, "items.charge.consent_before_repair", "required", "S S0-59"},
    {SWH, "items.charge.document", "invoice_or_receipt", "S S0-60"},
    {SWH, "items.charge.remote_support", "free", "A"},
    {SWH, "items.training.due", "2d", "S S0-69 S0-71"},
    {SWH, "staff.customer_file", "on", "S S0-52"},
    {SWH, "staff.warranty_card", "one_per_household", "S S0-47"},
    {SWH, "items.survey.target", "0.9", "A"},
    {SWH, "items.rca.required", "1 2", "A"},
    {SWH, "items.rca.due", "3wd", "A"},
    {SWH, "clocks.targets.rca.g1", "3wd", "A"},
    {SWH, "clocks.targets.rca.g2", "3wd", "A"},
    {SWH, "clocks.targets.rca.g3", "", NULL},
    /* ---- graded faults, levels A B C */
    {ABC, "staff.hotline.hours", "24x7", "S S0-110"},
    {ABC, "staff.hotline.duty", "experienced_engineer", "S S0-110"},
    {ABC, "staff.service_levels", "A B C", "S S0-111"},
    {ABC, "clocks.grade.rules", "by_telemetry", "S S0-105 S0-106 S0-107 S0-104"},
    {ABC, "clocks.grade.g1_outage", "10m", "S S0-105"},
    {ABC, "clocks.grade.g1_outage_services", "circulation backup_heating refill", "A"},
    {ABC, "clocks.grade.link_loss_limit", "4h", "A"},
    {ABC, "clocks.targets.outage.all", "10m", "S S0-105"},
    {ABC, "clocks.targets.callback.all.A", "10m", "S S0-111"},
    {ABC, "clocks.targets.callback.all.B", "10m", "S S0-111"},
    {ABC, "clocks.targets.callback.all.C", "30m", "S S0-112"},
    {ABC, "clocks.targets.response.g1.A", "10m", "A"},
    {ABC, "clocks.targets.response.g1.B", "10m", "A"},
    {ABC, "clocks.targets.response.g1.C", "30m", "A"},
    {ABC, "clocks.targets.response.g2.A", "10m", "A"},
    {ABC, "clocks.targets.response.g2.B", "30m", "A"},
    {ABC, "clocks.targets.response.g2.C", "2h", "A"},
    {ABC, "clocks.targets.response.g3.A", "30m", "A"},
    {ABC, "clocks.targets.response.g3.B", "2h", "A"},
    {ABC, "clocks.targets.response.g3.C", "24h", "A"},
    {ABC, "clocks.targets.onsite.g1.A", "2h", "A"},
    {ABC, "clocks.targets.onsite.g1.B", "4h", "A"},
    {ABC, "clocks.targets.onsite.g1.C", "12h", "A"},
    {ABC, "clocks.targets.onsite.g2.A", "4h", "A"},
    {ABC, "clocks.targets.onsite.g2.B", "12h", "A"},
    {ABC, "clocks.targets.onsite.g2.C", "24h", "A"},
    {ABC, "clocks.targets.onsite.g3.A", "12h", "A"},
    {ABC, "clocks.targets.onsite.g3.B", "24h", "A"},
    {ABC, "clocks.targets.onsite.g3.C", "48h", "A"},
    {ABC, "clocks.targets.repair.g1", "24h", "A"},
    {ABC, "clocks.targets.repair.g2", "3wd", "A"},
    {ABC, "clocks.targets.repair.g3", "3wd", "A"},
    {ABC, "clocks.targets.solution.g2", "7wd", "A"},
    {ABC, "clocks.targets.solution.g3", "7wd", "A"},
    {ABC, "clocks.targets.dispatch.all", "2h", "A"},
    {ABC, "clocks.targets.dispatch.cap_onsite", "0.25", "A"},
    {ABC, "clocks.targets.assign.all", "2h", "A"},
    {ABC, "clocks.targets.assign.cap_onsite", "0.25", "A"},
    {ABC, "clocks.targets.supervision.all", "4h", "A"},
    {ABC, "clocks.targets.supervision.cap_onsite", "0.5", "A"},
    {ABC, "clocks.targets.spare_delivery.all", "4h", "S S0-116"},
    {ABC, "items.swap.after", "depot_repair", "S S0-117"},
    {ABC, "items.onsite_gate", "phone_failed_or_important", "S S0-113"},
    {ABC, "items.inspection.onsite_interval", "6mo", "A"},
    {ABC, "items.inspection.remote_interval", "1mo", "A"},
    {ABC, "items.inspection.sheet", "with_customer_engineer", "S S0-120"},
    {ABC, "items.inspection.report", "3wd", "S S0-121"},
    {ABC, "items.guard_period", "on_request", "S S0-119"},
    {ABC, "items.planned_change.punctuality", "exact", "S S0-126"},
    {ABC, "items.rca.required", "1 2 3", "S S0-115"},
    {ABC, "items.rca.due", "3wd", "A"},
    {ABC, "clocks.targets.rca.all", "3wd", "A"},
    {ABC, "items.file", "repair_file_per_system", "S S0-122 S0-123"},
    {ABC, "items.training.mode", "in_inspections_on_request", "S S0-124 S0-125"},
    {ABC, "items.training.interval", "6mo", "A"},
    {ABC, "items.flow", "7_steps", "S S0-127"},
    {ABC, "items.ticket.cause_before_close", "true", "S S0-114"},
    {ABC, "period.warranty.classes.tank", "3y", "A"},
    {ABC, "period.warranty.classes.electrical", "1y", "A"},
    {ABC, "items.survey.target", "0.9", "A"},
    /* ---- document 1 */
    {REPLY, "staff.hotline.hours", "24x7", "S S1-52"},
    {REPLY, "staff.hotline.desk_hours", "working_hours", "S S1-53"},
    {REPLY, "staff.channels", "phone web_form email social_media", "S S1-22 S1-52"},
    {REPLY, "clocks.targets.response.all", "24h", "S S1-05"},
    {REPLY, "clocks.targets.onsite.all", "48h", "S S1-06"},
    {REPLY, "clocks.targets.onsite.remote_area", "96h", "A"},
    {REPLY, "clocks.targets.onsite.emergency", "48h", "A"},
    {REPLY, "clocks.targets.visit_arranged", "", NULL},
    {REPLY, "clocks.targets.repair.all", "3wd", "S S1-07"},
    {REPLY, "clocks.targets.solution.all", "7wd", "S S1-08"},
    {REPLY, "items.kpi", "", NULL},
    {REPLY, "clocks.grade.urgency", "g1_or_safety_is_emergency", "A"},
    {REPLY, "clocks.grade.g1_outage", "10m", "A"},
    {REPLY, "clocks.grade.g1_outage_services", "circulation backup_heating refill", "A"},
    {REPLY, "clocks.grade.link_loss_limit", "4h", "A"},
    {REPLY, "clocks.targets.dispatch.all", "2h", "A"},
    {REPLY, "clocks.targets.dispatch.emergency", "10m", "A"},
    {REPLY, "clocks.targets.assign.all", "2h", "A"},
    {REPLY, "clocks.targets.assign.emergency", "20m", "A"},
    {REPLY, "clocks.targets.supervision.all", "4h", "A"},
    {REPLY, "clocks.targets.supervision.emergency", "1h", "A"},
    {REPLY, "period.warranty.classes.tank", "1y", "A"},
    {REPLY, "period.warranty.start_order", "invoice_date factory_date", "S S1-13"},
    {REPLY, "period.warranty.covered", "main_unit accessories software original_parts", "S S1-15"},
    {REPLY, "period.warranty.excluded", "misuse force_majeure own_dismantling consumables", "S S1-17 S1-18 S1-19 S1-20"},
    {REPLY, "items.charge.chargeable", "paid_repair_or_advice", "S S1-21"},
    {REPLY, "items.charge.consent_before_repair", "required", "A"},
    {REPLY, "items.repair_place", "onsite_if_needed", "S S1-06"},
    {REPLY, "clocks.targets.ship_after_qc", "", NULL},
    {REPLY, "items.notify", "number technician_and_eta progress result", "S S1-23 S1-27 S1-31"},
    {REPLY, "items.acceptance_form", "required", "S S1-33"},
    {REPLY, "staff.technician", "certified_with_periodic_exam", "S S1-35"},
    {REPLY, "items.spares", "by_sales_and_failure_rate", "S S1-44 S1-51"},
    {REPLY, "items.survey.target", "0.9", "S S1-04 S1-55"},
    {REPLY, "items.survey.followup", "90d", "A"},
    {REPLY, "items.remote_support", "with_preventive_advice", "S S1-59 S1-60"},
    {REPLY, "items.visits.per_year", "2", "A"},
    {REPLY, "items.file", "", NULL},
    /* ---- document 3 */
    {URGENT, "period.agreement_term", "1y", "S S3-01"},
    {URGENT, "staff.hotline.hours", "24x7", "S S3-08"},
    {URGENT, "staff.channels", "hotline online_chat official_account website", "S S3-08 S3-15"},
    {URGENT, "clocks.targets.response.all", "24h", "S S3-05"},
    {URGENT, "clocks.targets.onsite.all", "24h", "A"},
    {URGENT, "clocks.targets.onsite.remote_area", "", NULL},
    {URGENT, "clocks.targets.onsite.emergency", "2h", "S S3-06"},
    {URGENT, "clocks.targets.visit_arranged.all", "24h", "S S3-19"},
    {URGENT, "clocks.targets.repair.all", "3wd", "A"},
    {URGENT, "clocks.targets.solution.all", "7wd", "A"},
    {URGENT, "items.kpi.mean_response", "2h", "S S3-13"},
    {URGENT, "items.kpi.onsite_repair", "24h", "S S3-13"},
    {URGENT, "clocks.grade.urgency", "g1_or_safety_is_emergency", "A"},
    {URGENT, "clocks.grade.g1_outage", "10m", "A"},
    {URGENT, "clocks.grade.g1_outage_services", "circulation backup_heating refill", "A"},
    {URGENT, "clocks.grade.link_loss_limit", "4h", "A"},
    {URGENT, "clocks.targets.dispatch.all", "2h", "A"},
    {URGENT, "clocks.targets.dispatch.emergency", "10m", "A"},
    {URGENT, "clocks.targets.assign.all", "2h", "A"},
    {URGENT, "clocks.targets.assign.emergency", "20m", "A"},
    {URGENT, "clocks.targets.supervision.all", "4h", "A"},
    {URGENT, "clocks.targets.supervision.emergency", "1h", "A"},
    {URGENT, "period.warranty.classes.tank", "1y", "S S3-03"},
    {URGENT, "period.warranty.classes.electrical", "1y", "S S3-03"},
    {URGENT, "period.warranty.start_order", "sale_date", "S S3-03"},
    {URGENT, "period.warranty.covered", "product parts", "S S3-12"},
    {URGENT, "period.warranty.excluded", "man_made_damage", "S S3-11"},
    {URGENT, "items.charge.chargeable", "by_difficulty_and_material", "S S3-14"},
    {URGENT, "items.charge.consent_before_repair", "required", "A"},
    {URGENT, "items.repair_place", "onsite_else_depot", "S S3-18"},
    {URGENT, "clocks.targets.ship_after_qc.all", "24h", "A"},
    {URGENT, "items.notify", "number next_step_and_response ready result", "S S3-16 S3-20"},
    {URGENT, "items.acceptance_form", "test_until_solved", "S S3-21"},
    {URGENT, "staff.technician", "trained_and_examined", "S S3-02"},
    {URGENT, "items.spares", "stock_provided", "S S3-02"},
    {URGENT, "items.survey.target", "0.9", "A"},
    {URGENT, "items.visits.per_year", "2", "A"},
    {URGENT, "items.file.kind", "service_file", "S S3-07"},
    {URGENT, "items.file.analysis_interval", "3mo", "A"},
    /* ---- overlays */
    {"discipline", "clocks.targets.dispatch.all", "2h", "S S0-145"},
    {"discipline", "clocks.targets.assign.all", "2h", "S S0-140 S0-146"},
    {"discipline", "clocks.targets.supervision.all", "4h", "S S0-147"},
    {"discipline", "clocks.targets.escalation.all", "4h", "A"},
    {"discipline", "period.registration.due", "20d", "S S0-136"},
    {"discipline", "period.warranty.requires_registration", "true", "S S0-136"},
    {"discipline", "items.reserve_plan.lead", "30d", "S S0-142"},
    {"discipline", "items.old_parts.required", "true", "S S0-150"},
    {"discipline", "items.old_parts.windows", "06-01/06-15 12-01/12-15", "A"},
    {"discipline", "items.charge.paid_work", "travel_and_wages", "S S0-139"},
    {"project_monthly", "staff.hotline.hours", "24x7", "S S0-02"},
    {"project_monthly", "clocks.targets.onsite.all", "24h", "S S0-03"},
    {"project_monthly", "items.inspection.remote_interval", "1mo", "S S0-09"},
    {"project_monthly", "items.inspection.distribution", "all_parties", "S S0-14"},
    {"project_monthly", "items.customer_visit.min_interval", "1mo", "S S0-16"},
    {"project_monthly", "items.customer_visit.max_interval", "6mo", "S S0-16"},
    {"project_monthly", "items.charge.remote_support", "free", "S S0-11"},
    {"guarantee_maintenance", "period.phases", "guarantee maintenance", "S S0-75"},
    {"guarantee_maintenance", "period.warranty.start_order", "acceptance_date completion_report_signed", "S S0-75 S0-88"},
    {"guarantee_maintenance", "items.charge.guarantee_other_cause", "parts_at_cost", "S S0-76"},
    {"guarantee_maintenance", "items.charge.price_cap", "contract_unit_price_plus_labour", "S S0-77"},
    {"guarantee_maintenance", "items.maintenance.interval", "1mo", "S S0-99"},
    {"guarantee_maintenance", "items.contact_change.due", "3d", "S S0-100"},
    {"guarantee_maintenance", "items.onsite_gate", "mutual_consent", "S S0-101"},
    {"guarantee_maintenance", "clocks.targets.response.all", "24h", "S S1-05"}, /* unset: from underneath (S0-89, G-03) */
    {"two_person_warranty", "items.verify.warranty", "two_persons", "S S0-28 S0-30"},
    {"two_person_warranty", "items.verify.responsible_party", "required", "S S0-31"},
    {"two_person_warranty", "items.verify.photos", "required", "S S0-34"},
    {"two_person_warranty", "items.verify.service_order", "with_cost", "S S0-35"},
    {"two_person_warranty", "clocks.targets.first_contact.all", "24h", "S S0-36"},
    {"two_person_warranty", "period.warranty.start_order", "acceptance_date completion_report_signed completion_date", "S S0-39"},
    {"contract", "clocks.calendar.hours", "24x7", "A"}, /* unset (S2-07): from underneath */
    {"contract", "clocks.targets.response.all", "24h", "S S1-05"}, /* unset (S2-08) */
    {"contract", "items.confidentiality", "on", "S S2-38"},
    {"contract", "items.complaints", "registered", "S S2-33"},
    {"contract", "items.fee_approval", "required", "S S2-30"},
};

/* "" or what is wrong with it. */
static void judge(const struct plan *plan, const struct promise *row, struct text *why)
{
    const struct yaml_node *leaf = at_path(plan, row->path), *value = child(leaf, "value", 5), *origin = child(leaf, "origin", 6);
    TEXT(words, 300);
    TEXT(ids, 300);

    if (!row->value[0]) {
        text_addf(why, leaf ? "is there, and nobody promises it" : "");
        return;
    }
    words_of(value, &words);
    words_of(child(leaf, "ids", 3), &ids);
    if (!value || strcmp(words.at, row->value) != 0) {
        text_addf(why, "says '%s', not '%s'", words.at, row->value);
    } else if (!origin || origin->text[0] != row->origin[0]) {
        text_addf(why, "has origin %s, not %s", origin ? origin->text : "none", row->origin);
    }
    for (const char *id = strchr(row->origin, ' '); id && !why->length; id = strchr(id + 1, ' ')) {
        TEXT(one, 20);

        text_addf(&one, "%.*s", (int)strcspn(id + 1, " "), id + 1);
        if (!strstr(ids.at, one.at)) {
            text_addf(why, "names '%s', not %s", ids.at, one.at);
        }
    }
}

/* C-01 C-03 C-05 C-06 C-07 C-21 C-25, G-01 G-02 G-03 G-05 G-06 G-09 G-11 G-15 G-16 G-25 */
static void every_promise_stands(void **state)
{
    const struct plan *plan = NULL;
    const char *last = "";
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(promises) / sizeof(promises[0]); i++) {
        TEXT(why, 700);

        if (strcmp(last, promises[i].plan) != 0) {
            arena_reset(arena);
            plan = plan_of(last = promises[i].plan);
        }
        judge(plan, &promises[i], &why);
        if (why.length) {
            printf("%s: %s %s\n", promises[i].plan, promises[i].path, why.at);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* S1-12 S2-38: the years of [X] are no stated value; what the text leaves to a contract says so beside the value. */
static void blanks_stay_visible(void **state)
{
    static const struct {
        const char *plan, *says;
    } rows[] = {{REPLY, "[X] years"}, {ABC, "from the contract"}};
    static const char *const classes[] = {"tank", "collector", "evacuated_tube", "bracket", "pipe_fittings", "electrical"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct plan *plan = plan_of(rows[i].plan);

        assert_int_equal(plan->class_count, 6);
        for (size_t k = 0; k < 6; k++) {
            TEXT(path, 100);
            const struct yaml_node *note;

            text_addf(&path, "period.warranty.classes.%s.note", classes[k]);
            note = at_path(plan, path.at);
            assert_non_null(note);
            assert_non_null(strstr(note->text, rows[i].says));
            assert_int_equal(plan->classes[k].origin.flag, 'A');
        }
    }
}

/* S0-50: not cleared when the crew's twelve hours are over: the leadership knows at once. S0-145: emergencies too. */
static void the_leadership_is_told_at_once(void **state)
{
    const struct plan_escalation *late = plan_escalation_of(plan_of(SWH), ESCALATION_NOT_CLEARED, 3);

    (void)state;
    assert_non_null(late);
    assert_int_equal(late->origin.flag, 'S');
    assert_true(late->rule.steps[0].wait_ms == 0 && late->rule.steps[0].to & ESCALATION_TO_LEADERSHIP);
    for (size_t i = 0; i < PRESETS; i++) {
        const struct plan_escalation *urgent = plan_escalation_of(plan_of(presets[i]), ESCALATION_EMERGENCY, 1);

        assert_true(urgent && urgent->rule.steps[0].wait_ms == 0 && urgent->rule.steps[0].to & ESCALATION_TO_LEADERSHIP);
    }
}

/* ------------------------------------------------------------------ the clock catalogue */

/* A clock of the catalogue: who has it, which event starts it, which one ends it. */
static const struct {
    const char *plan, *kind;
    enum plan_start start;
    enum plan_stop stop;
} catalogue[] = {
    {SWH, "ack", PLAN_REGISTERED, PLAN_RECEIPT},            /* S1-23 S3-16 */
    {SWH, "response", PLAN_REGISTERED, PLAN_RESPONSE},      /* S1-05 S3-05 */
    {ABC, "callback", PLAN_PARKED, PLAN_ANSWERED},          /* S0-111 S0-112 */
    {SWH, "dispatch", PLAN_REGISTERED, PLAN_DISPATCHED},    /* S0-145 */
    {SWH, "assign", PLAN_FORWARDED, PLAN_ASSIGNED},         /* S0-140 S0-146 */
    {SWH, "supervision", PLAN_FORWARDED, PLAN_CHECKED},     /* S0-147 */
    {SWH, "escalation", PLAN_UNHEEDED, PLAN_RULED},         /* S0-148 */
    {"two_person_warranty", "first_contact", PLAN_SCOPED, PLAN_CONTACTED}, /* S0-36 */
    {URGENT, "visit_arranged", PLAN_REPORT, PLAN_ARRANGED}, /* S3-19 */
    {URGENT, "onsite", PLAN_REPORT, PLAN_ARRIVED},          /* S3-06 S0-03 S1-06 */
    {SWH, "onsite_l1", PLAN_REPORT, PLAN_ARRIVED},          /* S0-49 */
    {SWH, "onsite_crew", PLAN_REPORT, PLAN_ARRIVED},        /* S0-50 */
    {REPLY, "repair", PLAN_REPORT, PLAN_CLEARED_STOP},      /* S1-07 */
    {REPLY, "solution", PLAN_REPORT, PLAN_SOLUTION},        /* S1-08 */
    {ABC, "spare_delivery", PLAN_DECIDED, PLAN_DELIVERED},  /* S0-116 */
    {ABC, "outage", PLAN_INTERRUPTED, PLAN_RESTORED},       /* S0-105 */
    {URGENT, "ship_after_qc", PLAN_PASSED, PLAN_SHIPPED},   /* S3-21 */
    {ABC, "rca", PLAN_CLEARED, PLAN_APPROVED},              /* S0-115 */
};

/* What is owed by the calendar: in which plan, and for how long. */
static const struct {
    const char *plan;
    enum plan_duty duty;
    struct duration limit;
} calendar[] = {
    {ABC, PLAN_DUTY_REPORT, {3, DURATION_WD}},                      /* S0-121 */
    {"project_monthly", PLAN_DUTY_REMOTE_INSPECTION, {1, DURATION_MO}}, /* S0-09 */
    {"guarantee_maintenance", PLAN_DUTY_MAINTENANCE, {1, DURATION_MO}}, /* S0-99 */
    {"project_monthly", PLAN_DUTY_CUSTOMER_VISIT, {6, DURATION_MO}}, /* S0-16 */
    {SWH, PLAN_DUTY_TRAINING, {2, DURATION_D}},                     /* S0-69 */
    {"guarantee_maintenance", PLAN_DUTY_CONTACT, {3, DURATION_D}},  /* S0-100 */
    {"discipline", PLAN_DUTY_REGISTRATION, {20, DURATION_D}},       /* S0-136 */
    {"discipline", PLAN_DUTY_RESERVE, {30, DURATION_D}},            /* S0-142 */
    {URGENT, PLAN_DUTY_AGREEMENT, {1, DURATION_Y}},                 /* S3-01 */
};

static void every_clock_of_the_catalogue_is_in_a_plan(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(catalogue) / sizeof(catalogue[0]); i++) {
        const struct plan *plan = plan_of(catalogue[i].plan);
        const struct plan_target *found = NULL;

        for (size_t k = 0; k < plan->target_count; k++) {
            found = strcmp(plan->targets[k].kind, catalogue[i].kind) == 0 ? &plan->targets[k] : found;
        }
        if (!found) {
            fail_msg("%s has no clock '%s'", catalogue[i].plan, catalogue[i].kind);
        }
        /* document 1 and 3 say "of the report": both names are the same instant */
        assert_true(found->start == catalogue[i].start || (found->start == PLAN_REPORT && catalogue[i].start == PLAN_REGISTERED));
        assert_int_equal(found->stop, catalogue[i].stop);
    }
    for (size_t i = 0; i < sizeof(calendar) / sizeof(calendar[0]); i++) {
        const struct plan_limit *limit = &plan_of(calendar[i].plan)->duties[calendar[i].duty];

        assert_true(limit->set && limit->limit.count == calendar[i].limit.count && limit->limit.unit == calendar[i].limit.unit);
        arena_reset(arena);
    }
}

/* The catalogue leaves nothing out: each start and each stop that the program knows is one of its clocks'. */
static void every_event_has_its_clock(void **state)
{
    (void)state;
    for (int i = 0; plan_start_names[i]; i++) {
        bool found = i == PLAN_REPORT;

        for (size_t k = 0; k < sizeof(catalogue) / sizeof(catalogue[0]); k++) {
            found = found || (int)catalogue[k].start == i;
        }
        assert_true(found);
    }
    for (int i = 0; plan_stop_names[i]; i++) {
        bool found = false;

        for (size_t k = 0; k < sizeof(catalogue) / sizeof(catalogue[0]); k++) {
            found = found || (int)catalogue[k].stop == i;
        }
        assert_true(found);
    }
}

static int open_arena(void **state)
{
    (void)state;
    return (int)arena_open(64 << 20, &arena);
}

static int close_arena(void **state)
{
    (void)state;
    arena_close(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_promise_stands),
        cmocka_unit_test(blanks_stay_visible),
        cmocka_unit_test(the_leadership_is_told_at_once),
        cmocka_unit_test(every_clock_of_the_catalogue_is_in_a_plan),
        cmocka_unit_test(every_event_has_its_clock),
    };

    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
