/* Job plans, and files beside orders and tickets. */
#include <string.h>

#include "models/service/job.h"
#include "server/api/act.h"
#include "server/field/attachment.h"
#include "server/field/field.h"

/* ------------------------------------------------------------------ files */

static enum err show_file(struct call *call, struct sql *sql, const char *name)
{
    return attachment_view(sql, name, call->zone, call->out);
}

static enum err do_begin(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct action action;
    char name[65] = "";
    TEXT(place, 120);
    enum err err = act_read(call, &action, why);

    if (!err) {
        err = desk_file_begin(call->api->options.desk, sql, &action, now_ms, name, why);
    }
    if (err) {
        return err;
    }
    call->answer->status = 201;
    text_addf(&place, "/api/v1/attachments/%s", name);
    call_header(call, "Location", place.at);
    return show_file(call, sql, name);
}

void attachments_post(struct call *call)
{
    (void)!call_write(call, do_begin);
}

static enum err do_add(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    const char *words = http_query(call->request, "offset");
    int64_t position = 0;
    enum err err;

    if (words && (text_to_int(words, strlen(words), &position) || position < 0)) {
        return text_say(why, ERR_FORMAT, "offset: expected a whole number from 0, found '%.40s'", words);
    }
    err = desk_file_add(call->api->options.desk, sql, call->parts[1], position, call->request->body,
                        call->request->size, now_ms, why);
    if (!err && why->length > 0) { /* it is undone, and that has to stay so */
        call_problem(call, 422, "Cannot be done as asked", "%s", why->at);
        return ERR_OK;
    }
    return err ? err : show_file(call, sql, call->parts[1]);
}

void attachments_add(struct call *call)
{
    (void)!call_write(call, do_add);
}

static void not_found(struct call *call, enum err err)
{
    if (err == ERR_NOT_FOUND) {
        call_problem(call, 404, "Not found", "no attachment %s", call->parts[1]);
    } else if (err) {
        call_problem(call, 503, "The database is not readable", "try again");
    }
}

void attachments_show(struct call *call)
{
    not_found(call, show_file(call, call->sql, call->parts[1]));
}

void attachments_content(struct call *call)
{
    char type[64] = "application/octet-stream";
    enum err err = attachment_content(call->sql, call->parts[1], call->out, type);

    if (!err) {
        call->answer->type = arena_text(call->request->arena, type, strlen(type));
        call_header(call, "Content-Disposition", "attachment");
    }
    not_found(call, err);
}

void attachments_of_ticket(struct call *call)
{
    int64_t id = view_find_ticket(call->sql, call->parts[1]);

    if (id < 0) {
        call_problem(call, 404, "Not found", "no ticket %s", call->parts[1]);
        return;
    }
    json_open_object(call->out);
    json_key(call->out, "items");
    if (attachments_view(call->sql, 0, id, call->zone, call->out)) {
        call_problem(call, 503, "The database is not readable", "try again");
        return;
    }
    json_null(call->out, "next");
    json_close_object(call->out);
}

/* ------------------------------------------------------------------ job plans */

static void put_words(struct json_out *out, const char *name, const char *const *words)
{
    json_key(out, name);
    json_open_list(out);
    for (; *words; words++) {
        json_put_text(out, *words);
    }
    json_close_list(out);
}

static void put_head(struct json_out *out, const struct job *job)
{
    json_text(out, "id", job->id);
    json_int(out, "version", job->version);
    json_text(out, "hash", job->hash);
    job_put_title("title", &job->title, out);
    json_text(out, "kind", job_kind_names[job->kind]);
    json_key(out, "for");
    json_open_object(out);
    put_words(out, "profiles", job->profiles);
    put_words(out, "faults", job->faults);
    put_words(out, "components", job->components);
    json_close_object(out);
    json_int(out, "duration", job->duration_ms / 1000);
    put_words(out, "skills", job->skills);
    put_words(out, "tools", job->tools);
}

static enum err show_job(struct call *call, int64_t index)
{
    json_open_object(call->out);
    put_head(call->out, rules_job_at(call->api->options.rules, (size_t)index));
    json_close_object(call->out);
    return ERR_OK;
}

static void put_codes(struct json_out *out, const char *name, const struct code_list *codes)
{
    json_key(out, name);
    json_open_list(out);
    for (size_t i = 0; codes && i < codes->count; i++) {
        json_open_object(out);
        json_text(out, "code", codes->items[i].id);
        job_put_title("title", &codes->items[i].title, out);
        json_bool(out, "note", codes->items[i].note);
        json_close_object(out);
    }
    json_close_list(out);
}

void jobs_list(struct call *call)
{
    const struct codes *codes = rules_codes(call->api->options.rules);
    size_t count = rules_job_count(call->api->options.rules);

    json_open_object(call->out);
    json_key(call->out, "items");
    json_open_list(call->out);
    for (size_t i = 0; i < count; i++) {
        (void)!show_job(call, (int64_t)i);
    }
    json_close_list(call->out);
    json_null(call->out, "next");
    put_codes(call->out, "refusals", codes ? &codes->refusals : NULL);
    put_codes(call->out, "overrides", codes ? &codes->overrides : NULL);
    put_codes(call->out, "skips", codes ? &codes->skips : NULL);
    put_codes(call->out, "classes", codes ? &codes->classes : NULL);
    put_codes(call->out, "natures", codes ? &codes->natures : NULL);
    put_codes(call->out, "severities", codes ? &codes->severities : NULL);
    json_close_object(call->out);
}

static void put_steps(struct json_out *out, const struct job *job)
{
    json_key(out, "steps");
    json_open_list(out);
    for (size_t i = 0; i < job->step_count; i++) {
        json_open_object(out);
        job_put_step(&job->steps[i], out);
        json_close_object(out);
    }
    json_close_list(out);
}

void jobs_show(struct call *call)
{
    const struct job *job = rules_job(call->api->options.rules, call->parts[1]);

    if (!job) {
        call_problem(call, 404, "Not found", "no job plan %s", call->parts[1]);
        return;
    }
    json_open_object(call->out);
    put_head(call->out, job);
    put_steps(call->out, job);
    json_close_object(call->out);
}
