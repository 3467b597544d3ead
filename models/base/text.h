/*
 * Strings of fixed capacity that never overflow, and strict numbers that know no locale.
 *
 * A struct text stands on memory of the caller and is always NUL-terminated. What does not fit is
 * cut and the text remembers it (cut), so that a writer may add many things and ask once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/err.h"

struct text {
    char *at;      /* NUL-terminated */
    size_t length; /* bytes in use, without the NUL */
    size_t room;   /* bytes of memory, with the NUL */
    bool cut;      /* something did not fit: it ends there, with a whole letter of UTF-8 */
};

/* struct text NAME of room bytes on the stack, empty. */
#define TEXT(name, bytes)                                                                          \
    char name##_room[(bytes)] = {0};                                                               \
    struct text name = {name##_room, 0, sizeof(name##_room), false}

/* An empty text on room >= 1 bytes at memory. */
struct text text_on(char *memory, size_t room);
void text_clear(struct text *text);
void text_add(struct text *text, const char *words);
void text_add_bytes(struct text *text, const char *bytes, size_t size);
void text_addf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
/* The shortest decimal form that reads back as the same double; "null" when not finite. */
void text_add_number(struct text *text, double number);
/* text_clear and text_addf for a why that may be NULL. Always returns err, so that a caller can
 * say: return text_say(why, ERR_RANGE, "…"). */
enum err text_say(struct text *why, enum err err, const char *format, ...) PRINTF_LIKE(3, 4);

/* Copies a C string into to[room]; ERR_FULL (and an empty string) when it does not fit. */
enum err text_copy(char *to, size_t room, const char *from) MUST_CHECK;

/* The whole of words[0..size) as a decimal number or integer (optional sign; integers also 0x…);
 * ERR_FORMAT if anything else is there, ERR_RANGE if it does not fit or is not finite. */
enum err text_to_number(const char *words, size_t size, double *ret_number) MUST_CHECK;
enum err text_to_int(const char *words, size_t size, int64_t *ret_number) MUST_CHECK;

/* 1 to 64 characters of A-Z a-z 0-9 _ -: agent ids, equipment ids (interfaces.md 2). */
bool text_is_id(const char *words);
/* true when a and b are equal; NULL equals NULL only. */
bool text_same(const char *a, const char *b);
/* true when bytes are well-formed UTF-8 without NUL. */
bool text_is_utf8(const char *bytes, size_t size);
