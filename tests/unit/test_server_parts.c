/* Parts under a clock that the test turns: what is let go, what is owed, what the server does by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "models/base/civil.h"
#include "server/desk/desk.h"
#include "server/fleet/fleet_file.h"
#include "server/store/schema.h"
#include "tests/unit/scratch.h"

#define HOUR 3600000LL
#define DAY  (24 * HOUR)

static char path[64], url[80];
static struct rules *rules;
static struct sql *sql;
static struct desk *desk;
static struct arena *arena;
static int64_t now_ms;

static const char fleet[] =
    "customers: [{id: c, name: Li}]\n"
    "sites: [{id: s, customer: c, name: Home, time_zone: Asia/Shanghai, lat: 31.2, lon: 121.5}]\n"
    "teams: [{id: t, name: Crew, sites: [s], skills: [electrician]}]\n"
    "technicians: [{id: h, name: Wang, team: t}]\n"
    "equipment:\n"
    "  - {id: e, site: s, profile: swh-basic, agent: a, acceptance_date: '2026-03-06', components: [{class: tank}]}\n"
    "contracts: [{id: con, customer: c, sites: [s], plan: swh_standard, overlays: [discipline], start: '2026-01-01'}]\n"
    "depots:\n"
    "  - {id: d, name: Depot, lat: 31.2, lon: 121.6, stocktake: 90d, sampling: 180d}\n"
    "  - {id: far, name: Far, lat: 31.0, lon: 121.1}\n"
    "  - {id: van, name: Van, kind: van, technician: h}\n"
    "  - {id: w, name: Old parts, kind: warehouse}\n"
    "parts:\n"
    "  - {id: pump-15-60, class: electrical, stock: [{depot: d, count: 3}, {depot: far, count: 3}, {depot: van, count: 1}]}\n"
    "  - {id: seal, class: pipe, tracked: lot, shelf_life: 30d, fits: [{profile: swh-basic, rate: 2}], lead: 20d}\n"
    "  - {id: hose, class: pipe, cost: 3, stock: [{depot: d, count: 2, min: 4, target: 9}]}\n";

static void complain_to_nobody(void *context, const char *line)
{
    (void)context;
    print_message("%s\n", line);
}

static void begin(void)
{
    struct office_options options = {.rules = rules, .time_zone = "Asia/Shanghai", .preset_plan = "swh_standard"};
    struct complaints complaints = {.path = "fleet"};
    struct yaml_node *root;
    int64_t changed;
    TEXT(why, 300);

    scratch_remove(path);
    now_ms = civil_days(2026, 4, 20) * DAY + 2 * HOUR;
    assert_int_equal(arena_open(64 << 20, &arena), ERR_OK);
    complaints.arena = arena;
    assert_int_equal(sql_open(url, SQL_WRITE, &sql, &why), ERR_OK);
    assert_int_equal(schema_migrate(sql, &why), ERR_OK);
    assert_int_equal(desk_open(&options, &desk), ERR_OK);
    assert_int_equal(sql_begin(sql), ERR_OK);
    assert_int_equal(fleet_check(arena, sql, rules, fleet, strlen(fleet), &complaints, &root), ERR_OK);
    assert_int_equal(fleet_apply(sql, root, now_ms, &changed), ERR_OK);
}

static void end(void)
{
    desk_close(desk);
    sql_rollback(sql);
    sql_close(sql);
    arena_close(arena);
    scratch_remove(path);
}

static int64_t number(const char *statement)
{
    return sql_find_int(sql, -7, statement, "");
}

static const char *somebody = "li";
static enum role his = ROLE_DISPATCHER;

static struct action said(const char *name, const char *fields)
{
    struct action action = {.action = name, .who = somebody, .role = his};
    TEXT(json, 1000);
    char *kept;

    text_addf(&json, "{%s}", fields);
    kept = arena_text(arena, json.at, json.length);
    assert_int_equal(json_parse(arena, kept, json.length, &action.body, NULL), ERR_OK);
    return action;
}

static enum err step(const char *name, const char *fields)
{
    struct action action = said(name, fields);
    TEXT(why, 400);

    return desk_stock_step(desk, sql, &action, now_ms, &why);
}

static int64_t open_voucher(const char *fields)
{
    struct action action = said("", fields);
    int64_t id = 0;
    TEXT(why, 400);

    if (desk_stock_open(desk, sql, &action, now_ms, &id, &why)) {
        fail_msg("%s: %s", fields, why.at);
    }
    return id;
}

static enum err act(int64_t voucher, const char *name, const char *fields)
{
    struct action action = said(name, fields);
    TEXT(why, 400);

    return desk_stock_act(desk, sql, voucher, &action, now_ms, &why);
}

/* The next `days` days, a turn when the desk wants one. */
static void days(int count)
{
    int64_t until_ms = now_ms + count * DAY, next_ms = now_ms;

    for (int turns = 0; now_ms < until_ms && turns < 100000; turns++) {
        assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
        now_ms = next_ms > now_ms ? next_ms : now_ms + 1000;
        now_ms = now_ms < until_ms ? now_ms : until_ms;
    }
    assert_int_equal(desk_turn(desk, sql, now_ms, &next_ms), ERR_OK);
}

