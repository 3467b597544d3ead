/* What the routes share. */
#pragma once

#include "models/base/zone.h"
#include "server/api/api.h"
#include "server/api/auth.h"
#include "server/api/http.h"
#include "server/desk/view.h"

#define API_THREADS 4
#define LIMIT_MOST  1000 /* of a list's page */

struct api {
    struct api_options options;
    struct http *http;
    struct sql *readers[32]; /* a connection per thread of the pool, opened when it is needed */
};

struct route;

struct call { /* one request on its way through the routes */
    struct api *api;
    struct sql *sql; /* read-only */
    struct http_request *request;
    const struct route *route;
    struct http_answer *answer;
    struct json_out *out;
    enum role role;
    bool by_cookie;
    char who[80];
    const char *parts[6]; /* of the path behind /api/v1/, NULL behind the last */
    size_t part_count;
    int64_t now_ms;
    const struct zone *zone;
    const struct cJSON *body;
    const struct crew *crew; /* while a route of crew_route.c runs */
    const void *context;     /* of a route, for its work on the committing thread */
};

/* ------------------------------------------------------------------ routes.c */

/* Who may: a bit per role. */
#define MAY(role)   (1U << ROLE_##role)
#define MAY_READ    (MAY(VIEWER) | MAY_WRITE)
#define MAY_WRITE   (MAY(INTEGRATION) | MAY(TECHNICIAN) | MAY_MANAGE)
#define MAY_MANAGE  (MAY(DISPATCHER) | MAY(MANAGER) | MAY(ADMIN))
#define MAY_DESK    (MAY(INTEGRATION) | MAY_MANAGE)
#define MAY_OVERSEE (MAY(MANAGER) | MAY(ADMIN))
#define MAY_ADMIN   MAY(ADMIN)
#define MAY_ANYBODY 0U          /* no token at all */
#define MAY_NEAR    (1U << 31)  /* no token from loopback, else MAY_READ */

enum route_answer {
    ANSWER_JSON,
    ANSWER_LIST,   /* {items, next}: JSON, or a page of it as CSV */
    ANSWER_REPORT, /* JSON or CSV */
    ANSWER_OTHER,
};
enum route_body { BODY_NONE, BODY_MAYBE, BODY_NEEDED, BODY_BYTES /* application/octet-stream */ };

struct route { /* a row of the one table that docs/openapi.json describes */
    const char *method, *path; /* GET or POST; {name} stands for one segment */
    unsigned may;
    enum route_answer answer;
    enum route_body body;
    void (*run)(struct call *call);
};
extern const struct route routes[];
extern const size_t route_count;

/* Finds the route, asks who is there and whether they may, reads the body, and runs it. */
void routes_run(struct call *call);

/* ------------------------------------------------------------------ call.c */

/* An RFC 9457 problem; format makes its detail. */
void call_problem(struct call *call, int status, const char *title, const char *format, ...)
    PRINTF_LIKE(4, 5);
void call_header(struct call *call, const char *name, const char *value);
void call_tag(struct call *call, int64_t version); /* ETag */
void call_time(struct call *call, const char *name, int64_t ms); /* ms 0: null */

struct page { /* of a list: ?limit= (1 … 1000, preset 100; more is 1000) and ?cursor= */
    int64_t limit, after, after_too; /* the cursor: one number, or two with a dot between */
};
/* false: a problem was written. */
bool call_page(struct call *call, struct page *ret_page);
/* ?name= as a whole number from least to most, as one of a NULL-ended list, or as a date (an instant
 * counts as its date as written). Absent: the fallback. false: a problem was written. */
bool call_number(struct call *call, const char *name, int64_t least, int64_t most, int64_t fallback,
                 int64_t *ret_number);
bool call_word(struct call *call, const char *name, const char *const *words, const char **ret_word);
bool call_day(struct call *call, const char *name, int32_t fallback, int32_t *ret_day);

/* A list that was asked for as CSV becomes that; where it goes on stands in the header Next-Cursor. */
void call_sheet(struct call *call);

typedef enum err (*call_show)(struct call *call, int64_t id);
/* {"items":[…],"next":…} of the rows (id[, first part of the cursor]) of a query with LIMIT
 * page->limit + 1. */
void call_list(struct call *call, struct sql_rows *rows, const struct page *page, call_show show);

/* Does work on the committing thread; a problem is written when it fails. ERR_EXISTS: the answer of an
 * earlier request with the same Idempotency-Key was written. */
enum err call_write(struct call *call,
                    enum err (*work)(struct call *call, struct sql *sql, int64_t now_ms,
                                     struct text *why));

/* A line of the trail about something that changes nothing: what was given away, who was refused. */
enum err call_note(struct call *call, const char *what, const char *object, const char *detail) MUST_CHECK;

