/* A ticket's row, its time line, and who is told. */
#pragma once

#include "models/service/ticket.h"
#include "server/case/office.h"

#define TICKET_REOPEN_PRESET_MS (30LL * 86400000) /* plans that name no hold.reopen */

/* A ticket's row, as far as rules need it. Texts live in office->arena. */
struct ticket {
    int64_t id, equipment, agent, site, calendar;
    const char *number, *kind, *fault, *cause_key, *time_zone;
    const struct plan *plan; /* as it was when the ticket was opened; NULL: none */
    const char *title_en, *title_zh;
    const char *verdict; /* of the warranty, as it counts now; NULL: not judged */
    int grade;
    bool emergency, complex; /* two of the classifications: urgency, complexity */
    char level;
    enum ticket_state state;
    int64_t registered_ms, cleared_ms, hold_until_ms, closed_ms; /* 0: not */
    bool late, quote_open, consent_needed, consent_given, paused;
    /* of ticket_read_more() */
    int64_t parent, parked_ms, fall_ms; /* 0: none */
    int fall_grade;
    unsigned conditions; /* a bit per ticket_condition */
    const char *opened;  /* words for what has opened the way on site, between blanks */
    bool rework, has_cause, has_solution;
};

enum err ticket_load(struct office *office, struct sql *sql, int64_t id,
                     struct ticket *ret_ticket) MUST_CHECK;
/* When something is due by the ticket itself, beside its clocks; OFFICE_NEVER. */
int64_t ticket_wake(const struct ticket *ticket);
/* One more word for what has opened the way on site: remote_failed important agreed verified override. */
enum err ticket_open_way(struct office *office, struct sql *sql, struct ticket *ticket,
                         const char *word) MUST_CHECK;
/* What the plan asks for before somebody is sent has happened (C-12). ret_by: by what; "" when nothing is
 * asked for or nothing has happened. */
bool ticket_way_is_open(const struct ticket *ticket, const char **ret_by);
/* The open ticket of a cause: its id, or 0. */
int64_t ticket_of_cause(struct sql *sql, const char *cause_key);

/* What legality depends on, for somebody of that role. */
enum err ticket_facts(struct office *office, struct sql *sql, const struct ticket *ticket, enum role role,
                      struct ticket_facts *ret_facts) MUST_CHECK;

enum err ticket_set_state(struct sql *sql, int64_t ticket, enum ticket_state state) MUST_CHECK;
/* A line of the time line. data: JSON or NULL. ERR_EXISTS when action_id is there already. */
enum err ticket_line(struct sql *sql, int64_t ticket, int64_t at_ms, int64_t now_ms,
                     const char *who, const char *action, const char *action_id, const char *note,
                     const char *data) MUST_CHECK;
/* Tells the world that the ticket changed (stream, ETag). */
enum err ticket_changed(struct sql *sql, int64_t ticket, int64_t now_ms) MUST_CHECK;
/* Notices about a ticket to every configured channel; step makes the key. What comes of an alarm or a lost link is
 * told only as far as its announcement goes (server/alarm: told_step); ticket_tell_now asks nobody. */
enum err ticket_tell(struct office *office, struct sql *sql, const struct ticket *ticket, const char *step,
                     const char *sentence, int64_t now_ms) MUST_CHECK;
enum err ticket_tell_now(struct office *office, struct sql *sql, const struct ticket *ticket, const char *step,
                         const char *sentence, int64_t now_ms) MUST_CHECK;
/* … and what a flood keeps from the dispatcher only. */
enum err ticket_tell_customer(struct office *office, struct sql *sql, const struct ticket *ticket, const char *step,
                              int64_t now_ms) MUST_CHECK;
/* A notice about no single ticket. body: JSON; words: the same for a person's mail. */
enum err office_tell(struct office *office, struct sql *sql, const char *key, const char *subject, const char *body,
                     const char *words, int64_t now_ms) MUST_CHECK;
