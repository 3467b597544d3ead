/* Who is there: births, wills, silence. */
#pragma once

#include "server/ingest/inbound.h"

/* Any message of its own makes an agent present. */
enum err presence_heard(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                        const struct inbound *inbound, int64_t now_ms) MUST_CHECK;
enum err presence_status(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                         struct inbound *inbound, int64_t now_ms) MUST_CHECK;
/* Agents that have said nothing for too long; once a second. */
enum err presence_silence(struct pipeline *pipeline, struct sql *sql, int64_t now_ms) MUST_CHECK;
