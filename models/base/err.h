/*
 * The one list of outcomes in the house. ERR_OK is zero; every other says what kind of thing went
 * wrong. The sentence for people travels beside it, in a struct text *why.
 */
#pragma once

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

#define ERR_LIST(X)                                                                                \
    X(OK, "done")                                                                                  \
    X(NOMEM, "out of memory")                                                                      \
    X(SHORT, "more bytes were expected")                                                           \
    X(FORMAT, "not in the expected form")                                                          \
    X(RANGE, "outside the allowed range")                                                          \
    X(FULL, "at its ceiling")                                                                      \
    X(TIMEOUT, "no answer in time")                                                                \
    X(CLOSED, "the other side is gone")                                                            \
    X(BUSY, "held by somebody else")                                                               \
    X(IO, "input or output failed")                                                                \
    X(DENIED, "not allowed")                                                                       \
    X(FORBIDDEN, "not for this role")                                                              \
    X(NOT_FOUND, "not found")                                                                      \
    X(EXISTS, "already there")                                                                     \
    X(UNSUPPORTED, "not supported")                                                                \
    X(STATE, "not legal in this state")

enum err {
#define ERR_ENUM(name, words) ERR_##name,
    ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
};

/* English words for err; never NULL. */
const char *err_text(enum err err);
