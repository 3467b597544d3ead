/* Levels: what is installed near a depot, how often it fails, what is asked for already, what lies there. */
#include "server/stock/levels.h"

#include <math.h>
#include <string.h>

#define PARTS_MOST  5000
#define DEPOTS_MOST 500
#define SHARES_MOST 512 /* profiles, and classes of components */
#define YEAR_MS     31557600000.0
#define LOOK_BACK   (3 * 31557600000LL) /* failures of the last three years count */
#define DAY_MS      86400000.0
#define LEAD_PRESET 14.0 /* days, of a part that says nothing */

struct depot {
    int64_t id;
    double at[3]; /* on the unit sphere: who is nearest is found without an angle for each pair */
};

static void put_on_sphere(double lat, double lon, double ret_at[3])
{
    const double radian = 0.017453292519943295;

    ret_at[0] = cos(lat * radian) * cos(lon * radian);
    ret_at[1] = cos(lat * radian) * sin(lon * radian);
    ret_at[2] = sin(lat * radian);
}

struct find {
    struct arena *arena;
    struct sql *sql;
    const struct levels_ask *ask;
    struct level_list *list;
    struct depot *depots;
    size_t depot_count;
};

static struct level *level_of(struct find *find, int64_t part)
{
    size_t low = 0, high = find->list->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (find->list->at[middle].part < part) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < find->list->count && find->list->at[low].part == part ? &find->list->at[low] : NULL;
}

static const char *keep(struct find *find, const char *words)
{
    return words ? arena_text(find->arena, words, strlen(words)) : NULL;
}

static enum err read_parts(struct find *find)
{
    struct sql_rows rows;

    find->list->at = arena_array(find->arena, PARTS_MOST, sizeof(*find->list->at));
    if (!find->list->at) {
        return ERR_NOMEM;
    }
    sql_find(find->sql, &rows,
             "SELECT id, name, title_en, title_zh, supplier, currency, COALESCE(unit_cost, -1), COALESCE(lead_ms, -1),"
             " consumable, (SELECT MAX(rate) FROM part_fit f WHERE f.part = p.id) FROM part p ORDER BY id LIMIT 5000",
             "");
    while (find->list->count < PARTS_MOST && sql_next(&rows)) {
        struct level *level = &find->list->at[find->list->count++];

        *level = (struct level){.part = sql_int(&rows, 0), .name = keep(find, sql_text(&rows, 1)),
                                .title_en = keep(find, sql_text(&rows, 2)), .title_zh = keep(find, sql_text(&rows, 3)),
                                .supplier = keep(find, sql_text(&rows, 4)), .currency = keep(find, sql_text(&rows, 5)),
                                .unit_cost = sql_int(&rows, 6), .lead_ms = sql_int(&rows, 7),
                                .consumable = sql_int(&rows, 8) != 0};
        level->facts.prior = sql_null(&rows, 9) ? 0 : sql_real(&rows, 9);
        level->facts.lead_days = level->lead_ms >= 0 ? (double)level->lead_ms / DAY_MS : LEAD_PRESET;
        level->facts.service = 0.95;
        level->facts.cover_days = find->ask->days > 0 ? (double)find->ask->days : 30;
    }
    return sql_end(&rows);
}

static enum err read_depots(struct find *find)
{
    struct sql_rows rows;

    find->depots = arena_array(find->arena, DEPOTS_MOST, sizeof(*find->depots));
    if (!find->depots) {
        return ERR_NOMEM;
    }
    sql_find(find->sql, &rows, "SELECT id, COALESCE(lat, 0), COALESCE(lon, 0) FROM depot WHERE counts = 1 AND kind = 'depot'"
                               " ORDER BY id LIMIT 500", "");
    while (find->depot_count < DEPOTS_MOST && sql_next(&rows)) {
        struct depot *depot = &find->depots[find->depot_count++];

        depot->id = sql_int(&rows, 0);
        put_on_sphere(sql_real(&rows, 1), sql_real(&rows, 2), depot->at);
    }
    return sql_end(&rows);
}

/* A site belongs to the depot that is nearest to it. */
static bool belongs(const struct find *find, double lat, double lon)
{
    int64_t nearest = 0;
    double best = -2, here[3];

    if (!find->ask->depot) {
        return true;
    }
    put_on_sphere(lat, lon, here);
    for (size_t i = 0; i < find->depot_count; i++) {
        const double *at = find->depots[i].at;
        double near = here[0] * at[0] + here[1] * at[1] + here[2] * at[2];

        if (near > best) {
            nearest = find->depots[i].id;
            best = near;
        }
    }
    return nearest == find->ask->depot;
}

/* What is installed of one profile or component class: once for all parts that fit it. */
struct share {
    const char *name;
    double pieces, years; /* of the place that was asked for; of all: how often it fails is the same everywhere */
};

