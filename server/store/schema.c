/*
 * Numbered migrations; each is a row below and is never changed once it has been released.
 *
 * Times are integer milliseconds since 1970 UTC (…_ms), civil dates integer days since 1970
 * (…_day). JSON stands in TEXT columns whose names say what it is. What must be true is said here
 * and not hoped for: one open alarm per cause, one open ticket per cause, one corrective work order
 * per ticket, one visit per occurrence, one action per client-made id, one notice per key.
 */
#include "server/store/schema.h"

#include <stddef.h>
#include <string.h>

#include "server/store/schema_int.h"

/* one literal a migration: longer than C99 promises, not longer than any compiler here takes */
#pragma GCC diagnostic ignored "-Woverlength-strings"

static const char first[] =
    /* Who reports. name is the agent id of the topic. */
    "CREATE TABLE agent (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " online INTEGER NOT NULL DEFAULT 0, edge INTEGER NOT NULL DEFAULT 0, epoch TEXT,"
    " version TEXT, first_seen_ms INTEGER NOT NULL," /* or named by a fleet file */
    " last_seen_ms INTEGER NOT NULL,"                /* 0: never */
    " will_ms INTEGER,"       /* its last will or clean good-bye came then; NULL: online since */
    " silent_since_ms INTEGER," /* offline since; NULL: not offline */
    " link_next_ms INTEGER,"    /* its silence is judged then */
    " backlog_ms INTEGER NOT NULL DEFAULT 0," /* when something old last came from it; 0: never */
    " heartbeat_ms INTEGER NOT NULL DEFAULT 600000," /* its slowest point's heartbeat */
    " status TEXT, known INTEGER NOT NULL DEFAULT 0);" /* known: a fleet row names it */
    "CREATE INDEX agent_link ON agent (link_next_ms) WHERE link_next_ms IS NOT NULL;"
    "CREATE INDEX agent_silent ON agent (silent_since_ms) WHERE silent_since_ms IS NOT NULL;"
    /*
     * One epoch of an agent. The numbers that are stored are have ([[from,to],…]) and those in the
     * journal; have is written once a second, and before rows leave the journal.
     */
    "CREATE TABLE stream (id INTEGER PRIMARY KEY, agent INTEGER NOT NULL REFERENCES agent,"
    " epoch TEXT NOT NULL, have TEXT NOT NULL DEFAULT '[]', stored INTEGER NOT NULL DEFAULT 0,"
    " clock_offset_ms INTEGER, created_ms INTEGER NOT NULL, UNIQUE (agent, epoch));"
    /* Data as it came, until all its hours are packed; (stream, seq) is the dedupe key. unsynced:
     * its times are still without the stream's clock_offset_ms. */
    "CREATE TABLE journal (id INTEGER PRIMARY KEY, stream INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, received_ms INTEGER NOT NULL, hash INTEGER NOT NULL,"
    " least_ms INTEGER NOT NULL, most_ms INTEGER NOT NULL, readings INTEGER NOT NULL,"
    " late INTEGER NOT NULL DEFAULT 0, unsynced INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL,"
    " UNIQUE (stream, seq));"
    /* Where a crash is mended from: the journal's last id when last values were written. */
    "CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL);"
    "CREATE TABLE tombstone (id INTEGER PRIMARY KEY, stream INTEGER NOT NULL REFERENCES stream,"
    " seq_from INTEGER NOT NULL, seq_to INTEGER NOT NULL, reason TEXT, lost INTEGER NOT NULL,"
    " received_ms INTEGER NOT NULL, UNIQUE (stream, seq_from, seq_to));"
    "CREATE TABLE quarantine (id INTEGER PRIMARY KEY, agent TEXT NOT NULL, channel TEXT NOT NULL,"
    " received_ms INTEGER NOT NULL, reason TEXT NOT NULL, epoch TEXT, seq INTEGER,"
    " body BLOB NOT NULL);"
    /* Events (faults, bus trouble, captures, config …) and replies as they came, bounded by age. */
    "CREATE TABLE event (id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " agent INTEGER NOT NULL, kind TEXT NOT NULL, equipment INTEGER, t_ms INTEGER NOT NULL,"
    " received_ms INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (stream, seq));"
    "CREATE INDEX event_equipment ON event (equipment, t_ms);"
    "CREATE INDEX event_bus ON event (agent, t_ms) WHERE kind = 'bus';"

    /* The fleet file's rows. name is the row's id in the file; doc the row as JSON. */
    "CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT,"
    " doc TEXT NOT NULL);"
    "CREATE TABLE calendar (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " time_zone TEXT NOT NULL, doc TEXT NOT NULL);"
    "CREATE TABLE site (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, customer INTEGER"
    " REFERENCES customer, title TEXT, address TEXT, time_zone TEXT, calendar INTEGER REFERENCES"
    " calendar, remote_area INTEGER NOT NULL DEFAULT 0, critical INTEGER NOT NULL DEFAULT 0, lat REAL, lon REAL, area TEXT, position TEXT,"
    " doc TEXT NOT NULL);"
    "CREATE TABLE team (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT,"
    " calendar INTEGER REFERENCES calendar, doc TEXT NOT NULL);"
    "CREATE TABLE team_skill (team INTEGER NOT NULL REFERENCES team, skill TEXT NOT NULL,"
    " PRIMARY KEY (team, skill));"
    "CREATE TABLE team_territory (team INTEGER NOT NULL REFERENCES team, territory TEXT NOT NULL,"
    " PRIMARY KEY (team, territory));"
    "CREATE TABLE team_site (team INTEGER NOT NULL REFERENCES team, site INTEGER NOT NULL"
    " REFERENCES site, PRIMARY KEY (team, site));"
    "CREATE TABLE technician (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT,"
    " team INTEGER REFERENCES team, phone TEXT, doc TEXT NOT NULL);"
    /* What a technician may do, and until when (a date as text; NULL: without end). */
    "CREATE TABLE certificate (technician INTEGER NOT NULL REFERENCES technician, type TEXT NOT"
    " NULL, no TEXT, valid_to TEXT);"
    "CREATE INDEX certificate_technician ON certificate (technician, type);"
    "CREATE TABLE contract (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, customer INTEGER"
    " REFERENCES customer, plan TEXT NOT NULL, service_level TEXT NOT NULL DEFAULT 'C',"
    " start_day INTEGER, end_day INTEGER, doc TEXT NOT NULL);"
    "CREATE TABLE contract_site (contract INTEGER NOT NULL REFERENCES contract, site INTEGER NOT"
    " NULL REFERENCES site, PRIMARY KEY (contract, site));"
    "CREATE INDEX contract_site_site ON contract_site (site);"
    "CREATE TABLE depot (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT, lat REAL,"
    " lon REAL, doc TEXT NOT NULL);"
    "CREATE TABLE part (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title_en TEXT,"
    " title_zh TEXT, class TEXT, doc TEXT NOT NULL);"
    "CREATE TABLE plan_text (hash TEXT PRIMARY KEY, plan TEXT NOT NULL, body BLOB NOT NULL,"
    " stored_ms INTEGER NOT NULL);" /* every plan version a ticket was opened under */

    /* What reports. claimed: a fleet row names it; otherwise it is shown as unclaimed. accepted_day: the customer accepted
     * its installation order; acceptance_day, of the fleet file, goes before it. */
    "CREATE TABLE equipment (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT,"
    " site INTEGER REFERENCES site, profile TEXT, profile_hash TEXT,"
    " agent INTEGER REFERENCES agent, serial TEXT, claimed INTEGER NOT NULL DEFAULT 0,"
    " sale_day INTEGER, invoice_day INTEGER, manufacture_day INTEGER, completion_day INTEGER,"
    " acceptance_day INTEGER, accepted_day INTEGER, accepted_order INTEGER, judged_ms INTEGER, last_seen_ms INTEGER,"
    " status TEXT NOT NULL DEFAULT 'ok'," /* fault attention ok offline maintenance unclaimed */
    " created_ms INTEGER NOT NULL, doc TEXT);" /* the row of the fleet file; NULL: none has it */
    "CREATE INDEX equipment_agent ON equipment (agent);"
    "CREATE INDEX equipment_site ON equipment (site);"
    /* Which agents have reported readings of it: their journals hold its newest hours. */
    "CREATE TABLE speaker (equipment INTEGER NOT NULL REFERENCES equipment, agent INTEGER NOT NULL"
    " REFERENCES agent, PRIMARY KEY (equipment, agent)) WITHOUT ROWID;"
    "CREATE TABLE component (id INTEGER PRIMARY KEY, equipment INTEGER NOT NULL REFERENCES"
    " equipment, class TEXT NOT NULL, serial TEXT, UNIQUE (equipment, class, serial));"
    "CREATE TABLE point (id INTEGER PRIMARY KEY, equipment INTEGER NOT NULL REFERENCES equipment,"
    " name TEXT NOT NULL, UNIQUE (equipment, name));"
    "CREATE TABLE last (point INTEGER PRIMARY KEY, t_ms INTEGER NOT NULL, value REAL, words TEXT,"
    " quality INTEGER NOT NULL);"
    /* Closed hours, packed: see packed.c. hour is t_ms / 3600000. */
    "CREATE TABLE chunk (point INTEGER NOT NULL, hour INTEGER NOT NULL, body BLOB NOT NULL,"
    " PRIMARY KEY (point, hour)) WITHOUT ROWID;"

    /* One occurrence of a fault on one piece of equipment. */
    "CREATE TABLE alarm (id INTEGER PRIMARY KEY, equipment INTEGER NOT NULL REFERENCES equipment,"
    " fault TEXT NOT NULL, grade INTEGER NOT NULL, onset_ms INTEGER NOT NULL,"
    " detected_ms INTEGER NOT NULL, registered_ms INTEGER NOT NULL, cleared_ms INTEGER,"
    " late INTEGER NOT NULL DEFAULT 0, evidence TEXT, ticket INTEGER,"
    " reset_ms INTEGER," /* a person has allowed a latching fault to clear */
    " area TEXT NOT NULL DEFAULT '', position TEXT NOT NULL DEFAULT '', acked_ms INTEGER, acked_by TEXT,"
    /* the last decision about it (models/service/announce), and since when people know: NULL: they do not */
    " outcome TEXT, reason TEXT, decided_ms INTEGER, announced_ms INTEGER,"
    /* chattering: quiet since; next_ms: it is looked at again then */
    " quiet_ms INTEGER, rises INTEGER NOT NULL DEFAULT 1, next_ms INTEGER);"
    "CREATE UNIQUE INDEX alarm_open ON alarm (equipment, fault) WHERE cleared_ms IS NULL;"
    "CREATE INDEX alarm_equipment ON alarm (equipment, onset_ms);"
    "CREATE INDEX alarm_of_equipment ON alarm (equipment, id);"
    "CREATE INDEX alarm_series ON alarm (equipment, fault, id);"
    "CREATE INDEX alarm_of_ticket ON alarm (ticket);"
    "CREATE INDEX alarm_due ON alarm (next_ms) WHERE next_ms IS NOT NULL;"
    /* … and one for every way in which the list is narrowed down (api/alarms_route.c) */
    "CREATE INDEX alarm_is_active ON alarm (id, grade, equipment, fault, outcome, acked_ms) WHERE cleared_ms IS NULL;"
    "CREATE INDEX alarm_unseen ON alarm (id) WHERE acked_ms IS NULL AND cleared_ms IS NOT NULL;"
    "CREATE INDEX alarm_grade ON alarm (grade, id);"
    "CREATE INDEX alarm_fault ON alarm (fault, id);"
    "CREATE INDEX alarm_outcome ON alarm (outcome, id);"
    "CREATE INDEX alarm_registered ON alarm (registered_ms);"
    /*
     * A case somebody has to bring to an end. cause_key: fault:<equipment>:<fault>,
     * link:<agent>, … One open ticket per cause.
     */
    "CREATE TABLE ticket (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE,"
    " cause_key TEXT NOT NULL, kind TEXT NOT NULL, equipment INTEGER REFERENCES equipment,"
    " agent INTEGER REFERENCES agent, site INTEGER REFERENCES site, fault TEXT,"
    " grade INTEGER NOT NULL, state TEXT NOT NULL, onset_ms INTEGER, detected_ms INTEGER,"
    " registered_ms INTEGER NOT NULL, cleared_ms INTEGER, hold_until_ms INTEGER,"
    " closed_ms INTEGER, late INTEGER NOT NULL DEFAULT 0, title_en TEXT, title_zh TEXT,"
    " classification TEXT NOT NULL DEFAULT '{}', warranty TEXT NOT NULL DEFAULT '{}',"
    " cause TEXT NOT NULL DEFAULT '[]', remote TEXT NOT NULL DEFAULT '[]', advice TEXT,"
    " evidence TEXT, children TEXT, track_code TEXT NOT NULL, plan TEXT, plan_hash TEXT,"
    " service_level TEXT, contract TEXT, calendar INTEGER, time_zone TEXT, parent INTEGER REFERENCES ticket,"
    " quote TEXT, consent INTEGER, resolution TEXT, next_ms INTEGER," /* next clock event */
    " channel TEXT NOT NULL DEFAULT 'device', caller TEXT, caller_key TEXT, missing TEXT," /* slip fields; NULL: none */
    " opened TEXT NOT NULL DEFAULT ''," /* words for what has opened the way on site (C-12) */
    " important INTEGER NOT NULL DEFAULT 0, diagnosis TEXT, solution TEXT, parked_ms INTEGER,"
    " earlier INTEGER REFERENCES ticket, rework INTEGER NOT NULL DEFAULT 0," /* F-24 */
    " conditions INTEGER NOT NULL DEFAULT 0," /* a bit per ticket_condition */
    " fall_grade INTEGER, fall_ms INTEGER," /* telemetry says this milder grade; it falls then */
    " forecast_next_ms INTEGER,"             /* its forecasts are looked at again then */
    " rank_ms INTEGER NOT NULL DEFAULT 0," /* the order in which people look, least first */
    " version INTEGER NOT NULL DEFAULT 1);"
    "CREATE UNIQUE INDEX ticket_open ON ticket (cause_key) WHERE closed_ms IS NULL;"
    /* one for every way in which the list is narrowed down (api/tickets_route.c) */
    "CREATE INDEX ticket_is_open ON ticket (id, state, kind, fault, grade, equipment, site, agent) WHERE"
    " closed_ms IS NULL;"
    "CREATE INDEX ticket_in_state ON ticket (state, id);"
    "CREATE INDEX ticket_grade ON ticket (grade, id);"
    "CREATE INDEX ticket_equipment ON ticket (equipment, id);"
    "CREATE INDEX ticket_kind ON ticket (kind, id);"
    "CREATE INDEX ticket_fault ON ticket (fault, id);"
    "CREATE INDEX ticket_site ON ticket (site, id);"
    "CREATE INDEX ticket_agent ON ticket (agent, id);"
    "CREATE INDEX ticket_due ON ticket (next_ms) WHERE closed_ms IS NULL AND next_ms IS NOT NULL;"
    "CREATE INDEX ticket_forecast ON ticket (forecast_next_ms) WHERE closed_ms IS NULL AND forecast_next_ms IS NOT NULL;"
    "CREATE TABLE ticket_event (id INTEGER PRIMARY KEY, ticket INTEGER NOT NULL REFERENCES ticket,"
    " at_ms INTEGER NOT NULL, stored_ms INTEGER NOT NULL, who TEXT NOT NULL,"
    " action TEXT NOT NULL, action_id TEXT, note TEXT, data TEXT);"
    "CREATE UNIQUE INDEX ticket_action ON ticket_event (ticket, action_id)"
    " WHERE action_id IS NOT NULL;"
    "CREATE INDEX ticket_action_id ON ticket_event (action_id) WHERE action_id IS NOT NULL;"
    "CREATE INDEX ticket_line ON ticket_event (ticket, at_ms, id);"
    "CREATE INDEX ticket_did ON ticket_event (ticket, action, id);"
    /*
     * A clock's facts; how it stands is computed from them (models/service/sla). subject: ticket,
     * equipment, site, customer, contract, inspection, visit … and its row; ticket is set beside it for
     * tickets. occurrence tells clocks of one kind apart (a question after another, a month after
     * another). until_ms: promised to an instant instead of limit_text. Clocks of tickets take zone,
     * calendar and pauses from their ticket; the others have their own.
     */
    "CREATE TABLE clock (id INTEGER PRIMARY KEY, subject TEXT NOT NULL DEFAULT 'ticket', subject_id"
    " INTEGER NOT NULL, ticket INTEGER REFERENCES ticket, kind TEXT NOT NULL, occurrence INTEGER NOT"
    " NULL DEFAULT 0, start TEXT NOT NULL, stop TEXT NOT NULL, needs TEXT, limit_text TEXT NOT NULL,"
    " until_ms INTEGER, working_hours INTEGER NOT NULL DEFAULT 0, origin TEXT, note TEXT,"
    " warn REAL NOT NULL DEFAULT 0, started_ms INTEGER NOT NULL, promised_ms INTEGER NOT NULL DEFAULT"
    " 0, met_ms INTEGER, cancelled_ms INTEGER, cancelled_for TEXT, warned_ms INTEGER,"
    " breached_ms INTEGER," /* noticed, for notices only */
    " forecast_ms INTEGER, forecast_late INTEGER, forecast TEXT, site INTEGER REFERENCES site,"
    " time_zone TEXT, calendar INTEGER, plan_hash TEXT, done TEXT, next_ms INTEGER,"
    " version INTEGER NOT NULL DEFAULT 1, UNIQUE (subject, subject_id, kind, occurrence));"
    "CREATE INDEX clock_ticket ON clock (ticket, kind) WHERE ticket IS NOT NULL;"
    "CREATE INDEX clock_duty ON clock (subject, id) WHERE ticket IS NULL;"
    "CREATE INDEX clock_owed ON clock (id) WHERE ticket IS NULL AND met_ms IS NULL AND cancelled_ms IS"
    " NULL;"
    "CREATE INDEX clock_next ON clock (next_ms) WHERE ticket IS NULL AND next_ms IS NOT NULL;"
    /* Which limit held from when: a regrade is a line here. */
    "CREATE TABLE clock_limit (id INTEGER PRIMARY KEY, clock INTEGER NOT NULL REFERENCES clock,"
    " from_ms INTEGER NOT NULL, limit_text TEXT NOT NULL, origin TEXT, note TEXT, grade INTEGER);"
    "CREATE INDEX clock_limit_clock ON clock_limit (clock, id);"
    /* Steps of clocks that need several (S0-140). */
    "CREATE TABLE clock_step (ticket INTEGER NOT NULL REFERENCES ticket, stop TEXT NOT NULL, step TEXT"
    " NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (ticket, stop, step));"
    "CREATE TABLE pause (id INTEGER PRIMARY KEY, ticket INTEGER NOT NULL REFERENCES ticket,"
    " from_ms INTEGER NOT NULL, to_ms INTEGER, reason TEXT NOT NULL, who TEXT NOT NULL);"
    "CREATE INDEX pause_ticket ON pause (ticket, id);"
    "CREATE UNIQUE INDEX pause_open ON pause (ticket) WHERE to_ms IS NULL;"

    "CREATE TABLE work_order (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE,"
    " kind TEXT NOT NULL, ticket INTEGER REFERENCES ticket, visit INTEGER, equipment INTEGER"
    " REFERENCES equipment, site INTEGER REFERENCES site, team INTEGER REFERENCES team,"
    " technician INTEGER REFERENCES technician, from_ms INTEGER, to_ms INTEGER,"
    " state TEXT NOT NULL,"
    " before TEXT, after TEXT, reason TEXT, created_ms INTEGER NOT NULL,"
    " sequence INTEGER NOT NULL DEFAULT 0," /* iCalendar SEQUENCE */
    " version INTEGER NOT NULL DEFAULT 1);"
    "CREATE UNIQUE INDEX work_order_ticket ON work_order (ticket)"
    " WHERE kind = 'corrective' AND state NOT IN ('done', 'verified', 'closed', 'cancelled');" /* a second visit is a second order */
    "CREATE UNIQUE INDEX work_order_visit ON work_order (visit) WHERE visit IS NOT NULL"
    " AND state <> 'cancelled';"
    "CREATE INDEX work_order_state ON work_order (state, id);" /* … and api/work_route.c's */
    "CREATE INDEX work_order_is_open ON work_order (id, state, kind, team, technician, equipment, site,"
    " ticket) WHERE state NOT IN ('done', 'verified', 'closed', 'cancelled');"
    "CREATE INDEX work_order_of_ticket ON work_order (ticket, id);"
    /* without it a million orders of a kind are looked through for those of one ticket */
    "CREATE INDEX work_order_for ON work_order (ticket, kind, id) WHERE ticket IS NOT NULL;"
    "CREATE INDEX work_order_team ON work_order (team, id);"
    "CREATE INDEX work_order_technician ON work_order (technician, id);"
    "CREATE INDEX work_order_kind ON work_order (kind, id);"
    "CREATE INDEX work_order_equipment ON work_order (equipment, id);"
    "CREATE INDEX work_order_site ON work_order (site, id);"
    "CREATE TABLE work_event (id INTEGER PRIMARY KEY, work_order INTEGER NOT NULL REFERENCES"
    " work_order, at_ms INTEGER NOT NULL, stored_ms INTEGER NOT NULL, who TEXT NOT NULL,"
    " action TEXT NOT NULL, action_id TEXT, note TEXT, data TEXT);"
    "CREATE UNIQUE INDEX work_action ON work_event (work_order, action_id)"
    " WHERE action_id IS NOT NULL;"
    "CREATE TABLE visit (id INTEGER PRIMARY KEY, equipment INTEGER NOT NULL REFERENCES equipment,"
    " sequence INTEGER NOT NULL, window_start_day INTEGER NOT NULL, due_day INTEGER NOT NULL,"
    " window_end_day INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'planned',"
    " plan TEXT, created_ms INTEGER NOT NULL, done_ms INTEGER, reason TEXT,"
    " calendar_sequence INTEGER NOT NULL DEFAULT 0, UNIQUE (equipment, sequence));"
    "CREATE INDEX visit_due ON visit (due_day, id);"
    "CREATE TABLE inspection (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, equipment"
    " INTEGER NOT NULL REFERENCES equipment, state TEXT NOT NULL, verdict TEXT,"
    " command TEXT, points TEXT, checks TEXT, health TEXT, reason TEXT,"
    " created_ms INTEGER NOT NULL, done_ms INTEGER);"
    "CREATE INDEX inspection_done ON inspection (done_ms) WHERE done_ms IS NOT NULL;"
    "CREATE INDEX inspection_equipment ON inspection (equipment, done_ms);"
    "CREATE TABLE command (id TEXT PRIMARY KEY, agent INTEGER NOT NULL REFERENCES agent,"
    " equipment INTEGER REFERENCES equipment, name TEXT NOT NULL, args TEXT,"
    " created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, state TEXT NOT NULL,"
    " sent_ms INTEGER, done_ms INTEGER, reason TEXT, result TEXT);"
    "CREATE INDEX command_open ON command (state, agent) WHERE state IN ('waiting', 'sent');"

    /* Told at least once, each key once: written in the transaction that caused it. */
    "CREATE TABLE outbox (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, channel TEXT NOT NULL,"
    " target TEXT, subject TEXT NOT NULL, body TEXT NOT NULL, ticket INTEGER,"
    " created_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,"
    " state TEXT NOT NULL DEFAULT 'waiting', sent_ms INTEGER, why TEXT);"
    "CREATE INDEX outbox_next ON outbox (next_ms) WHERE state = 'waiting';"
    /* What changed, for GET /stream; bounded. */
    "CREATE TABLE change (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, topic TEXT NOT NULL,"
    " body TEXT NOT NULL);"

    "CREATE TABLE person (name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL);"
    "CREATE TABLE token (id INTEGER PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL,"
    " hash TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL, revoked_ms INTEGER);"
    "CREATE TABLE session (hash TEXT PRIMARY KEY, person TEXT NOT NULL, created_ms INTEGER NOT"
    " NULL, expires_ms INTEGER NOT NULL);"
    "CREATE TABLE idempotency (key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT"
    " NULL, body TEXT NOT NULL, at_ms INTEGER NOT NULL);"
    "CREATE TABLE feed (id INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, name TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL, who TEXT, revoked_ms INTEGER, revoked_by TEXT);"
    "CREATE UNIQUE INDEX feed_of ON feed (kind, name) WHERE revoked_ms IS NULL;"
    /* Who did what: trail.h. previous is the hash of the line before. */
    "CREATE TABLE trail (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, who TEXT NOT NULL,"
    " role TEXT NOT NULL, source TEXT NOT NULL, what TEXT NOT NULL, object TEXT, detail TEXT,"
    " previous TEXT NOT NULL UNIQUE, hash TEXT NOT NULL UNIQUE);"
    /* What a line says more; its digest with the salt is what stands in the line. */
    "CREATE TABLE trail_detail (line INTEGER PRIMARY KEY, salt TEXT NOT NULL, words TEXT NOT NULL);"
    "CREATE INDEX trail_object ON trail (object, id);"
    "CREATE INDEX trail_who ON trail (who, id);";

