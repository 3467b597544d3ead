/* What the committing thread does: messages, what stands around a commit, the turn in between. */
#pragma once

#include "server/parts.h"

/* Makes inbound a job for the committer, which frees it when it is done. */
void work_on(struct server *server, struct inbound *inbound);

/* For the committer and the pipeline; context is the server. */
void work_old_data(void *context, int64_t stream, int64_t most_ms);
enum err work_save(struct sql *sql, int64_t now_ms, size_t jobs, void *context) MUST_CHECK;
void work_committed(struct sql *sql, bool wrote, void *context);
void work_undone(struct sql *sql, void *context);
enum err work_turn(struct sql *sql, int64_t now_ms, int64_t *io_next_ms, void *context) MUST_CHECK;
