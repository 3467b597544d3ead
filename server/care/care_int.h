/* What the files of the room share. */
#pragma once

#include "server/care/care.h"

struct care {
    struct office office;
    int64_t keep_ms[CARE_CLASSES];
    const char *folder;
    int64_t export_bytes;
};

enum err agreements_turn(struct care *care, struct sql *sql, int64_t now_ms, bool *io_more, bool *io_plan) MUST_CHECK;
enum err leavings_turn(struct care *care, struct sql *sql, int64_t now_ms) MUST_CHECK;
enum err exports_turn(struct care *care, struct sql *sql, int64_t now_ms, bool *io_more) MUST_CHECK;
enum err removals_turn(struct care *care, struct sql *sql, int64_t now_ms, bool *io_more) MUST_CHECK;
enum err purge_turn(struct care *care, struct sql *sql, int64_t now_ms, bool *io_more) MUST_CHECK;

/* The manager is told, once a key. */
enum err care_tell(struct care *care, struct sql *sql, const char *key, const char *subject, const char *words,
                   int64_t now_ms) MUST_CHECK;
void care_time(struct json_out *out, const char *name, const struct zone *zone, int64_t ms); /* 0: null */
