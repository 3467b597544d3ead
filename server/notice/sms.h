/*
 * A short message as a request to a company's HTTP gateway. What the gateway wants is data of server.yaml: a URL, a method,
 * a body of JSON or of a form, headers. {to} {text} {id} {secret} stand for values, each escaped for where it stands; any
 * other {word} is refused at the start. The thread that sends it is notify.h's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "models/base/err.h"
#include "models/base/text.h"

#define SMS_REFUSES_MOST 16

struct sms_gateway {
    const char *url;    /* NULL: no gateway */
    const char *method; /* POST PUT GET */
    bool form;          /* of the body: application/x-www-form-urlencoded; else JSON */
    const char *body;   /* NULL: none */
    const char *const *headers; /* NULL-ended; may be NULL */
    const char *secret;         /* may be NULL */
    const char *accepts;        /* stands in the answer that takes a message; NULL: a status of 2xx is enough */
    int refuses[SMS_REFUSES_MOST]; /* statuses that say no for good; 0 ends them */
    int64_t timeout_ms;
};

struct sms_letter {
    const char *to, *text; /* digits; UTF-8 */
    int64_t id;            /* of the outbox: what a receipt names */
};

enum sms_place { SMS_IN_URL, SMS_IN_FORM, SMS_IN_JSON, SMS_IN_HEADER };

/* The template filled in. ERR_FULL when it does not fit. */
enum err sms_fill(const struct sms_gateway *gateway, const char *template, enum sms_place place,
                  const struct sms_letter *letter, struct text *to) MUST_CHECK;
/* A {word} that is no field, with its size; NULL: there is none. */
const char *sms_unknown_field(const char *template, size_t *ret_size);
/* Whether that status says that the message will never be taken. */
bool sms_is_refusal(const struct sms_gateway *gateway, long status);
