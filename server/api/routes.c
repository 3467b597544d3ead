/* The one table of routes, and what every request is asked before its route runs. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/api/api_int.h"

#define V1 "/api/v1/"

const struct route routes[] = {
    {"GET", "/", MAY_ANYBODY, ANSWER_OTHER, BODY_NONE, route_root},
    {"GET", "/healthz", MAY_ANYBODY, ANSWER_OTHER, BODY_NONE, route_health},
    {"GET", "/readyz", MAY_ANYBODY, ANSWER_OTHER, BODY_NONE, route_ready},
    {"GET", "/metrics", MAY_NEAR, ANSWER_OTHER, BODY_NONE, route_metrics},
    {"GET", V1 "openapi.json", MAY_ANYBODY, ANSWER_OTHER, BODY_NONE, route_openapi},
    {"POST", V1 "login", MAY_ANYBODY, ANSWER_JSON, BODY_NEEDED, session_log_in},
    {"POST", V1 "logout", MAY_READ, ANSWER_JSON, BODY_MAYBE, session_log_out},
    {"GET", V1 "stream", MAY_READ, ANSWER_OTHER, BODY_NONE, route_stream},
    {"GET", V1 "equipment", MAY_READ, ANSWER_LIST, BODY_NONE, equipment_list},
    {"GET", V1 "equipment/{id}", MAY_READ, ANSWER_JSON, BODY_NONE, equipment_show},
    {"GET", V1 "equipment/{id}/series", MAY_READ, ANSWER_JSON, BODY_NONE, equipment_series},
    {"POST", V1 "equipment/{id}/inspections", MAY_WRITE, ANSWER_JSON, BODY_MAYBE,
     orders_post_inspection},
    {"POST", V1 "equipment/{id}/commands", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, orders_post_command},
    {"GET", V1 "inspections/{number}", MAY_READ, ANSWER_OTHER, BODY_NONE, orders_show_inspection},
    {"GET", V1 "inspections", MAY_READ, ANSWER_LIST, BODY_NONE, inspections_list},
    {"POST", V1 "inspections/{number}/actions", MAY_DESK, ANSWER_JSON, BODY_NEEDED, inspections_act},
    {"GET", V1 "inspections/{number}/report", MAY_READ, ANSWER_OTHER, BODY_NONE, inspections_report},
    {"GET", V1 "reviews/{id}", MAY_READ, ANSWER_OTHER, BODY_NONE, reviews_show},
    {"GET", V1 "proposals", MAY_READ, ANSWER_LIST, BODY_NONE, proposals_list},
    {"POST", V1 "proposals/{id}/actions", MAY_DESK, ANSWER_JSON, BODY_NEEDED, proposals_act},
    {"GET", V1 "commands/{id}", MAY_READ, ANSWER_JSON, BODY_NONE, orders_show_command},
    {"GET", V1 "agents", MAY_READ, ANSWER_LIST, BODY_NONE, agents_list},
    {"GET", V1 "tickets", MAY_READ, ANSWER_LIST, BODY_NONE, tickets_list},
    {"POST", V1 "tickets", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, tickets_post},
    {"GET", V1 "tickets/{number}", MAY_READ, ANSWER_JSON, BODY_NONE, tickets_show},
    {"GET", V1 "tickets/{number}/clocks", MAY_READ, ANSWER_JSON, BODY_NONE, clocks_show},
    {"GET", V1 "tickets/{number}/candidates", MAY_READ, ANSWER_LIST, BODY_NONE, tickets_candidates},
    {"POST", V1 "tickets/{number}/actions", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, tickets_act},
    {"GET", V1 "duties", MAY_READ, ANSWER_LIST, BODY_NONE, duties_list},
    {"POST", V1 "duties/{id}/actions", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, duties_act},
    {"GET", V1 "tickets/{number}/rca", MAY_READ, ANSWER_OTHER, BODY_NONE, people_rca},
    {"GET", V1 "notices", MAY_DESK, ANSWER_LIST, BODY_NONE, people_notices},
    {"POST", V1 "notices/{id}/receipt", MAY_DESK, ANSWER_JSON, BODY_NEEDED, people_receipt},
    {"GET", V1 "alarms", MAY_READ, ANSWER_LIST, BODY_NONE, alarms_list},
    {"GET", V1 "alarms/{id}", MAY_READ, ANSWER_JSON, BODY_NONE, alarms_show},
    {"POST", V1 "alarms/{id}/actions", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, alarms_act},
    {"GET", V1 "windows", MAY_READ, ANSWER_LIST, BODY_NONE, windows_list},
    {"POST", V1 "windows", MAY_MANAGE, ANSWER_JSON, BODY_NEEDED, windows_post},
    {"GET", V1 "windows/{id}", MAY_READ, ANSWER_JSON, BODY_NONE, windows_show},
    {"POST", V1 "windows/{id}/actions", MAY_MANAGE, ANSWER_JSON, BODY_NEEDED, windows_act},
    {"GET", V1 "work-orders", MAY_READ, ANSWER_LIST, BODY_NONE, work_list},
    {"GET", V1 "work-orders/{number}", MAY_READ, ANSWER_JSON, BODY_NONE, work_show},
    {"POST", V1 "work-orders/{number}/actions", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, work_act},
    {"POST", V1 "work-orders", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, work_post},
    {"POST", V1 "work-orders/actions", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, work_batch},
    {"GET", V1 "work-orders/{number}/documents/{name}", MAY_READ, ANSWER_OTHER, BODY_NONE, work_paper},
    {"GET", V1 "fleet", MAY_OVERSEE, ANSWER_OTHER, BODY_NONE, fleet_show},
    {"POST", V1 "fleet", MAY_OVERSEE, ANSWER_JSON, BODY_BYTES, fleet_import},
    {"GET", V1 "documents", MAY_READ, ANSWER_LIST, BODY_NONE, documents_list},
    {"GET", V1 "documents/{name}/{id}", MAY_READ, ANSWER_OTHER, BODY_NONE, documents_show},
    {"GET", V1 "documents/{name}/{id}/versions", MAY_READ, ANSWER_LIST, BODY_NONE, documents_versions},
    {"POST", V1 "documents/{name}/{id}", MAY_WRITE, ANSWER_JSON, BODY_MAYBE, documents_issue},
    {"POST", V1 "documents/{name}/{id}/approve", MAY_MANAGE, ANSWER_JSON, BODY_NEEDED, documents_approve},
    {"GET", V1 "jobs", MAY_READ, ANSWER_LIST, BODY_NONE, jobs_list},
    {"GET", V1 "jobs/{id}", MAY_READ, ANSWER_JSON, BODY_NONE, jobs_show},
    {"POST", V1 "attachments", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, attachments_post},
    {"GET", V1 "attachments/{id}", MAY_READ, ANSWER_JSON, BODY_NONE, attachments_show},
    {"POST", V1 "attachments/{id}/pieces", MAY_WRITE, ANSWER_JSON, BODY_BYTES, attachments_add},
    {"GET", V1 "attachments/{id}/content", MAY_READ, ANSWER_OTHER, BODY_NONE, attachments_content},
    {"GET", V1 "tickets/{number}/attachments", MAY_READ, ANSWER_LIST, BODY_NONE, attachments_of_ticket},
    {"GET", V1 "parts", MAY_READ, ANSWER_LIST, BODY_NONE, parts_list},
    {"GET", V1 "parts/{id}", MAY_READ, ANSWER_JSON, BODY_NONE, parts_show},
    {"GET", V1 "parts/{id}/allocation", MAY_READ, ANSWER_JSON, BODY_NONE, parts_allocation},
    {"GET", V1 "depots", MAY_READ, ANSWER_LIST, BODY_NONE, depots_list},
    {"GET", V1 "stock", MAY_READ, ANSWER_LIST, BODY_NONE, stock_list},
    {"POST", V1 "stock", MAY_DESK, ANSWER_JSON, BODY_NEEDED, stock_post},
    {"GET", V1 "stock/moves", MAY_READ, ANSWER_LIST, BODY_NONE, moves_list},
    {"GET", V1 "stock/levels", MAY_READ, ANSWER_LIST, BODY_NONE, levels_show},
    {"GET", V1 "vouchers", MAY_READ, ANSWER_LIST, BODY_NONE, vouchers_list},
    {"POST", V1 "vouchers", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, vouchers_post},
    {"GET", V1 "vouchers/{number}", MAY_READ, ANSWER_JSON, BODY_NONE, vouchers_show},
    {"POST", V1 "vouchers/{number}/actions", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, vouchers_act},
    {"GET", V1 "escalations", MAY_READ, ANSWER_LIST, BODY_NONE, escalations_list},
    {"POST", V1 "escalations/{id}/actions", MAY_MANAGE, ANSWER_JSON, BODY_NEEDED, escalations_act},
    {"GET", V1 "technicians", MAY_READ, ANSWER_LIST, BODY_NONE, technicians_list},
    {"GET", V1 "teams", MAY_READ, ANSWER_LIST, BODY_NONE, teams_list},
    {"GET", V1 "rosters", MAY_READ, ANSWER_LIST, BODY_NONE, rosters_list},
    {"GET", V1 "rosters/{id}", MAY_READ, ANSWER_JSON, BODY_NONE, rosters_show},
    {"GET", V1 "visits", MAY_READ, ANSWER_LIST, BODY_NONE, visits_list},
    {"GET", V1 "visits/{id}", MAY_READ, ANSWER_JSON, BODY_NONE, visits_show},
    {"POST", V1 "visits/{id}/actions", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, visits_act},
    {"GET", V1 "feeds", MAY_MANAGE, ANSWER_LIST, BODY_NONE, feeds_list},
    {"POST", V1 "feeds/{id}/actions", MAY_MANAGE, ANSWER_JSON, BODY_NEEDED, feeds_act},
    {"POST", V1 "feeds", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, feeds_post},
    {"GET", V1 "calendars/{token}.ics", MAY_ANYBODY, ANSWER_OTHER, BODY_NONE, feeds_show},
    {"GET", V1 "predictions", MAY_READ, ANSWER_LIST, BODY_NONE, predictions_list},
    {"GET", V1 "reports", MAY_READ, ANSWER_LIST, BODY_NONE, reports_list},
    {"GET", V1 "reports/{name}", MAY_READ, ANSWER_REPORT, BODY_NONE, reports_show},
    {"GET", V1 "tickets/{number}/money", MAY_READ, ANSWER_JSON, BODY_NONE, money_of_ticket},
    {"GET", V1 "money/requests", MAY_MANAGE, ANSWER_LIST, BODY_NONE, money_requests},
    {"GET", V1 "quotations", MAY_READ, ANSWER_LIST, BODY_NONE, quotations_list},
    {"GET", V1 "quotations/{number}", MAY_READ, ANSWER_OTHER, BODY_NONE, quotations_show},
    {"GET", V1 "invoices/{number}", MAY_READ, ANSWER_OTHER, BODY_NONE, invoices_show},
    {"GET", V1 "claims", MAY_DESK, ANSWER_LIST, BODY_NONE, claims_list},
    {"POST", V1 "claims", MAY_DESK, ANSWER_JSON, BODY_NEEDED, claims_post},
    {"GET", V1 "claims/{number}", MAY_DESK, ANSWER_OTHER, BODY_NONE, claims_show},
    {"POST", V1 "claims/{number}/actions", MAY_DESK, ANSWER_JSON, BODY_NEEDED, claims_act},
    {"GET", V1 "registrations", MAY_READ, ANSWER_LIST, BODY_NONE, registrations_list},
    {"POST", V1 "registrations/{equipment}/actions", MAY_MANAGE, ANSWER_JSON, BODY_NEEDED, registrations_act},
    {"GET", V1 "settlements", MAY_DESK, ANSWER_LIST, BODY_NONE, settlements_list},
    {"POST", V1 "settlements", MAY_OVERSEE, ANSWER_JSON, BODY_NEEDED, settlements_post},
    {"GET", V1 "settlements/{number}", MAY_DESK, ANSWER_OTHER, BODY_NONE, settlements_show},
    {"POST", V1 "settlements/{number}/actions", MAY_OVERSEE, ANSWER_JSON, BODY_NEEDED, settlements_act},
    {"GET", V1 "permissions", MAY_READ, ANSWER_JSON, BODY_NONE, permissions_show},
    {"GET", V1 "agreements", MAY_READ, ANSWER_LIST, BODY_NONE, agreements_list},
    {"GET", V1 "agreements/{id}", MAY_READ, ANSWER_JSON, BODY_NONE, agreements_show},
    {"POST", V1 "agreements/{id}/actions", MAY_OVERSEE, ANSWER_JSON, BODY_NEEDED, agreements_act},
    {"GET", V1 "off-boardings", MAY_OVERSEE, ANSWER_LIST, BODY_NONE, leavings_list},
    {"POST", V1 "off-boardings", MAY_OVERSEE, ANSWER_JSON, BODY_NEEDED, leavings_post},
    {"GET", V1 "off-boardings/{number}", MAY_OVERSEE, ANSWER_JSON, BODY_NONE, leavings_show},
    {"POST", V1 "off-boardings/{number}/actions", MAY_OVERSEE, ANSWER_JSON, BODY_NEEDED, leavings_act},
    {"GET", V1 "exports", MAY_OVERSEE, ANSWER_LIST, BODY_NONE, exports_list},
    {"POST", V1 "exports", MAY_OVERSEE, ANSWER_JSON, BODY_NEEDED, exports_post},
    {"GET", V1 "exports/{number}", MAY_OVERSEE, ANSWER_JSON, BODY_NONE, exports_show},
    {"GET", V1 "exports/{number}/content", MAY_OVERSEE, ANSWER_OTHER, BODY_NONE, exports_content},
    {"GET", V1 "removals", MAY_ADMIN, ANSWER_LIST, BODY_NONE, removals_list},
    {"POST", V1 "removals", MAY_ADMIN, ANSWER_JSON, BODY_NEEDED, removals_post},
    {"GET", V1 "access", MAY_ADMIN, ANSWER_LIST, BODY_NONE, access_list},
    {"GET", V1 "retention", MAY_OVERSEE, ANSWER_LIST, BODY_NONE, retention_show},
    {"GET", V1 "trail", MAY_OVERSEE, ANSWER_LIST, BODY_NONE, trail_list},
    {"GET", V1 "trail/state", MAY_OVERSEE, ANSWER_JSON, BODY_NONE, trail_state},
    {"GET", V1 "track/{number}", MAY_ANYBODY, ANSWER_JSON, BODY_NONE, track_show},
    {"GET", V1 "track/{number}/documents/{id}", MAY_ANYBODY, ANSWER_OTHER, BODY_NONE, track_document},
    {"GET", V1 "library", MAY_READ, ANSWER_LIST, BODY_NONE, library_list_all},
    {"GET", V1 "library/{id}", MAY_READ, ANSWER_JSON, BODY_NONE, library_show},
    {"POST", V1 "equipment/{id}/receipts", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, equipment_receipt},
    {"POST", V1 "customers/{id}/notes", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, customer_note},
    {"GET", V1 "analyses", MAY_DESK, ANSWER_LIST, BODY_NONE, analyses_list},
    {"POST", V1 "analyses/{id}/seen", MAY_MANAGE, ANSWER_JSON, BODY_NEEDED, analyses_seen},
    {"GET", V1 "bulletins", MAY_READ, ANSWER_LIST, BODY_NONE, bulletins_list},
    {"GET", V1 "bulletins/{id}", MAY_READ, ANSWER_JSON, BODY_NONE, bulletins_show},
    {"POST", V1 "bulletins/{id}/actions", MAY_MANAGE, ANSWER_JSON, BODY_NEEDED, bulletins_act},
    {"POST", V1 "track/{number}/photos", MAY_ANYBODY, ANSWER_JSON, BODY_BYTES, track_photo},
    {"GET", "/track/{number}", MAY_ANYBODY, ANSWER_OTHER, BODY_NONE, page_track},
    {"GET", "/survey/{id}", MAY_ANYBODY, ANSWER_OTHER, BODY_NONE, page_survey},
    {"GET", "/page.css", MAY_ANYBODY, ANSWER_OTHER, BODY_NONE, page_style},
    {"GET", "/track.js", MAY_ANYBODY, ANSWER_OTHER, BODY_NONE, page_script},
    {"GET", V1 "surveys", MAY_READ, ANSWER_LIST, BODY_NONE, surveys_list},
    {"POST", V1 "surveys/{id}/answer", MAY_ANYBODY, ANSWER_JSON, BODY_NEEDED, survey_post},
    {"POST", V1 "surveys/{id}/opt-out", MAY_ANYBODY, ANSWER_JSON, BODY_NEEDED, survey_opt_out},
    {"POST", V1 "track/{number}/complaints", MAY_ANYBODY, ANSWER_JSON, BODY_NEEDED, complaints_of_track},
    {"GET", V1 "complaints", MAY_MANAGE, ANSWER_LIST, BODY_NONE, complaints_list},
    {"POST", V1 "complaints", MAY_DESK, ANSWER_JSON, BODY_NEEDED, complaints_post},
    {"GET", V1 "complaints/{number}", MAY_MANAGE, ANSWER_JSON, BODY_NONE, complaints_show},
    {"POST", V1 "complaints/{number}/actions", MAY_DESK, ANSWER_JSON, BODY_NEEDED, complaints_act},
    {"GET", V1 "complaints/{number}/progress", MAY_ANYBODY, ANSWER_JSON, BODY_NONE, complaint_progress},
    {"POST", V1 "complaints/{number}/opinion", MAY_ANYBODY, ANSWER_JSON, BODY_NEEDED, complaint_opinion},
    {"GET", "/complaint/{number}", MAY_ANYBODY, ANSWER_OTHER, BODY_NONE, page_complaint},
    {"GET", V1 "improvements", MAY_MANAGE, ANSWER_LIST, BODY_NONE, improvements_list},
    {"POST", V1 "improvements", MAY_MANAGE, ANSWER_JSON, BODY_NEEDED, improvements_post},
    {"GET", V1 "improvements/{number}", MAY_MANAGE, ANSWER_JSON, BODY_NONE, improvements_show},
    {"POST", V1 "improvements/{number}/actions", MAY_OVERSEE, ANSWER_JSON, BODY_NEEDED, improvements_act},
    {"GET", V1 "questionnaires", MAY_READ, ANSWER_LIST, BODY_NONE, questionnaires_list},
    {"POST", V1 "questionnaires/{id}/answer", MAY_ANYBODY, ANSWER_JSON, BODY_NEEDED, questionnaire_post},
    {"GET", "/questionnaire/{id}", MAY_ANYBODY, ANSWER_OTHER, BODY_NONE, page_questionnaire},
    {"GET", V1 "register", MAY_DESK, ANSWER_LIST, BODY_NONE, register_show},
    {"POST", V1 "register", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, register_post},
    {"GET", V1 "customers/{id}/hints", MAY_DESK, ANSWER_JSON, BODY_NONE, customer_hints},
    {"POST", V1 "customers/{id}/opt-out", MAY_DESK, ANSWER_JSON, BODY_NEEDED, customer_opt_out},
    {"GET", V1 "courses", MAY_READ, ANSWER_LIST, BODY_NONE, courses_list},
    {"GET", V1 "courses/{id}", MAY_READ, ANSWER_JSON, BODY_NONE, courses_show},
    {"GET", V1 "trainings", MAY_READ, ANSWER_LIST, BODY_NONE, trainings_list},
    {"POST", V1 "trainings", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, trainings_post},
    {"GET", V1 "trainings/{number}", MAY_READ, ANSWER_JSON, BODY_NONE, trainings_show},
    {"POST", V1 "trainings/{number}/actions", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, trainings_act},
    {"GET", V1 "certificates", MAY_READ, ANSWER_LIST, BODY_NONE, certificates_list},
    {"GET", V1 "certificates/{number}", MAY_READ, ANSWER_JSON, BODY_NONE, certificates_show},
    {"POST", V1 "certificates/{number}/actions", MAY_OVERSEE, ANSWER_JSON, BODY_NEEDED, certificates_act},
    {"GET", V1 "tools", MAY_READ, ANSWER_LIST, BODY_NONE, tools_list},
    {"GET", V1 "tools/{id}", MAY_READ, ANSWER_JSON, BODY_NONE, tools_show},
    {"POST", V1 "tools/{id}/actions", MAY_WRITE, ANSWER_JSON, BODY_NEEDED, tools_act},
    {"GET", V1 "tools/{id}/uses", MAY_READ, ANSWER_LIST, BODY_NONE, tools_uses},
    {"GET", "/invitation/{id}", MAY_ANYBODY, ANSWER_OTHER, BODY_NONE, page_invitation},
    {"POST", V1 "invitations/{id}/answer", MAY_ANYBODY, ANSWER_JSON, BODY_NEEDED, invitation_post},
    {"POST", V1 "track/{number}/consent", MAY_ANYBODY, ANSWER_JSON, BODY_NEEDED, money_track_consent},
};
const size_t route_count = sizeof(routes) / sizeof(routes[0]);

/* ------------------------------------------------------------------ which */

