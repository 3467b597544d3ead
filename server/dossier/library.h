/*
 * The papers of the equipment: manuals, videos, sheets of basic use and of checking, operating rules, drawings. The fleet
 * file's `documents` says which there are and what they belong to; here is who has which version, what is missing, and what
 * a customer gets to see.
 */
#pragma once

#include "server/case/place.h"
#include "server/dossier/show.h"

/* Papers that hold for that equipment on that day, each with its version and who has it. public: only what its customer may
 * see; fault: what tells of that fault comes first (NULL: none). */
enum err library_list(struct arena *arena, struct sql *sql, const struct zone *zone, int64_t equipment, int32_t day,
                      bool is_public, const char *fault, struct json_out *out) MUST_CHECK;
/* Kinds that the plan wants and that equipment has not got: a list {kind, why: none, not_handed_over, superseded}. out may
 * be NULL; *ret_count may be NULL; to may be NULL: gets "manual (not_handed_over), …". */
enum err library_missing(struct sql *sql, const struct plan *plan, int64_t equipment, int32_t day, struct json_out *out,
                         int *ret_count, struct text *to) MUST_CHECK;
/* {document, holder, way: paper mail page link training, version?}: somebody of the equipment has the paper. The same again
 * is fine. ERR_FORMAT with why. */
enum err library_receipt(struct sql *sql, int64_t equipment, const struct action *action, int64_t now_ms,
                         struct text *why) MUST_CHECK;
/* One of the register with its editions; ERR_NOT_FOUND. */
enum err library_view(struct sql *sql, const struct zone *zone, int64_t id, struct json_out *out) MUST_CHECK;
/* The file of a paper that a customer of that equipment may read; 0: none. ret_name: of the attachment. */
bool library_file(struct sql *sql, int64_t equipment, const char *name, int32_t day, char ret_name[65]);
