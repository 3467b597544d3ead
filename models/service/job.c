/* Job plans: which one, and how a step was answered. */
#include "models/service/job.h"

#include <string.h>

#include "models/base/text.h"

const char *const job_kind_names[] = {"corrective",     "preventive",   "inspection", "installation",
                                      "planned_change", "depot_repair", "assistance", NULL};
const char *const job_type_names[] = {"check", "number", "text", "choice", "photo", "measure", "part", NULL};
const char *const job_stage_names[] = {"depart", "start", "finish", "verify", "close", NULL};
const char *const job_need_names[] = {"precautions", "steps",    "test",       "technician",
                                      "customer",    "acceptance", "findings", "documents", NULL};
const char *const job_light_names[] = {"open", "green", "red", NULL};

static int find(const char *const *names, const char *name)
{
    for (int i = 0; name && names[i]; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

int job_kind_read(const char *name)
{
    return find(job_kind_names, name);
}

int job_stage_read(const char *name)
{
    return find(job_stage_names, name);
}

/* ------------------------------------------------------------------ choosing */

/* 1 when the list names it, 0 when the list is empty (any), -1 when it names others. */
static int fit(const char *const *list, const char *name)
{
    return !list[0] ? 0 : find(list, name) >= 0 ? 1 : -1;
}

const struct job *job_choose(const struct job *const *jobs, size_t count, const struct job_wanted *wanted)
{
    const struct job *best = NULL;
    int best_points = -1;

    for (size_t i = 0; i < count; i++) {
        int fault = fit(jobs[i]->faults, wanted->fault), profile = fit(jobs[i]->profiles, wanted->profile);
        int component = fit(jobs[i]->components, wanted->component);
        int points = 4 * fault + 2 * component + profile;

        if (jobs[i]->kind != wanted->kind || fault < 0 || component < 0 || profile < 0) {
            continue;
        }
        if (points > best_points || (points == best_points && strcmp(jobs[i]->id, best->id) < 0)) {
            best = jobs[i];
            best_points = points;
        }
    }
    return best;
}

/* ------------------------------------------------------------------ judging */

static enum job_light judge_check(const struct job_step *step, const struct cJSON *value)
{
    static const char *const yes[] = {"yes", "ok", "true", "done", "是", "正常", NULL};
    static const char *const no[] = {"no", "not ok", "false", "否", "异常", NULL};
    const char *word = json_as_text(value);
    bool answer;

    if (json_as_bool(value, &answer)) {
        return answer == step->expect ? JOB_GREEN : JOB_RED;
    }
    if (find(yes, word) >= 0) {
        return step->expect ? JOB_GREEN : JOB_RED;
    }
    if (find(no, word) >= 0) {
        return step->expect ? JOB_RED : JOB_GREEN;
    }
    return JOB_OPEN;
}

enum job_light job_judge_number(const struct job_step *step, double number)
{
    return !step->has_limits || (number >= step->least && number <= step->most) ? JOB_GREEN : JOB_RED;
}

static enum err judge_choice(const struct job_step *step, const struct cJSON *value, enum job_light *ret_light,
                             struct text *why)
{
    const char *word = json_as_text(value);
    TEXT(known, 300);

    for (size_t i = 0; i < step->choice_count; i++) {
        if (text_same(word, step->choices[i].id)) {
            *ret_light = step->choices[i].fails ? JOB_RED : JOB_GREEN;
            return ERR_OK;
        }
        text_addf(&known, " %s", step->choices[i].id);
    }
    return text_say(why, ERR_FORMAT, "value: expected one of%s for step %s", known.at, step->id);
}

enum err job_judge(const struct job_step *step, const struct cJSON *value, enum job_light *ret_light,
                   struct text *why)
{
    const char *word = json_as_text(value);
    double number;

    if (!value || json_is_null(value)) {
        *ret_light = JOB_OPEN; /* taken back */
        return ERR_OK;
    }
    switch (step->type) {
    case JOB_CHECK:
        *ret_light = judge_check(step, value);
        return ERR_OK;
    case JOB_NUMBER:
    case JOB_MEASURE:
        if (!json_as_number(value, &number)) {
            return text_say(why, ERR_FORMAT, "value: expected a number%s%s for step %s",
                            step->unit[0] ? " in " : "", step->unit, step->id);
        }
        *ret_light = job_judge_number(step, number);
        return ERR_OK;
    case JOB_CHOICE:
        return judge_choice(step, value, ret_light, why);
    case JOB_TEXT:
        *ret_light = word && !word[0] ? JOB_OPEN : JOB_GREEN;
        return ERR_OK;
    case JOB_PHOTO:
    case JOB_PART:
        if (!word || !word[0]) {
            return text_say(why, ERR_FORMAT, "value: expected the id of %s for step %s",
                            step->type == JOB_PHOTO ? "an attachment" : "a part", step->id);
        }
        *ret_light = JOB_GREEN;
        return ERR_OK;
    }
    return ERR_FORMAT;
}

/* ------------------------------------------------------------------ showing */

void job_put_title(const char *name, const struct words2 *title, struct json_out *out)
{
    json_key(out, name);
    json_open_object(out);
    json_text(out, "en", title->en);
    json_text(out, "zh", title->zh);
    json_close_object(out);
}

void job_put_step(const struct job_step *step, struct json_out *out)
{
    json_text(out, "step", step->id);
    json_text(out, "title_en", step->title.en);
    json_text(out, "title_zh", step->title.zh);
    if (step->hint.en || step->hint.zh) {
        job_put_title("hint", &step->hint, out);
    }
    json_text(out, "type", job_type_names[step->type]);
    json_bool(out, "required", step->required);
    if (step->unit[0]) {
        json_text(out, "unit", step->unit);
    }
    if (step->has_limits) {
        json_key(out, "limits");
        json_open_list(out);
        json_put_number(out, step->least);
        json_put_number(out, step->most);
        json_close_list(out);
    }
    if (step->choice_count > 0) {
        json_key(out, "choices");
        json_open_list(out);
        for (size_t i = 0; i < step->choice_count; i++) {
            json_open_object(out);
            json_text(out, "id", step->choices[i].id);
            json_text(out, "title_en", step->choices[i].title.en);
            json_text(out, "title_zh", step->choices[i].title.zh);
            json_bool(out, "fails", step->choices[i].fails);
            json_close_object(out);
        }
        json_close_list(out);
    }
    if (step->point) {
        json_text(out, "point", step->point);
    }
    if (step->part) {
        json_text(out, "part", step->part);
    }
    if (step->type == JOB_CHECK) {
        json_bool(out, "expect", step->expect);
    }
    if (step->tool) {
        json_text(out, "tool", step->tool);
    }
    if (step->component) {
        json_text(out, "component", step->component);
    }
    if (step->grade) {
        json_int(out, "grade", step->grade);
    }
}
