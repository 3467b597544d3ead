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
/* The same of a tree, as fleet_add makes it of several files. */
enum err fleet_check_tree(struct arena *arena, struct sql *sql, struct rules *rules, struct yaml_node *root,
                          struct complaints *complaints) MUST_CHECK;
/*
 * Adds a file's rows to *io_root (NULL before the first): YAML, or, when path ends in .csv, the rows of the section that
 * the file is called after (sites.csv). Every node knows its file. ERR_FORMAT with complaints, whose path is path.
 */
enum err fleet_add(struct arena *arena, const char *path, const char *bytes, size_t size, struct complaints *complaints,
                   struct yaml_node **io_root) MUST_CHECK;
enum fleet_form { FLEET_YAML, FLEET_CSV, FLEET_JSON };
/* -1: there is none of that name. */
int fleet_section(const char *name);
/* What was imported, as a file that imports as the same: all sections, or one (CSV: always one). In out, whose ceiling
 * may be reached: ERR_FULL. arena: for CSV. */
enum err fleet_put(struct sql *sql, struct arena *arena, int section, enum fleet_form form,
                   struct json_out *out) MUST_CHECK;
/* What is right and should be looked at, as warnings in complaints: sites of a contract farther from every depot than a
 * spare may take, components of a class that no plan has. After fleet_apply. */
enum err fleet_advise(struct sql *sql, struct rules *rules, struct yaml_node *root,
                      struct complaints *complaints) MUST_CHECK;
/* Writes what fleet_check accepted; inside the caller's transaction. *ret_changed: rows added or
 * changed (0 the second time). */
enum err fleet_apply(struct sql *sql, struct yaml_node *root, int64_t now_ms,
                     int64_t *ret_changed) MUST_CHECK;
