/*
 * Tables of parts and where they lie.
 *
 * A rack is a part of one lot in one depot. What lies on it is the sum of its moves, and the database itself holds it:
 * every move carries what was there before it and after it, "before" refers to the move before (a foreign key onto its
 * number and its sums), "after" is before plus the move (a check), and neither can be below zero or below what is
 * reserved. Two moves cannot both be the next one (unique). So no program, however wrong, can make a rack negative, skip a
 * move or put one in between.
 */
#include "server/store/schema_int.h"

#include <stddef.h>

#pragma GCC diagnostic ignored "-Woverlength-strings"

const char schema_stock[] =
    /* A serial is a lot of one piece. unit_cost: hundredths of the currency, as it was received. */
    "CREATE TABLE lot (id INTEGER PRIMARY KEY, part INTEGER NOT NULL REFERENCES part, name TEXT NOT NULL,"
    " serial INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL CHECK (state IN ('quarantine', 'passed', 'refused',"
    " 'blocked')), supplier TEXT, unit_cost INTEGER NOT NULL DEFAULT 0 CHECK (unit_cost >= 0), currency TEXT,"
    " expires_day INTEGER, created_ms INTEGER NOT NULL, UNIQUE (part, name));"
    "CREATE INDEX lot_supplier ON lot (supplier, id);"
    /* incoming: before it may be used; sample: out of the stock; expiry. What was found, by whom. */
    "CREATE TABLE lot_check (id INTEGER PRIMARY KEY, lot INTEGER NOT NULL REFERENCES lot, kind TEXT NOT NULL,"
    " result TEXT NOT NULL, state TEXT NOT NULL, pieces INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,"
    " who TEXT NOT NULL, at_ms INTEGER NOT NULL, note TEXT, action_id TEXT UNIQUE);"
    "CREATE INDEX lot_check_lot ON lot_check (lot, id);"
    "CREATE TABLE rack (id INTEGER PRIMARY KEY, part INTEGER NOT NULL REFERENCES part, depot INTEGER NOT NULL"
    " REFERENCES depot, lot INTEGER NOT NULL REFERENCES lot, UNIQUE (part, depot, lot));"
    "CREATE INDEX rack_depot ON rack (depot, id);"
    "CREATE INDEX rack_lot ON rack (lot);"
    /* n counts the moves of a rack; prior: n of the one before; there, held: what lies there and what of it is
     * reserved after the move; there_before, held_before: before it. reason_of: the voucher it was done for. */
    "CREATE TABLE stock_move (id INTEGER PRIMARY KEY, rack INTEGER NOT NULL REFERENCES rack, n INTEGER NOT NULL, prior"
    " INTEGER, there_before INTEGER, held_before INTEGER, kind TEXT NOT NULL, count INTEGER NOT NULL, hold INTEGER NOT"
    " NULL, there INTEGER NOT NULL CHECK (there >= 0), held INTEGER NOT NULL CHECK (held >= 0), unit_cost INTEGER NOT NULL,"
    " work_order INTEGER, voucher INTEGER, who TEXT NOT NULL, note TEXT, action_id TEXT, at_ms INTEGER NOT NULL,"
    " UNIQUE (rack, n), UNIQUE (rack, n, there, held), CHECK (held <= there),"
    " CHECK ((n = 1 AND prior IS NULL AND there = count AND held = hold) OR (n > 1 AND prior = n - 1 AND there_before IS"
    " NOT NULL AND held_before IS NOT NULL AND there = there_before + count AND held = held_before + hold)),"
    " CHECK (kind NOT IN ('receive', 'transfer_in', 'return', 'loan_back') OR (count > 0 AND hold = 0)),"
    " CHECK (kind NOT IN ('transfer_out', 'issue', 'use', 'scrap', 'loan') OR (count <= 0 AND hold <= 0)),"
    " CHECK (kind NOT IN ('reserve', 'release') OR count = 0),"
    " FOREIGN KEY (rack, prior, there_before, held_before) REFERENCES stock_move (rack, n, there, held));"
    "CREATE INDEX stock_move_order ON stock_move (work_order, id) WHERE work_order IS NOT NULL;"
    "CREATE INDEX stock_move_voucher ON stock_move (voucher, id) WHERE voucher IS NOT NULL;"
    "CREATE INDEX stock_move_at ON stock_move (at_ms);"
    "CREATE TABLE stock_want (part INTEGER NOT NULL REFERENCES part, depot INTEGER NOT NULL REFERENCES depot, least INTEGER"
    " NOT NULL, target INTEGER NOT NULL, PRIMARY KEY (part, depot));" /* levels of one's own */
    /* What an order has laid aside lies on a rack. */
    "ALTER TABLE work_part ADD COLUMN rack INTEGER;"
    "ALTER TABLE depot ADD COLUMN kind TEXT NOT NULL DEFAULT 'depot';" /* depot van warehouse */
    "ALTER TABLE depot ADD COLUMN counts INTEGER NOT NULL DEFAULT 1;" /* 0: what lies there is for nobody's job */
    "ALTER TABLE depot ADD COLUMN technician INTEGER REFERENCES technician;"
    "ALTER TABLE depot ADD COLUMN team INTEGER REFERENCES team;"
    "ALTER TABLE depot ADD COLUMN stocktake_days INTEGER;"
    "ALTER TABLE depot ADD COLUMN sampling_days INTEGER;"
    "ALTER TABLE depot ADD COLUMN review_days INTEGER;"
    "ALTER TABLE depot ADD COLUMN service REAL;"
    "ALTER TABLE part ADD COLUMN tracked TEXT NOT NULL DEFAULT 'none';" /* none lot serial */
    "ALTER TABLE part ADD COLUMN supplier TEXT;"
    "ALTER TABLE part ADD COLUMN lead_ms INTEGER;"
    "ALTER TABLE part ADD COLUMN life_days INTEGER;" /* on the rack; NULL: no end */
    "ALTER TABLE part ADD COLUMN consumable INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE part ADD COLUMN inspected INTEGER NOT NULL DEFAULT 0;" /* 1: what is received waits for its inspection */
    "ALTER TABLE part ADD COLUMN unit_cost INTEGER;"
    "ALTER TABLE part ADD COLUMN currency TEXT;"
    /* What people do with stock in more than one step (models/stock/voucher.h). doc: what was said of it, the last word of
     * each field. depot: where from (or what is counted); to_depot: where to, NULL: to the job of the work order. */
    "CREATE TABLE stock_step (action_id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL);" /* done, by client-made id */
    "CREATE TABLE part_fit (part INTEGER NOT NULL REFERENCES part, profile TEXT, component TEXT, rate REAL);"
    "CREATE INDEX part_fit_part ON part_fit (part);"
    "CREATE TABLE voucher (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, client_id TEXT UNIQUE, kind TEXT NOT NULL,"
    " state TEXT NOT NULL, part INTEGER REFERENCES part, depot INTEGER REFERENCES depot, to_depot INTEGER REFERENCES depot,"
    " lot INTEGER REFERENCES lot, rack INTEGER REFERENCES rack, count INTEGER NOT NULL DEFAULT 1, serial TEXT, work_order"
    " INTEGER, ticket INTEGER, equipment INTEGER, contract INTEGER, due_ms INTEGER, asked_by TEXT NOT NULL, doc TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL, closed_ms INTEGER, version INTEGER NOT NULL DEFAULT 1);"
    "CREATE INDEX voucher_kind ON voucher (kind, id);"
    "CREATE INDEX voucher_is_open ON voucher (id, kind) WHERE closed_ms IS NULL;"
    "CREATE INDEX voucher_order ON voucher (work_order, id) WHERE work_order IS NOT NULL;"
    "CREATE INDEX voucher_equipment ON voucher (equipment, id) WHERE equipment IS NOT NULL;"
    "CREATE INDEX voucher_depot ON voucher (depot, kind, id) WHERE depot IS NOT NULL;"
    /* expected, counted: of a stocktake; received: of a purchase. */
    "CREATE TABLE voucher_line (voucher INTEGER NOT NULL REFERENCES voucher, position INTEGER NOT NULL, part INTEGER NOT NULL"
    " REFERENCES part, rack INTEGER REFERENCES rack, count INTEGER NOT NULL, expected INTEGER, counted INTEGER, received"
    " INTEGER NOT NULL DEFAULT 0, note TEXT, PRIMARY KEY (voucher, position));"
    "CREATE INDEX voucher_line_rack ON voucher_line (rack) WHERE rack IS NOT NULL;"
    "CREATE TABLE voucher_event (id INTEGER PRIMARY KEY, voucher INTEGER NOT NULL REFERENCES voucher, at_ms INTEGER NOT NULL,"
    " stored_ms INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, state TEXT NOT NULL, action_id TEXT, note TEXT,"
    " data TEXT);"
    "CREATE INDEX voucher_event_of ON voucher_event (voucher, id);"
    "CREATE UNIQUE INDEX voucher_action ON voucher_event (voucher, action_id) WHERE action_id IS NOT NULL;"
    "CREATE VIEW rack_now AS SELECT s.id AS rack, s.part AS part, s.depot AS depot, s.lot AS lot, m.there AS there,"
    " m.held AS held, m.n AS n FROM rack s JOIN stock_move m ON m.rack = s.id AND m.n = (SELECT MAX(x.n) FROM stock_move"
    " x WHERE x.rack = s.id);"
    /* What may be taken: passed lots in depots that count. count: with what is reserved, held: of it. */
    "CREATE VIEW stock AS SELECT h.part AS part, h.depot AS depot, CAST(SUM(h.there) AS BIGINT) AS count,"
    " CAST(SUM(h.held) AS BIGINT) AS held FROM rack_now h JOIN lot l ON l.id = h.lot JOIN depot d ON d.id = h.depot WHERE"
    " l.state = 'passed' AND d.counts = 1 GROUP BY h.part, h.depot;";
