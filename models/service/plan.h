/*
 * A service plan: what was promised per fault grade and service level, visits a year, warranty
 * terms, with the origin of every number (S: stated in a service document, with row ids; A: an
 * assumption). Plain data in an arena, never changed after plan_read().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/arena.h"
#include "models/base/duration.h"
#include "models/base/err.h"
#include "models/base/text.h"
#include "models/base/yaml.h"
#include "models/profile/profile.h"
#include "models/service/alarm.h"
#include "models/service/price.h"
#include "models/service/ticket_rules.h"

#define PLAN_LEVELS 3 /* service levels A B C */
#define PLAN_GRADES 3

struct plan_origin {
    char flag;             /* 'S' or 'A'; 0: not given */
    const char *const *ids; /* NULL-ended row ids; never NULL itself */
    const char *note;      /* or NULL */
};

struct plan_limit {
    bool set;
    struct duration limit;
    struct plan_origin origin;
};

/* What starts and what stops a clock of a ticket. Who does the thing calls clocks_start/clocks_stop. */
enum plan_start {
    PLAN_REGISTERED,
    PLAN_REPORT,
    PLAN_FORWARDED,    /* dispatch, assign */
    PLAN_DECIDED,      /* a spare or stand-by unit is decided upon */
    PLAN_CLEARED,      /* the fault is cleared for good */
    PLAN_PARKED,       /* a question waits for its answer */
    PLAN_UNHEEDED,     /* a check found nothing done: it goes to the leadership */
    PLAN_SCOPED,       /* the repair's scope is approved, or a crew is assigned */
    PLAN_INTERRUPTED,  /* a listed service is interrupted */
    PLAN_PASSED,       /* a unit in the depot has passed its quality check */
};
enum plan_stop {
    PLAN_RESPONSE,   /* respond: a substantive reply by a person */
    PLAN_DISPATCHED, /* dispatch */
    PLAN_ASSIGNED,   /* assign: see plan_target.needs */
    PLAN_CHECKED,    /* check */
    PLAN_ARRIVED,    /* work order: arrive */
    PLAN_CLEARED_STOP, /* the fault is cleared for good */
    PLAN_SOLUTION,
    PLAN_DELIVERED,
    PLAN_APPROVED,
    PLAN_RECEIPT,    /* the number has reached the customer; never stops `response` (G-14) */
    PLAN_ANSWERED,   /* the parked question is answered */
    PLAN_RULED,      /* the leadership has decided */
    PLAN_CONTACTED,  /* the crew has spoken with the customer */
    PLAN_ARRANGED,   /* technician and appointment stand */
    PLAN_RESTORED,   /* the interrupted service runs again */
    PLAN_SHIPPED,    /* the unit has left the depot */
};
extern const char *const plan_start_names[];
extern const char *const plan_stop_names[];

enum plan_complexity { PLAN_ANY, PLAN_GENERAL, PLAN_COMPLEX };

struct plan_target {
    const char *kind; /* response, onsite_l1, repair … */
    enum plan_start start;
    enum plan_stop stop;
    struct plan_limit limits[PLAN_GRADES][PLAN_LEVELS]; /* [grade - 1][level - 'A'] */
    struct plan_limit emergency, remote_area;
    struct plan_limit aim; /* what people aim at inside the limit: no clock, leaves time to travel (C-25) */
    double cap_onsite; /* 0: none; else the limit is at most this share of the on-site limit */
    double warn;       /* share of the limit after which people are warned; 0: none */
    bool working_hours; /* a limit in s m h counts working time only */
    enum plan_complexity complexity; /* owed for those tickets alone */
    const char *const *needs; /* NULL-ended: all of these steps stop it, not one alone (S0-140) */
    const struct yaml_node *node; /* where it stands */
};

struct plan_pause { /* a reason for which clocks may be held */
    const char *reason;
    bool all;                 /* it holds every clock … */
    const char *const *kinds; /* … or these, NULL-ended */
    struct plan_origin origin;
};