static const char *const migrations[] = {
    first, schema_dispatch, schema_work, schema_stock, schema_ticket, schema_people, schema_alarm, schema_paper, schema_visit,
    schema_inspection,
    schema_money,    schema_relation, schema_rounds, schema_complaint, schema_dossier, schema_training, schema_care,
};

/* What has happened is not changed afterwards; whoever tries is refused by the database. A person's name in it is taken away
 * by a removal (server/care/person.h) alone, whose row stands in `removing` meanwhile; in the trail by nobody. */
static const char *const frozen[] = {
    "trail", "trail_detail", "library_edition", "lot_check", "voucher_event", "paper", "ticket_event", "work_event", "escalation_event", "alarm_event", "clock_limit", "ticket_class", "visit_event", "inspection_event",
    "warranty_check", "quotation_line", "consent", "money_line", "invoice", "invoice_line", "claim_event", "settlement_line",
    "inspection_approval", "paper_approval", "complaint_event", "improvement_event", "service_entry", "training_event", "tool_event",
    "agreement_event", "agreement_term", "leaving_event", "export_entry", "access",
};

/* … and not deleted either: the ledger of the stock. */
static const char *const sealed[] = {"stock_move"};

static enum err freeze(struct sql *sql)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < sizeof(frozen) / sizeof(frozen[0]); i++) {
        err = sql_freeze(sql, frozen[i], strncmp(frozen[i], "trail", 5) == 0 ? NULL : "EXISTS (SELECT 1 FROM removing)");
    }
    for (size_t i = 0; !err && i < sizeof(sealed) / sizeof(sealed[0]); i++) {
        err = sql_seal(sql, sealed[i]);
    }
    return err;
}