/* ------------------------------------------------------------------ session_route.c */

void session_identify(struct call *call);
void session_log_in(struct call *call);
void session_log_out(struct call *call);

/* ------------------------------------------------------------------ the routes */

void route_root(struct call *call);
void route_health(struct call *call);
void route_ready(struct call *call);
void route_metrics(struct call *call);
void route_openapi(struct call *call);
void route_stream(struct call *call);

void equipment_list(struct call *call);
void equipment_show(struct call *call);
/* The equipment as its route shows it, into out. */
enum err equipment_view(struct call *call, int64_t id, struct json_out *out) MUST_CHECK;
void equipment_series(struct call *call);
void agents_list(struct call *call);

void orders_post_inspection(struct call *call);
void orders_post_command(struct call *call);
void orders_show_inspection(struct call *call);
void orders_show_command(struct call *call);
enum err orders_put_inspection(struct call *call, int64_t id) MUST_CHECK; /* an object */
enum err orders_view_inspection(struct call *call, const char *number, struct json_out *out) MUST_CHECK;

void inspections_list(struct call *call);
void inspections_act(struct call *call);
void inspections_report(struct call *call);
/* A review as an object; ERR_NOT_FOUND: id is no site and no contract; ERR_FORMAT: a problem was written. */
enum err reviews_view(struct call *call, const char *id, struct json_out *out) MUST_CHECK;
void reviews_show(struct call *call);
void proposals_list(struct call *call);
void proposals_act(struct call *call);

void alarms_list(struct call *call);
void alarms_show(struct call *call);
void alarms_act(struct call *call);
void windows_list(struct call *call);
void windows_post(struct call *call);
void windows_show(struct call *call);
void windows_act(struct call *call);

void tickets_list(struct call *call);
void tickets_show(struct call *call);
void tickets_post(struct call *call);
void tickets_act(struct call *call);

/* Without a log-in: row id of what the statement finds by its name (id, code), when that code stands in the query; the
 * call is a customer's from then on. 0: a problem was written. Whoever guesses is held up; so is who writes too often. */
int64_t call_admitted(struct call *call, const char *name, const char *statement, bool writes_too);
void track_show(struct call *call);
void complaints_list(struct call *call);
void complaints_post(struct call *call);
void complaints_show(struct call *call);
void complaints_act(struct call *call);
void complaints_of_track(struct call *call);
void complaint_progress(struct call *call);
void complaint_opinion(struct call *call);
void improvements_list(struct call *call);
void improvements_post(struct call *call);
void improvements_show(struct call *call);
void improvements_act(struct call *call);
void questionnaires_list(struct call *call);
void questionnaire_show(struct call *call);
void questionnaire_post(struct call *call);
void register_show(struct call *call);
void register_post(struct call *call);
void customer_hints(struct call *call);
void page_complaint(struct call *call);
void page_questionnaire(struct call *call);
void track_photo(struct call *call);
void surveys_list(struct call *call);
void survey_post(struct call *call);
void survey_opt_out(struct call *call);
void survey_show(struct call *call);
void customer_opt_out(struct call *call);
void invitation_show(struct call *call);
void invitation_post(struct call *call);
void page_invitation(struct call *call);
void courses_list(struct call *call);
void courses_show(struct call *call);
void trainings_list(struct call *call);
void trainings_show(struct call *call);
void trainings_post(struct call *call);
void trainings_act(struct call *call);
void certificates_list(struct call *call);
void certificates_show(struct call *call);
void certificates_act(struct call *call);
void tools_list(struct call *call);
void tools_show(struct call *call);
void tools_act(struct call *call);
void tools_uses(struct call *call);
void page_track(struct call *call);
void page_survey(struct call *call);
void page_style(struct call *call);
void page_script(struct call *call);

/* Files and papers as objects: dossier_route.c. ERR_FORMAT: a problem was written. */
enum err dossier_customer(struct call *call, const char *id, struct json_out *out) MUST_CHECK;
enum err dossier_service(struct call *call, const char *id, struct json_out *out) MUST_CHECK;
enum err dossier_operating(struct call *call, const char *id, struct json_out *out) MUST_CHECK;
enum err dossier_repair(struct call *call, const char *id, struct json_out *out) MUST_CHECK;
enum err dossier_papers(struct call *call, const char *id, struct json_out *out) MUST_CHECK;
enum err dossier_rules(struct call *call, const char *id, struct json_out *out) MUST_CHECK;
enum err dossier_handover(struct call *call, const char *id, struct json_out *out) MUST_CHECK;
enum err dossier_design(struct call *call, const char *id, struct json_out *out) MUST_CHECK;
void library_list_all(struct call *call);
void library_show(struct call *call);
void equipment_receipt(struct call *call);
void track_document(struct call *call);
void customer_note(struct call *call);
void analyses_list(struct call *call);
void analyses_seen(struct call *call);
void bulletins_list(struct call *call);
void bulletins_show(struct call *call);
void bulletins_act(struct call *call);

