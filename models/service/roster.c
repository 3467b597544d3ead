/* Turns, hours, overrides and holes of rosters. */
#include "models/service/roster.h"

#include <string.h>

#include "models/base/civil.h"
#include "models/base/text.h"

#define DAY_MS 86400000

/* ------------------------------------------------------------------ reading */

static const char *keep(struct arena *arena, const char *words)
{
    return words ? arena_text(arena, words, strlen(words)) : NULL;
}

static const char *const *read_names(struct arena *arena, struct yaml_node *node,
                                     struct complaints *complaints, const char *what)
{
    static const char *const none[] = {NULL};
    struct yaml_node *list = yaml_list(complaints, node, what);
    const char **names = list ? arena_array(arena, list->count + 1, sizeof(*names)) : NULL;
    size_t count = 0;

    for (node = names ? list->first : NULL; node; node = node->next) {
        names[count++] = keep(arena, yaml_text(complaints, node, "a word", ""));
    }
    return names ? names : none;
}

static int member_of(const struct roster *roster, const char *name)
{
    for (size_t i = 0; name && i < roster->member_count; i++) {
        if (text_same(roster->members[i], name)) {
            return (int)i;
        }
    }
    return -1;
}

static void read_members(struct arena *arena, struct yaml_node *map, struct complaints *complaints,
                         struct roster *roster)
{
    struct yaml_node *list =
        yaml_list(complaints, yaml_need(complaints, map, "members"), "a list of technicians");

    if (list && list->count == 0) {
        complain(complaints, list, "expected at least one technician, found none");
    }
    for (struct yaml_node *node = list ? list->first : NULL; node; node = node->next) {
        const char *name = yaml_id(complaints, node, "a technician");

        if (name && member_of(roster, name) >= 0) {
            complain(complaints, node, "expected each member once, found '%.64s' again", name);
        } else if (name && roster->member_count == ROSTER_MEMBERS_MOST) {
            complain(complaints, node, "expected at most %d members, found '%.64s'", ROSTER_MEMBERS_MOST,
                     name);
            return;
        } else if (name) {
            roster->members[roster->member_count++] = keep(arena, name);
        }
    }
}

static int64_t read_instant(struct complaints *complaints, struct yaml_node *map, const char *key)
{
    struct yaml_node *node = yaml_need(complaints, map, key);
    const char *words = yaml_text(complaints, node, "a time such as 2026-02-06T08:00:00+08:00", NULL);
    int64_t at_ms = 0;

    if (words && civil_read_instant(words, &at_ms)) {
        complain(complaints, node, "expected a time such as 2026-02-06T08:00:00+08:00, found '%.40s'",
                 words);
    }
    return at_ms;
}

static void read_override(struct yaml_node *node, struct complaints *complaints,
                          const struct roster *roster, struct roster_override *override)
{
    struct yaml_node *map = yaml_map(complaints, node, "an override {from, to, member}"), *name;
    size_t before = complaints->count;

    if (!map) {
        return;
    }
    override->from_ms = read_instant(complaints, map, "from");
    override->to_ms = read_instant(complaints, map, "to");
    name = yaml_need(complaints, map, "member");
    override->member = member_of(roster, yaml_id(complaints, name, "a member"));
    if (complaints->count == before && override->from_ms >= override->to_ms) {
        complain(complaints, yaml_find(map, "to"), "expected a time after from, found '%.40s'",
                 yaml_find(map, "to")->text);
    }
    if (complaints->count == before && override->member < 0) {
        complain(complaints, name, "expected a member of this roster, found '%.64s'", name->text);
    }
    yaml_no_more(complaints, map);
}

static void read_overrides(struct arena *arena, struct yaml_node *map, struct complaints *complaints,
                           struct roster *roster)
{
    struct yaml_node *list =
        yaml_list(complaints, yaml_find(map, "overrides"), "a list of overrides");
    struct roster_override *overrides;

    if (list && list->count > ROSTER_OVERRIDES_MOST) {
        complain(complaints, list, "expected at most %d overrides, found %zu", ROSTER_OVERRIDES_MOST,
                 list->count);
        return;
    }
    overrides = list ? arena_array(arena, list->count + 1, sizeof(*overrides)) : NULL;
    if (!overrides) {
        return;
    }
    roster->overrides = overrides;
    for (struct yaml_node *node = list->first; node; node = node->next) {
        read_override(node, complaints, roster, &overrides[roster->override_count++]);
    }
}

