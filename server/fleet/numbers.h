/* Numbers for tickets, work orders and inspections: not to be guessed, with a check character. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* prefix '-' 8 random characters (31 of Crockford's alphabet) and a check character; to >= 16 bytes. */
void numbers_make(char prefix, char *to, size_t room);
#define NUMBERS_ROOM 32
/* What somebody typed or read out as it should be: no blanks, capitals, O for 0, I and L for 1. */
void numbers_tidy(const char *said, char to[NUMBERS_ROOM]);
/* The check character fits: no single character is wrong and no two neighbours are swapped. */
bool numbers_are_valid(const char *number);
/* size characters (a secret: track code, feed token) and a NUL. */
void numbers_secret(char *to, size_t size);