/* What is owed beside tickets, by the calendar; the sections that say it stand in plan_duty.c. */
enum plan_duty {
    PLAN_DUTY_TRAINING,          /* equipment: from acceptance */
    PLAN_DUTY_REGISTRATION,      /* equipment: from sale, the card has come back */
    PLAN_DUTY_REMOTE_INSPECTION, /* equipment: once in every such period, by the calendar */
    PLAN_DUTY_MAINTENANCE,       /* equipment: the same */
    PLAN_DUTY_REPORT,            /* inspection: from when it is done */
    PLAN_DUTY_CUSTOMER_VISIT,    /* customer: from the last one */
    PLAN_DUTY_RESERVE,           /* contract: so long before a season window opens */
    PLAN_DUTY_CONTACT,           /* customer: from a change of a contact in the plan */
    PLAN_DUTY_AGREEMENT,         /* contract: its term, where it names no end */
    PLAN_DUTY_ONSITE,            /* equipment: looked at by a person, once in every such period */
    PLAN_DUTY_TALK,              /* customer: asked how it goes and helped, from the last time */
    PLAN_DUTY_EXCHANGE,          /* contract: technical exchange with the operation staff, once in every such period */
    PLAN_DUTIES,
};
extern const char *const plan_duty_names[]; /* training warranty_registration remote_inspection maintenance
                                               inspection_report customer_visit reserve_plan contact_change
                                               agreement onsite_inspection customer_contact technical_exchange */

struct plan_class {
    const char *component;
    struct duration term;
    struct plan_origin origin;
};

/* Something that the warranty does not cover (C-08), with what telemetry may say about it. The software proposes, a
 * person decides. */
struct plan_exclusion {
    const char *code;
    const char *group;       /* it counts only where `excluded` has this word; NULL: always */
    const char *party;       /* who answers for it then: customer external own_workmanship supplier */
    const char *when;        /* an expression over points and roles, judged at the fault's onset; NULL: only people see it */
    struct words2 title;
    struct plan_origin origin;
};

enum plan_card { PLAN_CARD_DECIDE, PLAN_CARD_REFUSE, PLAN_CARD_GRANT }; /* a registration card that came too late */

struct plan_window { /* season window: month-day to month-day, maybe of the next year */
    int from_month, from_day, to_month, to_day;
};

struct plan_age { /* from that age on: every so often (S0-84) */
    int years;
    struct duration every;
};

/* What people approve before it leaves the house, and how many of them. */
enum plan_approval { PLAN_APPROVED_BY_NONE, PLAN_APPROVED_BY_ONE, PLAN_APPROVED_BY_TWO };
extern const char *const plan_approval_names[]; /* none one two_persons */

struct plan_rounds { /* inspections on site, and reports */
    const struct plan_age *older; /* the interval on site, by the age of the equipment; rising */
    size_t older_count;
    int order_days; /* the work order is made so long before the period ends; 0: by people alone */
    enum plan_approval report, review;
};

struct plan_staff; /* plan_staff.h */
struct plan_visits; /* plan_visit.h */

/* What has to be there before a person may close a ticket. */
#define PLAN_NEED_TELEMETRY  (1U << 0) /* normal for hold.cleared */
#define PLAN_NEED_AFTER_TEST (1U << 1) /* of the work order, when somebody was there */
#define PLAN_NEED_SIGN_OFF   (1U << 2) /* by the customer, or deemed; when somebody was there */
#define PLAN_NEED_FEEDBACK   (1U << 3) /* the customer was told of the result */
#define PLAN_NEED_RCA        (1U << 4) /* approved, where rca.required says so */
#define PLAN_NEEDS           5
extern const char *const plan_need_names[]; /* telemetry after_test sign_off feedback rca */

struct plan_people { /* what is owed to people */
    unsigned close_needs;
    int64_t deemed_ms;         /* a result nobody spoke about is accepted after that; 0: never */
    unsigned rca_grades;       /* a bit per grade (1 << grade): the analysis has to be approved */
    int64_t update_ms;         /* a customer who heard nothing for that long gets word; 0: never */
    int64_t visit_lead_ms;     /* customers hear of a visit so long before its window opens; 0: not */
    int64_t term_lead_ms;      /* … and of the end of a warranty or agreement; 0: not */
    int64_t late_ms;           /* somebody who has not left so long before the appointment ends is late */
    int quiet_from, quiet_to;  /* minutes of the day: what is not urgent waits; equal: no quiet hours */
};

struct plan_training { /* when customers are trained beside the acceptance, and reminded */
    int operator_faults; /* so many tickets that the customer's side caused within `over` propose a course (S0-82); 0: none do */
    int64_t over_ms;
    int64_t remind_ms;   /* a customer who has not named the date is reminded so often (S0-26); 0: never */
};

#define PLAN_REMINDERS_MOST 8

