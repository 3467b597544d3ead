/* Numbered migrations. schema.c spells every table out. */
#pragma once

#include "models/base/err.h"
#include "models/base/text.h"
#include "server/store/sql.h"

/* Opens the database as its owner, at this program's version; why names it. */
enum err schema_open(const char *url, struct sql **ret_sql, struct text *why) MUST_CHECK;
/* Brings the database to this program's version; ERR_UNSUPPORTED when it is from a newer one. */
enum err schema_migrate(struct sql *sql, struct text *why) MUST_CHECK;
