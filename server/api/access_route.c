/*
 * Who looked at whose data: after a route has answered, its row here says whose data it was. A line a person, customer,
 * route, object and hour; written before the answer leaves. A list shows many customers: its line says customer '*'.
 */
#include <string.h>

#include "server/api/api_int.h"

#define SITE_OF(table, key) "SELECT s.customer FROM " table " x JOIN site s ON s.id = x.site WHERE x." key " = ?1"

static const struct looked {
    const char *path;  /* behind /api/v1/ */
    const char *whose; /* customer of the object ?1; NULL: many */
} looks[] = {
    {"equipment/{id}", SITE_OF("equipment", "name")},
    {"equipment", NULL},
    {"tickets/{number}", SITE_OF("ticket", "number")},
    {"tickets/{number}/attachments", SITE_OF("ticket", "number")},
    {"tickets/{number}/rca", SITE_OF("ticket", "number")},
    {"tickets/{number}/money", SITE_OF("ticket", "number")},
    {"tickets", NULL},
    {"work-orders/{number}", SITE_OF("work_order", "number")},
    {"work-orders/{number}/documents/{name}", SITE_OF("work_order", "number")},
    {"work-orders", NULL},
    {"attachments/{id}/content",
     "SELECT s.customer FROM attachment a LEFT JOIN ticket t ON t.id = a.ticket LEFT JOIN work_order w ON w.id = a.work_order JOIN site"
     " s ON s.id = COALESCE(t.site, w.site) WHERE a.name = ?1"},
    {"documents/{name}/{id}",
     "SELECT MAX(s.customer) FROM site s LEFT JOIN ticket t ON t.site = s.id AND t.number = ?1 LEFT JOIN work_order w ON w.site = s.id"
     " AND w.number = ?1 LEFT JOIN equipment e ON e.site = s.id AND e.name = ?1 LEFT JOIN customer c ON c.id = s.customer AND c.name = ?1"
     " WHERE t.id IS NOT NULL OR w.id IS NOT NULL OR e.id IS NOT NULL OR c.id IS NOT NULL OR s.name = ?1"},
    {"quotations/{number}", "SELECT s.customer FROM quotation q JOIN ticket t ON t.id = q.ticket JOIN site s ON s.id = t.site WHERE q.number = ?1"},
    {"invoices/{number}", "SELECT s.customer FROM invoice v JOIN ticket t ON t.id = v.ticket JOIN site s ON s.id = t.site WHERE v.number = ?1"},
    {"agreements/{id}", "SELECT customer FROM contract WHERE name = ?1"},
    {"off-boardings/{number}", "SELECT customer FROM leaving WHERE number = ?1"},
    {"exports/{number}/content", "SELECT customer FROM export WHERE number = ?1"},
    {"fleet", NULL},
    {"complaints/{number}", "SELECT COALESCE(k.customer, s.customer) FROM complaint k LEFT JOIN site s ON s.id = k.site WHERE k.number = ?1"},
    {"complaints", NULL},
    {"register", NULL},
    {"questionnaires", NULL},
    {"analyses", NULL},
    {"customers/{id}/hints", "SELECT id FROM customer WHERE name = ?1"},
    {"trainings/{number}", "SELECT s.customer FROM training l JOIN site s ON s.id = l.site WHERE l.number = ?1"},
    {"trainings", NULL},
    {"certificates/{number}", "SELECT s.customer FROM course_taken k JOIN site s ON s.id = k.site WHERE k.name = ?1"},
    {"certificates", NULL},
    {"surveys", NULL},
    {"notices", NULL},
};

/* The customer, 0: many (or nobody's); -1: nobody's data is in it. */
static int64_t whose(struct call *call, const char **ret_object)
{
    const char *path = strncmp(call->route->path, "/api/v1/", 8) == 0 ? call->route->path + 8 : "";

    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        if (strcmp(looks[i].path, path) != 0) {
            continue;
        }
        *ret_object = !looks[i].whose ? "*" : strncmp(path, "documents", 9) == 0 ? call->parts[2] : call->parts[1];
        return looks[i].whose ? sql_find_int(call->sql, -1, looks[i].whose, "t", *ret_object) : 0;
    }
    return -1;
}

struct look {
    struct call *call;
    int64_t customer;
    const char *object;
};

static enum err do_look(struct sql *sql, int64_t now_ms, void *argument)
{
    const struct look *look = argument;
    struct call *call = look->call;

    return sql_run(sql,
                   "INSERT INTO access (at_ms, hour, who, role, source, route, customer, object) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                   " ON CONFLICT DO NOTHING",
                   "iittttit", now_ms, now_ms / 3600000, call->who, role_names[call->role], call->request->address, call->route->path,
                   look->customer, look->object);
}

void access_note(struct call *call)
{
    struct look look = {call, 0, NULL};

    if (strcmp(call->route->method, "GET") != 0 || call->role == ROLE_NONE || call->answer->status >= 400 ||
        (look.customer = whose(call, &look.object)) < 0 ||
        sql_find_int(call->sql, 0,
                     "SELECT 1 FROM access WHERE hour = ?1 AND who = ?2 AND customer = ?3 AND route = ?4 AND object = ?5", "ititt",
                     call->now_ms / 3600000, call->who, look.customer, call->route->path, look.object)) {
        return;
    }
    if (committer_do(call->api->options.committer, do_look, &look)) {
        call_problem(call, 503, "The database is not writable", "who looks at a customer's data is noted first");
    }
}

static enum err show_line(struct call *call, int64_t id)
{
    struct sql_rows rows;

    sql_find(call->sql, &rows,
             "SELECT a.at_ms, a.who, a.role, a.source, a.route, a.customer, c.name, a.object FROM access a LEFT JOIN customer c ON c.id ="
             " a.customer WHERE a.id = ?1",
             "i", id);
    if (sql_next(&rows)) {
        json_open_object(call->out);
        json_int(call->out, "id", id);
        call_time(call, "at", sql_int(&rows, 0));
        json_text(call->out, "who", sql_text(&rows, 1));
        json_text(call->out, "role", sql_text(&rows, 2));
        json_text(call->out, "source", sql_text(&rows, 3));
        json_text(call->out, "route", sql_text(&rows, 4));
        json_text(call->out, "customer", sql_int(&rows, 5) ? sql_text(&rows, 6) : "*");
        json_text(call->out, "object", sql_text(&rows, 7));
        json_close_object(call->out);
    }
    return sql_end(&rows);
}

/* The youngest first; ?customer=, ?who= narrow it. */
void access_list(struct call *call)
{
    const char *customer = http_query(call->request, "customer"), *who = http_query(call->request, "who");
    struct sql_rows rows;
    struct page page;
    int64_t below;

    if (!call_page(call, &page)) {
        return;
    }
    below = page.after > 0 ? page.after : INT64_MAX;
    if (customer) {
        sql_find(call->sql, &rows,
                 "SELECT id, NULL FROM access WHERE customer = (SELECT id FROM customer WHERE name = ?1) AND id < ?2 AND (?4 IS NULL OR"
                 " who = ?4) ORDER BY id DESC LIMIT ?3",
                 "tiit", customer, below, page.limit + 1, who);
    } else if (who) {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM access WHERE who = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3", "tii", who, below,
                 page.limit + 1);
    } else {
        sql_find(call->sql, &rows, "SELECT id, NULL FROM access WHERE id < ?1 ORDER BY id DESC LIMIT ?2", "ii", below, page.limit + 1);
    }
    call_list(call, &rows, &page, show_line);
}
