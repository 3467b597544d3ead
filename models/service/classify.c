/* The seven classifications. */
#include "models/service/classify.h"

#include <string.h>

#define C(name) (1U << CONDITION_##name)

const char *const class_field_names[] = {"severity", "urgency", "complexity", "competence",
                                         "domain",   "responsible_party", "service_level", NULL};

static void say(struct class_value *to, const char *value, const char *reason)
{
    struct text words = text_on(to->reason, sizeof(to->reason));

    to->value = value;
    text_add(&words, reason);
}

/* The first condition that holds and that the rule names; NULL: none. */
static const char *first_of(unsigned rule, unsigned holds)
{
    for (int i = 0; ticket_condition_names[i]; i++) {
        if (rule & holds & 1U << i) {
            return ticket_condition_names[i];
        }
    }
    return NULL;
}

static void judge(struct class_value *to, unsigned rule, unsigned holds, const char *yes, const char *no)
{
    const char *condition = first_of(rule, holds);

    say(to, condition ? yes : no, condition ? condition : "none of the plan's conditions holds");
}

void classify(const struct ticket_rules *rules, const struct class_facts *facts,
              struct class_value ret_values[CLASS_FIELDS])
{
    static const char *const grades[] = {"1", "2", "3"};
    static const char *const levels[] = {"A", "B", "C"};
    unsigned holds = facts->conditions | (facts->grade == 1 ? C(GRADE_1) : 0);
    bool external = facts->domain && strcmp(facts->domain, "external") == 0;

    say(&ret_values[CLASS_SEVERITY], grades[facts->grade < 1 || facts->grade > 3 ? 2 : facts->grade - 1],
        "the grade");
    judge(&ret_values[CLASS_COMPETENCE], rules->non_routine, holds, "non_routine", "routine");
    if (strcmp(ret_values[CLASS_COMPETENCE].value, "non_routine") == 0) {
        holds |= C(NON_ROUTINE);
    }
    judge(&ret_values[CLASS_URGENCY], rules->emergency, holds, "emergency", "normal");
    judge(&ret_values[CLASS_COMPLEXITY], rules->complex, holds, "complex", "general");
    say(&ret_values[CLASS_DOMAIN], facts->domain ? facts->domain : "hardware",
        facts->domain ? "the fault's own" : "nobody has said yet");
    say(&ret_values[CLASS_PARTY], facts->party ? facts->party : external ? "external" : "open",
        facts->party ? "the diagnosis" : external ? "the domain is external" : "nobody has said yet");
    say(&ret_values[CLASS_LEVEL], levels[facts->level < 'A' || facts->level > 'C' ? 2 : facts->level - 'A'],
        "the contract");
}

const char *const *class_words(enum class_field field)
{
    static const char *const urgency[] = {"emergency", "normal", NULL};
    static const char *const complexity[] = {"general", "complex", NULL};
    static const char *const competence[] = {"routine", "non_routine", NULL};
    static const char *const domain[] = {"hardware", "software", "external", NULL};
    static const char *const party[] = {"supplier", "own_workmanship", "customer", "external", "open", NULL};
    static const char *const *const words[CLASS_FIELDS] = {
        [CLASS_URGENCY] = urgency, [CLASS_COMPLEXITY] = complexity, [CLASS_COMPETENCE] = competence,
        [CLASS_DOMAIN] = domain,   [CLASS_PARTY] = party,
    };

    return field < CLASS_FIELDS ? words[field] : NULL;
}

int class_field_read(const char *name)
{
    for (int i = 0; name && class_field_names[i]; i++) {
        if (strcmp(class_field_names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

int64_t class_rank(const struct ticket_rules *rules, int grade, bool emergency, char level,
                   int64_t registered_ms)
{
    return registered_ms - rules->ahead_grade_ms[grade < 1 || grade > 3 ? 2 : grade - 1] -
           (emergency ? rules->ahead_emergency_ms : 0) -
           rules->ahead_level_ms[level < 'A' || level > 'C' ? 2 : level - 'A'];
}
