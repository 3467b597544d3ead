/* Tables of issued papers: what was given out stays as it was given out. */
#include "server/store/schema_int.h"

const char schema_paper[] =
    "CREATE TABLE paper (id INTEGER PRIMARY KEY, paper TEXT NOT NULL, subject TEXT NOT NULL,"
    " version INTEGER NOT NULL, template_version INTEGER NOT NULL, template_hash TEXT NOT NULL,"
    " hash TEXT NOT NULL, body TEXT NOT NULL, issued_ms INTEGER NOT NULL, issued_by TEXT NOT NULL, note TEXT,"
    " UNIQUE (paper, subject, version));";
