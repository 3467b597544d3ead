/* What a plan says about complaints and about questionnaires. */
#include "models/service/plan_int.h"

static const char *const chain_names[] = {"dispatcher", "supervisor", "technical", "leadership", NULL};
const char *const plan_question_kind_names[] = {"yes_no", "score", "text", NULL};
const char *const plan_question_found_names[] = {"nothing", "status", "open_tickets", "software", NULL};

/* ------------------------------------------------------------------ complaints */

static void read_chain(struct plan_reader *reader, struct yaml_node *list, struct plan_complaint *complaint)
{
    list = yaml_list(reader->complaints, list, "a list of roles, from the first to leadership");
    for (struct yaml_node *node = list ? list->first : NULL; node; node = node->next) {
        if (complaint->chain_count == PLAN_CHAIN_MOST) {
            complain(reader->complaints, node, "expected at most %d roles", PLAN_CHAIN_MOST);
            return;
        }
        complaint->chain[complaint->chain_count++] =
            chain_names[yaml_choice(reader->complaints, node, "a role of people", chain_names, 0)];
    }
}

static void read_complaint(struct plan_reader *reader, struct yaml_node *map, struct plan_complaint *complaint)
{
    struct yaml_node *chain;

    map = yaml_map(reader->complaints, map, "a map {acknowledge, answer, resolve, escalate, deemed, chain, straight_up}");
    if (!map) {
        return;
    }
    complaint->limits[PLAN_COMPLAINT_ACKNOWLEDGE] = plan_limit_at(reader, map, "acknowledge");
    complaint->limits[PLAN_COMPLAINT_ANSWER] = plan_limit_at(reader, map, "answer");
    complaint->limits[PLAN_COMPLAINT_RESOLVE] = plan_limit_at(reader, map, "resolve");
    complaint->escalate_ms = plan_ms(reader, map, "escalate", complaint->escalate_ms, false);
    complaint->deemed_ms = plan_ms(reader, map, "deemed", complaint->deemed_ms, false);
    chain = plan_leaf(reader, map, "chain", NULL);
    if (chain) {
        complaint->chain_count = 0;
        read_chain(reader, chain, complaint);
    }
    complaint->straight_up = plan_texts(reader, plan_leaf(reader, map, "straight_up", NULL), "a list of severities");
    plan_others(reader, map);
}

/* ------------------------------------------------------------------ questionnaires */

static struct words2 read_title(struct plan_reader *reader, struct yaml_node *node)
{
    struct yaml_node *map = yaml_map(reader->complaints, node, "a title {en, zh}");
    struct words2 title = {NULL, NULL};

    if (map) {
        title.en = plan_keep(reader, yaml_text(reader->complaints, yaml_need(reader->complaints, map, "en"), "a text", ""));
        title.zh = plan_keep(reader, yaml_text(reader->complaints, yaml_need(reader->complaints, map, "zh"), "a text", ""));
        yaml_no_more(reader->complaints, map);
    }
    return title;
}

static void read_question(struct plan_reader *reader, struct yaml_node *node, struct plan_question *question)
{
    struct yaml_node *map = yaml_map(reader->complaints, node, "a question {id, title, kind}");
    size_t before;

    *question = (struct plan_question){.alert = plan_no_texts};
    if (!map) {
        return;
    }
    question->id = plan_keep(reader, yaml_id(reader->complaints, yaml_need(reader->complaints, map, "id"), "an id"));
    question->title = read_title(reader, yaml_need(reader->complaints, map, "title"));
    question->kind = yaml_choice(reader->complaints, yaml_need(reader->complaints, map, "kind"), "a kind of question",
                                 plan_question_kind_names, 0);
    before = reader->complaints->count;
    question->each = yaml_bool(reader->complaints, yaml_find(map, "each"), "true or false", false);
    question->found = yaml_choice(reader->complaints, yaml_find(map, "found"), "what telemetry says already",
                                  plan_question_found_names, 0);
    if (question->found && !question->each && reader->complaints->count == before) {
        complain(reader->complaints, yaml_find(map, "found"), "expected each: true, only equipment has telemetry");
    }
    question->alert = plan_texts(reader, yaml_find(map, "alert"), "a list of answers");
    yaml_no_more(reader->complaints, map);
}

static void read_questionnaire(struct plan_reader *reader, struct yaml_node *map, struct plan_questionnaire *ask)
{
    struct yaml_node *list;
    struct plan_question *questions;

    map = yaml_map(reader->complaints, map, "a map {every, expires, questions}");
    if (!map) {
        return;
    }
    ask->every_ms = plan_ms(reader, map, "every", 0, false);
    ask->expires_ms = plan_ms(reader, map, "expires", ask->expires_ms, false);
    list = plan_leaf(reader, map, "questions", &ask->origin);
    list = yaml_list(reader->complaints, list, "a list of questions");
    if (list && list->count > PLAN_QUESTIONS_MOST) {
        complain(reader->complaints, list, "expected at most %d questions", PLAN_QUESTIONS_MOST);
    } else if (list) {
        questions = arena_array(reader->arena, list->count + 1, sizeof(*questions));
        ask->questions = questions;
        for (struct yaml_node *node = questions ? list->first : NULL; node; node = node->next) {
            read_question(reader, node, &questions[ask->question_count++]);
        }
    }
    plan_others(reader, map);
}

void plan_read_relation(struct plan_reader *reader, struct yaml_node *items)
{
    static const struct plan_complaint preset = {
        .escalate_ms = 2 * 86400000LL, .deemed_ms = 14 * 86400000LL, .chain = {"supervisor", "leadership"}, .chain_count = 2,
    };
    struct plan *plan = reader->plan;

    plan->complaint = preset;
    plan->complaint.straight_up = plan_no_texts;
    plan->questionnaire = (struct plan_questionnaire){.expires_ms = 30 * 86400000LL, .origin = {.ids = plan_no_texts}};
    for (int i = 0; i < PLAN_COMPLAINT_LIMITS; i++) {
        plan->complaint.limits[i].origin.ids = plan_no_texts;
    }
    read_complaint(reader, items ? yaml_find(items, "complaint") : NULL, &plan->complaint);
    read_questionnaire(reader, items ? yaml_find(items, "questionnaire") : NULL, &plan->questionnaire);
}
