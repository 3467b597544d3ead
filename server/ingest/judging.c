/* From readings to verdicts to the desk. */
#include "server/ingest/judging.h"

#include <stdlib.h>
#include <string.h>

#include "server/store/readings.h"

#define WARM_UP_MOST     500000                /* readings looked at after a restart */
#define JUDGE_BYTES_MOST (512 * 1024 * 1024LL) /* of all judges; beyond it idle ones are closed */
#define IDLE_MS          60000

struct moment { /* one reading of one point */
    int64_t t_ms;
    size_t point; /* in the profile */
    struct reading reading;
    size_t order;
};

struct moments {
    struct moment *list;
    size_t count, room;
    struct arena *arena; /* list is in it and does not grow; NULL: on the heap */
    size_t point;
};

static int by_time(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;

    if (x->t_ms != y->t_ms) {
        return x->t_ms < y->t_ms ? -1 : 1;
    }
    return x->order < y->order ? -1 : x->order > y->order;
}

static bool add(struct moments *moments, size_t point, const struct reading *reading)
{
    if (moments->count == moments->room) {
        size_t room = moments->room ? 2 * moments->room : 256;
        struct moment *list =
            moments->arena ? NULL : realloc(moments->list, room * sizeof(*list));

        if (!list) {
            return false;
        }
        moments->list = list;
        moments->room = room;
    }
    moments->list[moments->count] =
        (struct moment){reading->t_ms, point, *reading, moments->count};
    moments->count++;
    return true;
}

/* ------------------------------------------------------------------ after a restart */

static bool keep_history(void *context, const struct reading *reading)
{
    struct moments *moments = context;
    struct reading copy = *reading;

    copy.text = reading->text ? "" : NULL; /* texts are not judged, only that they are none */
    return moments->count < WARM_UP_MOST && add(moments, moments->point, &copy);
}

static enum err read_history(struct sql *sql, struct known_equipment *equipment,
                             struct moments *moments)
{
    int64_t from_ms = equipment->judged_ms - judge_horizon_ms(equipment->profile);
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < equipment->profile->point_count; i++) {
        int64_t point = sql_find_int(sql, 0, "SELECT id FROM point WHERE equipment = ?1 AND name = ?2",
                                     "it", equipment->id, equipment->profile->points[i].name);

        moments->point = i;
        if (point) {
            err = readings_each(sql, point, from_ms, equipment->judged_ms + 1, keep_history, moments);
        }
    }
    return err;
}

/* What the database says about open faults goes before what the history showed. */
static enum err agree_with_alarms(struct sql *sql, struct known_equipment *equipment)
{
    bool open[PROFILE_FAULTS_MOST] = {false};
    struct sql_rows rows;

    sql_find(sql, &rows,
             "SELECT fault, grade, onset_ms FROM alarm WHERE equipment = ?1 AND cleared_ms IS NULL AND quiet_ms IS NULL",
             "i", equipment->id);
    while (sql_next(&rows)) {
        int fault = profile_fault(equipment->profile, sql_text(&rows, 0));

        if (fault >= 0) {
            open[fault] = true;
            judge_restore(equipment->judge, (size_t)fault, (int)sql_int(&rows, 1), sql_int(&rows, 2));
        }
    }
    for (size_t i = 0; i < equipment->profile->fault_count; i++) {
        if (!open[i] && judge_is_open(equipment->judge, i)) {
            judge_withdraw(equipment->judge, i);
        }
    }
    return sql_end(&rows);
}

static enum err warm_up(struct sql *sql, struct known_equipment *equipment)
{
    struct moments moments = {.count = 0};
    struct verdict *verdicts = calloc(equipment->profile->fault_count + 1, sizeof(*verdicts));
    enum err err = verdicts ? ERR_OK : ERR_NOMEM;

    if (!err && equipment->judged_ms > 0) {
        err = agree_with_alarms(sql, equipment); /* first, so that the history shows what clears them */
    }
    if (!err && equipment->judged_ms > 0) {
        err = read_history(sql, equipment, &moments);
    }
    if (!err && moments.count > 0) {
        qsort(moments.list, moments.count, sizeof(*moments.list), by_time);
    }
    for (size_t i = 0; !err && i < moments.count; i++) {
        (void)!judge_take(equipment->judge, moments.list[i].point, &moments.list[i].reading);
        if (i + 1 == moments.count || moments.list[i + 1].t_ms != moments.list[i].t_ms) {
            judge_decide(equipment->judge, moments.list[i].t_ms, verdicts,
                         equipment->profile->fault_count);
        }
    }
    if (!err) {
        err = agree_with_alarms(sql, equipment);
    }
    free(verdicts);
    free(moments.list);
    return err;
}