static int64_t fault(void)
{
    struct desk_fault what = {.equipment = number("SELECT id FROM equipment WHERE name = 'e'"), .fault = "pump_no_flow",
                              .state = FAULT_RAISED, .grade = 2, .onset_ms = now_ms - 60000, .detected_ms = now_ms, .t_ms = now_ms};

    assert_int_equal(desk_fault(desk, sql, &what, now_ms), ERR_OK);
    return number("SELECT MAX(id) FROM work_order");
}

static enum err work(int64_t order, const char *name, const char *fields)
{
    struct action action = said(name, fields);
    TEXT(why, 800);

    action.role = ROLE_TECHNICIAN;
    return desk_work_action(desk, sql, order, &action, now_ms, &why);
}

/* S1-26 S1-47: the technician's own van goes first; what was laid aside is let go when the ticket is closed. */
static void test_laid_aside_and_let_go(void **state)
{
    struct action assign, close;
    int64_t order, ticket;
    TEXT(why, 800);

    (void)state;
    begin();
    order = fault();
    ticket = sql_find_int(sql, 0, "SELECT ticket FROM work_order WHERE id = ?1", "i", order);
    assign = said("assign", "\"technician\":\"h\",\"appointment\":{\"from\":\"2026-04-20T14:00:00+08:00\",\"to\":"
                            "\"2026-04-20T16:00:00+08:00\"}");
    if (desk_ticket_action(desk, sql, ticket, &assign, now_ms, &why)) {
        fail_msg("%s", why.at);
    }
    assert_int_equal(number("SELECT COUNT(*) FROM work_part p JOIN depot d ON d.id = p.depot WHERE p.state = 'reserved' AND"
                            " d.name = 'van'"), 1);
    assert_int_equal(number("SELECT CAST(SUM(held) AS BIGINT) FROM rack_now"), 1);
    close = said("close", "\"resolution\":\"a mistake\",\"override\":\"it was a mistake\"");
    close.role = ROLE_MANAGER;
    now_ms += HOUR;
    if (desk_ticket_action(desk, sql, ticket, &close, now_ms, &why)) {
        fail_msg("%s", why.at);
    }
    assert_int_equal(number("SELECT CAST(SUM(held) AS BIGINT) FROM rack_now"), 0);
    assert_int_equal(number("SELECT COUNT(*) FROM work_part WHERE state = 'reserved'"), 0);
    end();
}

/* S0-150: an exchange under a plan that wants old parts back is owed till the end of the next window (1 to 15 June), warned
 * of, and a breach after it. */
static void test_old_parts_have_their_window(void **state)
{
    int64_t order;

    (void)state;
    begin();
    order = fault();
    assert_int_equal(work(order, "use_part", "\"part\":\"pump-15-60\",\"serial_old\":\"A\",\"serial_new\":\"B\""), ERR_OK);
    assert_int_equal(number("SELECT COUNT(*) FROM voucher WHERE kind = 'old_part' AND serial = 'A' AND state = 'held'"), 1);
    assert_int_equal(number("SELECT settles_late FROM voucher WHERE kind = 'old_part'"), 1); /* S0-151: the plan says assessed */
    assert_int_equal(number("SELECT until_ms FROM clock WHERE kind = 'old_part'"),
                     civil_days(2026, 6, 16) * DAY - 8 * HOUR);
    days(58);
    assert_int_equal(number("SELECT COUNT(*) FROM clock WHERE kind = 'old_part' AND breached_ms IS NOT NULL"), 1);
    assert_int_equal(act(number("SELECT id FROM voucher WHERE kind = 'old_part'"), "return", "\"to\":\"d\""), ERR_OK);
    assert_int_equal(number("SELECT COUNT(*) FROM clock WHERE kind = 'old_part' AND met_ms IS NOT NULL"), 1);
    end();
}

