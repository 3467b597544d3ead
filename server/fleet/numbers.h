/* Numbers for tickets, work orders and inspections: not to be guessed, with a check character. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* prefix '-' 8 random characters of Crockford's base 32 and a check character; to >= 16 bytes. */
void numbers_make(char prefix, char *to, size_t room);
bool numbers_are_valid(const char *number);
/* size characters (a secret: track code, feed token) and a NUL. */
void numbers_secret(char *to, size_t size);
