/* Judging and ranking who may go. */
#include "models/service/routing.h"

#include <math.h>
#include <string.h>

#include "models/base/civil.h"

#define WHOLE 1000 /* the full share of a criterion's points */

const char *const routing_criterion_names[] = {"place",   "tier",  "skill", "exam",
                                               "absence", "hours", "load",  "travel", NULL};

int routing_criterion_read(const char *name)
{
    for (int i = 0; name && routing_criterion_names[i]; i++) {
        if (strcmp(routing_criterion_names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

double routing_distance(double lat_a, double lon_a, double lat_b, double lon_b)
{
    const double radian = 3.14159265358979323846 / 180, earth_km = 6371;
    double a = sin((lat_b - lat_a) * radian / 2), b = sin((lon_b - lon_a) * radian / 2);
    double h = a * a + cos(lat_a * radian) * cos(lat_b * radian) * b * b;

    return 2 * earth_km * asin(sqrt(h < 1 ? h : 1));
}

/* One criterion's saying; share 0 … WHOLE. */
struct saying {
    int share;
    bool excluded;
    struct text words;
};

static void say_place(const struct routing_person *person, struct saying *saying)
{
    static const struct {
        int share;
        const char *words;
    } places[] = {
        [ROUTING_NOWHERE] = {0, "does not serve this place"},
        [ROUTING_ANYWHERE] = {200, "no team is named for any place"},
        [ROUTING_TERRITORY] = {400, "serves the territory"},
        [ROUTING_SITE] = {600, "serves the site"},
        [ROUTING_BACKUP] = {800, "backup team of the equipment"},
        [ROUTING_PRIMARY] = {950, "primary team of the equipment"},
        [ROUTING_NAMED] = {WHOLE, "named for the equipment"},
    };

    saying->share = places[person->place].share;
    saying->excluded = person->place == ROUTING_NOWHERE;
    text_add(&saying->words, places[person->place].words);
}

static void say_tier(const struct routing_want *want, const struct routing_person *person,
                     struct saying *saying)
{
    int least = want->non_routine ? 3 : 1;

    least = want->least_tier > least ? want->least_tier : least;
    if (person->dealer && person->dealer->valid_to < want->day) {
        char day[11];

        civil_write_date(person->dealer->valid_to, day);
        saying->excluded = true;
        text_addf(&saying->words, "the agreement with the dealer %.40s ended on %s",
                  person->dealer->name ? person->dealer->name : "", day);
        return;
    }
    if (!person->tier) {
        saying->share = WHOLE / 2;
        text_add(&saying->words, "no tier is said");
        return;
    }
    saying->excluded = person->tier < least;
    saying->share = saying->excluded ? 0 : WHOLE - 300 * (person->tier - least);
    text_addf(&saying->words, "tier %d, %s tier %d", person->tier,
              saying->excluded ? "expected at least" : "needed at least", least);
}

/* The highest level of a skill that is proved for that day. */
static int level_of(const struct routing_want *want, const struct routing_person *person)
{
    int level = 0;

    for (size_t i = 0; want->skill && i < person->certificate_count; i++) {
        const struct routing_certificate *one = &person->certificates[i];

        level = text_same(one->type, want->skill) && one->valid_to >= want->day && one->level > level ? one->level : level;
    }
    return level;
}

/* The certificate of a type that lasts longest. */
static const struct routing_certificate *best_of(const struct routing_person *person, const char *type)
{
    const struct routing_certificate *best = NULL;

    for (size_t i = 0; i < person->certificate_count; i++) {
        const struct routing_certificate *one = &person->certificates[i];

        if (text_same(one->type, type) && (!best || one->valid_to > best->valid_to)) {
            best = one;
        }
    }
    return best;
}

static bool has_word(const char *const *words, const char *word)
{
    while (words && *words && !text_same(*words, word)) {
        words++;
    }
    return words && *words;
}

/* *unproved: nothing speaks against it either. */
static void say_skill(const struct routing_want *want, const struct routing_person *person,
                      struct saying *saying, bool *unproved)
{
    const struct routing_certificate *best = want->skill ? best_of(person, want->skill) : NULL;
    bool team_has = want->skill && has_word(person->team_skills, want->skill);
    bool silent = person->certificate_count == 0; /* nothing is written down about this person */
    char day[11] = "";

    if (best && best->valid_to != ROUTING_FOR_EVER) {
        civil_write_date(best->valid_to, day);
    }
    if (!want->skill) {
        saying->share = WHOLE;
        text_add(&saying->words, "no skill is asked for");
    } else if (best && best->valid_to >= want->day) {
        saying->share = WHOLE;
        text_addf(&saying->words, "%s%s%s %s%s", want->skill, best->no ? " " : "", best->no ? best->no : "",
                  day[0] ? "valid to " : "valid", day);
    } else if (best) {
        saying->excluded = true;
        text_addf(&saying->words, "the certificate %s ran out on %s", want->skill, day);
    } else if (team_has && silent) {
        saying->share = WHOLE / 2;
        text_addf(&saying->words, "the team says that it has %s", want->skill);
    } else {
        saying->excluded = true;
        *unproved = silent && !(person->team_skills && person->team_skills[0]);
        text_addf(&saying->words, "no certificate %s", want->skill);
    }
}

static void say_exam(const struct routing_want *want, const struct routing_person *person,
                     struct saying *saying)
{
    char day[11];

    saying->share = WHOLE;
    if (person->exam_due == ROUTING_NO_DAY) {
        text_add(&saying->words, "no exam is due");
        return;
    }
    civil_write_date(person->exam_due, day);
    saying->share = person->exam_due < want->day ? 0 : WHOLE;
    text_addf(&saying->words, "exam %s %s", saying->share ? "due on" : "overdue since", day);
}

static void say_absence(const struct routing_person *person, struct saying *saying)
{
    saying->excluded = person->absence != NULL;
    saying->share = person->absence ? 0 : WHOLE;
    if (person->absence) {
        text_addf(&saying->words, "absent: %.80s", person->absence);
    } else {
        text_add(&saying->words, "not absent");
    }
}

static void say_hours(const struct routing_person *person, struct saying *saying)
{
    saying->share = person->at_work ? WHOLE : person->on_call ? 900 : 0;
    text_add(&saying->words, person->at_work ? "at work then"
                             : person->on_call ? "on call then"
                                               : "not at work then, not on call");
}

static void say_load(const struct routing_rules *rules, const struct routing_person *person,
                     struct saying *saying)
{
    int64_t taken_ms = person->open_orders * rules->order_ms;
    double share = person->shift_ms > 0 ? (double)taken_ms / (double)person->shift_ms : -1;

    if (share < 0) { /* no hours that day: only how much there is counts */
        saying->share = (int)(WHOLE / (1 + person->open_orders));
        text_addf(&saying->words, "%lld open, no hours that day", (long long)person->open_orders);
        return;
    }
    /* one more has to fit; who has nothing can always take one */
    saying->excluded = person->open_orders > 0 && rules->load_most > 0 &&
                       (double)(taken_ms + rules->order_ms) > rules->load_most * (double)person->shift_ms;
    saying->share = share >= 1 ? 0 : (int)(WHOLE * (1 - share));
    text_addf(&saying->words, "%lld open, %d %% of %lld min%s", (long long)person->open_orders,
              (int)(share * 100), (long long)(person->shift_ms / 60000),
              saying->excluded ? ": no capacity" : "");
}

static int64_t say_travel(const struct routing_rules *rules, const struct routing_want *want,
                          const struct routing_person *person, struct saying *saying)
{
    double speed = person->speed_kmh > 0 ? person->speed_kmh : rules->speed_kmh, km;
    int64_t ms;

    if (!want->has_place || !person->has_base || speed <= 0) {
        saying->share = WHOLE / 2;
        text_add(&saying->words, "distance not known");
        return -1;
    }
    km = routing_distance(want->lat, want->lon, person->lat, person->lon) * rules->detour;
    ms = (int64_t)(km / speed * 3600000);
    saying->share = ms >= rules->travel_most_ms ? 0 : (int)(WHOLE - WHOLE * ms / rules->travel_most_ms);
    text_addf(&saying->words, "%.1f km, %lld min", km, (long long)(ms / 60000));
    return ms;
}

void routing_judge(const struct routing_rules *rules, const struct routing_want *want,
                   const struct routing_person *person, struct routing_verdict *ret_verdict)
{
    struct routing_verdict verdict = {.suitable = true, .travel_ms = -1};
    bool unproved = false;

    for (int i = 0; i < ROUTING_CRITERIA; i++) {
        struct routing_line *line = &verdict.lines[i];
        struct saying saying = {.words = text_on(line->words, sizeof(line->words))};

        switch ((enum routing_criterion)i) {
        case ROUTING_PLACE: say_place(person, &saying); break;
        case ROUTING_TIER: say_tier(want, person, &saying); break;
        case ROUTING_SKILL: say_skill(want, person, &saying, &unproved); break;
        case ROUTING_EXAM: say_exam(want, person, &saying); break;
        case ROUTING_ABSENCE: say_absence(person, &saying); break;
        case ROUTING_HOURS: say_hours(person, &saying); break;
        case ROUTING_LOAD: say_load(rules, person, &saying); break;
        case ROUTING_TRAVEL: verdict.travel_ms = say_travel(rules, want, person, &saying); break;
        case ROUTING_CRITERIA: break;
        }
        line->excluded = saying.excluded;
        line->blocked = saying.excluded && rules->blocks >> i & 1 && !(i == ROUTING_SKILL && unproved);
        line->points = rules->weights[i] * saying.share / WHOLE;
        verdict.score += line->points;
        verdict.suitable = verdict.suitable && !line->excluded;
        verdict.blocked = verdict.blocked || line->blocked;
    }
    verdict.level = level_of(want, person);
    *ret_verdict = verdict;
}

static int compare_names(const struct routing_person *a, const struct routing_person *b)
{
    int by_team = strcmp(a->team ? a->team : "", b->team ? b->team : "");

    return by_team ? by_team : strcmp(a->technician ? a->technician : "", b->technician ? b->technician : "");
}

static bool is_before(const struct routing_verdict *a, const struct routing_verdict *b,
                      const struct routing_person *person_a, const struct routing_person *person_b)
{
    bool here_a = !a->lines[ROUTING_PLACE].excluded, here_b = !b->lines[ROUTING_PLACE].excluded;

    if (a->suitable != b->suitable) {
        return a->suitable;
    }
    if (here_a != here_b) {
        return here_a;
    }
    if (a->score != b->score) {
        return a->score > b->score;
    }
    return a->level != b->level ? a->level > b->level : compare_names(person_a, person_b) < 0;
}

/* Heap sort: in place, and no slower for any order. */
static void sift(const struct routing_person *persons, const struct routing_verdict *verdicts,
                 size_t order[], size_t at, size_t count)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        size_t kept = order[at];

        if (child + 1 < count && is_before(&verdicts[order[child]], &verdicts[order[child + 1]],
                                           &persons[order[child]], &persons[order[child + 1]])) {
            child++;
        }
        if (!is_before(&verdicts[kept], &verdicts[order[child]], &persons[kept], &persons[order[child]])) {
            return;
        }
        order[at] = order[child];
        order[child] = kept;
    }
}

void routing_rank(const struct routing_rules *rules, const struct routing_want *want,
                  const struct routing_person *persons, size_t count, size_t order[],
                  struct routing_verdict verdicts[])
{
    for (size_t i = 0; i < count; i++) {
        routing_judge(rules, want, &persons[i], &verdicts[i]);
        order[i] = i;
    }
    for (size_t i = count / 2; i-- > 0;) {
        sift(persons, verdicts, order, i, count);
    }
    for (size_t end = count; end > 1; end--) { /* the last of what is left goes to its end */
        size_t last = order[0];

        order[0] = order[end - 1];
        order[end - 1] = last;
        sift(persons, verdicts, order, 0, end - 1);
    }
}

void routing_reasons(const struct routing_verdict *verdict, bool blocking_only, struct text *to)
{
    for (int i = 0; i < ROUTING_CRITERIA; i++) {
        const struct routing_line *line = &verdict->lines[i];

        if (blocking_only ? line->blocked : line->excluded) {
            text_addf(to, "%s%s", to->length ? "; " : "", line->words);
        }
    }
}
