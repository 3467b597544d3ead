/* Tickets: classifications, gates, and what every path through the table of moves has in common. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "models/service/classify.h"
#include "models/service/gates.h"
#include "models/service/ticket.h"

#define C(name) (1U << CONDITION_##name)

/* ------------------------------------------------------------------ classifications */

/* G-16 F-24 C-13 S0-31 S0-67 S0-104 S0-129 S0-130 S1-24: by the preset rules. */
static void seven_words_from_what_is_known(void **state)
{
    static const struct {
        int grade;
        unsigned conditions;
        const char *domain, *party;
        const char *urgency, *complexity, *competence, *says_party;
    } rows[] = {
        {1, 0, "hardware", NULL, "emergency", "general", "routine", "open"},
        {2, 0, "hardware", NULL, "normal", "general", "routine", "open"},
        {3, C(SAFETY), "software", NULL, "emergency", "general", "routine", "open"},
        {3, C(GUARD), "hardware", NULL, "emergency", "general", "routine", "open"},
        {3, C(CRITICAL), NULL, NULL, "emergency", "general", "routine", "open"},
        {2, C(REPEAT), "hardware", NULL, "normal", "complex", "non_routine", "open"},
        {2, C(NO_STOCK), "hardware", NULL, "normal", "complex", "routine", "open"},
        {2, C(SECOND_VISIT), "hardware", NULL, "normal", "complex", "routine", "open"},
        {2, C(UNKNOWN), "hardware", NULL, "normal", "general", "routine", "open"},
        {3, 0, "external", NULL, "normal", "general", "routine", "external"},
        {3, 0, "external", "customer", "normal", "general", "routine", "customer"},
    };
    struct ticket_rules rules = ticket_rules_preset();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct class_facts facts = {rows[i].grade, 'B', rows[i].domain, rows[i].party, rows[i].conditions};
        struct class_value values[CLASS_FIELDS];
        char grade[2] = {(char)('0' + rows[i].grade), 0};

        classify(&rules, &facts, values);
        assert_string_equal(values[CLASS_SEVERITY].value, grade);
        assert_string_equal(values[CLASS_URGENCY].value, rows[i].urgency);
        assert_string_equal(values[CLASS_COMPLEXITY].value, rows[i].complexity);
        assert_string_equal(values[CLASS_COMPETENCE].value, rows[i].competence);
        assert_string_equal(values[CLASS_DOMAIN].value, rows[i].domain ? rows[i].domain : "hardware");
        assert_string_equal(values[CLASS_PARTY].value, rows[i].says_party);
        assert_string_equal(values[CLASS_LEVEL].value, "B");
        for (int f = 0; f < CLASS_FIELDS; f++) {
            assert_true(values[f].reason[0] != '\0');
            assert_int_equal(class_field_read(class_field_names[f]), f);
        }
    }
    assert_null(class_words(CLASS_SEVERITY));
    assert_null(class_words(CLASS_LEVEL));
    assert_int_equal(class_field_read("colour"), -1);
}

/* S3-17: worse, more urgent and of a better level first; of two alike the older. */
static void what_is_worse_or_older_comes_first(void **state)
{
    struct ticket_rules rules = ticket_rules_preset();
    int64_t now = 1800000000000, hour = 3600000;

    (void)state;
    assert_true(class_rank(&rules, 1, true, 'C', now) < class_rank(&rules, 2, false, 'C', now));
    assert_true(class_rank(&rules, 2, false, 'C', now) < class_rank(&rules, 3, false, 'C', now));
    assert_true(class_rank(&rules, 3, true, 'C', now) < class_rank(&rules, 3, false, 'A', now));
    assert_true(class_rank(&rules, 3, false, 'A', now) < class_rank(&rules, 3, false, 'B', now));
    assert_true(class_rank(&rules, 3, false, 'C', now - hour) < class_rank(&rules, 3, false, 'C', now));
    /* nothing starves: a mild one that waits long enough comes before a bad one of today */
    assert_true(class_rank(&rules, 3, false, 'C', now - 400 * hour) < class_rank(&rules, 1, true, 'A', now));
}

