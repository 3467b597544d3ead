/* The machine's verdict and its proposal, with all that they were made from: ticket.warranty. */
#include <string.h>

#include "models/base/civil.h"
#include "models/base/zone.h"
#include "server/money/money.h"

#define LOOK_AFTER_MS 60000 /* what comes late, comes until then */
#define SLICE         5
#define DOC_MOST      (256 * 1024)

struct judged { /* one ticket */
    struct office *office;
    struct sql *sql;
    struct ticket ticket;
    struct place place;
    int64_t onset_ms, now_ms, supplier;
    const char *component, *domain, *exclusions, *party_said;
    const struct cJSON *seen; /* exclusions, parsed */
    struct warranty warranty;
    struct warranty_facts facts;
};

static const char *keep(struct judged *judged, const char *words)
{
    return words ? arena_text(judged->office->arena, words, strlen(words)) : NULL;
}

enum err money_find_facts(struct sql *sql, int64_t equipment, const char *component, int64_t before_ms,
                          const struct zone *zone, struct warranty_facts *io_facts)
{
    /* used on an order of this equipment and not brought back again; a customer's own part has no term of ours */
    int64_t exchanged_ms = sql_find_int(
        sql, 0,
        "SELECT MAX(w.at_ms) FROM work_part w JOIN work_order o ON o.id = w.work_order JOIN part p ON p.name = w.part WHERE"
        " o.equipment = ?1 AND p.class = ?2 AND w.state = 'used' AND w.source <> 'customer' AND w.at_ms < ?3 AND (SELECT SUM(CASE b.state WHEN 'used' THEN"
        " b.count ELSE -b.count END) FROM work_part b WHERE b.work_order = w.work_order AND b.part = w.part AND b.state IN ('used',"
        " 'returned')) > 0",
        "iti", equipment, component, before_ms);
    int64_t card_day = sql_find_int(sql, WARRANTY_NO_DATE, "SELECT registration_day FROM equipment WHERE id = ?1", "i", equipment);
    int64_t card_ms = sql_find_int(sql, 0,
                                   "SELECT MIN(met_ms) FROM clock WHERE subject = 'equipment' AND subject_id = ?1 AND kind ="
                                   " 'warranty_registration' AND met_ms IS NOT NULL",
                                   "i", equipment);

    io_facts->exchanged_day = exchanged_ms > 0 ? zone_day(zone, exchanged_ms) : WARRANTY_NO_DATE;
    io_facts->registered_day = card_ms > 0 ? zone_day(zone, card_ms) : (int32_t)card_day; /* the duty, else the fleet's word */
    return ERR_OK;
}

int64_t money_supplier_of(struct sql *sql, int64_t equipment, const char *component)
{
    int64_t own = sql_find_int(sql, 0,
                               "SELECT s.id FROM component c JOIN supplier s ON s.name = c.supplier WHERE c.equipment = ?1"
                               " AND c.class = ?2 ORDER BY c.id LIMIT 1",
                               "it", equipment, component);

    return own ? own
               : sql_find_int(sql, 0, "SELECT MIN(supplier) FROM supplier_class WHERE class = ?1", "t", component);
}

/* ------------------------------------------------------------------ read */

static enum err read_row(struct judged *judged, const char *component, const char *domain)
{
    struct sql_rows rows;

    sql_find(judged->sql, &rows,
             "SELECT onset_ms, component, fault_domain, exclusions, registered_ms, (SELECT c.value FROM ticket_class c WHERE"
             " c.ticket = ticket.id AND c.field = 'responsible_party' AND c.person = 1 AND c.overtaken = 0 ORDER BY c.id DESC LIMIT 1) FROM ticket"
             " WHERE id = ?1",
             "i", judged->ticket.id);
    if (sql_next(&rows)) {
        judged->onset_ms = sql_null(&rows, 0) ? sql_int(&rows, 4) : sql_int(&rows, 0);
        judged->component = component ? component : keep(judged, sql_text(&rows, 1));
        judged->domain = domain ? domain : keep(judged, sql_text(&rows, 2));
        judged->exclusions = keep(judged, sql_text(&rows, 3));
        judged->party_said = keep(judged, sql_text(&rows, 5));
    }
    return sql_end(&rows);
}