/* Whole days; the turn passes on at hand_over. */
static void read_turns(struct yaml_node *map, struct complaints *complaints, struct roster *roster)
{
    struct yaml_node *node = yaml_find(map, "rotation"), *first = yaml_find(map, "first_day");
    struct yaml_node *hour = yaml_find(map, "hand_over");
    const char *words = yaml_text(complaints, first, "a date such as 2026-01-05", NULL);
    const char *clock = yaml_text(complaints, hour, "an hour such as \"09:00\"", NULL);
    size_t before = complaints->count;
    struct duration rotation =
        yaml_duration(complaints, node, "days such as 7d", (struct duration){0, DURATION_D});
    int64_t h = 0, m = 0;

    if (node && (rotation.unit != DURATION_D || rotation.count < 1 || rotation.count > 366)) {
        if (complaints->count == before) { /* no duration at all was told already */
            complain(complaints, node, "expected days such as 7d, 1d to 366d, found '%.40s'", node->text);
        }
        rotation.count = 0;
    }
    roster->rotation_days = (int)rotation.count;
    if (words && civil_read_date(words, &roster->first_day)) {
        complain(complaints, first, "expected a date such as 2026-01-05, found '%.40s'", words);
    }
    if (clock && (strlen(clock) != 5 || clock[2] != ':' || text_to_int(clock, 2, &h) ||
                  text_to_int(clock + 3, 2, &m) || h < 0 || h > 23 || m < 0 || m > 59)) {
        complain(complaints, hour, "expected an hour such as \"09:00\", found '%.40s'", clock);
        h = m = 0;
    }
    roster->hand_over_ms = (int32_t)((h * 60 + m) * 60000);
}

void roster_read(struct arena *arena, struct yaml_node *map, struct complaints *complaints,
                 workdays_zone find_zone, void *context, struct roster *ret_roster)
{
    struct roster roster = {.zone = zone_utc()};
    struct yaml_node *zone = yaml_need(complaints, map, "time_zone"), *week = yaml_find(map, "week");
    const char *name = yaml_text(complaints, zone, "a time zone such as Asia/Shanghai", NULL);
    const struct zone *found = name ? find_zone(context, name) : NULL;

    if (name && !found) {
        complain(complaints, zone, "expected a time zone such as Asia/Shanghai, found '%.80s'", name);
    }
    roster.zone = found ? found : zone_utc();
    roster.id = keep(arena, yaml_id(complaints, yaml_need(complaints, map, "id"), "an id"));
    roster.title = keep(arena, yaml_text(complaints, yaml_find(map, "name"), "a text", NULL));
    if (!week) {
        memcpy(roster.week, workdays_always(roster.zone).week, sizeof(roster.week));
    } else if (yaml_map(complaints, week, "a map of days to hours")) {
        workdays_read_week(week, complaints, roster.week);
    }
    read_members(arena, map, complaints, &roster);
    read_turns(map, complaints, &roster);
    read_overrides(arena, map, complaints, &roster);
    roster.skills = read_names(arena, yaml_find(map, "skills"), complaints, "a list of skills");
    roster.plans = read_names(arena, yaml_find(map, "plans"), complaints, "a list of plans");
    yaml_no_more(complaints, map);
    *ret_roster = roster;
}

/* ------------------------------------------------------------------ asking */

bool roster_serves(const struct roster *roster, const char *plan)
{
    const char *const *name = roster->plans;

    while (*name && !text_same(*name, plan)) {
        name++;
    }
    return *name || name == roster->plans;
}

static bool in_hours(const struct roster *roster, int32_t day, int64_t at_ms)
{
    const struct workdays_day *hours = &roster->week[civil_weekday(day)];

    for (size_t i = 0; i < hours->count; i++) {
        if (at_ms >= zone_instant(roster->zone, day, hours->segments[i].from_ms) &&
            at_ms < zone_instant(roster->zone, day, hours->segments[i].to_ms)) {
            return true;
        }
    }
    return false;
}

