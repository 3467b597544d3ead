/*
 * Messages from agents (interfaces.md 4), version 1, decoded and encoded.
 *
 * data:   {envelope, "equipment":{ID:{POINT:[[offset, value(, quality)], …]}}}
 * event:  {envelope, "event":{"kind":…}}
 * reply:  {envelope, "command":ID, "state":…, "reason":…, "result":…}
 * status: {"v":1, "online":bool, …}
 */
#include "models/telemetry/message.h"

#include <math.h>
#include <string.h>

#include "models/telemetry/message_int.h"

const char *const fault_state_names[] = {"raised", "regraded", "cleared", NULL};

bool message_is_epoch(const char *words)
{
    return words && strlen(words) == 16 && strspn(words, "0123456789abcdefABCDEF") == 16;
}

/* A key that stands twice could be read either way: no message of ours. */
static const char *doubled_key(const struct cJSON *root)
{
    static const char *const names[] = {"v",       "epoch", "seq",    "t0",     "clock", "equipment", "event",
                                        "command", "state", "reason", "result", "online", "edge"};
    unsigned seen = 0;

    for (const struct cJSON *field = json_first(root); field; field = json_next(field)) {
        for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            if (strcmp(json_name(field), names[i]) == 0) {
                if (seen & 1U << i) {
                    return names[i];
                }
                seen |= 1U << i;
            }
        }
    }
    return NULL;
}

enum err message_parse(struct arena *arena, const char *bytes, size_t size,
                       const struct cJSON **ret_root, struct text *why)
{
    const char *words = "", *doubled;
    enum err err;

    if (size > MESSAGE_BYTES_MOST) {
        return text_say(why, ERR_FORMAT, "expected at most 65536 bytes, found %zu", size);
    }
    err = json_parse(arena, bytes, size, ret_root, &words);
    if (err) {
        return text_say(why, err, "%s", words);
    }
    if (!json_is_object(*ret_root)) {
        return text_say(why, ERR_FORMAT, "expected a JSON object");
    }
    doubled = doubled_key(*ret_root);
    if (doubled) {
        return text_say(why, ERR_FORMAT, "%s: expected once, found again", doubled);
    }
    if (json_int_or(*ret_root, "v", 0) != 1) {
        return text_say(why, ERR_FORMAT, "v: expected 1");
    }
    return ERR_OK;
}

enum err message_envelope(const struct cJSON *root, struct envelope *envelope, struct text *why)
{
    const char *epoch = json_as_text(json_field(root, "epoch"));
    const struct cJSON *field = json_field(root, "clock");
    const char *clock = field ? json_as_text(field) : "synced";
    int64_t seq;

    if (!message_is_epoch(epoch)) {
        return text_say(why, ERR_FORMAT, "epoch: expected 16 hex digits");
    }
    memcpy(envelope->epoch, epoch, EPOCH_SIZE);
    if (!json_as_int(json_field(root, "seq"), &seq) || seq < 1) {
        return text_say(why, ERR_FORMAT, "seq: expected a whole number from 1 to 2^53 - 1");
    }
    envelope->seq = (uint64_t)seq;
    if (!json_as_int(json_field(root, "t0"), &envelope->t0_ms) || envelope->t0_ms < 0 ||
        envelope->t0_ms > MESSAGE_TIME_MOST) {
        return text_say(why, ERR_FORMAT, "t0: expected milliseconds since 1970");
    }
    if (!clock || (strcmp(clock, "synced") != 0 && strcmp(clock, "unsynced") != 0)) {
        return text_say(why, ERR_FORMAT, "clock: expected synced or unsynced");
    }
    envelope->unsynced = clock[0] == 'u';
    return ERR_OK;
}

bool message_time(const struct cJSON *object, const char *name, int64_t fallback, int64_t *ret_ms)
{
    const struct cJSON *field = json_field(object, name);

    *ret_ms = fallback;
    return !field || json_is_null(field) ||
           (json_as_int(field, ret_ms) && *ret_ms >= 0 && *ret_ms <= MESSAGE_TIME_MOST);
}

