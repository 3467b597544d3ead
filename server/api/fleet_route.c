/* The fleet as files over HTTP: what was imported, to take away; a file to import, all or nothing. */
#include <string.h>

#include "server/api/api_int.h"
#include "server/fleet/crew.h"
#include "server/fleet/fleet_file.h"

#define ARENA_MOST (256 * 1024 * 1024)
#define TOLD_MOST  20 /* findings in an answer; the rest is counted */

void fleet_show(struct call *call)
{
    static const char *const forms[] = {"yaml", "csv", "json", NULL};
    static const char *const types[] = {"application/yaml", "text/csv; charset=utf-8; header=present", "application/json"};
    const char *name = http_query(call->request, "section"), *word = NULL;
    int section = name ? fleet_section(name) : -1;
    enum fleet_form form = FLEET_JSON;
    struct arena *arena;
    enum err err;

    if (!call_word(call, "format", forms, &word)) {
        return;
    }
    for (int i = 0; word && forms[i]; i++) {
        form = strcmp(forms[i], word) == 0 ? (enum fleet_form)i : form;
    }
    if ((name && section < 0) || (form == FLEET_CSV && section < 0)) {
        call_problem(call, 422, "Cannot be done as asked", "section: expected a section of the fleet file%s, found '%.64s'",
                     name ? "" : " (CSV has one)", name ? name : "");
        return;
    }
    if (call_note(call, "fleet taken away", name, NULL) || arena_open(ARENA_MOST, &arena)) {
        call_problem(call, 503, "It could not be noted", "try again");
        return;
    }
    err = fleet_put(call->sql, arena, section, form, call->out);
    arena_close(arena);
    if (err) {
        call_problem(call, 503, "The fleet is too large for one answer", "ask for a section, or export it on the server");
    } else {
        call->answer->type = types[form];
    }
}

/* ------------------------------------------------------------------ import */

static enum err tell(const struct complaints *complaints, struct text *why)
{
    for (size_t i = 0; i < complaints->count && i < TOLD_MOST && i < COMPLAINTS_MOST; i++) {
        text_addf(why, "%s%s", i ? "\n" : "", complaints->lines[i]);
    }
    if (complaints->count > TOLD_MOST) {
        text_addf(why, "\nand %zu more", complaints->count - TOLD_MOST);
    }
    return ERR_FORMAT;
}

static enum err import(struct call *call, struct sql *sql, struct arena *arena, int64_t now_ms, struct text *why)
{
    struct rules *rules = call->api->options.rules;
    const char *name = http_query(call->request, "name");
    struct complaints complaints = {.path = name ? name : "fleet.yaml", .arena = arena};
    struct yaml_node *root = NULL;
    int64_t changed = 0;
    enum err err = fleet_add(arena, complaints.path, call->request->body, call->request->size, &complaints, &root);

    if (!err) {
        err = fleet_check_tree(arena, sql, rules, root, &complaints);
    }
    if (!err) {
        err = fleet_apply(sql, root, now_ms, &changed);
    }
    if (!err) {
        err = crew_prove(arena, sql, rules, root, now_ms, &complaints);
    }
    if (!err) {
        err = fleet_advise(sql, rules, root, &complaints);
    }
    if (err) {
        return complaints.count ? tell(&complaints, why) : err;
    }
    json_open_object(call->out);
    json_int(call->out, "changed", changed);
    json_key(call->out, "warnings");
    json_open_list(call->out);
    for (size_t i = 0; i < complaints.count && i < COMPLAINTS_MOST; i++) {
        json_put_text(call->out, complaints.lines[i]);
    }
    json_close_list(call->out);
    json_close_object(call->out);
    return ERR_OK;
}

static enum err do_import(struct call *call, struct sql *sql, int64_t now_ms, struct text *why)
{
    struct arena *arena;
    enum err err = arena_open(ARENA_MOST, &arena);

    if (!err) {
        err = import(call, sql, arena, now_ms, why);
        arena_close(arena);
    }
    return err;
}

void fleet_import(struct call *call)
{
    (void)call_write(call, do_import); /* it has written its problem */
}
