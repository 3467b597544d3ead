/*
 * The catalogue of notices: what a customer is told at which step, in which words. Data of a file (models/notices), so
 * that a company changes its words without a program. A template's {field} stands for a value; an unknown field is a
 * complaint at its place. Pure: what was told to whom is the server's business.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/base/text.h"
#include "models/base/yaml.h"
#include "models/profile/profile.h"

enum notice_field {
    NOTICE_NUMBER, NOTICE_TITLE, NOTICE_EQUIPMENT, NOTICE_STATE, NOTICE_NEXT, NOTICE_DUE, NOTICE_TECHNICIAN,
    NOTICE_PHONE, NOTICE_FROM, NOTICE_TO, NOTICE_WARRANTY, NOTICE_ADVICE, NOTICE_LINK, NOTICE_NOTE, NOTICE_RESOLUTION,
    NOTICE_MISSING, NOTICE_GRADE,
    NOTICE_FIELDS,
};
extern const char *const notice_field_names[]; /* number title equipment … NULL-ended */

enum notice_to { NOTICE_TO_CUSTOMER, NOTICE_TO_DESK /* beside the steps */, NOTICE_TO_STAFF /* the words of the steps */ };

struct notice_rule {
    const char *id;
    const char *const *on; /* NULL-ended steps: opened assign cleared … */
    const char *const *rows; /* NULL-ended: what it was promised in */
    bool urgent;           /* quiet hours do not hold it */
    enum notice_to to;
    const char *topic;     /* customers may opt out of it; NULL: they may not */
    struct words2 subject, body;
    struct words2 sms; /* of a short message; en NULL: the subject */
};

struct notices {
    const struct notice_rule *rules;
    size_t count;
};

/* All findings in complaints; ERR_FORMAT when the file is no map. */
enum err notices_read(struct arena *arena, const char *bytes, size_t size, struct complaints *complaints,
                      const struct notices **ret_notices) MUST_CHECK;
bool notice_is_on(const struct notice_rule *rule, const char *step);
/* The word of a step that rules name: opened of opened, assign of action.assign.a-1, cleared of cleared.17. */
void notice_step_word(const char *step, char *word, size_t room);
/* The template with its fields filled in; a value that is NULL or empty is a dash. Control characters of values are
 * blanks, so that no value makes a header or a line of its own. */
void notice_render(const char *template, const char *const values[NOTICE_FIELDS], struct text *to);