/* Passes over a string whose opening quote is at at; at the byte behind its closing one, or the end. */
static const char *pass_text(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++) {
        at += *at == '\\';
    }
    return at < end ? at + 1 : end;
}

/* Where the value of one of the message's own keys begins, though JSON may be broken further on. What
 * stands deeper is somebody else's. */
static bool peek_field(const char *bytes, size_t size, const char *name, const char **ret_at)
{
    const char *at = bytes, *end = bytes + size;
    size_t length = strlen(name);
    int depth = 0;

    while (at < end) {
        const char *text = at;

        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        if (*at != '"') {
            at++;
            continue;
        }
        at = pass_text(at, end);
        if (depth != 1 || (size_t)(at - text) != length + 2 || memcmp(text + 1, name, length) != 0) {
            continue;
        }
        while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) {
            at++;
        }
        if (at < end && *at == ':') { /* a key and no value */
            for (at++; at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'); at++) {
            }
            *ret_at = at;
            return true;
        }
    }
    return false;
}

enum err envelope_peek(struct arena *arena, const char *bytes, size_t size,
                       struct envelope *ret_envelope)
{
    struct envelope envelope = {.seq = 0};
    const char *at, *end = bytes + size;
    char epoch[EPOCH_SIZE] = {0};

    (void)arena;
    if (!peek_field(bytes, size, "epoch", &at) || end - at < 18 || *at != '"' || at[17] != '"') {
        return ERR_FORMAT;
    }
    memcpy(epoch, at + 1, 16);
    if (!message_is_epoch(epoch) || !peek_field(bytes, size, "seq", &at)) {
        return ERR_FORMAT;
    }
    memcpy(envelope.epoch, epoch, EPOCH_SIZE);
    while (at < end && *at >= '0' && *at <= '9' && envelope.seq <= SEQ_MOST) {
        envelope.seq = envelope.seq * 10 + (uint64_t)(*at++ - '0');
    }
    if (envelope.seq < 1 || envelope.seq > SEQ_MOST || at == end || *at == '\0' ||
        !strchr(",} \t\r\n", *at)) {
        return ERR_FORMAT; /* no whole number, or cut off within it */
    }
    *ret_envelope = envelope;
    return ERR_OK;
}

/* ------------------------------------------------------------------ data */

static enum err read_value(const struct cJSON *value, struct reading *reading)
{
    reading->has_value = true;
    if (json_as_number(value, &reading->value)) {
        return ERR_OK;
    }
    reading->text = json_as_text(value);
    if (reading->text) {
        return ERR_OK;
    }
    reading->has_value = false;
    return json_is_null(value) ? ERR_OK : ERR_FORMAT;
}

static bool read_quality(const struct cJSON *value, enum quality *ret_quality)
{
    const char *words = json_as_text(value);

    for (int i = 0; words && quality_names[i]; i++) {
        if (strcmp(words, quality_names[i]) == 0) {
            *ret_quality = (enum quality)i;
            return true;
        }
    }
    return false;
}

/* [offset, value] or [offset, value, quality]; a sentence when it is something else. */
static const char *read_reading(const struct cJSON *item, int64_t t0_ms, struct reading *reading)
{
    const struct cJSON *offset = json_first(item), *value = json_next(offset);
    const struct cJSON *quality = json_next(value);
    double number;

    if (!json_is_list(item) || !value || json_next(quality)) {
        return "expected [offset, value] or [offset, value, quality]";
    }
    if (!json_as_number(offset, &number) || fabs(number) > 9e15) {
        return "expected an offset in whole milliseconds";
    }
    reading->t_ms = t0_ms + (int64_t)number;
    if (trunc(number) < number || trunc(number) > number || reading->t_ms < 0 ||
        reading->t_ms > MESSAGE_TIME_MOST) {
        return "expected an offset in whole milliseconds, within 1970 to 2262";
    }
    if (read_value(value, reading)) {
        return "expected a number, a text or null as value";
    }
    reading->quality = QUALITY_GOOD;
    if (quality && !read_quality(quality, &reading->quality)) {
        return "expected one of good stale timeout exception illegal invalid range clock";
    }
    if (!reading->has_value && reading->quality == QUALITY_GOOD) {
        return "expected a quality that says why there is no value";
    }
    return NULL;
}

