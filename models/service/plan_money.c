/* What a plan says about money: what the warranty leaves out, parts that were exchanged, rates, and who pays what. */
#include <string.h>

#include "models/profile/expr.h"
#include "models/service/plan_int.h"

/* ------------------------------------------------------------------ period.warranty */

static const char *const parties[] = {"supplier", "own_workmanship", "customer", "external", NULL};

/* Which points there are is the profile's business: here only the form is checked. */
static struct expr_name any_name(const void *context, const char *name)
{
    (void)context;
    (void)name;
    return (struct expr_name){EXPR_NAME_POINT, 0};
}

static void read_when(struct plan_reader *reader, struct yaml_node *node, struct plan_exclusion *exclusion)
{
    const struct expr *expr;
    TEXT(why, 200);
    int column = 1;

    exclusion->when = plan_keep(reader, yaml_text(reader->complaints, node, "an expression", NULL));
    if (exclusion->when && expr_compile(reader->arena, exclusion->when, any_name, NULL, &expr, &why, &column)) {
        complain(reader->complaints, node, "%s (at character %d of '%.80s')", why.at, column, exclusion->when);
    }
}

static void read_exclusion(struct plan_reader *reader, struct yaml_node *map, struct yaml_node *node,
                           struct plan_exclusion *exclusion)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *value;

    exclusion->code = plan_keep(reader, node->key);
    exclusion->group = NULL;
    exclusion->party = "customer";
    exclusion->origin.ids = plan_no_texts;
    value = yaml_map(complaints, plan_leaf(reader, map, node->key, &exclusion->origin),
                     "a map {group, party, when, en, zh}");
    if (!value) {
        return;
    }
    exclusion->group = plan_keep(reader, yaml_text(complaints, yaml_find(value, "group"), "a word", NULL));
    exclusion->party = parties[yaml_choice(complaints, yaml_find(value, "party"), "a party", parties, 2)];
    read_when(reader, yaml_find(value, "when"), exclusion);
    exclusion->title.en = plan_keep(reader, yaml_text(complaints, yaml_find(value, "en"), "English words", NULL));
    exclusion->title.zh = plan_keep(reader, yaml_text(complaints, yaml_find(value, "zh"), "Chinese words", NULL));
    yaml_no_more(complaints, value);
}

static void read_phases(struct plan_reader *reader, struct yaml_node *section, struct yaml_node *map)
{
    const char *const *phases = plan_texts(reader, plan_leaf(reader, section, "phases", NULL), "a list of two words");
    const char *after = yaml_text(reader->complaints, plan_leaf(reader, map, "after", NULL), "a word", NULL);

    if (after) {
        reader->plan->phases[1] = plan_keep(reader, after);
    }
    if (phases[0] && phases[1]) {
        reader->plan->phases[0] = phases[0];
        reader->plan->phases[1] = phases[1];
    }
}

void plan_read_exclusions(struct plan_reader *reader, struct yaml_node *section, struct yaml_node *map)
{
    static const char *const exchanges[] = {"remaining", "fresh", NULL}, *const late[] = {"decide", "refuse", "grant", NULL};
    struct complaints *complaints = reader->complaints;
    struct yaml_node *list = yaml_map(complaints, yaml_find(map, "exclusions"), "a map of exclusions");
    struct plan *plan = reader->plan;
    struct plan_exclusion *exclusions =
        list ? arena_array(reader->arena, list->count + 1, sizeof(*exclusions)) : NULL;

    plan->exclusions = exclusions;
    for (struct yaml_node *node = exclusions ? list->first : NULL; node; node = node->next) {
        exclusions[plan->exclusion_count] = (struct plan_exclusion){0};
        read_exclusion(reader, list, node, &exclusions[plan->exclusion_count++]);
    }
    plan->exchange_fresh = yaml_choice(complaints, plan_leaf(reader, map, "exchanged", NULL), "a term", exchanges, 0) == 1;
    plan->exchange_least = yaml_duration(complaints, plan_leaf(reader, map, "exchanged_least", NULL), "a term",
                                         (struct duration){0, DURATION_D});
    plan->requires_card = yaml_bool(complaints, plan_leaf(reader, map, "requires_registration", NULL), "true or false", false);
    plan->late_card = (enum plan_card)yaml_choice(complaints, plan_leaf(reader, map, "late_registration", NULL),
                                                  "what becomes of it", late, PLAN_CARD_DECIDE);
    read_phases(reader, section, map);
}

/* ------------------------------------------------------------------ items.charge */

static void read_amount(struct plan_reader *reader, struct yaml_node *map, const char *key, int64_t most, int64_t *to)
{
    *to = yaml_int(reader->complaints, plan_leaf(reader, map, key, NULL), "a whole number", 0, most, *to);
}