static enum err judge(struct judged *judged)
{
    const struct zone *zone = rules_zone(judged->office->options.rules, judged->place.time_zone);
    enum err err;

    zone = zone ? zone : zone_utc();
    judged->facts = (struct warranty_facts){
        .dates = &judged->place.dates,
        .component = judged->component,
        .domain = judged->domain,
        .fault_day = zone_day(zone, judged->onset_ms),
        .exchanged_day = WARRANTY_NO_DATE,
        .registered_day = WARRANTY_NO_DATE,
    };
    judged->warranty = (struct warranty){.verdict = WARRANTY_UNKNOWN, .component = judged->component,
                                         .from = WARRANTY_NO_DATE, .until = WARRANTY_NO_DATE};
    if (!judged->ticket.plan || !judged->component) {
        return ERR_OK;
    }
    err = judged->ticket.equipment
              ? money_find_facts(judged->sql, judged->ticket.equipment, judged->component, judged->onset_ms, zone,
                                 &judged->facts)
              : ERR_OK;
    judged->warranty = warranty_of(judged->ticket.plan, &judged->facts);
    judged->supplier = money_supplier_of(judged->sql, judged->ticket.equipment, judged->component);
    return err;
}

/* ------------------------------------------------------------------ proposed */

struct proposal {
    const char *verdict, *exclusion, *party, *because;
};

static struct proposal propose(const struct judged *judged)
{
    struct proposal proposal = {.verdict = warranty_verdict_names[judged->warranty.verdict]};

    for (const struct cJSON *item = json_first(judged->seen); item; item = json_next(item)) {
        if (json_bool_or(item, "holds", false)) {
            proposal.exclusion = json_text_or(item, "code", NULL);
            proposal.party = json_text_or(item, "party", NULL);
            proposal.because = "telemetry shows an exclusion";
            if (judged->warranty.verdict == WARRANTY_COVERED) {
                proposal.verdict = "excluded";
            }
            return proposal;
        }
    }
    if (text_same(judged->domain, "external")) {
        proposal.party = "external";
        proposal.because = "the fault's cause is outside the product";
    } else if (judged->ticket.rework) {
        proposal.party = "own_workmanship";
        proposal.because = "the same fault came back within the plan's time after a repair";
    } else if (judged->supplier && text_same(judged->domain, "hardware")) {
        proposal.party = "supplier";
        proposal.because = "the component is bought in";
    } else {
        proposal.party = "open";
        proposal.because = "nothing points to anybody yet";
    }
    return proposal;
}

static void put_date(struct json_out *out, const char *name, int32_t day)
{
    char words[11];

    if (day == WARRANTY_NO_DATE) {
        json_null(out, name);
        return;
    }
    civil_write_date(day, words);
    json_text(out, name, words);
}

/* Every date that could have started it: the evidence stays when the fleet's row changes. */
static void put_dates(struct json_out *out, const struct judged *judged)
{
    const struct warranty_dates *dates = &judged->place.dates;

    json_key(out, "dates");
    json_open_object(out);
    put_date(out, "acceptance_date", dates->acceptance);
    put_date(out, "completion_report_signed", dates->completion_signed);
    put_date(out, "completion_date", dates->completion);
    put_date(out, "invoice_date", dates->invoice);
    put_date(out, "sale_date", dates->sale);
    put_date(out, "factory_date", dates->manufacture);
    put_date(out, "exchange_date", judged->facts.exchanged_day);
    put_date(out, "fault_date", judged->facts.fault_day);
    json_close_object(out);
    json_text(out, "row", judged->place.name);
    json_key(out, "registration");
    json_open_object(out);
    json_text(out, "state", warranty_card_names[judged->warranty.card]);
    put_date(out, "due", judged->warranty.card == WARRANTY_CARD_FREE ? WARRANTY_NO_DATE : judged->warranty.card_due);
    put_date(out, "at", judged->facts.registered_day);
    json_close_object(out);
}

static enum err put_supplier(struct json_out *out, const struct judged *judged)
{
    struct sql_rows rows;