struct plan_agreement { /* the agreement itself: models/service/agreement.h */
    struct duration reminders[PLAN_REMINDERS_MOST]; /* so long before its end */
    size_t reminder_count;
    struct duration notice, after_care; /* count 0: none */
    const char *const *confidential;    /* NULL-ended: what both keep to themselves … */
    struct duration protect;            /* … and how long after the end */
    struct plan_origin protect_origin;
};

struct plan_survey { /* whether customers are asked, and what follows */
    double target;          /* share of satisfied answers that is aimed at */
    int64_t after_close_ms; /* so long after the end of a ticket; 0: not */
    int64_t every_ms;       /* … and so often beside; 0: not */
    int64_t expires_ms;     /* until it is answered */
    int low;                /* a score at or below it owes a call-back within callback; 0: never */
    struct plan_limit callback;
    struct plan_origin origin; /* of target */
};

#define PLAN_CHAIN_MOST     6
#define PLAN_QUESTIONS_MOST 40

enum plan_complaint_limit {
    PLAN_COMPLAINT_ACKNOWLEDGE, /* from registration until somebody has said that it is in hand */
    PLAN_COMPLAINT_ANSWER,      /* … until the customer has the first answer */
    PLAN_COMPLAINT_RESOLVE,     /* … until it is closed */
    PLAN_COMPLAINT_LIMITS,
};

struct plan_complaint { /* complaints and feedback: their own clocks, and who is next */
    struct plan_limit limits[PLAN_COMPLAINT_LIMITS];
    int64_t escalate_ms; /* overdue: a level up each time so much has passed; 0: once */
    int64_t deemed_ms;   /* silence on an answer is consent after so long; 0: never */
    const char *chain[PLAN_CHAIN_MOST]; /* roles of people: dispatcher supervisor technical leadership */
    size_t chain_count;
    const char *const *straight_up; /* NULL-ended severities that begin at the top of the chain */
};

struct plan_question {
    const char *id;
    struct words2 title;
    int kind;  /* of plan_question_kind_names */
    bool each; /* asked once for every piece of equipment */
    int found; /* of plan_question_found_names: what is filled in, the customer confirms or corrects */
    const char *const *alert; /* NULL-ended answers that somebody has to look at */
};
extern const char *const plan_question_kind_names[], *const plan_question_found_names[]; /* NULL-ended */

struct plan_questionnaire { /* how the equipment runs, as its customers see it */
    int64_t every_ms, expires_ms; /* every_ms 0: nobody is asked */
    const struct plan_question *questions;
    size_t question_count;
    struct plan_origin origin; /* of the questions */
};

struct plan_season { /* upkeep that customers are told of every year, once in its window */
    const char *id, *as; /* told once a year as that: the notice's step is knowledge_<as> */
    const struct plan_window *windows; /* south of the equator half a year on, where it names no climate */
    size_t count;
    const char *const *climates, *const *classes; /* NULL-ended; none: everywhere, whatever is built in */
};

struct plan_files { /* the files that are kept of customers and equipment */
    struct duration analysis; /* how often a service file is looked through; count 0: not */
    int repeat;               /* so many times the same fault in it is a hint */
    double change;            /* … and a figure that moved by that share */
    const char *const *documents; /* NULL-ended kinds that equipment has to have */
    bool gate;                /* an installation is not closed without them */
    struct plan_origin documents_origin;
    const struct plan_season *seasons;
    size_t season_count;
};

struct plan_owed { /* which clocks a kind of ticket has */
    const struct ticket_kind *kind;
    const char *const *clocks; /* NULL-ended kinds of clocks */
    bool all;
    struct plan_origin origin;
};