/* who_pays: {expired: {parts: list, labour: list, travel: free, call_out: free}} */
static void read_who_pays(struct plan_reader *reader, struct yaml_node *map)
{
    struct complaints *complaints = reader->complaints;

    map = yaml_map(complaints, map, "a map of cases");
    for (int by = 0; map && by < PRICE_CASES; by++) {
        struct yaml_node *value = yaml_map(complaints, plan_leaf(reader, map, price_case_names[by], NULL),
                                           "a map {parts, labour, travel, call_out}");

        for (int item = 0; value && item < PRICE_ITEMS; item++) {
            enum price_mode *mode = &reader->plan->price.who_pays[by][item];

            *mode = (enum price_mode)yaml_choice(complaints, yaml_find(value, price_item_names[item]), "who pays",
                                                 price_mode_names, (int)*mode);
        }
        yaml_no_more(complaints, value);
    }
    yaml_no_more(complaints, map);
}

/* approve: {dispatcher: 20000, manager: 500000} */
static void read_approve(struct plan_reader *reader, struct yaml_node *value)
{
    static const struct {
        const char *name;
        enum role role;
    } roles[] = {{"dispatcher", ROLE_DISPATCHER}, {"manager", ROLE_MANAGER}, {"admin", ROLE_ADMIN}};

    value = yaml_map(reader->complaints, value, "a map {dispatcher, manager, admin}");
    for (size_t i = 0; value && i < sizeof(roles) / sizeof(roles[0]); i++) {
        int64_t *most = &reader->plan->price.approve[roles[i].role];

        *most = yaml_int(reader->complaints, yaml_find(value, roles[i].name), "an amount", 0, PRICE_MOST, *most);
    }
    yaml_no_more(reader->complaints, value);
}

static void read_currency(struct plan_reader *reader, struct yaml_node *node)
{
    const char *words = yaml_text(reader->complaints, node, "a currency such as CNY", reader->plan->price.currency);
    size_t size = strspn(words, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    if (size != 3 || words[3]) {
        complain(reader->complaints, node, "expected a currency such as CNY, found '%.40s'", words);
        return;
    }
    (void)!text_copy(reader->plan->price.currency, sizeof(reader->plan->price.currency), words);
}

static void read_rates(struct plan_reader *reader, struct yaml_node *charge)
{
    struct price_rules *price = &reader->plan->price;
    const struct {
        const char *key;
        int64_t most, *to;
    } rates[] = {
        {"labour_hour", PRICE_MOST, &price->labour_hour},
        {"travel_hour", PRICE_MOST, &price->travel_hour},
        {"call_out", PRICE_MOST, &price->call_out},
        {"labour_hour_cost", PRICE_MOST, &price->labour_hour_cost},
        {"travel_hour_cost", PRICE_MOST, &price->travel_hour_cost},
        {"call_out_cost", PRICE_MOST, &price->call_out_cost},
        {"complex", 100000, &price->complex},
        {"markup", 100000, &price->markup},
        {"tax", 10000, &price->tax},
        {"advise_new", 10000, &price->advise_new},
        {"minimum", PRICE_MOST, &price->minimum},
        {"most", PRICE_MOST, &price->most},
    };

    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        read_amount(reader, charge, rates[i].key, rates[i].most, rates[i].to);
    }
    price->validity_ms = plan_ms(reader, charge, "validity", price->validity_ms, false);
}

void plan_read_money(struct plan_reader *reader, struct yaml_node *items)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *charge = yaml_map(complaints, yaml_find(items, "charge"), "a map");
    struct yaml_node *verify = yaml_map(complaints, yaml_find(items, "verify"), "a map");
    const char *words;

    if (charge) {
        words = yaml_text(complaints, plan_leaf(reader, charge, "consent_before_repair", NULL), "required or not_required", "");
        reader->plan->consent_before_repair = strcmp(words, "required") == 0 || strcmp(words, "true") == 0;
        read_currency(reader, plan_leaf(reader, charge, "currency", NULL));
        read_rates(reader, charge);
        read_who_pays(reader, yaml_find(charge, "who_pays"));
        read_approve(reader, plan_leaf(reader, charge, "approve", NULL));
        plan_others(reader, charge);
    }
    words = yaml_text(complaints, plan_leaf(reader, items, "fee_approval", NULL), "required or not_required", "");
    reader->plan->fee_approval = strcmp(words, "required") == 0;
    if (verify) {
        words = yaml_text(complaints, plan_leaf(reader, verify, "warranty", NULL), "one_person or two_persons", "");
        reader->plan->two_persons = strcmp(words, "two_persons") == 0;
        plan_others(reader, verify);
    }
}
