/* Births, wills, silence. */
#include "server/ingest/presence.h"

#include <string.h>

#define SILENT_BEATS   3    /* interfaces.md 7 */
#define SILENCE_EACH   1000 /* how often silence is looked for */
#define AWAY_MS        30000 /* not looked for that long: a lock, a sleep, or the clock has jumped */
#define DAY_MS         86400000LL
#define EPOCHS_GREETED 32   /* the youngest ones, after a birth */

/* ------------------------------------------------------------------ births */

static enum err note_equipment(struct pipeline *pipeline, struct sql *sql,
                               struct known_agent *agent, const struct cJSON *item, int64_t now_ms)
{
    const char *profile = json_text_or(item, "profile", NULL);
    struct known_equipment *equipment;
    enum err err;

    if (!text_is_id(json_name(item))) {
        return ERR_OK;
    }
    err = registry_equipment(pipeline->registry, sql, agent, json_name(item), now_ms, &equipment);
    if (err == ERR_DENIED || err == ERR_RANGE) {
        return ERR_OK; /* another agent's: this one's word for it does not count */
    }
    if (!err && profile) {
        err = registry_profile(pipeline->registry, sql, equipment, profile,
                               json_text_or(item, "hash", NULL));
    }
    return err;
}

/* Every stream of this agent that the server knows is acked anew: the agent deletes what the server
 * has, and sends the rest. */
static enum err greet(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent)
{
    struct sql_rows rows;
    enum err err = ERR_OK, end;

    sql_find(sql, &rows,
             "SELECT epoch FROM stream WHERE agent = ?1 ORDER BY epoch = ?2 DESC, id DESC LIMIT ?3",
             "iti", agent->id, agent->epoch, (int64_t)EPOCHS_GREETED);
    while (!err && sql_next(&rows)) {
        err = receipts_owe(pipeline->receipts, agent->name, sql_text(&rows, 0));
    }
    end = sql_end(&rows);
    return err ? err : end;
}

static void note_epoch(struct known_agent *agent, const char *epoch)
{
    if (epoch[0] && strcmp(agent->epoch, epoch) != 0) {
        (void)!text_copy(agent->before, sizeof(agent->before), agent->epoch);
        (void)!text_copy(agent->epoch, sizeof(agent->epoch), epoch);
    }
}

static enum err take_birth(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                           struct inbound *inbound, int64_t now_ms)
{
    const struct status_message *status = &inbound->status;
    enum err err = ERR_OK;

    for (const struct cJSON *item = json_first(status->equipment); item && !err;
         item = json_next(item)) {
        err = note_equipment(pipeline, sql, agent, item, now_ms);
    }
    if (!err) {
        err = registry_heartbeat(pipeline->registry, sql, agent);
    }
    if (err) {
        return err;
    }
    note_epoch(agent, status->epoch);
    agent->edge = status->edge;
    agent->online = true;
    err = sql_run(sql,
                  "UPDATE agent SET online = 1, edge = ?2, epoch = NULLIF(?3, ''), version = ?4,"
                  " status = ?5, will_ms = NULL WHERE id = ?1",
                  "iittt", agent->id, (int64_t)status->edge, agent->epoch, status->version,
                  inbound->bytes);
    if (!err) { /* how often it comes on is looked at by its inspections */
        err = sql_run(sql,
                      "INSERT INTO agent_day (agent, day, births) VALUES (?1, ?2, 1) ON CONFLICT (agent, day) DO UPDATE SET"
                      " births = agent_day.births + 1",
                      "ii", agent->id, now_ms / DAY_MS);
    }
    return err ? err : greet(pipeline, sql, agent);
}

/* ------------------------------------------------------------------ good-byes */

/* When the silence began that is noticed at now_ms. */
static int64_t last_word(const struct known_agent *agent, int64_t now_ms)
{
    return agent->last_seen_ms > 0 ? agent->last_seen_ms : now_ms;
}

static enum err take_will(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                          const struct inbound *inbound, int64_t now_ms)
{
    enum err err;

    if (inbound->status.epoch[0] && strcmp(inbound->status.epoch, agent->epoch) != 0 &&
        strcmp(inbound->status.epoch, agent->before) == 0) {
        return ERR_OK; /* of a life that a newer birth has replaced */
    }
    agent->online = false;
    err = sql_run(sql, "UPDATE agent SET online = 0, will_ms = ?2 WHERE id = ?1", "ii", agent->id,
                  inbound->received_ms);
    if (err || agent->silent) {
        return err;
    }
    if (inbound->retained && now_ms < pipeline->quiet_until_ms) {
        agent->said_good_bye = true; /* we were away, too: it has a minute to come back */
        return ERR_OK;
    }
    agent->silent = true;
    return desk_link_lost(pipeline->desk, sql, agent->id,
                          inbound->retained ? last_word(agent, now_ms) : inbound->received_ms,
                          now_ms);
}

enum err presence_status(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                         struct inbound *inbound, int64_t now_ms)
{
    return inbound->status.online ? take_birth(pipeline, sql, agent, inbound, now_ms)
                                  : take_will(pipeline, sql, agent, inbound, now_ms);
}

enum err presence_heard(struct pipeline *pipeline, struct sql *sql, struct known_agent *agent,
                        const struct inbound *inbound, int64_t now_ms)
{
    bool good_bye =
        inbound->channel == CHANNEL_STATUS && !inbound->err && !inbound->status.online;
    enum err err = ERR_OK;

    if (inbound->retained || good_bye) {
        return ERR_OK;
    }
    agent->last_seen_ms = inbound->received_ms;
    agent->said_good_bye = false;
    registry_touch_agent(pipeline->registry, agent);
    if (!agent->online) {
        agent->online = true;
        err = sql_run(sql, "UPDATE agent SET online = 1 WHERE id = ?1", "i", agent->id);
    }
    if (!err && agent->silent) {
        agent->silent = false;
        err = desk_link_back(pipeline->desk, sql, agent->id, now_ms);
    }
    return err;
}

/* ------------------------------------------------------------------ silence */

enum err presence_silence(struct pipeline *pipeline, struct sql *sql, int64_t now_ms)
{
    struct known_agent *agent, *next;
    int64_t since_ms;
    enum err err = ERR_OK;

    if (llabs(now_ms - pipeline->silence_ms) < SILENCE_EACH) {
        return ERR_OK;
    }
    if (pipeline->silence_ms && llabs(now_ms - pipeline->silence_ms) > AWAY_MS) {
        pipeline->quiet_until_ms = now_ms + pipeline->come_back_ms;
    }
    pipeline->silence_ms = now_ms;
    /* while some may still come back, those that were heard already are judged alone */
    since_ms = now_ms < pipeline->quiet_until_ms ? pipeline->quiet_until_ms - pipeline->come_back_ms : 0;
    HASH_ITER(hh, registry_agents(pipeline->registry), agent, next)
    {
        /* silence is counted from a last word: who never said one is not missed yet */
        bool silent = agent->last_seen_ms > 0 && agent->last_seen_ms >= since_ms &&
                      now_ms - agent->last_seen_ms > SILENT_BEATS * agent->heartbeat_ms;

        if (!err && !agent->silent && (silent || (agent->said_good_bye && !since_ms))) {
            agent->silent = true;
            agent->said_good_bye = agent->online = false;
            err = desk_link_lost(pipeline->desk, sql, agent->id, last_word(agent, now_ms), now_ms);
        }
    }
    return err;
}
