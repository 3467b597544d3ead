/*
 * The seven classifications of a ticket (service-terms C-13): grade, urgency, complexity, competence,
 * domain, responsible party, service level. Pure: from what is known and the plan's rules to a value
 * and a reason each. Who decides last: a person's word stands until a person changes it; only the
 * grade follows telemetry as well, and urgency rises with it.
 */
#pragma once

#include "models/base/text.h"
#include "models/service/ticket_rules.h"

enum class_field {
    CLASS_SEVERITY,
    CLASS_URGENCY,
    CLASS_COMPLEXITY,
    CLASS_COMPETENCE,
    CLASS_DOMAIN,
    CLASS_PARTY,
    CLASS_LEVEL,
    CLASS_FIELDS,
};
extern const char *const class_field_names[]; /* severity urgency … service_level */

struct class_facts {
    int grade;
    char level;
    const char *domain;  /* of the rule or the diagnosis; NULL: unknown */
    const char *party;   /* of the diagnosis; NULL: unknown */
    unsigned conditions; /* a bit per ticket_condition that holds; grade and competence are added */
};

struct class_value {
    const char *value;     /* a constant of this module, or what the facts held */
    char reason[96];
};

void classify(const struct ticket_rules *rules, const struct class_facts *facts,
              struct class_value ret_values[CLASS_FIELDS]);
/* What a person may say for a field: NULL-ended; NULL when the field is not a person's to say. */
const char *const *class_words(enum class_field field);
/* -1: unknown. */
int class_field_read(const char *name);
/* S3-17: the place in the order in which people look, least first: registered_ms less what grade,
 * urgency and level are worth. It does not depend on now, so age counts alike for all. */
int64_t class_rank(const struct ticket_rules *rules, int grade, bool emergency, char level,
                   int64_t registered_ms);
