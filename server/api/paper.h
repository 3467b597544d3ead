/*
 * Answers that are papers: an object of the API put into the form of a template (models/papers), as JSON or as a
 * page to print.
 */
#pragma once

#include "models/paper/paper.h"
#include "server/api/api_int.h"

#define PAPER_MOST (4 * 1024 * 1024) /* bytes of one */

/* The paper filled from an object's JSON, into made. */
enum err paper_make(struct call *call, const struct paper *paper, const struct json_out *object,
                    struct json_out *made) MUST_CHECK;
/* A filled paper as the answer: as it is, or with ?format=html as an A4 page in ?lang=en, zh or (preset) both.
 * version 0: it was not issued. */
enum err paper_answer(struct call *call, const struct json_out *made, int64_t version) MUST_CHECK;
/* The fields and tables alone, in both languages, into a page that has more on it. ERR_NOT_FOUND: no such template. */
enum err paper_put(struct call *call, const char *name, const struct cJSON *object) MUST_CHECK;
/* Both: the template of that name filled from the object and answered; a 404 when there is no such template. */
enum err paper_show(struct call *call, const char *name, const struct json_out *object) MUST_CHECK;