/* What has not left yet when its job is called off is anybody's again; what is under way stays under way. */
static void test_a_job_is_called_off(void **state)
{
    int64_t order, first, second;

    (void)state;
    begin();
    order = fault();
    TEXT(fields, 300);
    struct sql_rows rows;

    sql_find(sql, &rows, "SELECT number FROM work_order WHERE id = ?1", "i", order);
    assert_true(sql_next(&rows));
    text_addf(&fields, "\"kind\":\"shipment\",\"depot\":\"d\",\"part\":\"pump-15-60\",\"work_order\":\"%s\"",
              sql_text(&rows, 0));
    assert_int_equal(sql_end(&rows), ERR_OK);
    first = open_voucher(fields.at);
    second = open_voucher(fields.at);
    assert_int_equal(act(first, "ship", ""), ERR_OK);
    assert_int_equal(act(second, "pick", ""), ERR_OK);
    assert_int_equal(number("SELECT CAST(SUM(held) AS BIGINT) FROM rack_now"), 1);
    assert_int_equal(work(order, "cancel", "\"reason\":\"not needed\""), ERR_OK);
    assert_int_equal(number("SELECT CAST(SUM(held) AS BIGINT) FROM rack_now"), 0);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM voucher WHERE id = ?1 AND state = 'cancelled'", "i", second), 1);
    assert_int_equal(sql_find_int(sql, 0, "SELECT COUNT(*) FROM voucher WHERE id = ?1 AND state = 'shipped'", "i", first), 1);
    end();
}

/* A loan that is not back in time is a breach. S0-117 */
static void test_a_loan_is_owed_back(void **state)
{
    int64_t loan;

    (void)state;
    begin();
    loan = open_voucher("\"kind\":\"loan\",\"part\":\"pump-15-60\",\"depot\":\"d\",\"equipment\":\"e\",\"due\":"
                        "\"2026-04-25T12:00:00+08:00\"");
    assert_int_equal(act(loan, "hand_over", ""), ERR_OK);
    days(4);
    assert_int_equal(number("SELECT COUNT(*) FROM clock WHERE kind = 'loan' AND breached_ms IS NOT NULL"), 0);
    days(2);
    assert_int_equal(number("SELECT COUNT(*) FROM clock WHERE kind = 'loan' AND breached_ms IS NOT NULL"), 1);
    assert_int_equal(act(loan, "bring_back", ""), ERR_OK);
    assert_int_equal(number("SELECT COUNT(*) FROM clock WHERE kind = 'loan' AND met_ms IS NOT NULL"), 1);
    end();
}

/* S1-45 S1-51 S0-142: counting and sampling are owed again and again, from the last one that was done; a reserve plan is
 * drafted when its duty is raised; what is below its least is proposed once. What is past its shelf life is not given out. */
