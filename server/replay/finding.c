/* Findings as JSON. */
#include "server/replay/finding.h"

#include <string.h>

#include "models/fault/cause.h"

void finding_time(int64_t ms, int64_t zone_ms, struct text *to)
{
    int minutes = (int)(zone_ms / 60000), size = minutes < 0 ? -minutes : minutes;
    TEXT(utc, 48);

    zone_write(zone_utc(), ms + zone_ms, &utc);
    utc.at[strcspn(utc.at, "+Z")] = '\0'; /* the zone is written anew */
    text_addf(to, "%s%c%02d:%02d", utc.at, minutes < 0 ? '-' : '+', size / 60, size % 60);
}

void finding_put_time(struct json_out *out, const char *name, int64_t ms, int64_t zone_ms)
{
    TEXT(words, 48);

    if (ms) {
        finding_time(ms, zone_ms, &words);
        json_text(out, name, words.at);
    } else {
        json_null(out, name);
    }
}

static void put_words(struct json_out *out, const char *name, const struct words2 *words)
{
    json_key(out, name);
    json_open_object(out);
    json_text(out, "en", words->en);
    json_text(out, "zh", words->zh);
    json_close_object(out);
}

void finding_put(struct json_out *out, const struct profile *profile, const struct finding *finding, int64_t zone_ms)
{
    const struct fault_rule *rule = &profile->faults[finding->fault];

    json_open_object(out);
    json_text(out, "fault", rule->id);
    put_words(out, "title", &rule->title);
    json_int(out, "grade", finding->grade);
    json_text(out, "component", rule->component);
    json_text(out, "domain", rule->domain);
    finding_put_time(out, "onset", finding->onset_ms, zone_ms);
    finding_put_time(out, "raised", finding->raised_ms, zone_ms);
    finding_put_time(out, "cleared", finding->cleared_ms, zone_ms);
    json_key(out, "regrades");
    json_open_list(out);
    for (size_t i = 0; i < finding->regrade_count; i++) {
        json_open_object(out);
        finding_put_time(out, "at", finding->regrades[i].at_ms, zone_ms);
        json_int(out, "grade", finding->regrades[i].grade);
        json_close_object(out);
    }
    json_close_list(out);
    json_key(out, "causes");
    cause_put(out, rule);
    json_raw(out, "evidence", finding->evidence);
    put_words(out, "advice", &rule->advice);
    json_close_object(out);
}