struct shares {
    struct share at[SHARES_MOST];
    size_t count;
};

static struct share *share_of(struct find *find, struct shares *shares, const char *name)
{
    for (size_t i = 0; i < shares->count; i++) {
        if (strcmp(shares->at[i].name, name) == 0) {
            return &shares->at[i];
        }
    }
    if (shares->count == SHARES_MOST) {
        return NULL;
    }
    shares->at[shares->count] = (struct share){.name = keep(find, name)};
    return &shares->at[shares->count++];
}

/* rows: name, lat, lon, pieces, years, of the contract. */
static enum err add_shares(struct find *find, struct sql_rows *rows, struct shares *shares)
{
    while (sql_next(rows)) {
        struct share *share = sql_null(rows, 0) ? NULL : share_of(find, shares, sql_text(rows, 0));

        if (share) {
            share->years += sql_real(rows, 4) / YEAR_MS;
            share->pieces += sql_int(rows, 5) && belongs(find, sql_real(rows, 1), sql_real(rows, 2)) ? (double)sql_int(rows, 3)
                                                                                                     : 0;
        }
    }
    return sql_end(rows);
}

#define INSTALLED                                                                                                       \
    "COALESCE(s.lat, 0), COALESCE(s.lon, 0), COUNT(*), SUM(?1 - CASE WHEN e.created_ms > ?2 THEN e.created_ms ELSE ?2"     \
    " END) * 1.0, CASE WHEN ?3 = 0 OR EXISTS (SELECT 1 FROM contract_site c WHERE c.contract = ?3 AND c.site = s.id) THEN" \
    " 1 ELSE 0 END"

static enum err read_installed(struct find *find)
{
    struct shares *profiles = arena_take(find->arena, sizeof(*profiles));
    struct shares *classes = arena_take(find->arena, sizeof(*classes));
    int64_t now_ms = find->ask->now_ms, contract = find->ask->contract;
    struct sql_rows rows;
    enum err err;

    if (!profiles || !classes) {
        return ERR_NOMEM;
    }
    sql_find(find->sql, &rows,
             "SELECT e.profile, " INSTALLED " FROM equipment e LEFT JOIN site s ON s.id = e.site WHERE e.claimed = 1 GROUP BY"
             " e.profile, s.id, s.lat, s.lon",
             "iii", now_ms, now_ms - LOOK_BACK, contract);
    err = add_shares(find, &rows, profiles);
    if (err) {
        return err;
    }
    sql_find(find->sql, &rows,
             "SELECT k.class, " INSTALLED " FROM component k JOIN equipment e ON e.id = k.equipment LEFT JOIN site s ON s.id ="
             " e.site WHERE e.claimed = 1 AND EXISTS (SELECT 1 FROM part_fit f WHERE f.profile IS NULL AND f.component ="
             " k.class) GROUP BY k.class, s.id, s.lat, s.lon",
             "iii", now_ms, now_ms - LOOK_BACK, contract);
    err = add_shares(find, &rows, classes);
    if (err) {
        return err;
    }
    sql_find(find->sql, &rows, "SELECT part, profile, component FROM part_fit", "");
    while (sql_next(&rows)) {
        struct level *level = level_of(find, sql_int(&rows, 0));
        const char *name = sql_text(&rows, sql_null(&rows, 1) ? 2 : 1);
        struct share *share = name ? share_of(find, sql_null(&rows, 1) ? classes : profiles, name) : NULL;

        if (level && share) {
            level->facts.pieces += share->pieces;
            level->facts.years += share->years;
        }
    }
    return sql_end(&rows);
}

static enum err read_failures(struct find *find)
{
    struct sql_rows rows;

    sql_find(find->sql, &rows,
             "SELECT p.id, CAST(SUM(CASE w.state WHEN 'used' THEN w.count ELSE -w.count END) AS BIGINT) FROM work_part w JOIN"
             " part p ON p.name = w.part WHERE w.state IN ('used', 'returned') AND w.at_ms >= ?1 GROUP BY p.id",
             "i", find->ask->now_ms - LOOK_BACK);
    while (sql_next(&rows)) {
        struct level *level = level_of(find, sql_int(&rows, 0));

        if (level) {
            level->facts.failures = (double)sql_int(&rows, 1);
        }
    }
    return sql_end(&rows);
}

/* What the open orders (predictions among them) are likely to take and have not laid aside. */
static enum err read_predicted(struct find *find)
{
    struct sql_rows rows;

