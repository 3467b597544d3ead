/* Ways to a customer. */
#include "server/case/reach.h"

#include <string.h>

#include "models/service/sms.h"

static const char *number_of(struct office *office, const struct cJSON *doc)
{
    TEXT(number, SMS_NUMBER_ROOM);

    return sms_number(json_text_or(doc, "phone", NULL), &number) ? arena_text(office->arena, number.at, number.length) : NULL;
}

static bool names(const struct cJSON *list, const char *channel)
{
    for (const struct cJSON *item = json_first(list); item; item = json_next(item)) {
        if (text_same(json_as_text(item), channel)) {
            return true;
        }
    }
    return false;
}

struct reach reach_of(struct office *office, const struct cJSON *doc)
{
    const struct cJSON *channels = json_field(doc, "channels");
    struct reach reach = {.email = office->options.has_smtp ? json_text_or(doc, "email", NULL) : NULL,
                          .phone = office->options.sms_segments > 0 ? number_of(office, doc) : NULL};

    if (json_is_list(channels)) {
        reach.email = names(channels, "email") ? reach.email : NULL;
        reach.phone = names(channels, "sms") ? reach.phone : NULL;
    } else if (reach.email) {
        reach.phone = NULL;
    }
    return reach;
}

static enum err put_sms(struct office *office, struct sql *sql, const struct reach *reach, struct notice *notice,
                        const char *sms, const char *link, int64_t now_ms)
{
    TEXT(words, 4096);
    TEXT(key, 500);

    sms_fit(sms, link, office->options.sms_segments, &words);
    text_addf(&key, "%s%s", notice->key, reach->email ? ":sms" : "");
    notice->key = key.at;
    notice->channel = "sms";
    notice->target = reach->phone;
    notice->body = words.at;
    return key.cut ? ERR_FULL : notify_put(sql, now_ms, notice);
}

enum err reach_put(struct office *office, struct sql *sql, const struct reach *reach, struct notice *notice,
                   const char *words, const char *sms, const char *link, int64_t now_ms)
{
    enum err err = ERR_OK;

    notice->body = words;
    notice->channel = reach->email ? "smtp" : "none";
    notice->target = reach->email;
    if (reach->email || !reach->phone) {
        err = notify_put(sql, now_ms, notice);
    }
    return err || !reach->phone ? err : put_sms(office, sql, reach, notice, sms, link, now_ms);
}