/* Judges of equipment that has been quiet are closed; they warm up again when they are needed. */
static void make_room(struct pipeline *pipeline, int64_t now_ms)
{
    struct known_equipment *equipment, *next;

    if (pipeline->judge_bytes < JUDGE_BYTES_MOST) {
        return;
    }
    pipeline->judge_bytes = 0;
    HASH_ITER(hh, registry_equipments(pipeline->registry), equipment, next)
    {
        if (equipment->judge && llabs(now_ms - equipment->judge_used_ms) > IDLE_MS) {
            judge_close(equipment->judge);
            equipment->judge = NULL;
        }
        pipeline->judge_bytes += equipment->judge ? (int64_t)judge_bytes(equipment->judge) : 0;
    }
}

static enum err open_judge(struct pipeline *pipeline, struct sql *sql,
                           struct known_equipment *equipment, int64_t now_ms)
{
    enum err err;

    make_room(pipeline, now_ms);
    err = judge_open(equipment->profile, &equipment->judge);
    if (!err) {
        err = warm_up(sql, equipment);
        pipeline->judge_bytes += (int64_t)judge_bytes(equipment->judge);
    }
    return err;
}

/* ------------------------------------------------------------------ verdicts */

static enum err report(struct pipeline *pipeline, struct sql *sql,
                       struct known_equipment *equipment, const struct verdict *verdict,
                       int64_t now_ms)
{
    struct desk_fault fault = {
        .equipment = equipment->id,
        .fault = equipment->profile->faults[verdict->fault].id,
        .state = verdict->state,
        .grade = verdict->grade,
        .onset_ms = verdict->onset_ms,
        .detected_ms = verdict->detected_ms,
        .cleared_ms = verdict->cleared_ms,
        .t_ms = verdict->t_ms,
        .late = verdict->t_ms < now_ms - LATE_MS,
    };

    json_out_reset(&pipeline->out);
    judge_evidence(equipment->judge, verdict->fault, &pipeline->out);
    fault.evidence = pipeline->out.bytes;
    return desk_fault(pipeline->desk, sql, &fault, now_ms);
}

static enum err decide(struct pipeline *pipeline, struct sql *sql,
                       struct known_equipment *equipment, int64_t t_ms, int64_t now_ms)
{
    struct verdict verdicts[64];
    enum err err = ERR_OK;
    size_t count;

    do {
        count = judge_decide(equipment->judge, t_ms, verdicts, 64);
        for (size_t i = 0; !err && i < count; i++) {
            err = report(pipeline, sql, equipment, &verdicts[i], now_ms);
        }
    } while (!err && count == 64);
    return err;
}

/*
 * A reading from the future would make all that comes later late: it is stored and not judged. When
 * one was judged (our own clock stood wrong), judging begins anew.
 */
static bool is_ahead(int64_t t_ms, int64_t now_ms)
{
    return t_ms > now_ms + REGISTRY_FUTURE_MS;
}

static enum err prepare(struct pipeline *pipeline, struct sql *sql,
                        struct known_equipment *equipment, int64_t now_ms)
{
    if (is_ahead(equipment->judged_ms, now_ms)) {
        judge_close(equipment->judge);
        equipment->judge = NULL;
        equipment->judged_ms = 0;
    }
    equipment->judge_used_ms = now_ms;
    return equipment->judge ? ERR_OK : open_judge(pipeline, sql, equipment, now_ms);
}

static void put_in_order(struct moments *moments)
{
    for (size_t i = 1; i < moments->count; i++) {
        if (moments->list[i - 1].t_ms > moments->list[i].t_ms) {
            qsort(moments->list, moments->count, sizeof(*moments->list), by_time);
            return;
        }
    }
}