static void test_the_calendar_of_the_stock(void **state)
{
    int64_t count;

    (void)state;
    begin();
    assert_int_equal(step("receive", "\"part\":\"seal\",\"depot\":\"d\",\"count\":5,\"lot\":\"L1\",\"unit_cost\":2"), ERR_OK);
    days(1);
    assert_int_equal(number("SELECT COUNT(*) FROM clock WHERE subject = 'depot' AND met_ms IS NULL"), 2);
    assert_int_equal(number("SELECT COUNT(*) FROM voucher WHERE kind = 'purchase'"), 1);
    assert_int_equal(number("SELECT n.count FROM voucher_line n JOIN part p ON p.id = n.part WHERE p.name = 'hose'"), 7);
    count = open_voucher("\"kind\":\"stocktake\",\"depot\":\"far\"");
    assert_int_equal(act(count, "count", "\"part\":\"pump-15-60\",\"counted\":3"), ERR_OK);
    days(34);
    assert_int_equal(number("SELECT COUNT(*) FROM lot WHERE name = 'L1' AND state = 'blocked'"), 1);
    assert_int_equal(number("SELECT COUNT(*) FROM lot_check WHERE kind = 'expiry'"), 1);
    days(140);
    /* of each season one; none twice */
    assert_true(number("SELECT COUNT(*) FROM voucher WHERE kind = 'reserve_plan'") > 0);
    assert_int_equal(number("SELECT COUNT(*) FROM voucher WHERE kind = 'reserve_plan'"),
                     number("SELECT COUNT(*) FROM clock WHERE kind = 'reserve_plan'"));
    assert_int_equal(number("SELECT COUNT(*) FROM clock WHERE kind = 'stocktake' AND breached_ms IS NOT NULL"), 1);
    assert_int_equal(number("SELECT COUNT(*) FROM clock WHERE kind = 'stocktake'"), 1); /* owed still, not again */
    end();
}

/* ------------------------------------------------------------------ whatever people do */

#define ROUNDS 3
#define STEPS  500
#define PARTS  3
#define OPEN   400

static uint64_t dice;

static int64_t roll(int64_t below)
{
    dice = dice * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int64_t)((dice >> 33) % (uint64_t)below);
}

static const char *const names[PARTS] = {"pump-15-60", "seal", "hose"};

/* Where the pieces are, by part: what a storekeeper would note beside the system. */
struct book {
    int64_t received, adjusted, assessed, used, on_the_way, at_jobs, lent, kept, scrapped, lost;
};

struct errand_of {
    int64_t id, part, count;
    enum { TRANSFER, TO_JOB, LOAN, SCRAP, COUNT, OLD } kind;
    int64_t more; /* of a count: what it will change */
    int stage;    /* 0: begun; 1: under way; 2: over */
};

struct play {
    struct book books[PARTS];
    struct errand_of papers[OPEN];
    size_t papers_count;
    int64_t order, received;
    const char *number;
};

static int64_t there_of(int64_t part)
{
    return sql_find_int(sql, 0, "SELECT CAST(SUM(h.there) AS BIGINT) FROM rack_now h JOIN part p ON p.id = h.part WHERE p.name = ?1", "t",
                        names[part]);
}

static void check_books(const struct play *play)
{
    for (int64_t part = 0; part < PARTS; part++) {
        const struct book *book = &play->books[part];
        int64_t owned = book->received + book->adjusted + book->assessed - book->used - book->kept - book->scrapped - book->lost;

        assert_int_equal(there_of(part), owned - book->on_the_way - book->at_jobs - book->lent);
    }
    assert_int_equal(number("SELECT COUNT(*) FROM rack_now WHERE there < held OR held < 0"), 0);
    assert_int_equal(number("SELECT COUNT(*) FROM rack_now h WHERE h.there <> (SELECT SUM(m.count) FROM stock_move m WHERE m.rack = h.rack)"), 0);
    assert_int_equal(number("SELECT CAST(SUM(m.count * m.unit_cost) AS BIGINT) FROM stock_move m"),
                     number("SELECT CAST(SUM(h.there * l.unit_cost) AS BIGINT) FROM rack_now h JOIN lot l ON l.id = h.lot"));
}

static bool does(int64_t voucher, const char *name, const char *fields)
{
    enum err err;

    assert_int_equal(sql_save(sql), ERR_OK);
    err = act(voucher, name, fields);
    if (err) {
        sql_undo(sql);
    } else {
        sql_release(sql);
    }
    assert_true(!err || err == ERR_STATE || err == ERR_FORBIDDEN || err == ERR_FORMAT);
    return !err;
}

static bool another_does(int64_t voucher, const char *name, const char *fields)
{
    bool done;

    somebody = "bob";
    his = ROLE_MANAGER;
    done = does(voucher, name, fields);
    somebody = "li";
    his = ROLE_DISPATCHER;
    return done;
}

static bool works(const struct play *play, const char *name, const char *fields)
{
    enum err err;

    assert_int_equal(sql_save(sql), ERR_OK);
    err = work(play->order, name, fields);
    if (err) {
        sql_undo(sql);
    } else {
        sql_release(sql);
    }
    return !err;
}

