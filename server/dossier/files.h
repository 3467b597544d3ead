/*
 * The files that are kept, as objects: of a customer (D-30), of the service for him (D-31), of the running of a site (D-32),
 * of the repairs of a piece of equipment (D-33); and what is drawn up with the owner: operating rules and shift hand-over of
 * a site (D-36), the papers of a piece of equipment (D-35), the design of a site (S0-43). They are views: nobody fills them.
 */
#pragma once

#include "server/dossier/library.h"

#define FILE_ROWS_MOST 200 /* of a table: what is older stands in the lists of the API */

struct file_asked {
    struct sql *sql;
    struct rules *rules;
    struct arena *arena;
    const char *preset_plan;
    const struct zone *zone;
    int64_t now_ms, from_ms, to_ms; /* the span of usage */
};

/* Each an object; ERR_NOT_FOUND. */
enum err file_customer(const struct file_asked *asked, int64_t customer, struct json_out *out) MUST_CHECK;
enum err file_service(const struct file_asked *asked, int64_t customer, struct json_out *out) MUST_CHECK;
enum err file_operating(const struct file_asked *asked, int64_t site, struct json_out *out) MUST_CHECK;
enum err file_repair(const struct file_asked *asked, int64_t equipment, struct json_out *out) MUST_CHECK;
enum err file_papers(const struct file_asked *asked, int64_t equipment, struct json_out *out) MUST_CHECK;
enum err file_rules(const struct file_asked *asked, int64_t site, struct json_out *out) MUST_CHECK;
enum err file_handover(const struct file_asked *asked, int64_t site, struct json_out *out) MUST_CHECK;
enum err file_design(const struct file_asked *asked, int64_t design, struct json_out *out) MUST_CHECK;
/* The plan of the contract that covers the site today, else the preset one; NULL: there is none at all. */
const struct plan *file_plan(const struct file_asked *asked, int64_t site);