/* Latching faults that a person has reset since (desk/raise.c). Few profiles have any. */
static void take_resets(struct sql *sql, struct known_equipment *equipment)
{
    for (size_t i = 0; i < equipment->profile->fault_count; i++) {
        const struct fault_rule *rule = &equipment->profile->faults[i];

        if (rule->latching && judge_is_open(equipment->judge, i) &&
            sql_find_int(sql, 0,
                         "SELECT reset_ms FROM alarm WHERE equipment = ?1 AND fault = ?2 AND cleared_ms"
                         " IS NULL",
                         "it", equipment->id, rule->id)) {
            judge_reset(equipment->judge, i);
        }
    }
}

/* All readings of one piece of equipment in the message, in event time. */
static enum err judge_moments(struct pipeline *pipeline, struct sql *sql,
                              struct known_equipment *equipment, struct moments *moments,
                              int64_t now_ms, int64_t *ret_late)
{
    enum err err = prepare(pipeline, sql, equipment, now_ms);
    bool taken = false;

    put_in_order(moments);
    if (!err) {
        take_resets(sql, equipment);
    }
    for (size_t i = 0; !err && i < moments->count; i++) {
        const struct moment *moment = &moments->list[i];

        if (is_ahead(moment->t_ms, now_ms)) {
            break;
        }
        if (moment->t_ms < equipment->judged_ms ||
            judge_take(equipment->judge, moment->point, &moment->reading)) {
            ++*ret_late;
        } else {
            taken = true;
        }
        if (taken && (i + 1 == moments->count || moments->list[i + 1].t_ms > moment->t_ms)) {
            err = decide(pipeline, sql, equipment, moment->t_ms, now_ms);
            equipment->judged_ms = moment->t_ms;
            registry_touch_equipment(pipeline->registry, equipment);
            taken = false;
        }
    }
    return err;
}

/* true when an earlier series of the message was of the same equipment. */
static bool came_before(const struct inbound *inbound, size_t index)
{
    if (index > 0 && inbound->places[index - 1].equipment == inbound->places[index].equipment) {
        return true; /* they mostly stand together */
    }
    for (size_t i = 0; i < index; i++) {
        if (inbound->places[i].equipment == inbound->places[index].equipment) {
            return true;
        }
    }
    return false;
}

static bool gather(const struct inbound *inbound, size_t from, struct moments *moments)
{
    const struct data_message *message = &inbound->data;

    moments->count = 0;
    for (size_t i = from; i < message->count; i++) {
        const struct place *place = &inbound->places[i];

        if (place->equipment != inbound->places[from].equipment || place->point->index < 0) {
            continue;
        }
        for (size_t k = 0; k < message->series[i].count; k++) {
            if (!add(moments, (size_t)place->point->index, &message->series[i].readings[k])) {
                return false;
            }
        }
    }
    return true;
}

enum err judging_take(struct pipeline *pipeline, struct sql *sql, struct inbound *inbound,
                      int64_t now_ms, int64_t *ret_late)
{
    struct moments moments = {.arena = inbound->arena, .room = inbound->data.readings};
    enum err err = ERR_OK;

    *ret_late = 0;
    moments.list = arena_array(inbound->arena, moments.room + 1, sizeof(*moments.list));
    if (!moments.list) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; !err && i < inbound->data.count; i++) {
        struct known_equipment *equipment = inbound->places[i].equipment;

        if (!equipment->profile || came_before(inbound, i)) {
            continue;
        }
        if (!gather(inbound, i, &moments)) {
            err = ERR_NOMEM;
        } else if (moments.count > 0) {
            err = judge_moments(pipeline, sql, equipment, &moments, now_ms, ret_late);
        }
    }
    return err;
}

void judging_note(struct pipeline *pipeline, const struct inbound *inbound, int64_t now_ms)
{
    for (size_t i = 0; i < inbound->data.count; i++) {
        struct known_equipment *equipment = inbound->places[i].equipment;

        for (size_t k = 0; inbound->places[i].point->index >= 0 && k < inbound->data.series[i].count;
             k++) {
            int64_t t_ms = inbound->data.series[i].readings[k].t_ms;

            if (t_ms > equipment->judged_ms && !is_ahead(t_ms, now_ms)) {
                equipment->judged_ms = t_ms;
                registry_touch_equipment(pipeline->registry, equipment);
            }
        }
    }
}