struct plan {
    const char *id, *version;
    struct words2 title;
    char hash[17];
    const char *time_zone; /* of the plan's own calendar */
    const struct plan_target *targets;
    size_t target_count;
    struct plan_limit duties[PLAN_DUTIES];
    const struct plan_pause *pauses;
    size_t pause_count; /* 0: the preset reasons, each holds every clock */
    bool working_hours; /* preset of the targets */
    const char *const *overlays; /* NULL-ended ids of what was laid over the file */
    /* visits */
    int visits_per_year; /* 0: none */
    struct duration visit_spacing, visit_tolerance;
    const struct plan_window *windows;
    size_t window_count;
    const struct plan_visits *visits; /* the rest about them; NULL only when memory ended */
    /* warranty */
    const struct plan_class *classes;
    size_t class_count;
    const char *const *start_order; /* NULL-ended: acceptance_date … */
    const char *const *free_causes;
    const char *const *excluded;
    const struct plan_exclusion *exclusions;
    size_t exclusion_count;
    const char *phases[2];     /* before and after the term's end: guarantee maintenance */
    bool exchange_fresh;       /* an exchanged component begins its class's term anew … */
    struct duration exchange_least; /* … or has the rest, and at least so long; count 0: no more than the rest */
    bool requires_card;
    enum plan_card late_card;
    bool card_by_connection;   /* S0-136: the first telemetry registers the warranty, a person confirms it */
    bool fee_approval;         /* S2-30: what is quoted for a special request is approved by a manager first */
    bool two_persons;          /* S0-30: a verdict counts when a second person has confirmed it */
    struct price_rules price;
    /* grading */
    const char *const *g1_outage_services; /* NULL-ended */
    int64_t g1_outage_ms, link_loss_delay_ms, link_loss_limit_ms;
    /* a way that nobody has driven yet: preset time; speed along the beeline times detour */
    int64_t travel_ms; /* 0: not given */
    double travel_kmh, travel_detour;
    int64_t work_ms, part_lead_ms; /* an order's work, a part's way, when nothing better is known */
    /* how long telemetry must stay normal before a fault counts as cleared for good */
    int64_t hold_ms;
    int64_t reopen_ms; /* how long after closing a ticket may be opened again; 0: preset */
    int64_t close_ms;  /* untouched tickets of the server's own close that long after; 0: never */
    struct plan_people people;
    struct plan_survey survey;
    struct plan_complaint complaint;
    struct plan_questionnaire questionnaire;
    struct plan_files files;
    struct plan_training training;
    struct plan_agreement agreement;
    const char *onsite_gate;
    bool consent_before_repair;
    struct plan_old_parts { /* what is taken out of equipment under warranty */
        bool required; /* it is kept and returned */
        const struct plan_window *windows; /* … within these; none: when it suits */
        size_t window_count;
        bool assessed; /* a repair is settled when it was assessed; else when it has come back */
    } old_parts;
    struct plan_rounds rounds;
    double reserve_odds, reserve_km; /* parts so likely are laid aside at assignment, from so near; odds 0: none */
    const char *const *approvals; /* NULL-ended: optional gates of job plans that hold up here */
    struct alarm_rules alarms;
    const struct plan_staff *staff; /* who goes, who is told next; never NULL */
    struct ticket_rules ticket; /* classification, repeats, order, callers */
    const struct plan_owed *owed; /* kinds whose clocks the plan names; the others have the usual ones */
    size_t owed_count;
    const struct yaml_node *root; /* all of the file, for what is not above */
    const char *bytes; /* the text it was read from, as it was given: not copied */
    size_t size;
};

/* true when tickets of that kind have that clock: as the plan says, else every clock, or for a kind that is owed an
 * answer (ticket_kind.words) the response and a parked question's answer. */
bool plan_owes(const struct plan *plan, const char *kind, const struct plan_target *target);
/* true when a pause for that reason holds clocks of that kind. A closed ticket holds all. */
bool plan_pause_holds(const struct plan *plan, const char *reason, const char *kind);
/* true when a clock may be paused for that reason; with false `to` gets the reasons there are. */
bool plan_pause_known(const struct plan *plan, const char *reason, struct text *to);

/* Reads and validates (service-terms.md 3, "Plan validator rules"); all findings in complaints. */
enum err plan_read(struct arena *arena, const char *bytes, size_t size,
                   struct complaints *complaints, const struct plan **ret_plan) MUST_CHECK;
/* What stands between a plan and an overlay in one text; the overlay's file name follows, then a line's
 * end. Overlays are laid over in their order, leaf by leaf (plan_merge.c). */
#define PLAN_SEAM "\n--- # overlay "

/* A text that was found right when it was kept with a ticket, perhaps by an older program: what it
 * says is taken, what newer rules would complain of is not looked at. */
enum err plan_read_kept(struct arena *arena, const char *bytes, size_t size,
                        const struct plan **ret_plan) MUST_CHECK;
/* The last age that was reached on `today` by something that is as old as from_day; NULL: none. */
const struct plan_age *plan_age_at(const struct plan_age *ages, size_t count, int32_t from_day, int32_t today);
/* The limit of a target for a ticket; set = false when the plan gives none. level 'A' 'B' 'C'. */
struct plan_limit plan_limit_of(const struct plan *plan, const struct plan_target *target,
                                int grade, char level, bool remote_area, bool emergency);