static bool is_absent(const struct roster *roster, int member, int32_t day)
{
    for (size_t i = 0; i < roster->absence_count; i++) {
        const struct roster_absence *absence = &roster->absences[i];

        if (day >= absence->from_day && day <= absence->to_day &&
            text_same(absence->member, roster->members[member])) {
            return true;
        }
    }
    return false;
}

/* Whose turn it is. */
static size_t turn_of(const struct roster *roster, int32_t day, int64_t at_ms)
{
    int64_t days, turn, count = (int64_t)roster->member_count;

    if (!roster->rotation_days || !count) {
        return 0;
    }
    days = (int64_t)day - roster->first_day -
           (at_ms < zone_instant(roster->zone, day, roster->hand_over_ms));
    turn = days / roster->rotation_days - (days % roster->rotation_days < 0);
    return (size_t)((turn % count + count) % count);
}

static int override_at(const struct roster *roster, int64_t at_ms)
{
    for (size_t i = roster->override_count; i-- > 0;) {
        if (at_ms >= roster->overrides[i].from_ms && at_ms < roster->overrides[i].to_ms) {
            return roster->overrides[i].member;
        }
    }
    return -1;
}

size_t roster_ask(const struct roster *roster, int64_t at_ms, int order[])
{
    int32_t day = zone_day(roster->zone, at_ms);
    int first = override_at(roster, at_ms);
    size_t count = 0, turn = turn_of(roster, day, at_ms);

    if (first >= 0 && !is_absent(roster, first, day)) {
        order[count++] = first;
    }
    if (!in_hours(roster, day, at_ms)) {
        return count;
    }
    for (size_t i = 0; i < roster->member_count; i++) {
        int member = (int)((turn + i) % roster->member_count);

        if (member != first && !is_absent(roster, member, day)) {
            order[count++] = member;
        }
    }
    return count;
}

static void nearer(int64_t candidate_ms, int64_t at_ms, int64_t *io_ms)
{
    if (candidate_ms > at_ms && candidate_ms < *io_ms) {
        *io_ms = candidate_ms;
    }
}

int64_t roster_change(const struct roster *roster, int64_t at_ms)
{
    int32_t day = zone_day(roster->zone, at_ms);
    const struct workdays_day *hours = &roster->week[civil_weekday(day)];
    int64_t next_ms = zone_instant(roster->zone, day + 1, 0);

    if (next_ms <= at_ms) { /* midnight comes twice */
        next_ms = at_ms + 3600000;
    }
    nearer(zone_instant(roster->zone, day, roster->hand_over_ms), at_ms, &next_ms);
    for (size_t i = 0; i < hours->count; i++) {
        nearer(zone_instant(roster->zone, day, hours->segments[i].from_ms), at_ms, &next_ms);
        nearer(zone_instant(roster->zone, day, hours->segments[i].to_ms), at_ms, &next_ms);
    }
    for (size_t i = 0; i < roster->override_count; i++) {
        nearer(roster->overrides[i].from_ms, at_ms, &next_ms);
        nearer(roster->overrides[i].to_ms, at_ms, &next_ms);
    }
    return next_ms;
}

/* true when somebody of any roster answers; *io_next_ms: when that may be otherwise. */
static bool is_covered(const struct roster *rosters, size_t count, int64_t at_ms, int64_t *ret_next_ms)
{
    int order[ROSTER_MEMBERS_MOST];
    bool covered = false;

    *ret_next_ms = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        covered = covered || roster_ask(&rosters[i], at_ms, order) > 0;
        nearer(roster_change(&rosters[i], at_ms), at_ms, ret_next_ms);
    }
    return covered;
}

bool roster_hole(const struct roster *rosters, size_t count, int64_t from_ms, int64_t to_ms,
                 int64_t *ret_from_ms, int64_t *ret_to_ms)
{
    int64_t at_ms = from_ms, next_ms;

    while (at_ms < to_ms && is_covered(rosters, count, at_ms, &next_ms)) {
        at_ms = next_ms;
    }
    if (at_ms >= to_ms) {
        return false;
    }
    *ret_from_ms = at_ms;
    while (at_ms < to_ms && !is_covered(rosters, count, at_ms, &next_ms)) {
        at_ms = next_ms;
    }
    *ret_to_ms = at_ms < to_ms ? at_ms : to_ms;
    return true;
}
