/*
 * The list by which every piece of equipment is inspected: a file of its own (models/inspections), versioned. A line
 * says what it looks at, within which limits that is well, and what follows when it is not; a proposal says from which
 * age or how many repairs on something better is proposed. Pure: values in, verdicts out; whoever calls
 * finds the values.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/duration.h"
#include "models/base/err.h"
#include "models/base/yaml.h"
#include "models/profile/profile.h"

#define CHECKLIST_LINES_MOST 64

enum check_look { /* what a line looks at; the unit of its number */
    LOOK_VALUE,          /* a point, in its unit: `of` over the span */
    LOOK_GOOD_SHARE,     /* good readings by all readings: 0 … 1 */
    LOOK_SILENCE,        /* h since the equipment was last heard of */
    LOOK_OUTAGES,        /* lost links in the span */
    LOOK_RECONNECTS,     /* births of its agent in the span */
    LOOK_RESTARTS,       /* epochs of its agent in the span */
    LOOK_SPOOL,          /* messages that wait in the agent's spool */
    LOOK_DROPPED,        /* messages that the agent gave up in the span */
    LOOK_DEVICE_ERRORS,  /* times that the device did not answer its agent in the span */
    LOOK_CLOCK,          /* s by which the agent's clock was wrong, at most in the span */
    LOOK_CONFIG,         /* 1: it runs the profile that the server has; 0: another text */
    LOOK_VERSION,        /* 1: its agent has the server's version; 0: another one */
    LOOK_CERTIFICATE,    /* d until the agent's certificate ends */
    LOOK_REPEATED_FAULT, /* times that the most frequent fault came in the span */
    LOOK_OPEN_TICKETS,   /* tickets that are open */
    LOOK_PROFILE_CHECKS, /* red lines of the profile's own inspection */
    LOOK_PERSON,         /* 1: yes, 0: no; only a person knows, so only a phone check asks */
    LOOKS,
};
extern const char *const look_names[]; /* value good_share silence … NULL-ended */
extern const char *const look_units[]; /* "" "1" "h" … of LOOKS */

enum check_of { OF_LAST, OF_MEAN, OF_LEAST, OF_MOST };
extern const char *const check_of_names[]; /* last mean least most */

struct check_line {
    const char *id;
    struct words2 title;
    enum check_look look;
    const char *point; /* name or role; of LOOK_VALUE */
    enum check_of of;
    int64_t over_ms;   /* the span before the inspection */
    int64_t samples;   /* fewer good readings than that say nothing */
    double least, most;
    int grade;          /* of the ticket when it fails; 0: none */
    struct words2 ask;    /* the question of a phone check; en NULL: it is not asked */
    struct words2 advice; /* when it fails */
};

enum proposal_look { PROPOSE_AGE, PROPOSE_FAULTS, PROPOSE_REPAIRS, PROPOSE_COST };
extern const char *const proposal_look_names[]; /* age faults repairs cost */
extern const char *const proposal_kind_names[]; /* upgrade rebuild replacement */

struct proposal_rule {
    const char *id;
    struct words2 title;
    int kind;               /* index of proposal_kind_names */
    enum proposal_look look;
    const char *component;  /* warranty class; NULL: each that the equipment has */
    int64_t over_ms;        /* the span of faults, repairs and their cost */
    double at_least;        /* years, times or money */
    struct words2 reason;
};

struct checklist {
    const char *id;
    int64_t version;
    struct words2 title;
    char hash[17]; /* over the file's bytes */
    const struct check_line *lines;
    size_t line_count;
    const struct proposal_rule *proposals;
    size_t proposal_count;
};

/* All findings in complaints (positions in the file); ERR_FORMAT, ERR_NOMEM. */
enum err checklist_read(struct arena *arena, const char *bytes, size_t size, struct complaints *complaints,
                        const struct checklist **ret_checklist) MUST_CHECK;

/* ------------------------------------------------------------------ verdicts */

enum check_verdict { CHECK_FAIL, CHECK_UNKNOWN, CHECK_PASS }; /* worse ones first */
extern const char *const check_verdict_names[]; /* fail unknown pass */
enum check_change { CHANGE_WORSE, CHANGE_SAME, CHANGE_BETTER };
extern const char *const check_change_names[]; /* worse same better */

struct check_value {
    bool known;
    double number;   /* when known */
    int64_t samples; /* readings that it was made of; of what is no reading: any number from the line's on */
};

/* Within [least, most] is well; what is not known, or made of too few readings, is neither. */
enum check_verdict check_judge(const struct check_line *line, const struct check_value *value);
/* Against the inspection before: by the verdict; where both fail, by how far outside the limits (a tenth of the
 * distance is no change). The same two the other way round give the opposite. */
enum check_change check_compare(const struct check_line *line, enum check_verdict before, double number_before,
                                enum check_verdict now, double number_now);
/* red: a failed line of grade 1 or 2; amber: any other that failed, or one that is unknown; else green. */
enum check_light { LIGHT_GREEN, LIGHT_AMBER, LIGHT_RED };
extern const char *const check_light_names[];
enum check_light check_light(enum check_verdict verdict, int grade);

/*
 * When a piece of equipment has its turn in a period of which [from_ms, until_ms) is left: spread by its key, so that the
 * load is level; the last tenth is left free, so that who cannot be reached can be called in time.
 */
int64_t inspection_moment(int64_t from_ms, int64_t until_ms, uint64_t key);
