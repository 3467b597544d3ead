/* What a replay says in the end. */
#include <stdio.h>

#include "server/replay/replay_int.h"

#define JSON_MOST (512 << 20)

static bool has_column(const struct replay *replay, size_t point)
{
    for (int i = 0; i < recording_columns(replay->recording); i++) {
        if (replay->points[i] == (int)point) {
            return true;
        }
    }
    return false;
}

static void put_names(const struct replay *replay, struct json_out *out)
{
    json_key(out, "left_alone");
    json_open_list(out);
    for (int i = 0; i < recording_columns(replay->recording); i++) {
        if (replay->points[i] < 0 && i != recording_time(replay->recording)) {
            json_put_text(out, recording_title(replay->recording, i));
        }
    }
    json_close_list(out);
    json_key(out, "points_missing");
    json_open_list(out);
    for (size_t i = 0; i < replay->profile->point_count; i++) {
        if (!has_column(replay, i)) {
            json_put_text(out, replay->profile->points[i].name);
        }
    }
    json_close_list(out);
    json_key(out, "never_judged");
    json_open_list(out);
    for (size_t i = 0; i < replay->profile->fault_count; i++) {
        if (!replay->judged[i]) {
            json_put_text(out, replay->profile->faults[i].id);
        }
    }
    json_close_list(out);
}

int replay_print_json(const struct replay *replay)
{
    struct json_out out = json_out(JSON_MOST);
    int64_t zone_ms = recording_zone_ms(replay->recording);
    int status;

    json_open_object(&out);
    json_text(&out, "profile", replay->profile->id);
    json_int(&out, "version", replay->profile->version);
    json_text(&out, "hash", replay->profile->hash);
    json_int(&out, "rows", recording_rows(replay->recording));
    json_int(&out, "skipped", recording_skipped(replay->recording));
    json_int(&out, "late", replay->late);
    json_int(&out, "outside", replay->outside);
    finding_put_time(&out, "from", replay->first_ms, zone_ms);
    finding_put_time(&out, "to", replay->last_ms, zone_ms);
    put_names(replay, &out);
    json_int(&out, "beyond", (int64_t)replay->beyond);
    json_key(&out, "findings");
    json_open_list(&out);
    for (size_t i = 0; i < replay->finding_count; i++) {
        finding_put(&out, replay->profile, &replay->findings[i], zone_ms);
    }
    json_close_list(&out);
    json_close_object(&out);
    status = out.err ? 1 : 0;
    if (out.err) {
        fprintf(stderr, "heliograph-server replay: %s\n", err_text(out.err));
    } else {
        puts(out.bytes);
    }
    json_out_free(&out);
    return status;
}

void replay_print_sum(const struct replay *replay)
{
    size_t counts[PROFILE_FAULTS_MOST] = {0};
    double days = (double)(replay->last_ms - replay->first_ms) / 86400000;

    for (size_t i = 0; i < replay->finding_count; i++) {
        counts[replay->findings[i].fault]++;
    }
    printf("\n%lld rows over %.1f days, %lld without a time, %lld not in order, %lld values outside their range\n",
           (long long)recording_rows(replay->recording), days, (long long)recording_skipped(replay->recording),
           (long long)replay->late, (long long)replay->outside);
    for (size_t i = 0; i < replay->profile->fault_count; i++) {
        if (counts[i] || !replay->judged[i]) {
            printf("%6zu  %-24s%s%s\n", counts[i], replay->profile->faults[i].id,
                   replay->open[i] ? "  still open at the end" : "",
                   replay->judged[i] ? "" : "  never judged: its points are not in the recording");
        }
    }
    if (replay->beyond) {
        printf("%zu more findings than fit\n", replay->beyond);
    }
}
