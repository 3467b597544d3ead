/* The seven classifications of a ticket: who says what, why and when; the ticket's row follows. */
#pragma once

#include "models/service/classify.h"
#include "server/case/ticket.h"

/* The machine judges anew from the ticket's grade, level and conditions. domain, party: newly known;
 * NULL: as before. A person's word stands; only the grade is not a word of its own, and urgency rises
 * above a person's when the grade became 1. cause: what made it look again. */
enum err classes_judge(struct office *office, struct sql *sql, struct ticket *ticket, const char *domain,
                       const char *party, const char *cause, int64_t now_ms) MUST_CHECK;
/* A condition begins to hold (a bit of ticket_condition); then as classes_judge. */
enum err classes_add(struct office *office, struct sql *sql, struct ticket *ticket, unsigned conditions,
                     const char *cause, int64_t now_ms) MUST_CHECK;
/* Whether a person has said something younger of that field. */
bool classes_overtaken(struct sql *sql, int64_t ticket, enum class_field field, int64_t at_ms);
/* A person's word. value is one of class_words(field). */
enum err classes_say(struct office *office, struct sql *sql, struct ticket *ticket, enum class_field field,
                     const char *value, const char *who, const char *reason, int64_t at_ms) MUST_CHECK;
