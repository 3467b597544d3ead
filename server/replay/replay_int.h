/* Inside of a replay. */
#pragma once

#include "host/recording.h"
#include "models/fault/judge.h"
#include "server/replay/finding.h"
#include "server/replay/replay.h"

struct replay {
    const struct replay_options *options;
    struct arena *arena;
    const struct profile *profile;
    struct judge *judge;
    struct recording *recording;
    struct recording_row row;
    int points[RECORDING_COLUMNS]; /* of a column; -1: none */
    struct finding *findings;
    size_t finding_count, room, beyond;
    size_t open[PROFILE_FAULTS_MOST]; /* 1 + index of the finding that is open; 0: none */
    bool judged[PROFILE_FAULTS_MOST]; /* all inputs were known at least once */
    int64_t first_ms, last_ms, late, outside;
    struct json_out evidence;
    int64_t said_ms;
    bool shows_bar;
};

/* All of it as one object. The exit status. */
int replay_print_json(const struct replay *replay);
/* What stands below the findings. */
void replay_print_sum(const struct replay *replay);
