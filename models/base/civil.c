/* Civil dates and RFC 3339. */
#include "models/base/civil.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "models/base/text.h"

/* Years begin in March so that the leap day is the last one; 400 years have 146,097 days. */
int32_t civil_days(int year, int month, int day)
{
    int y = year - (month <= 2);
    int era = (y >= 0 ? y : y - 399) / 400;
    int of_era = y - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void civil_from_days(int32_t days, int *ret_year, int *ret_month, int *ret_day)
{
    int shifted = days + 719468;
    int era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int day = shifted - era * 146097;
    int year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int of_year = day - (365 * year + year / 4 - year / 100);
    int month = (5 * of_year + 2) / 153;

    *ret_day = of_year - (153 * month + 2) / 5 + 1;
    *ret_month = month < 10 ? month + 3 : month - 9;
    *ret_year = year + era * 400 + (*ret_month <= 2);
}

int civil_month_length(int year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return lengths[month - 1] + (month == 2 && leap);
}

int civil_weekday(int32_t days)
{
    int weekday = (days + 3) % 7; /* 1970-01-01 was a Thursday */

    return weekday < 0 ? weekday + 7 : weekday;
}

int32_t civil_add_months(int32_t days, int months)
{
    int year, month, day, index, length;

    civil_from_days(days, &year, &month, &day);
    index = year * 12 + month - 1 + months;
    year = index / 12;
    month = index % 12 + 1;
    length = civil_month_length(year, month);
    return civil_days(year, month, day < length ? day : length);
}

/* count digits at *io_words as a number; -1 when they are none. */
static int digits(const char **io_words, int count)
{
    int number = 0;

    for (int i = 0; i < count; i++) {
        char c = (*io_words)[i];

        if (c < '0' || c > '9') {
            return -1;
        }
        number = number * 10 + (c - '0');
    }
    *io_words += count;
    return number;
}

static bool skip(const char **io_words, char c)
{
    if (**io_words != c) {
        return false;
    }
    ++*io_words;
    return true;
}

static enum err read_date(const char **io_words, int32_t *ret_days)
{
    int year = digits(io_words, 4), month, day;

    if (year < 1 || !skip(io_words, '-')) {
        return ERR_FORMAT;
    }
    month = digits(io_words, 2);
    if (month < 1 || month > 12 || !skip(io_words, '-')) {
        return ERR_FORMAT;
    }
    day = digits(io_words, 2);
    if (day < 1 || day > civil_month_length(year, month)) {
        return ERR_FORMAT;
    }
    *ret_days = civil_days(year, month, day);
    return ERR_OK;
}

enum err civil_read_date(const char *words, int32_t *ret_days)
{
    int32_t days;

    if (read_date(&words, &days) || *words != '\0') {
        return ERR_FORMAT;
    }
    *ret_days = days;
    return ERR_OK;
}

void civil_write_date(int32_t days, char to[11])
{
    int year, month, day;

    civil_from_days(days, &year, &month, &day);
    snprintf(to, 11, "%04u-%02u-%02u", (unsigned)year % 10000U, (unsigned)month % 100U,
             (unsigned)day % 100U);
}

/* "Z" or "+08:00" to seconds east. */
static enum err read_offset(const char **io_words, int *ret_offset_s)
{
    int sign = **io_words == '-' ? -1 : 1, hours, minutes;

    if (skip(io_words, 'Z') || skip(io_words, 'z')) {
        *ret_offset_s = 0;
        return ERR_OK;
    }
    if (!skip(io_words, '+') && !skip(io_words, '-')) {
        return ERR_FORMAT;
    }
    hours = digits(io_words, 2);
    if (hours < 0 || hours > 23 || !skip(io_words, ':')) {
        return ERR_FORMAT;
    }
    minutes = digits(io_words, 2);
    if (minutes < 0 || minutes > 59) {
        return ERR_FORMAT;
    }
    *ret_offset_s = sign * (hours * 3600 + minutes * 60);
    return ERR_OK;
}

static int read_fraction(const char **io_words)
{
    int ms = 0, weight = 100;

    while (**io_words >= '0' && **io_words <= '9') {
        ms += (**io_words - '0') * weight;
        weight /= 10;
        ++*io_words;
    }
    return ms;
}

enum err civil_read_instant(const char *words, int64_t *ret_utc_ms)
{
    int hour, minute, second, ms = 0, offset_s;
    int32_t days;

    if (read_date(&words, &days) || (!skip(&words, 'T') && !skip(&words, 't') && !skip(&words, ' '))) {
        return ERR_FORMAT;
    }
    hour = digits(&words, 2);
    if (hour < 0 || hour > 23 || !skip(&words, ':')) {
        return ERR_FORMAT;
    }
    minute = digits(&words, 2);
    if (minute < 0 || minute > 59 || !skip(&words, ':')) {
        return ERR_FORMAT;
    }
    second = digits(&words, 2);
    if (second < 0 || second > 60) {
        return ERR_FORMAT;
    }
    if (skip(&words, '.')) {
        if (*words < '0' || *words > '9') {
            return ERR_FORMAT;
        }
        ms = read_fraction(&words);
    }
    if (read_offset(&words, &offset_s) || *words != '\0') {
        return ERR_FORMAT;
    }
    *ret_utc_ms = ((int64_t)days * 86400 + hour * 3600 + minute * 60 + second - offset_s) * 1000 + ms;
    return ERR_OK;
}
