/*
 * What happens to the files by themselves, once a day and after an import: service files are looked through once a period and
 * compared with the period before; customers are told of upkeep by season, of newer papers and of bulletins; what a bulletin
 * asks for is followed to its end.
 */
#pragma once

#include "server/dossier/files.h"

enum err dossier_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
int64_t dossier_due(struct sql *sql);
/* {kind: preference usage hint quality, words, equipment?}: somebody notes something of a customer. The same id twice is one
 * note. ERR_FORMAT with why. */
enum err dossier_note(struct sql *sql, int64_t customer, const struct action *action, int64_t now_ms, struct text *why) MUST_CHECK;
/* {note?}: somebody has read the analysis; the first one counts. ERR_NOT_FOUND. */
enum err dossier_seen(struct sql *sql, int64_t analysis, const struct action *action, int64_t now_ms, struct text *why) MUST_CHECK;

/* What it does for one customer; asked->from_ms and to_ms are those of the period. */
enum err dossier_analyse(struct office *office, struct sql *sql, int64_t customer, const struct place *place, int64_t now_ms)
    MUST_CHECK;

/* ---- bulletins (bulletin.c) */

/* Equipment that a bulletin is about gets its line, its customer is told once; what is done by now is done. */
enum err bulletins_turn(struct office *office, struct sql *sql, int64_t now_ms) MUST_CHECK;
/* {action: done refuse reopen, equipment, note?}; refuse needs a note. ERR_FORMAT, ERR_STATE, ERR_NOT_FOUND with why. */
enum err bulletin_act(struct sql *sql, int64_t bulletin, const struct action *action, int64_t now_ms, struct text *why)
    MUST_CHECK;
/* A work order was made for that line. */
enum err bulletin_ordered(struct sql *sql, int64_t bulletin, int64_t equipment, int64_t work_order, const char *who,
                          int64_t now_ms) MUST_CHECK;
/* With how far it has got, and a line a piece of equipment; ERR_NOT_FOUND. */
enum err bulletin_view(struct sql *sql, const struct zone *zone, int64_t bulletin, int64_t now_ms, struct json_out *out) MUST_CHECK;
