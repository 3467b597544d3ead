/* The profiles and plans this server knows: read at start from their folders, never changed. */
#pragma once

#include <stddef.h>

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/base/text.h"
#include "models/paper/paper.h"
#include "models/inspection/checklist.h"
#include "models/profile/profile.h"
#include "models/service/codes.h"
#include "models/service/job.h"
#include "models/service/notice.h"
#include "models/service/plan.h"
#include "models/service/workdays.h"
#include "models/training/course.h"
#include "server/store/sql.h"

struct rules;

/* Reads every *.yaml of both folders (NULL: of none), and overlays from `overlays` in that of the plans. All complaints of all files go through say, a line each;
 * ERR_FORMAT when there was any. */
enum err rules_open(const char *profiles, const char *plans,
                    void (*say)(void *context, const char *line), void *context,
                    struct rules **ret_rules) MUST_CHECK;
/* Reads every *.yaml of the folder of job plans as well, after rules_open, before any other thread looks. ERR_FORMAT. */
enum err rules_add_notices(struct rules *rules, const char *folder) MUST_CHECK;
/* The catalogue of notices as its files are, each a struct notices. */
size_t rules_notices_count(const struct rules *rules);
const struct notices *rules_notices_at(const struct rules *rules, size_t index);
enum err rules_add_jobs(struct rules *rules, const char *folder) MUST_CHECK;
/* The same of a folder that nobody named: its points and faults need not be those of the profiles; what the
 * equipment lacks is left unmeasured. */
enum err rules_add_shipped_jobs(struct rules *rules, const char *folder) MUST_CHECK;
/* The file of the company's codes; at most one. ERR_FORMAT. */
enum err rules_add_codes(struct rules *rules, const char *path) MUST_CHECK;
/* The checklist of remote inspections: the one *.yaml of the folder. ERR_FORMAT. */
enum err rules_add_checklist(struct rules *rules, const char *folder) MUST_CHECK;
const struct checklist *rules_checklist(const struct rules *rules); /* NULL: nothing is inspected by itself */
const struct codes *rules_codes(const struct rules *rules); /* NULL: there is no file */
/* Reads every *.yaml of the folder of papers as well. ERR_FORMAT. */
enum err rules_add_papers(struct rules *rules, const char *folder) MUST_CHECK;
const struct paper *rules_paper(const struct rules *rules, const char *id); /* or NULL */
size_t rules_paper_count(const struct rules *rules);
const struct paper *rules_paper_at(const struct rules *rules, size_t index);
/* Reads every *.yaml of the folder of courses as well. ERR_FORMAT. */
enum err rules_add_courses(struct rules *rules, const char *folder) MUST_CHECK;
const struct training_course *rules_course(const struct rules *rules, const char *id); /* or NULL */
size_t rules_course_count(const struct rules *rules);
const struct training_course *rules_course_at(const struct rules *rules, size_t index);
/* models/training: course_choose among them. */
const struct training_course *rules_choose_course(const struct rules *rules, enum course_occasion occasion, const char *profile);
void rules_close(struct rules *rules);
const struct profile *rules_profile(const struct rules *rules, const char *id); /* or NULL */
/* The plan of that id; id+overlay+overlay: with these laid over, read when it is first asked for. NULL:
 * there is none, or they do not fit (rules_lay says why). */
const struct plan *rules_plan(struct rules *rules, const char *id);
/* The same, and every finding in complaints. */
const struct plan *rules_lay(struct rules *rules, const char *id, struct complaints *complaints);
bool rules_has_overlay(const struct rules *rules, const char *id);
size_t rules_profile_count(const struct rules *rules);
const struct profile *rules_profile_at(const struct rules *rules, size_t index);
size_t rules_plan_count(const struct rules *rules);
const struct plan *rules_plan_at(const struct rules *rules, size_t index);
/*
 * The plan of that text: the folder's when it is the same still, else the one that was kept with the
 * tickets that were opened under it (table plan_text), read once and remembered. hash NULL or unknown:
 * the folder's plan of that id; NULL when there is none either. Any thread, each with its own sql.
 */
const struct plan *rules_plan_kept(struct rules *rules, struct sql *sql, const char *id,
                                   const char *hash);
/* Keeps a plan's text in plan_text: a ticket is about to rely on it. */
enum err rules_keep_plan(struct sql *sql, const struct plan *plan, int64_t now_ms) MUST_CHECK;
const struct job *rules_job(const struct rules *rules, const char *id); /* or NULL */
size_t rules_job_count(const struct rules *rules);
const struct job *rules_job_at(const struct rules *rules, size_t index);
const struct job *rules_choose_job(const struct rules *rules, const struct job_wanted *wanted); /* or NULL */
/* A zone by name, loaded once and kept; NULL when there is none. Any thread. */
const struct zone *rules_zone(struct rules *rules, const char *name);
/* The working calendar of a calendar row's text, read once and kept; NULL: it cannot be read, or there are more than
 * CALENDARS_MOST. Any thread. */
const struct workdays *rules_calendar(struct rules *rules, const char *doc);
