/*
 * Civil dates: days counted from 1970-01-01 in the proleptic Gregorian calendar (the usual
 * algorithm on years that begin in March), and the RFC 3339 form of instants.
 */
#pragma once

#include <stdint.h>

#include "models/base/err.h"

struct civil {
    int year, month, day;         /* month, day from 1 */
    int hour, minute, second, ms; /* second 0-59 */
};

int32_t civil_days(int year, int month, int day);
void civil_from_days(int32_t days, int *ret_year, int *ret_month, int *ret_day);
int civil_month_length(int year, int month);
/* 0 = Monday … 6 = Sunday */
int civil_weekday(int32_t days);
/* The same day of the month `months` later, or the month's last day (31 Jan + 1mo = 28/29 Feb). */
int32_t civil_add_months(int32_t days, int months);
/* "2026-11-24" in and out (to holds 11 bytes). */
enum err civil_read_date(const char *words, int32_t *ret_days) MUST_CHECK;
void civil_write_date(int32_t days, char to[11]);

/* RFC 3339 ("Z" or offset needed, fraction allowed) to ms since 1970. */
enum err civil_read_instant(const char *words, int64_t *ret_utc_ms) MUST_CHECK;