    sql_find(find->sql, &rows,
             "SELECT p.id, COALESCE(s.lat, 0), COALESCE(s.lon, 0), w.odds FROM work_order o JOIN work_part w ON w.work_order ="
             " o.id AND w.state = 'proposed' JOIN part p ON p.name = w.part LEFT JOIN site s ON s.id = o.site WHERE o.state NOT"
             " IN ('done', 'verified', 'closed', 'cancelled') AND (?1 = 0 OR EXISTS (SELECT 1 FROM contract_site c WHERE"
             " c.contract = ?1 AND c.site = o.site)) AND NOT EXISTS (SELECT 1 FROM work_part r WHERE r.work_order = o.id AND"
             " r.part = w.part AND r.state IN ('reserved', 'issued', 'used'))",
             "i", find->ask->contract);
    while (sql_next(&rows)) {
        struct level *level = level_of(find, sql_int(&rows, 0));

        if (level && belongs(find, sql_real(&rows, 1), sql_real(&rows, 2))) {
            level->facts.predicted += sql_null(&rows, 3) ? 0 : sql_real(&rows, 3);
        }
    }
    return sql_end(&rows);
}

static enum err read_stock(struct find *find)
{
    struct sql_rows rows;
    enum err err;

    sql_find(find->sql, &rows,
             "SELECT part, CAST(SUM(count) AS BIGINT), CAST(SUM(held) AS BIGINT) FROM stock WHERE ?1 = 0 OR depot = ?1 GROUP BY"
             " part",
             "i", find->ask->depot);
    while (sql_next(&rows)) {
        struct level *level = level_of(find, sql_int(&rows, 0));

        if (level) {
            level->there = sql_int(&rows, 1);
            level->held = sql_int(&rows, 2);
        }
    }
    err = sql_end(&rows);
    if (err) {
        return err;
    }
    sql_find(find->sql, &rows,
             "SELECT n.part, CAST(SUM(n.count - n.received) AS BIGINT) FROM voucher v JOIN voucher_line n ON n.voucher = v.id"
             " WHERE v.closed_ms IS NULL AND ((v.kind = 'purchase' AND (?1 = 0 OR v.depot = ?1)) OR (v.kind = 'shipment' AND"
             " v.to_depot IS NOT NULL AND (v.to_depot = ?1 OR (?1 = 0 AND v.state = 'shipped')))) GROUP BY n.part",
             "i", find->ask->depot);
    while (sql_next(&rows)) {
        struct level *level = level_of(find, sql_int(&rows, 0));

        if (level) {
            level->coming = sql_int(&rows, 1);
        }
    }
    return sql_end(&rows);
}

/* Levels and habits of one's own. */
static enum err read_said(struct find *find)
{
    struct sql_rows rows;
    enum err err;

    sql_find(find->sql, &rows, "SELECT service, review_days FROM depot WHERE id = ?1", "i", find->ask->depot);
    if (sql_next(&rows)) {
        for (size_t i = 0; i < find->list->count; i++) {
            struct need_facts *facts = &find->list->at[i].facts;

            facts->service = sql_null(&rows, 0) ? facts->service : sql_real(&rows, 0);
            facts->cover_days = sql_null(&rows, 1) || find->ask->days > 0 ? facts->cover_days : (double)sql_int(&rows, 1);
        }
    }
    err = sql_end(&rows);
    for (size_t i = 0; i < find->list->count; i++) {
        find->list->at[i].need = need_judge(&find->list->at[i].facts);
    }
    if (err || !find->ask->depot) {
        return err;
    }
    sql_find(find->sql, &rows, "SELECT part, least, target FROM stock_want WHERE depot = ?1", "i", find->ask->depot);
    while (sql_next(&rows)) {
        struct level *level = level_of(find, sql_int(&rows, 0));

        if (level) {
            level->said = true;
            level->need.least = sql_int(&rows, 1);
            level->need.target = sql_int(&rows, 2) > sql_int(&rows, 1) ? sql_int(&rows, 2) : sql_int(&rows, 1);
        }
    }
    return sql_end(&rows);
}

enum err levels_find(struct arena *arena, struct sql *sql, const struct levels_ask *ask, struct level_list *ret_list)
{
    static enum err (*const steps[])(struct find *find) = {read_parts,     read_depots,    read_installed, read_failures,
                                                            read_predicted, read_stock,     read_said};
    struct find find = {.arena = arena, .sql = sql, .ask = ask, .list = ret_list};
    enum err err = ERR_OK;

    *ret_list = (struct level_list){0};
    for (size_t i = 0; !err && i < sizeof(steps) / sizeof(steps[0]); i++) {
        err = steps[i](&find);
    }
    for (size_t i = 0; !err && i < ret_list->count; i++) {
        struct level *level = &ret_list->at[i];
        int64_t free = level->there - level->held + level->coming;

        level->order = free < level->need.least ? level->need.target - free : 0;
    }
    return err;
}