void clocks_show(struct call *call);
void duties_list(struct call *call);
void duties_act(struct call *call);
void people_rca(struct call *call);
void people_notices(struct call *call);
void people_receipt(struct call *call);

void work_list(struct call *call);
void work_show(struct call *call);
void work_act(struct call *call);
void work_post(struct call *call);
void work_batch(struct call *call);
void work_paper(struct call *call);

void fleet_show(struct call *call);
void fleet_import(struct call *call);

/* Of complaint_papers.c: what their papers are made of; ERR_NOT_FOUND. */
enum err papers_complaint(struct call *call, const char *id, struct json_out *out) MUST_CHECK;
enum err papers_opinions(struct call *call, const char *id, struct json_out *out) MUST_CHECK;
enum err papers_questionnaire(struct call *call, const char *id, struct json_out *out) MUST_CHECK;
enum err papers_register(struct call *call, const char *id, struct json_out *out) MUST_CHECK;
enum err papers_entry(struct call *call, const char *id, struct json_out *out) MUST_CHECK;

void documents_list(struct call *call);
void documents_show(struct call *call);
/* The paper of that name and object as it would be now. */
void documents_show_now(struct call *call, const char *name, const char *id);
void documents_versions(struct call *call);
void documents_issue(struct call *call);

void jobs_list(struct call *call);
void jobs_show(struct call *call);
void attachments_post(struct call *call);
void attachments_add(struct call *call);
void attachments_show(struct call *call);
void attachments_content(struct call *call);
void attachments_of_ticket(struct call *call);

void parts_list(struct call *call);
void parts_show(struct call *call);
void parts_allocation(struct call *call);
void depots_list(struct call *call);
void stock_list(struct call *call);
void stock_post(struct call *call);
void moves_list(struct call *call);
void levels_show(struct call *call);
void vouchers_list(struct call *call);
void vouchers_post(struct call *call);
void vouchers_show(struct call *call);
void vouchers_act(struct call *call);

void visits_list(struct call *call);
void visits_show(struct call *call);
void visits_act(struct call *call);
void feeds_list(struct call *call);
void feeds_act(struct call *call);
void feeds_post(struct call *call);
void feeds_show(struct call *call);
void predictions_list(struct call *call);

void technicians_list(struct call *call);
void teams_list(struct call *call);
void rosters_list(struct call *call);
void rosters_show(struct call *call);
void tickets_candidates(struct call *call);
void escalations_list(struct call *call);
void escalations_act(struct call *call);

void money_of_ticket(struct call *call);
void money_requests(struct call *call);
void money_track_consent(struct call *call);
void quotations_list(struct call *call);
void quotations_show(struct call *call);
void invoices_show(struct call *call);
void claims_list(struct call *call);
void claims_post(struct call *call);
void claims_show(struct call *call);
void claims_act(struct call *call);
void registrations_list(struct call *call);
void registrations_act(struct call *call);
void documents_approve(struct call *call);
void settlements_list(struct call *call);
void settlements_post(struct call *call);
void settlements_show(struct call *call);
void settlements_act(struct call *call);
/* The ticket of a track number and its code; -1 and a problem when they do not fit (tickets_route.c). */
int64_t track_find(struct call *call);

void reports_list(struct call *call);
void reports_show(struct call *call);

void permissions_show(struct call *call);
/* Who looked at whose data: a line before the answer leaves. */
void access_note(struct call *call);
void access_list(struct call *call);
void agreements_list(struct call *call);
void agreements_show(struct call *call);
void agreements_act(struct call *call);
enum err agreements_view(struct call *call, const char *name, struct json_out *out) MUST_CHECK;
void leavings_list(struct call *call);
void leavings_post(struct call *call);
void leavings_show(struct call *call);
void leavings_act(struct call *call);
enum err leavings_view(struct call *call, const char *number, struct json_out *out) MUST_CHECK;
void exports_list(struct call *call);
void exports_post(struct call *call);
void exports_show(struct call *call);
void exports_content(struct call *call);
void removals_list(struct call *call);
void removals_post(struct call *call);
void retention_show(struct call *call);
/* An answer that is a file, as it goes on; NULL: it is not there. */
void *stream_file(const char *path);
void trail_list(struct call *call);
void trail_state(struct call *call);

int64_t stream_more(void *context, void *stream, char *to, size_t room);
void stream_end(void *context, void *stream);
extern const char openapi_json[];
extern const unsigned openapi_json_size;
