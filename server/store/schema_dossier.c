/*
 * Tables of the files that are kept of customers, sites and equipment, and of the papers that belong to equipment. Files
 * are views over all other tables; here stands only what nobody else keeps.
 */
#include "server/store/schema_int.h"

#include <stddef.h>

#pragma GCC diagnostic ignored "-Woverlength-strings"

const char schema_dossier[] =
    "CREATE INDEX site_customer ON site (customer, id);" /* files go from a customer to what is his */
    /* Rows of the fleet file. A paper belongs to a profile, a site or one piece of equipment; to none of them: to all. */
    "CREATE TABLE library (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, title_en TEXT, title_zh TEXT,"
    " version TEXT NOT NULL, language TEXT, profile TEXT, site INTEGER REFERENCES site, equipment INTEGER REFERENCES equipment,"
    " audience TEXT NOT NULL, from_day INTEGER, to_day INTEGER, link TEXT, file TEXT, doc TEXT NOT NULL);"
    "CREATE INDEX library_kind ON library (kind, id);"
    "CREATE INDEX library_profile ON library (profile, id);"
    /* What each version was: the last one counts. */
    "CREATE TABLE library_edition (id INTEGER PRIMARY KEY, library INTEGER NOT NULL REFERENCES library, number INTEGER NOT NULL,"
    " version TEXT NOT NULL, link TEXT, file TEXT, at_ms INTEGER NOT NULL, UNIQUE (library, number));"
    /* Who has it. holder: a name: personal. */
    "CREATE TABLE library_receipt (id INTEGER PRIMARY KEY, edition INTEGER NOT NULL REFERENCES library_edition, equipment"
    " INTEGER NOT NULL REFERENCES equipment, holder TEXT NOT NULL, way TEXT NOT NULL, at_ms INTEGER NOT NULL, who TEXT NOT"
    " NULL, action_id TEXT UNIQUE, UNIQUE (edition, equipment, holder));"
    "CREATE INDEX library_receipt_equipment ON library_receipt (equipment, edition);"
    "ALTER TABLE attachment ADD COLUMN library INTEGER REFERENCES library;"
    "CREATE INDEX attachment_library ON attachment (library, id) WHERE library IS NOT NULL;"
    /* Who runs the equipment at the customer's; level 1 (shown how) … 4 (trains others). title, phone: personal. */
    "CREATE TABLE operator (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, site INTEGER NOT NULL REFERENCES site, title"
    " TEXT, phone TEXT, level INTEGER, from_day INTEGER, to_day INTEGER, doc TEXT NOT NULL);"
    "CREATE INDEX operator_site ON operator (site, id);"
    /* What a site needs, what was found there, what was designed from it. */
    "CREATE TABLE design (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, site INTEGER NOT NULL REFERENCES site, contract"
    " INTEGER REFERENCES contract, surveyed_day INTEGER, doc TEXT NOT NULL);"
    "CREATE INDEX design_site ON design (site, id);"
    /* Technical bulletins, and what became of each at every piece of equipment that it is about. */
    "CREATE TABLE bulletin (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title_en TEXT, title_zh TEXT, kind TEXT NOT NULL,"
    " profile TEXT, agent_version TEXT, job TEXT, from_day INTEGER, due_day INTEGER, doc TEXT NOT NULL);"
    "CREATE TABLE bulletin_unit (bulletin INTEGER NOT NULL REFERENCES bulletin, equipment INTEGER NOT NULL REFERENCES"
    " equipment, state TEXT NOT NULL CHECK (state IN ('open', 'ordered', 'done', 'refused')), work_order INTEGER REFERENCES"
    " work_order, told_ms INTEGER, at_ms INTEGER NOT NULL, who TEXT NOT NULL, note TEXT, PRIMARY KEY (bulletin, equipment));"
    "CREATE INDEX bulletin_unit_equipment ON bulletin_unit (equipment, bulletin);"
    "CREATE INDEX bulletin_unit_order ON bulletin_unit (work_order) WHERE state = 'ordered';"
    /* What somebody noted of a customer: personal. */
    "CREATE TABLE file_note (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customer, equipment INTEGER"
    " REFERENCES equipment, kind TEXT NOT NULL, words TEXT NOT NULL, at_ms INTEGER NOT NULL, who TEXT NOT NULL, action_id TEXT"
    " UNIQUE);"
    "CREATE INDEX file_note_customer ON file_note (customer, id);"
    /* The service file looked through, once a period: figures of it and of the period before, and what to do. */
    "CREATE TABLE file_analysis (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customer, from_day INTEGER NOT"
    " NULL, to_day INTEGER NOT NULL, plan TEXT NOT NULL, body TEXT NOT NULL, at_ms INTEGER NOT NULL, seen_ms INTEGER, seen_by"
    " TEXT, note TEXT, UNIQUE (customer, from_day));"
    "CREATE INDEX file_analysis_customer ON file_analysis (customer, id);"
    /* What a customer was told of upkeep: once a season. */
    "CREATE TABLE knowledge (customer INTEGER NOT NULL REFERENCES customer, item TEXT NOT NULL, year INTEGER NOT NULL, at_ms"
    " INTEGER NOT NULL, PRIMARY KEY (customer, item, year));";