/* One segment against one of a pattern: the same, or {name} and what stands behind it. */
static bool fits(const char *pattern, size_t pattern_size, const char *words, size_t size)
{
    const char *brace = pattern[0] == '{' ? memchr(pattern, '}', pattern_size) : NULL;
    size_t tail;

    if (!brace) {
        return pattern_size == size && memcmp(pattern, words, size) == 0;
    }
    tail = pattern_size - (size_t)(brace + 1 - pattern);
    return size > tail && memcmp(brace + 1, words + size - tail, tail) == 0;
}

static bool matches(const char *pattern, const char *path)
{
    for (;;) {
        size_t pattern_size, size;

        pattern += strspn(pattern, "/");
        path += strspn(path, "/"); /* a slash too many, or one at the end, does no harm */
        pattern_size = strcspn(pattern, "/");
        size = strcspn(path, "/");
        if (pattern_size == 0 || size == 0) {
            return pattern_size == size;
        }
        if (!fits(pattern, pattern_size, path, size)) {
            return false;
        }
        pattern += pattern_size;
        path += size;
    }
}

static void split_path(struct call *call)
{
    const char *path = call->request->path;
    size_t v1 = strlen(V1);
    char *copy;

    if (strncmp(path, V1, v1) != 0) {
        return;
    }
    copy = arena_text(call->request->arena, path + v1, strlen(path + v1));
    while (copy && call->part_count < 5) {
        copy += strspn(copy, "/");
        if (!*copy) {
            return;
        }
        call->parts[call->part_count++] = copy;
        copy = strchr(copy, '/');
        if (copy) {
            *copy++ = '\0';
        }
    }
}

