/* Courses: exams judged, terms counted, the one for an occasion. */
#include "models/training/course.h"

#include <string.h>

#include "models/base/civil.h"

const char *const course_kind_names[] = {"customer", "staff", "dealer", "exchange", "show", NULL};
const char *const course_audience_names[] = {"user",     "equipment_manager", "plumber", "electrician", "engineer",
                                             "operator", "technician",        "dealer",  "sales",       "anybody", NULL};
const char *const course_level_names[] = {"none", "user", "maintainer", "technician", "expert", NULL};
const char *const course_mode_names[] = {"on_site", "factory", "remote", "online", NULL};
const char *const course_occasion_names[] = {"acceptance", "operator_faults", "interval", "every", NULL};

bool course_has_word(const char *const *words, const char *word)
{
    while (words && *words && !text_same(*words, word)) {
        words++;
    }
    return words && *words;
}

/* ------------------------------------------------------------------ exams */

static const struct course_question *question_called(const struct training_course *course, const char *id)
{
    for (size_t i = 0; i < course->question_count; i++) {
        if (strcmp(course->questions[i].id, id) == 0) {
            return &course->questions[i];
        }
    }
    return NULL;
}

static const struct course_choice *choice_called(const struct course_question *question, const char *id)
{
    for (size_t i = 0; id && i < question->choice_count; i++) {
        if (strcmp(question->choices[i].id, id) == 0) {
            return &question->choices[i];
        }
    }
    return NULL;
}

static enum err check_answers(const struct training_course *course, const struct cJSON *answers, struct text *why)
{
    for (const struct cJSON *item = json_first(answers); item; item = json_next(item)) {
        const struct course_question *question = question_called(course, json_name(item));
        bool done;

        if (!question) {
            return text_say(why, ERR_FORMAT, "answers: the course %s has no question '%.64s'", course->id, json_name(item));
        }
        if (question->practical ? !json_as_bool(item, &done) : !choice_called(question, json_as_text(item))) {
            return text_say(why, ERR_FORMAT, "answers.%s: expected %s", question->id,
                            question->practical ? "true or false" : "one of its choices");
        }
    }
    return ERR_OK;
}

static bool is_right(const struct course_question *question, const struct cJSON *answer)
{
    const struct course_choice *choice;
    bool done = false;

    if (question->practical) {
        return json_as_bool(answer, &done) && done;
    }
    choice = choice_called(question, json_as_text(answer));
    return choice && choice->right;
}

enum err course_judge(const struct training_course *course, const struct cJSON *answers, struct course_mark *ret_mark,
                      struct text *why)
{
    struct course_mark mark = {0, (int)course->question_count, false};
    bool failed = false;
    enum err err;

    if (course->question_count == 0) {
        return text_say(why, ERR_FORMAT, "the course %s has no exam", course->id);
    }
    if (!json_is_object(answers)) {
        return text_say(why, ERR_FORMAT, "answers: expected an object {question: choice, …}");
    }
    err = check_answers(course, answers, why);
    for (size_t i = 0; !err && i < course->question_count; i++) {
        const struct course_question *question = &course->questions[i];
        bool right = is_right(question, json_field(answers, question->id));

        mark.right += right;
        failed = failed || (question->must && !right);
    }
    mark.passed = !failed && mark.right >= course->pass * mark.of - 1e-9;
    *ret_mark = mark;
    return err;
}

/* ------------------------------------------------------------------ terms */

int32_t course_next_day(int32_t day, struct duration lasts)
{
    if (lasts.count <= 0) {
        return INT32_MAX;
    }
    switch (lasts.unit) {
    case DURATION_Y:
        return civil_add_months(day, (int)lasts.count * 12);
    case DURATION_MO:
        return civil_add_months(day, (int)lasts.count);
    case DURATION_D:
    case DURATION_WD:
        return day + (int32_t)lasts.count;
    default: /* hours and less: the same day, at least till its end */
        return day + 1;
    }
}

int32_t course_last_day(int32_t day, struct duration lasts)
{
    int32_t next = course_next_day(day, lasts);

    return next == INT32_MAX ? next : next - 1;
}

/* ------------------------------------------------------------------ which */

const struct training_course *course_choose(const struct training_course *const *courses, size_t count, enum course_occasion occasion,
                                   const char *profile)
{
    const struct training_course *best = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct training_course *course = courses[i];
        bool named = course_has_word(course->profiles, profile);

        if ((course->occasions >> occasion & 1) && (named || !course->profiles[0]) &&
            (!best || (named && !best->profiles[0]))) {
            best = course;
        }
    }
    return best;
}