/* A voucher that may be refused: then there is none. */
static void begin_paper(struct play *play, struct errand_of paper, const char *fields)
{
    struct action action = said("", fields);
    TEXT(why, 400);

    assert_int_equal(sql_save(sql), ERR_OK);
    if (desk_stock_open(desk, sql, &action, now_ms, &paper.id, &why)) {
        sql_undo(sql);
        return;
    }
    sql_release(sql);
    if (play->papers_count < OPEN) {
        play->papers[play->papers_count++] = paper;
    }
}

static void receive_some(struct play *play, int64_t part)
{
    TEXT(fields, 300);
    int64_t count = roll(5) + 1;

    text_addf(&fields, "\"part\":\"%s\",\"depot\":\"%s\",\"count\":%lld,\"lot\":\"L%lld\",\"unit_cost\":%lld.%02lld", names[part],
              roll(2) ? "d" : "far", (long long)count, (long long)++play->received, (long long)roll(90), (long long)roll(100));
    assert_int_equal(step("receive", fields.at), ERR_OK);
    play->books[part].received += count;
}

static void begin_some(struct play *play, int64_t part)
{
    struct errand_of paper = {.part = part, .count = roll(3) + 1};
    TEXT(fields, 400);

    text_addf(&fields, "\"part\":\"%s\",\"depot\":\"d\",", names[part]);
    switch (roll(5)) {
    case 0:
        paper.kind = TRANSFER;
        text_addf(&fields, "\"count\":%lld,\"kind\":\"shipment\",\"to\":\"far\"", (long long)paper.count);
        break;
    case 1:
        paper.kind = TO_JOB;
        text_addf(&fields, "\"count\":%lld,\"kind\":\"shipment\",\"work_order\":\"%s\"", (long long)paper.count, play->number);
        break;
    case 2:
        paper.kind = LOAN;
        paper.count = 1;
        text_add(&fields, "\"kind\":\"loan\",\"equipment\":\"e\",\"due\":\"2026-09-25T12:00:00+08:00\"");
        break;
    case 3:
        paper.kind = SCRAP;
        text_addf(&fields, "\"count\":%lld,\"kind\":\"scrap\",\"reason\":\"bent\",\"disposal\":\"recycled\"", (long long)paper.count);
        break;
    default:
        paper.kind = OLD;
        text_addf(&fields, "\"count\":%lld,\"kind\":\"old_part\",\"equipment\":\"e\",\"holder\":\"h\"", (long long)paper.count);
    }
    begin_paper(play, paper, fields.at);
}

/* The next step of a voucher, or another one that ends it. */
static void move_paper(struct play *play, struct errand_of *paper, bool end)
{
    struct book *book = &play->books[paper->part];
    bool well = end || roll(4) > 0;

    if (paper->stage == 2) {
        return;
    }
    if (paper->kind == TRANSFER || paper->kind == TO_JOB) {
        int64_t *out = paper->kind == TRANSFER ? &book->on_the_way : &book->at_jobs;

        if (paper->stage == 0 && well && !end && does(paper->id, "ship", "")) {
            paper->stage = 1;
            *out += paper->count;
        } else if (paper->stage == 0 && (end || !well) && does(paper->id, "cancel", "")) {
            paper->stage = 2;
        } else if (paper->stage == 1 && well && does(paper->id, "deliver", "\"received_by\":\"Wang\"")) {
            paper->stage = 2;
            *out -= paper->kind == TRANSFER ? paper->count : 0; /* what was sent to a job is there */
        } else if (paper->stage == 1 && another_does(paper->id, "lose", "\"reason\":\"gone\"")) {
            paper->stage = 2;
            *out -= paper->count;
            book->lost += paper->count;
        }
    } else if (paper->kind == LOAN) {
        if (paper->stage == 0 && !end && well && does(paper->id, "hand_over", "")) {
            paper->stage = 1;
            book->lent += paper->count;
        } else if (paper->stage == 0 && (end || !well) && does(paper->id, "cancel", "")) {
            paper->stage = 2;
        } else if (paper->stage == 1 && well &&
                   does(paper->id, "bring_back", roll(3) ? "\"depot\":\"far\"" : "\"condition\":\"damaged\"")) {
            paper->stage = 2;
            book->lent -= paper->count;
        } else if (paper->stage == 1 && another_does(paper->id, "keep", "\"reason\":\"bought\"")) {
            paper->stage = 2;
            book->lent -= paper->count;
            book->kept += paper->count;
        }
    } else if (paper->kind == SCRAP) {
        assert_false(does(paper->id, "approve", "")); /* who asked for it does not approve it */
        if (well && another_does(paper->id, "approve", "")) {
            paper->stage = 2;
            book->scrapped += paper->count;
        } else if (another_does(paper->id, "refuse", "\"reason\":\"it is well\"")) {
            paper->stage = 2;
        }
    } else if (paper->kind == COUNT) {
        if (well && another_does(paper->id, "approve", "")) {
            paper->stage = 2;
            book->adjusted += paper->more;
        } else if (does(paper->id, "cancel", "")) {
            paper->stage = 2;
        }
    } else {
        if (paper->stage == 0 && does(paper->id, "return", "\"to\":\"d\"")) {
            paper->stage = 1;
        } else if (paper->stage == 1 && does(paper->id, "assess", roll(2) ? "\"result\":\"usable\",\"warehouse\":\"w\"" : "\"result\":\"scrap\",\"warehouse\":\"w\"")) {
            paper->stage = 2;
            book->assessed += paper->count;
        }
    }
}

