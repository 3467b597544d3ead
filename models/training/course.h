/*
 * Courses: who is taught what, by whom, with which material, for how long, by which exam; what who passes is and for how
 * long. Plain data of files (models/courses), never changed after course_read(). Pure: sessions, attendees and
 * certificates are the server's business. The file's form stands in docs/training.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/duration.h"
#include "models/base/err.h"
#include "models/base/json.h"
#include "models/base/text.h"
#include "models/base/yaml.h"
#include "models/profile/profile.h"

#define COURSE_ITEMS_MOST 100 /* of each list */

enum course_kind {
    COURSE_CUSTOMER, /* who uses and keeps the equipment */
    COURSE_STAFF,    /* the company's own */
    COURSE_DEALER,   /* local agents and their repair teams */
    COURSE_EXCHANGE, /* regular talk with the customer's operation staff */
    COURSE_SHOW,     /* a product show that customers are invited to */
};
extern const char *const course_kind_names[]; /* customer staff dealer exchange show */

/* What an attendee is. */
extern const char *const course_audience_names[]; /* user equipment_manager plumber electrician engineer operator … */
extern const char *const course_level_names[];    /* none user maintainer technician expert */
extern const char *const course_mode_names[];     /* on_site factory remote online */

/* What proposes it by itself. */
enum course_occasion {
    COURSE_ON_ACCEPTANCE,      /* equipment was accepted (S0-69) */
    COURSE_ON_OPERATOR_FAULTS, /* operators' typical problems (S0-82) */
    COURSE_ON_INTERVAL,        /* the plan's training.interval (S0-125) */
    COURSE_ON_EVERY,           /* so long after the last one: `every` (S0-134, S1-57) */
    COURSE_OCCASIONS,
};
extern const char *const course_occasion_names[]; /* acceptance operator_faults interval every */

struct course_topic {
    const char *id;
    struct words2 title;
    bool required;
    bool faults; /* filled from the faults of the site's equipment */
};

struct course_material {
    const char *id;
    struct words2 title;
    const char *form; /* manual video slides … */
};

struct course_choice {
    const char *id;
    struct words2 title;
    bool right;
};

struct course_question {
    const char *id;
    struct words2 title;
    bool must;      /* wrong: not passed, whatever the others are */
    bool practical; /* shown to the examiner; else answered by a choice */
    const struct course_choice *choices;
    size_t choice_count;
};

struct training_course {
    const char *id;
    int64_t version;
    struct words2 title;
    char hash[17];
    enum course_kind kind;
    unsigned occasions; /* a bit each */
    const char *const *profiles;  /* NULL-ended, never NULL; empty: any */
    const char *const *audience;
    const char *const *modes;
    const char *const *trainer;   /* certificates that its trainer needs */
    const char *const *before; /* courses that who comes has passed */
    const char *level;            /* what who passes is */
    int64_t duration_ms;
    struct duration every;        /* count 0: not by itself */
    const struct course_topic *topics;
    size_t topic_count;
    const struct words2 *goals;
    size_t goal_count;
    const struct course_material *material;
    size_t material_count;
    double pass; /* share of the questions */
    const struct course_question *questions;
    size_t question_count;
    struct duration valid;   /* count 0: without end */
    int64_t warn_days;       /* before the certificate ends */
    const char *certificate; /* type that dispatch asks for; NULL: the paper alone */
    int skill_level;         /* 0: not said; 1 … 5 */
    bool exam;               /* it is the periodic exam: passing it renews the technician's exam_due */
};

/* Reads and checks; every finding is in complaints. ERR_FORMAT, ERR_NOMEM. */
enum err course_read(struct arena *arena, const char *bytes, size_t size, struct complaints *complaints,
                     const struct training_course **ret_course) MUST_CHECK;

struct course_mark {
    int right, of;
    bool passed;
};
/*
 * answers: {question: choice, …, practical question: true or false}. One that is missing is wrong. Passed: the share is
 * reached and nothing that must be right is wrong. ERR_FORMAT with why: the course asks no such question, or it has no such
 * choice, or there is no exam.
 */
enum err course_judge(const struct training_course *course, const struct cJSON *answers, struct course_mark *ret_mark,
                      struct text *why) MUST_CHECK;
/* The last day of what begins on that day and lasts so long; INT32_MAX: without end. */
int32_t course_last_day(int32_t day, struct duration lasts);
/* The day from which the next one is due: so long after that day. */
int32_t course_next_day(int32_t day, struct duration lasts);
bool course_has_word(const char *const *words, const char *word);
/* The course for that occasion and equipment: one that names the profile goes before one for all. NULL: none. */
const struct training_course *course_choose(const struct training_course *const *courses, size_t count, enum course_occasion occasion,
                                   const char *profile);