static enum err read_series(struct arena *arena, const struct cJSON *list, const char *equipment,
                            struct data_message *message, struct series *series, struct text *why)
{
    size_t index = 0;

    series->equipment = equipment;
    series->point = json_name(list);
    if (!text_is_id(series->point)) {
        return text_say(why, ERR_FORMAT, "equipment.%s: expected a point's name, found '%.80s'",
                        equipment, series->point);
    }
    if (!json_is_list(list)) {
        return text_say(why, ERR_FORMAT, "equipment.%s.%s: expected a list of readings", equipment,
                        series->point);
    }
    series->count = json_size(list);
    series->readings = arena_array(arena, series->count + 1, sizeof(*series->readings));
    if (!series->readings) {
        return text_say(why, ERR_NOMEM, "too large for the memory it may use");
    }
    for (const struct cJSON *item = json_first(list); item; item = json_next(item)) {
        struct reading *reading = &series->readings[index];
        const char *wrong = read_reading(item, message->envelope.t0_ms, reading);

        if (wrong) {
            return text_say(why, ERR_FORMAT, "equipment.%s.%s[%zu]: %s", equipment, series->point,
                            index, wrong);
        }
        if (message->readings == 0 || reading->t_ms < message->least_ms) {
            message->least_ms = reading->t_ms;
        }
        if (message->readings == 0 || reading->t_ms > message->most_ms) {
            message->most_ms = reading->t_ms;
        }
        message->readings++;
        index++;
    }
    return ERR_OK;
}

static enum err count_series(const struct cJSON *equipment, size_t *ret_count, struct text *why)
{
    *ret_count = 0;
    for (const struct cJSON *one = json_first(equipment); one; one = json_next(one)) {
        if (!text_is_id(json_name(one))) {
            return text_say(why, ERR_FORMAT, "equipment: expected an id, found '%.80s'",
                            json_name(one));
        }
        if (!json_is_object(one)) {
            return text_say(why, ERR_FORMAT, "equipment.%s: expected a map of points",
                            json_name(one));
        }
        for (const struct cJSON *point = json_first(one); point; point = json_next(point)) {
            ++*ret_count;
        }
    }
    return ERR_OK;
}

enum err data_decode(struct arena *arena, const char *bytes, size_t size,
                     struct data_message *ret_message, struct text *why)
{
    struct data_message message = {.count = 0};
    const struct cJSON *root, *equipment;
    size_t count;
    enum err err;

    if (data_scan(arena, bytes, size, ret_message)) {
        return ERR_OK; /* nearly always */
    }
    err = message_parse(arena, bytes, size, &root, why);
    if (!err) {
        err = message_envelope(root, &message.envelope, why);
    }
    if (err) {
        return err;
    }
    equipment = json_field(root, "equipment");
    if (!json_is_object(equipment)) {
        return text_say(why, ERR_FORMAT, "equipment: expected a map of equipment");
    }
    message.least_ms = message.most_ms = message.envelope.t0_ms;
    err = count_series(equipment, &count, why);
    if (err) {
        return err;
    }
    message.series = arena_array(arena, count + 1, sizeof(*message.series));
    if (!message.series) {
        return text_say(why, ERR_NOMEM, "too large for the memory it may use");
    }
    for (const struct cJSON *one = json_first(equipment); one; one = json_next(one)) {
        for (const struct cJSON *list = json_first(one); list; list = json_next(list)) {
            err = read_series(arena, list, json_name(one), &message, &message.series[message.count],
                              why);
            if (err) {
                return err;
            }
            message.count++;
        }
    }
    *ret_message = message;
    return ERR_OK;
}

