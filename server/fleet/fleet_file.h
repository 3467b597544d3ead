/* The fleet file (import): customers, sites, equipment, contracts, teams … into the database. All or
 * nothing; importing twice changes nothing. */
#pragma once

#include "models/base/arena.h"
#include "models/base/err.h"
#include "models/base/yaml.h"
#include "server/fleet/rules.h"
#include "server/store/sql.h"

/* Reads and checks bytes (references into the database count as well as those within the file);
 * nothing is written. ERR_FORMAT with complaints. */
enum err fleet_check(struct arena *arena, struct sql *sql, struct rules *rules, const char *bytes,
                     size_t size, struct complaints *complaints,
                     struct yaml_node **ret_root) MUST_CHECK;
/* What is right and should be looked at, as warnings in complaints: sites of a contract farther from every depot than a
 * spare may take, components of a class that no plan has. After fleet_apply. */
enum err fleet_advise(struct sql *sql, struct rules *rules, struct yaml_node *root,
                      struct complaints *complaints) MUST_CHECK;
/* Writes what fleet_check accepted; inside the caller's transaction. *ret_changed: rows added or
 * changed (0 the second time). */
enum err fleet_apply(struct sql *sql, struct yaml_node *root, int64_t now_ms,
                     int64_t *ret_changed) MUST_CHECK;