/* The route; NULL: a problem was written (404, or 405 with what is allowed). */
static const struct route *find_route(struct call *call)
{
    const char *method = call->request->method;
    TEXT(allowed, 64);

    if (strcmp(method, "HEAD") == 0) {
        method = "GET"; /* the same, without the body */
    }
    for (size_t i = 0; i < route_count; i++) {
        if (matches(routes[i].path, call->request->path)) {
            if (strcmp(routes[i].method, method) == 0) {
                return &routes[i];
            }
            text_addf(&allowed, "%s%s", allowed.length ? ", " : "",
                      strcmp(routes[i].method, "GET") == 0 ? "GET, HEAD" : routes[i].method);
        }
    }
    if (allowed.length > 0) {
        call_problem(call, 405, "Not allowed", "expected %s, found %.20s", allowed.at, method);
        call_header(call, "Allow", allowed.at);
    } else {
        call_problem(call, 404, "Not found", "there is nothing at %s", call->request->path);
    }
    return NULL;
}

/* ------------------------------------------------------------------ who */

static bool may(struct call *call, const struct route *route)
{
    unsigned wanted = route->may & MAY_NEAR ? MAY_READ : route->may;

    if (route->may == MAY_ANYBODY || (route->may & MAY_NEAR && call->request->from_loopback)) {
        return true;
    }
    session_identify(call);
    if (call->role == ROLE_NONE) {
        call_problem(call, 401, "Unauthorized", "expected a token or a session");
        call_header(call, "WWW-Authenticate", "Bearer");
        return false;
    }
    if (!(wanted >> call->role & 1)) {
        call_problem(call, 403, "Forbidden", "the role %s may not do that", role_names[call->role]);
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------ in which form */

static bool is_sheet(const struct route *route)
{
    return route->answer == ANSWER_REPORT || route->answer == ANSWER_LIST;
}

static bool accepts(struct call *call, const struct route *route)
{
    const char *header = http_header(call->request, "Accept");

    if (route->answer == ANSWER_OTHER || http_accepts(header, "application/json") > 0 ||
        http_accepts(header, "application/problem+json") > 0 ||
        (is_sheet(route) && http_accepts(header, "text/csv") > 0)) {
        return true;
    }
    call_problem(call, 406, "Not acceptable", "there is only application/json%s", is_sheet(route) ? " and text/csv" : "");
    return false;
}

/* JSON by any of its names. Many simple clients say that they send a form: they are believed when what
 * comes is an object, but never with a cookie, since a form of another site could come with it. */
static bool is_json(const struct call *call)
{
    const char *type = http_header(call->request, "Content-Type");
    size_t size = type ? strcspn(type, "; ") : 0;
    const char *body = call->request->body;

    if (size == 0) {
        return true;
    }
    if (size == 33 && strncasecmp(type, "application/x-www-form-urlencoded", size) == 0) {
        return !call->by_cookie && body[strspn(body, " \t\r\n")] == '{';
    }
    return (size == 16 && strncasecmp(type, "application/json", size) == 0) ||
           (size > 5 && strncasecmp(type + size - 5, "+json", 5) == 0);
}

/* Bytes of a file say that they are such: a form of another site cannot. */
static bool is_bytes(struct call *call)
{
    const char *type = http_header(call->request, "Content-Type");

    if (type && strcasecmp(type, "application/octet-stream") == 0) {
        return true;
    }
    call_problem(call, 415, "Not bytes", "expected application/octet-stream, found '%.60s'", type ? type : "");
    call_header(call, "Accept-Post", "application/octet-stream");
    return false;
}

static bool read_body(struct call *call, const struct route *route)
{
    struct http_request *request = call->request;
    const char *why = "";

    if (request->size == 0 && route->body != BODY_NEEDED) {
        return true;
    }
    if (route->body == BODY_NONE) {
        return true; /* of no account */
    }
    if (request->size == 0) {
        call_problem(call, 400, "The body is missing", "expected %s",
                     route->body == BODY_BYTES ? "bytes" : "a JSON object");
    } else if (route->body == BODY_BYTES) {
        return is_bytes(call);
    } else if (!is_json(call)) {
        call_problem(call, 415, "Not JSON", "expected application/json, found '%.60s'",
                     http_header(request, "Content-Type"));
        call_header(call, "Accept-Post", "application/json");
    } else if (json_parse(request->arena, request->body, request->size, &call->body, &why)) {
        call_problem(call, 400, "The body is not JSON", "%s", why);
    } else if (!json_is_object(call->body)) {
        call_problem(call, 400, "The body is not an object", "expected a JSON object");
    } else {
        return true;
    }
    return false;
}

void routes_run(struct call *call)
{
    const struct route *route = find_route(call);

    call->route = route;
    if (route && may(call, route) && accepts(call, route) && read_body(call, route)) {
        split_path(call);
        route->run(call);
        access_note(call);
        if (route->answer == ANSWER_LIST) {
            call_sheet(call);
        }
    }
}