/* ------------------------------------------------------------------ events */

static enum err read_fault(const struct cJSON *event, struct event_message *message,
                           struct text *why)
{
    const char *state = json_text_or(event, "state", "");

    message->equipment = json_text_or(event, "equipment", "");
    message->fault = json_text_or(event, "fault", "");
    if (!text_is_id(message->equipment) || !text_is_id(message->fault)) {
        return text_say(why, ERR_FORMAT, "event: expected the ids of an equipment and a fault");
    }
    for (int i = 0;; i++) {
        if (!fault_state_names[i]) {
            return text_say(why, ERR_FORMAT,
                            "event.state: expected raised, regraded or cleared, found '%.40s'",
                            state);
        }
        if (strcmp(state, fault_state_names[i]) == 0) {
            message->state = (enum fault_state)i;
            break;
        }
    }
    if (json_field(event, "grade") || message->state != FAULT_CLEARED) {
        int64_t grade = json_int_or(event, "grade", -1);

        if (grade < (message->state == FAULT_CLEARED ? 0 : 1) || grade > 3) {
            return text_say(why, ERR_FORMAT, "event.grade: expected 1, 2 or 3");
        }
        message->grade = (int)grade;
    }
    if (!message_time(event, "onset", message->envelope.t0_ms, &message->onset_ms) ||
        !message_time(event, "detected", message->envelope.t0_ms, &message->detected_ms)) {
        return text_say(why, ERR_FORMAT, "event: expected onset and detected in ms since 1970");
    }
    message->evidence = json_field(event, "evidence");
    return ERR_OK;
}

static enum err read_tombstone(const struct cJSON *event, struct event_message *message,
                               struct text *why)
{
    const struct cJSON *of = json_field(event, "epoch");
    const char *epoch = of ? json_as_text(of) : message->envelope.epoch;
    int64_t from = json_int_or(event, "from", 0), to = json_int_or(event, "to", 0);

    if (!message_is_epoch(epoch)) {
        return text_say(why, ERR_FORMAT, "event.epoch: expected 16 hex digits");
    }
    if (from < 1 || to < from) {
        return text_say(why, ERR_FORMAT, "event: expected from and to, 1 <= from <= to");
    }
    memcpy(message->of_epoch, epoch, EPOCH_SIZE);
    message->from = (uint64_t)from;
    message->to = (uint64_t)to;
    message->lost = (uint64_t)(to - from + 1);
    message->reason = json_text_or(event, "reason", "");
    return ERR_OK;
}

static enum err read_event(const struct cJSON *event, struct event_message *message,
                           struct text *why)
{
    static const struct {
        const char *name;
        enum event_kind kind;
    } kinds[] = {
        {"fault", EVENT_FAULT},         {"bus", EVENT_BUS},
        {"capture", EVENT_CAPTURE},     {"tombstone", EVENT_TOMBSTONE},
        {"clockfix", EVENT_CLOCKFIX},   {"config", EVENT_CONFIG},
    };
    const char *kind = json_as_text(json_field(event, "kind"));

    if (!kind) {
        return text_say(why, ERR_FORMAT, "event.kind: expected a text");
    }
    message->kind = EVENT_OTHER;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kind, kinds[i].name) == 0) {
            message->kind = kinds[i].kind;
        }
    }
    message->event = event;
    if (message->kind == EVENT_FAULT) {
        return read_fault(event, message, why);
    }
    if (message->kind == EVENT_TOMBSTONE) {
        return read_tombstone(event, message, why);
    }
    if (message->kind == EVENT_CLOCKFIX &&
        (!json_as_int(json_field(event, "offset"), &message->offset_ms) ||
         message->offset_ms < -MESSAGE_TIME_MOST || message->offset_ms > MESSAGE_TIME_MOST)) {
        return text_say(why, ERR_FORMAT, "event.offset: expected milliseconds");
    }
    return ERR_OK;
}

