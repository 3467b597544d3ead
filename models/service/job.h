/*
 * A job plan: what is done on one kind of work order, step by step, with limits; what must be there before
 * the order may go on; what telemetry is asked before and after. Plain data in an arena, never changed
 * after job_read(). The file's form stands in docs/job-format.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/base/json.h"
#include "models/base/text.h"
#include "models/base/yaml.h"
#include "models/profile/profile.h"

#define JOB_STEPS_MOST 200

enum job_kind {
    JOB_CORRECTIVE,
    JOB_PREVENTIVE,
    JOB_INSPECTION,
    JOB_INSTALLATION,
    JOB_PLANNED_CHANGE,
    JOB_DEPOT_REPAIR,
    JOB_ASSISTANCE,
};
extern const char *const job_kind_names[]; /* corrective preventive … */

enum job_type { JOB_CHECK, JOB_NUMBER, JOB_TEXT, JOB_CHOICE, JOB_PHOTO, JOB_MEASURE, JOB_PART };
extern const char *const job_type_names[]; /* check number text choice photo measure part */

/* Where an order may be held up. */
enum job_stage { JOB_DEPART, JOB_START, JOB_FINISH, JOB_VERIFY, JOB_CLOSE, JOB_STAGES };
extern const char *const job_stage_names[]; /* depart start finish verify close */

/* What may be wanted at a stage; a bit each. */
enum job_need {
    JOB_NEED_PRECAUTIONS, /* every precaution is ticked */
    JOB_NEED_STEPS,       /* every required step has an answer */
    JOB_NEED_TEST,        /* the after-test was made and nothing in it is red */
    JOB_NEED_TECHNICIAN,  /* signature */
    JOB_NEED_CUSTOMER,    /* signature */
    JOB_NEED_ACCEPTANCE,  /* the customer has accepted the result */
    JOB_NEED_FINDINGS,    /* every ticket that a failed step raised is closed */
    JOB_NEED_DOCUMENTS,   /* the papers that the plan wants were handed over, where the plan says that it waits for them */
    JOB_NEEDS,
};
extern const char *const job_need_names[]; /* precautions steps … documents */

struct job_choice {
    const char *id;
    struct words2 title;
    bool fails;
};

struct job_step {
    const char *id;
    struct words2 title, hint;
    enum job_type type;
    bool required, expect; /* expect: of a check, the answer that is well */
    const char *unit;      /* "" when it has none */
    bool has_limits;
    double least, most; /* number, measure */
    const struct job_choice *choices;
    size_t choice_count;
    const char *point; /* measure: of the equipment's profile */
    const char *part;  /* part; NULL: any */
    const char *component; /* warranty class that it looks at; NULL: not said */
    const char *tool;  /* class of the tool that it is measured with; NULL: not said */
    int grade;         /* of the ticket that a failed step raises; 0: none */
};

struct job_precaution {
    const char *id;
    struct words2 title;
};

struct job_gate { /* something that somebody has to confirm, by name and time */
    const char *id;
    struct words2 title;
    enum job_stage before;
    bool written; /* wants a document: a reference or an attachment */
    bool must;    /* false: what is missing is shown, nothing is held up */
    bool another; /* not by who did the work */
    bool manager; /* by somebody with the role of a manager */
    const char *after; /* an earlier gate that has to be confirmed before, by somebody else; NULL: none */
    const char *optional; /* must only where the service plan asks for it: a word of its items.approvals; NULL: always */
};

struct job_test { /* an item of the tests before and after, beside the profile's inspection lines */
    const char *id;
    struct words2 title;
    const char *point;
    double least, most;
};

struct job {
    const char *id;
    int64_t version;
    struct words2 title;
    char hash[17];
    const char *bytes; /* of the file, as they were given to job_read */
    size_t size;
    enum job_kind kind;
    const char *const *profiles, *const *faults, *const *components; /* NULL-ended, never NULL; empty: any */
    int64_t duration_ms; /* expected; 0: not said */
    int64_t fresh_ms;    /* values older than that are no test */
    const char *const *skills, *const *tools;
    const struct job_precaution *precautions;
    size_t precaution_count;
    const struct words2 *advice; /* what the customer is told at the end */
    size_t advice_count;
    unsigned needs[JOB_STAGES];
    const struct job_gate *gates;
    size_t gate_count;
    const struct job_test *tests;
    size_t test_count;
    const struct job_step *steps;
    size_t step_count;
};

struct job_world { /* what a job may speak of */
    const struct profile *const *profiles;
    size_t profile_count;
};

/* Reads and checks; everything that is wrong is in complaints. world NULL: what the file names of
 * profiles is not looked up. */
enum err job_read(struct arena *arena, const char *bytes, size_t size, const struct job_world *world,
                  struct complaints *complaints, const struct job **ret_job) MUST_CHECK;

struct job_wanted { /* what an order is for; NULL: not known */
    enum job_kind kind;
    const char *profile, *fault, *component;
};

/* The plan that fits best: by fault, then component, then profile, then for all; NULL: none. */
const struct job *job_choose(const struct job *const *jobs, size_t count, const struct job_wanted *wanted);

int job_kind_read(const char *name);  /* -1: unknown */
int job_stage_read(const char *name); /* -1: unknown */

enum job_light {
    JOB_OPEN,  /* no answer, or one that says nothing (a remark) */
    JOB_GREEN, /* answered, and within its limits */
    JOB_RED,   /* answered, and not well */
};
extern const char *const job_light_names[]; /* open green red */

/* How value answers step. ERR_FORMAT with why: it is no value for a step of that type. A check takes true, false and
 * the usual words for them; any other value of a check is a remark, and the step stays open. */
enum err job_judge(const struct job_step *step, const struct cJSON *value, enum job_light *ret_light,
                   struct text *why) MUST_CHECK;
enum job_light job_judge_number(const struct job_step *step, double number);

/* A step, a gate or a precaution as the API shows what it is: the fields of one object without its braces. */
void job_put_step(const struct job_step *step, struct json_out *out);
void job_put_title(const char *name, const struct words2 *title, struct json_out *out);