/* One lot on one rack is counted, whole or not. */
static void count_some(struct play *play)
{
    int64_t rack = sql_find_int(sql, 0,
                                "SELECT h.rack FROM rack_now h JOIN depot d ON d.id = h.depot WHERE d.name = 'far' AND h.there > 0 ORDER BY"
                                " (h.rack * ?1) % 97 LIMIT 1",
                                "i", roll(96) + 1);
    struct errand_of paper = {.kind = COUNT};
    struct sql_rows rows;
    TEXT(fields, 300);

    sql_find(sql, &rows,
             "SELECT p.name, l.name, h.there, h.held FROM rack_now h JOIN lot l ON l.id = h.lot JOIN part p ON p.id = h.part WHERE h.rack ="
             " ?1",
             "i", rack);
    if (sql_next(&rows)) {
        int64_t there = sql_int(&rows, 2), counted = sql_int(&rows, 3) + roll(there - sql_int(&rows, 3) + 2);

        for (paper.part = 0; strcmp(names[paper.part], sql_text(&rows, 0)) != 0;) {
            paper.part++;
        }
        paper.more = counted - there;
        text_addf(&fields, "\"part\":\"%s\",%s%s%s\"counted\":%lld", sql_text(&rows, 0), strcmp(sql_text(&rows, 1), "-") ? "\"lot\":\"" : "",
                  strcmp(sql_text(&rows, 1), "-") ? sql_text(&rows, 1) : "", strcmp(sql_text(&rows, 1), "-") ? "\"," : "", (long long)counted);
    }
    assert_int_equal(sql_end(&rows), ERR_OK);
    if (fields.length) {
        size_t before = play->papers_count;

        begin_paper(play, paper, "\"kind\":\"stocktake\",\"depot\":\"far\"");
        if (play->papers_count > before) { /* the others there stay as the books have them */
            struct errand_of *last = &play->papers[before];

            assert_int_equal(sql_run(sql, "DELETE FROM voucher_line WHERE voucher = ?1", "i", last->id), ERR_OK);
            assert_true(does(last->id, "count", fields.at));
        }
    }
}

static void work_some(struct play *play, int64_t part)
{
    struct book *book = &play->books[part];
    int64_t count = roll(3) + 1, mine;
    TEXT(fields, 200);

    mine = sql_find_int(sql, 0, "SELECT CAST(SUM(count) AS BIGINT) FROM work_part WHERE work_order = ?1 AND part = ?2 AND state = 'issued'", "it",
                        play->order, names[part]);
    text_addf(&fields, "\"part\":\"%s\",\"count\":%lld", names[part], (long long)count);
    switch (roll(3)) {
    case 0:
        (void)!works(play, "reserve_part", fields.at);
        break;
    case 1:
        if (works(play, "use_part", fields.at)) {
            book->used += count;
            book->at_jobs -= mine < count ? mine : count;
        }
        break;
    default:
        if (works(play, "return_part", fields.at)) {
            int64_t unsent = mine < count ? mine : count;

            book->at_jobs -= unsent;
            book->used -= count - unsent;
        }
    }
}