    sql_find(judged->sql, &rows, "SELECT name FROM supplier WHERE id = ?1", "i", judged->supplier);
    json_text(out, "supplier", sql_next(&rows) ? sql_text(&rows, 0) : NULL);
    return sql_end(&rows);
}

static enum err put_proposal(struct json_out *out, const struct judged *judged)
{
    struct proposal proposal = propose(judged);
    enum err err;

    json_key(out, "proposal");
    json_open_object(out);
    json_text(out, "verdict", proposal.verdict);
    json_text(out, "exclusion", proposal.exclusion);
    json_text(out, "responsible_party", proposal.party);
    json_text(out, "because", proposal.because);
    err = put_supplier(out, judged);
    json_text(out, "decided", judged->party_said);
    json_close_object(out);
    return err;
}

/* ------------------------------------------------------------------ what people said */

struct said {
    char verdict[16];
    int64_t at_ms; /* it counts since then; 0: not yet */
};

/* The last round's checks; the verdict counts with the last one that the plan asks for. */
static enum err put_checks(struct json_out *out, const struct judged *judged, struct said *ret_said)
{
    int64_t wanted = judged->ticket.plan && judged->ticket.plan->two_persons ? 2 : 1;
    struct sql_rows rows;

    *ret_said = (struct said){.verdict = ""};
    json_open_list(out);
    sql_find(judged->sql, &rows,
             "SELECT round, step, verdict, exclusion, party, reason, who, at_ms FROM warranty_check WHERE ticket = ?1 ORDER BY"
             " id",
             "i", judged->ticket.id);
    while (sql_next(&rows)) {
        TEXT(at, 48);

        zone_write(zone_utc(), sql_int(&rows, 7), &at);
        json_open_object(out);
        json_int(out, "round", sql_int(&rows, 0));
        json_int(out, "step", sql_int(&rows, 1));
        json_text(out, "verdict", sql_text(&rows, 2));
        json_text(out, "exclusion", sql_text(&rows, 3));
        json_text(out, "responsible_party", sql_text(&rows, 4));
        json_text(out, "reason", sql_text(&rows, 5));
        json_text(out, "who", sql_text(&rows, 6));
        json_text(out, "at", at.at);
        json_close_object(out);
        if (sql_int(&rows, 1) >= wanted) {
            (void)!text_copy(ret_said->verdict, sizeof(ret_said->verdict), sql_text(&rows, 2));
            ret_said->at_ms = sql_int(&rows, 7);
        }
    }
    json_close_list(out);
    return sql_end(&rows);
}

/* ------------------------------------------------------------------ written */

static void put_words(struct json_out *out, const struct judged *judged)
{
    const struct plan *plan = judged->ticket.plan;
    TEXT(rule, 256);
    TEXT(evidence, 256);

    if (plan && judged->component) {
        warranty_rule(plan, &judged->warranty, &rule);
        warranty_evidence(&judged->warranty, &evidence);
    } else {
        text_add(&rule, plan ? "the plan's warranty is judged by component" : "no plan is known");
        text_add(&evidence, judged->component ? "" : "the component is not known yet");
    }
    json_text(out, "component", judged->component);
    json_text(out, "rule", rule.at);
    json_text(out, "evidence", evidence.length ? evidence.at : NULL);
    put_date(out, "until", judged->warranty.until);
    put_date(out, "from", judged->warranty.from);
    json_text(out, "start_rule", judged->warranty.start_rule);
    json_text(out, "phase", judged->warranty.phase);
}

static enum err put_all(struct json_out *out, const struct judged *judged, struct said *ret_said)
{
    struct json_out checks = json_out(DOC_MOST);
    const char *machine = warranty_verdict_names[judged->warranty.verdict];
    enum err err, end;

    err = put_checks(&checks, judged, ret_said);
    json_open_object(out);
    json_text(out, "verdict", ret_said->at_ms ? ret_said->verdict : machine);
    put_words(out, judged);
    json_text(out, "judged", machine);
    json_bool(out, "decided", ret_said->at_ms != 0);
    json_int(out, "persons", judged->ticket.plan && judged->ticket.plan->two_persons ? 2 : 1);
    put_dates(out, judged);
    json_raw(out, "exclusions", judged->exclusions);
    end = put_proposal(out, judged);
    json_raw(out, "checks", checks.err ? NULL : checks.bytes);
    json_close_object(out);
    end = err ? err : end ? end : checks.err ? checks.err : out->err;
    json_out_free(&checks);
    return end;
}