enum err event_decode(struct arena *arena, const char *bytes, size_t size,
                      struct event_message *ret_message, struct text *why)
{
    struct event_message message = {.kind = EVENT_OTHER};
    const struct cJSON *root, *event;
    enum err err = message_parse(arena, bytes, size, &root, why);

    if (!err) {
        err = message_envelope(root, &message.envelope, why);
    }
    if (err) {
        return err;
    }
    event = json_field(root, "event");
    if (!json_is_object(event)) {
        return text_say(why, ERR_FORMAT, "event: expected an object");
    }
    err = read_event(event, &message, why);
    if (!err) {
        *ret_message = message;
    }
    return err;
}

enum err reply_decode(struct arena *arena, const char *bytes, size_t size,
                      struct reply_message *ret_message, struct text *why)
{
    static const char *const states[] = {"done", "refused", "failed", "expired", "unknown", NULL};
    struct reply_message message = {.command = NULL};
    const struct cJSON *root;
    enum err err = message_parse(arena, bytes, size, &root, why);

    if (!err) {
        err = message_envelope(root, &message.envelope, why);
    }
    if (err) {
        return err;
    }
    message.command = json_as_text(json_field(root, "command"));
    message.state = json_text_or(root, "state", "");
    message.reason = json_as_text(json_field(root, "reason"));
    message.result = json_field(root, "result");
    if (!message.command) {
        return text_say(why, ERR_FORMAT, "command: expected the id of a command");
    }
    for (int i = 0; states[i]; i++) {
        if (strcmp(states[i], message.state) == 0) {
            *ret_message = message;
            return ERR_OK;
        }
    }
    return text_say(why, ERR_FORMAT, "state: expected done, refused, failed, expired or unknown");
}

enum err status_decode(struct arena *arena, const char *bytes, size_t size,
                       struct status_message *ret_message, struct text *why)
{
    struct status_message message = {.online = false};
    const struct cJSON *root, *edge;
    const char *epoch;
    enum err err = message_parse(arena, bytes, size, &root, why);

    if (err) {
        return err;
    }
    if (!json_as_bool(json_field(root, "online"), &message.online)) {
        return text_say(why, ERR_FORMAT, "online: expected true or false");
    }
    epoch = json_as_text(json_field(root, "epoch"));
    if (json_field(root, "epoch") && !message_is_epoch(epoch)) {
        return text_say(why, ERR_FORMAT, "epoch: expected 16 hex digits");
    }
    if (epoch) {
        memcpy(message.epoch, epoch, EPOCH_SIZE);
    }
    message.version = json_as_text(json_field(root, "version"));
    edge = json_field(root, "edge");
    if (edge && !json_is_null(edge) && !json_as_bool(edge, &message.edge)) {
        return text_say(why, ERR_FORMAT, "edge: expected true or false");
    }
    if (!message_time(root, "t", 0, &message.t_ms)) {
        return text_say(why, ERR_FORMAT, "t: expected milliseconds since 1970");
    }
    message.equipment = json_field(root, "equipment");
    if (message.equipment && !json_is_null(message.equipment) && !json_is_object(message.equipment)) {
        return text_say(why, ERR_FORMAT, "equipment: expected a map of equipment");
    }
    message.spool = json_field(root, "spool");
    message.all = root;
    *ret_message = message;
    return ERR_OK;
}

/* ------------------------------------------------------------------ encoding */

void envelope_open(struct json_out *out, const struct envelope *envelope)
{
    json_open_object(out);
    json_int(out, "v", 1);
    json_text(out, "epoch", envelope->epoch);
    json_int(out, "seq", (int64_t)envelope->seq);
    json_int(out, "t0", envelope->t0_ms);
    if (envelope->unsynced) {
        json_text(out, "clock", "unsynced");
    }
}