/* All that is under way comes to its end, the job is done: nothing is laid aside, nothing is anywhere but where it should be. */
static void close_all(struct play *play)
{
    for (int n = 0; n < 4; n++) {
        for (size_t i = 0; i < play->papers_count; i++) {
            move_paper(play, &play->papers[i], true);
        }
    }
    for (int64_t part = 0; part < PARTS; part++) {
        TEXT(fields, 200);

        text_addf(&fields, "\"part\":\"%s\",\"count\":1", names[part]);
        while (play->books[part].at_jobs > 0) {
            assert_true(works(play, "return_part", fields.at));
            play->books[part].at_jobs--;
        }
    }
    assert_int_equal(work(play->order, "cancel", "\"reason\":\"over\",\"note\":\"x\""), ERR_OK);
    check_books(play);
    for (int64_t part = 0; part < PARTS; part++) {
        assert_int_equal(play->books[part].on_the_way + play->books[part].at_jobs + play->books[part].lent, 0);
    }
    assert_int_equal(number("SELECT CAST(SUM(held) AS BIGINT) FROM rack_now"), 0);
    assert_int_equal(number("SELECT COUNT(*) FROM work_part WHERE state IN ('reserved', 'issued')"), 0);
    assert_int_equal(number("SELECT COUNT(*) FROM voucher WHERE closed_ms IS NULL AND kind <> 'purchase'"), 0);
    /* no lot has more pieces than ever came of it */
    assert_int_equal(number("SELECT COUNT(*) FROM lot l WHERE (SELECT SUM(h.there) FROM rack_now h WHERE h.lot = l.id) > (SELECT SUM(m.count) FROM"
                            " stock_move m JOIN rack s ON s.id = m.rack WHERE s.lot = l.id AND (m.kind IN ('receive', 'adjust') OR (m.kind ="
                            " 'loan_back' AND l.state = 'quarantine')))"),
                     0);
}

static void test_every_book_closes(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct play *play = calloc(1, sizeof(*play));
        struct sql_rows rows;

        begin();
        play->order = fault();
        sql_find(sql, &rows, "SELECT number FROM work_order WHERE id = ?1", "i", play->order);
        assert_true(sql_next(&rows));
        play->number = arena_text(arena, sql_text(&rows, 0), strlen(sql_text(&rows, 0)));
        assert_int_equal(sql_end(&rows), ERR_OK);
        play->books[0].received = 7; /* as the fleet file has it */
        play->books[2].received = 2;
        check_books(play);
        for (int n = 0; n < STEPS; n++) {
            int64_t part = roll(PARTS), what = roll(12);

            now_ms += 60000;
            if (what < 2) {
                receive_some(play, part);
            } else if (what < 5) {
                begin_some(play, part);
            } else if (what < 6) {
                count_some(play);
            } else if (what < 8) {
                work_some(play, part);
            } else if (play->papers_count > 0) {
                move_paper(play, &play->papers[roll((int64_t)play->papers_count)], false);
            }
            check_books(play);
        }
        assert_true(number("SELECT COUNT(DISTINCT kind) FROM stock_move") >= 10); /* all of them are played with */
        close_all(play);
        end();
        free(play);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_laid_aside_and_let_go),
        cmocka_unit_test(test_old_parts_have_their_window),
        cmocka_unit_test(test_a_loan_is_owed_back),
        cmocka_unit_test(test_a_job_is_called_off),
        cmocka_unit_test(test_the_calendar_of_the_stock),
        cmocka_unit_test(test_every_book_closes),
    };
    int failed;

    dice = argc > 1 ? strtoull(argv[1], NULL, 10) : 20261125;
    print_message("seed %llu\n", (unsigned long long)dice);
    snprintf(path, sizeof(path), "/tmp/heliograph-parts-%d.db", (int)getpid());
    snprintf(url, sizeof(url), "sqlite:%s", path);
    if (rules_open("models/equipment", "models/plans", complain_to_nobody, NULL, &rules) ||
        rules_add_jobs(rules, "models/jobs") || rules_add_codes(rules, "models/codes.yaml")) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_close(rules);
    scratch_remove(path);
    return failed;
}