static enum err write_all(struct judged *judged)
{
    struct json_out out = json_out(DOC_MOST);
    struct said said;
    enum err err = put_all(&out, judged, &said);

    if (!err) {
        err = sql_run(judged->sql,
                      "UPDATE ticket SET warranty = ?2, verdict = ?3, verdict_ms = NULLIF(?4, 0), component = ?5,"
                      " fault_domain = ?6 WHERE id = ?1",
                      "ittitt", judged->ticket.id, out.bytes,
                      said.at_ms ? said.verdict : warranty_verdict_names[judged->warranty.verdict], said.at_ms,
                      judged->component, judged->domain);
    }
    json_out_free(&out);
    return err;
}

static enum err load(struct judged *judged, int64_t ticket, const char *component, const char *domain)
{
    enum err err = ticket_load(judged->office, judged->sql, ticket, &judged->ticket);

    if (!err) {
        err = read_row(judged, component, domain);
    }
    if (!err) {
        err = place_find(judged->office, judged->sql, judged->ticket.equipment, judged->ticket.site, judged->now_ms,
                         &judged->place);
    }
    if (!err && judged->exclusions) {
        err = json_parse(judged->office->arena, judged->exclusions, strlen(judged->exclusions), &judged->seen, NULL);
    }
    return err;
}

enum err money_judge(struct office *office, struct sql *sql, int64_t ticket, const char *component, const char *domain,
                     int64_t now_ms)
{
    struct judged judged = {.office = office, .sql = sql, .now_ms = now_ms};
    enum err err = load(&judged, ticket, component, domain);

    if (!err) {
        err = judge(&judged);
    }
    if (!err) {
        err = write_all(&judged);
    }
    if (err || judged.exclusions || !judged.ticket.equipment || !judged.ticket.plan || !judged.component ||
        judged.ticket.plan->exclusion_count == 0) {
        return err;
    }
    return sql_run(sql, "UPDATE ticket SET exclusions_ms = COALESCE(exclusions_ms, ?2) WHERE id = ?1", "ii", ticket,
                   now_ms + LOOK_AFTER_MS);
}

/* ------------------------------------------------------------------ later */

static enum err look(struct office *office, struct sql *sql, int64_t ticket, int64_t now_ms)
{
    struct judged judged = {.office = office, .sql = sql, .now_ms = now_ms};
    struct json_out out = json_out(DOC_MOST);
    enum err err = load(&judged, ticket, NULL, NULL);

    if (!err) {
        err = money_evidence(office, sql, &judged.ticket, judged.onset_ms, &out);
    }
    if (!err) {
        err = sql_run(sql, "UPDATE ticket SET exclusions = ?2, exclusions_ms = NULL, version = version + 1 WHERE id = ?1",
                      "it", ticket, out.bytes);
    }
    json_out_free(&out);
    return err ? err : money_judge(office, sql, ticket, NULL, NULL, now_ms);
}

enum err money_turn(struct office *office, struct sql *sql, int64_t now_ms)
{
    int64_t ids[SLICE];
    struct sql_rows rows;
    size_t count = 0;
    enum err err;

    sql_find(sql, &rows,
             "SELECT id FROM ticket WHERE exclusions_ms IS NOT NULL AND exclusions_ms <= ?1 ORDER BY exclusions_ms, id LIMIT"
             " ?2",
             "ii", now_ms, (int64_t)SLICE);
    while (count < SLICE && sql_next(&rows)) {
        ids[count++] = sql_int(&rows, 0);
    }
    err = sql_end(&rows);
    for (size_t i = 0; !err && i < count; i++) {
        arena_reset(office->arena);
        err = look(office, sql, ids[i], now_ms);
        err = err ? err : ticket_changed(sql, ids[i], now_ms);
    }
    return err;
}

int64_t money_due(struct sql *sql)
{
    return sql_find_int(sql, OFFICE_NEVER, "SELECT MIN(exclusions_ms) FROM ticket WHERE exclusions_ms IS NOT NULL", "");
}
