/* What the files of trainings share among themselves. */
#pragma once

#include "models/training/session.h"
#include "server/case/place.h"
#include "server/fleet/crew.h"
#include "server/training/training.h"

struct training { /* texts live in office->arena */
    int64_t id, site, contract, team, work_order, trainer, from_ms, to_ms, due_ms, created_ms, held_ms;
    const char *number, *state, *reason, *course_id, *trainer_name;
    const struct training_course *course; /* as the folder has it now; NULL: it is gone */
};

struct lesson { /* one action on its way */
    struct office *office;
    struct sql *sql;
    struct training training;
    const struct action *action;
    const char *state; /* after it */
    int64_t at_ms, now_ms;
    struct text *why;
};

enum err training_load(struct office *office, struct sql *sql, int64_t id, struct training *ret_training) MUST_CHECK;
/* The zone of its site, else the office's. */
const struct zone *training_zone(struct office *office, struct sql *sql, const struct training *training);
const char *training_keep(struct office *office, const char *words); /* NULL stays NULL */
int64_t training_customer(struct sql *sql, const struct training *training); /* of its site; 0: none */
/* A proposal; once per site (or team), reason and occurrence. *ret_id 0: it was there. facts: JSON or NULL. */
struct proposal {
    const struct training_course *course;
    const char *reason, *facts, *who, *client_id;
    int64_t site, contract, team, work_order, occurrence, due_ms;
};
enum err training_propose(struct office *office, struct sql *sql, const struct proposal *proposal, int64_t now_ms,
                          int64_t *ret_id) MUST_CHECK;
enum err training_changed(struct sql *sql, int64_t training, int64_t now_ms) MUST_CHECK;
/* The people in memory are read anew: a certificate came or went. */
enum err training_crew_changed(struct sql *sql) MUST_CHECK;

/* session_do.c */
enum err lesson_plan(struct lesson *lesson) MUST_CHECK;
enum err lesson_name(struct lesson *lesson) MUST_CHECK;
enum err lesson_enrol(struct lesson *lesson) MUST_CHECK;
enum err lesson_invite(struct lesson *lesson) MUST_CHECK;
enum err lesson_answer(struct lesson *lesson) MUST_CHECK;
enum err lesson_reschedule(struct lesson *lesson) MUST_CHECK;
enum err lesson_cancel(struct lesson *lesson) MUST_CHECK;
/* record.c */
enum err lesson_attend(struct lesson *lesson) MUST_CHECK;
enum err lesson_exam(struct lesson *lesson) MUST_CHECK;
enum err lesson_close(struct lesson *lesson) MUST_CHECK;
/* Attendees of the request, added to those that are there. */
enum err lesson_add(struct lesson *lesson) MUST_CHECK;
/* The trainer is qualified for the course on that day (S0-26). ERR_STATE with why. */
enum err lesson_check_trainer(struct lesson *lesson, int64_t at_ms) MUST_CHECK;
/* What somebody has passed: a certificate with a number. */
enum err certificate_issue(struct lesson *lesson, int64_t trainee) MUST_CHECK;

/* warn.c: what lapses, told once. */
enum err training_warn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
/* propose.c */
enum err training_proposals(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