/* ------------------------------------------------------------------ gates */

static void gates_come_from_the_time_line(void **state)
{
    int64_t gates[GATES];

    (void)state;
    gates_begin(gates);
    gates_add(gates, "finish", 90);
    gates_add(gates, "arrive", 50);
    gates_add(gates, "arrive", 60); /* the first one counts */
    gates_add(gates, "register", 10);
    gates_add(gates, "diagnose", 55);
    gates_add(gates, "note", 5);
    gates_add(gates, "close", 100);
    gates_end(gates);
    assert_int_equal(gates[GATE_ON_SITE], 50);
    assert_int_equal(gates[GATE_DISPATCHED], 50); /* who is there was sent */
    assert_int_equal(gates[GATE_REPAIRING], 90);
    assert_int_equal(gates[GATE_DIAGNOSED], 55);
    assert_int_equal(gates[GATE_CLEARED], 100); /* at the latest */
    assert_int_equal(gates[GATE_REMOTE_ATTEMPT], GATE_NOT_YET);
    assert_int_equal(gates[GATE_SURVEYED], GATE_NOT_YET);
}

/* ------------------------------------------------------------------ every path (S0-127 S0-59 S0-114) */

static unsigned luck = 12345;

static unsigned draw(unsigned below)
{
    luck = luck * 1103515245U + 12345U;
    return (luck >> 16) % below;
}

/* What an action does to the facts, as the desk does it. */
static void follow(struct ticket_facts *facts, enum ticket_action action)
{
    switch ((int)action) {
    case TICKET_PAUSE:
    case TICKET_RESUME:
        facts->paused = action == TICKET_PAUSE;
        break;
    case TICKET_QUOTE:
        facts->quote_open = facts->consent_needed = true;
        facts->consent_given = false;
        break;
    case TICKET_CONSENT:
        facts->quote_open = false;
        facts->consent_given = draw(2);
        break;
    case TICKET_PARK:
    case TICKET_ANSWER:
        facts->parked = action == TICKET_PARK;
        break;
    case TICKET_ATTACH:
    case TICKET_DETACH:
        facts->has_parent = action == TICKET_ATTACH;
        break;
    case TICKET_DIAGNOSE:
        facts->has_cause = true;
        break;
    case TICKET_REMOTE_ATTEMPT:
        facts->way_open = true;
        break;
    default:
        break;
    }
    facts->role = draw(3) == 0 ? ROLE_SERVER : draw(2) ? ROLE_MANAGER : ROLE_TECHNICIAN;
}

/* Of the main way each gate comes after the one before it; no repair without the consent that it needs; no
 * plan without a cause. */
static void check_order(const int64_t seen[TICKET_ACTIONS], enum ticket_action action, const struct ticket_facts *before)
{
    int64_t gates[GATES];
    static const enum gate way[] = {GATE_REGISTERED, GATE_DISPATCHED, GATE_ASSIGNED, GATE_EN_ROUTE, GATE_ON_SITE,
                                    GATE_REPAIRING, GATE_TESTING};

    gates_begin(gates);
    gates_add(gates, "register", 0);
    for (int i = 0; i < TICKET_ACTIONS; i++) {
        if (seen[i]) {
            gates_add(gates, ticket_row((enum ticket_action)i)->name, seen[i]);
        }
    }
    gates_end(gates);
    for (size_t i = 1; i < sizeof(way) / sizeof(way[0]); i++) {
        assert_true(gates[way[i]] == GATE_NOT_YET || gates[way[i - 1]] <= gates[way[i]]);
        assert_true(gates[way[i]] == GATE_NOT_YET || gates[way[i - 1]] != GATE_NOT_YET);
    }
    assert_true(action != TICKET_START || !before->consent_needed || before->consent_given);
    assert_true(action != TICKET_PLAN_SOLUTION || before->has_cause);
    assert_true(action != TICKET_ASSIGN || before->way_open);
}