enum err schema_migrate(struct sql *sql, struct text *why)
{
    int64_t count = (int64_t)(sizeof(migrations) / sizeof(migrations[0]));
    int64_t version;
    enum err err;

    if (sql_tables(sql, NULL) > 0 && sql_tables(sql, "schema_version") == 0) {
        return text_say(why, ERR_UNSUPPORTED, "this is a database of another program");
    }
    err = sql_script(sql, "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL);");
    if (err) {
        return text_say(why, err, "cannot prepare the database: %s", sql_why(sql));
    }
    version = sql_find_int(sql, 0, "SELECT MAX(version) FROM schema_version", "");
    if (version > count) {
        return text_say(why, ERR_UNSUPPORTED,
                        "its version is %lld, this program knows %lld: use a newer program",
                        (long long)version, (long long)count);
    }
    for (; version < count; version++) {
        err = sql_begin(sql);
        if (!err) {
            err = sql_script(sql, migrations[version]);
        }
        if (!err) {
            err = sql_run(sql, "INSERT INTO schema_version (version) VALUES (?1)", "i",
                          version + 1);
        }
        if (!err && version + 1 == count) {
            err = freeze(sql);
        }
        if (!err) {
            err = sql_commit(sql);
        }
        if (err) {
            text_say(why, err, "migration %lld failed: %s", (long long)version + 1, sql_why(sql));
            sql_rollback(sql);
            return err;
        }
    }
    return ERR_OK;
}

enum err schema_open(const char *url, struct sql **ret_sql, struct text *why)
{
    TEXT(words, 400);
    struct sql *sql;
    enum err err = sql_open(url, SQL_WRITE, &sql, why);

    if (err) {
        return err;
    }
    err = schema_migrate(sql, &words);
    if (err) {
        sql_close(sql);
        return text_say(why, err, "%s: %s", url, words.at);
    }
    *ret_sql = sql;
    return ERR_OK;
}