static void every_path_keeps_the_order_of_gates(void **state)
{
    (void)state;
    for (int path = 0; path < 3000; path++) {
        struct ticket_facts facts = {.state = TICKET_REGISTERED, .role = ROLE_MANAGER,
                                     .consent_needed = draw(2), .way_open = draw(2)};
        int64_t seen[TICKET_ACTIONS] = {0};

        for (int step = 1; step <= 60; step++) {
            enum ticket_action action = (enum ticket_action)draw(TICKET_ACTIONS);
            enum ticket_state next = facts.state;
            struct ticket_facts before = facts;
            TEXT(why, 900);

            facts.back = (enum ticket_state)(TICKET_ACKNOWLEDGED + (int)draw(5));
            if (ticket_move(&facts, action, &next, &why)) {
                facts.role = facts.role == ROLE_SERVER ? ROLE_MANAGER : ROLE_SERVER;
                continue;
            }
            assert_true(next <= TICKET_CLOSED);
            seen[action] = seen[action] ? seen[action] : step;
            facts.state = next;
            follow(&facts, action);
            check_order(seen, action, &before);
        }
    }
}

/* Nothing gets stuck: from every state, whatever the facts, a manager can close; a closed one can only be
 * opened again; and every state is reached. */
static void nothing_gets_stuck(void **state)
{
    unsigned reached = 1U << TICKET_REGISTERED;

    (void)state;
    for (int s = 0; s < TICKET_CLOSED; s++) {
        for (unsigned flags = 0; flags < 256; flags++) {
            struct ticket_facts facts = {.state = (enum ticket_state)s, .role = ROLE_MANAGER,
                                         .paused = flags & 1, .quote_open = flags & 2,
                                         .consent_needed = flags & 4, .consent_given = flags & 8,
                                         .parked = flags & 16, .has_parent = flags & 32,
                                         .has_cause = flags & 64, .way_open = flags & 128,
                                         .back = TICKET_ACKNOWLEDGED};

            assert_true(ticket_is_legal(&facts, TICKET_CLOSE));
            assert_true(ticket_is_legal(&facts, TICKET_RESPOND)); /* in every open state */
        }
    }
    for (int a = 0; a < TICKET_ACTIONS; a++) {
        const struct ticket_row *row = ticket_row((enum ticket_action)a);

        reached |= row->to < TICKET_STAY ? 1U << row->to : 0;
        assert_true(!(row->from >> TICKET_CLOSED & 1) || row->to != TICKET_CLOSED);
        assert_int_equal(row->moving & ~row->from, 0);
        for (unsigned bit = 1; bit <= row->needs; bit <<= 1) {
            assert_true(!(row->needs & bit) || ticket_need_text(bit) != NULL);
        }
    }
    assert_int_equal(reached, (1U << (TICKET_CLOSED + 1)) - 1);
}

static void kinds_say_what_they_need(void **state)
{
    (void)state;
    for (int i = 0; ticket_kind_at(i); i++) {
        const struct ticket_kind *kind = ticket_kind_at(i);

        assert_ptr_equal(ticket_kind_find(kind->name), kind);
        assert_true(kind->grade >= 1 && kind->grade <= 3);
        assert_false(kind->visit && kind->words); /* nobody drives out for a question */
    }
    assert_null(ticket_kind_find("riddle"));
    assert_null(ticket_kind_at(-1));
    assert_true(ticket_kind_find("special_request")->consent); /* S2-30 */
    assert_int_equal(ticket_kind_find("emergency")->grade, 1); /* S0-17 */
    assert_int_equal(ticket_kind_find("prediction")->grade, 2); /* S0-106 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seven_words_from_what_is_known),
        cmocka_unit_test(what_is_worse_or_older_comes_first),
        cmocka_unit_test(gates_come_from_the_time_line),
        cmocka_unit_test(every_path_keeps_the_order_of_gates),
        cmocka_unit_test(nothing_gets_stuck),
        cmocka_unit_test(kinds_say_what_they_need),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
