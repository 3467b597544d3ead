/* TZif bytes (RFC 8536) to offsets, and back from wall clocks to instants. */
#include "models/base/zone.h"

#include <stdbool.h>
#include <string.h>

#define DAY_S 86400

struct rule { /* when a season begins, as POSIX writes it: Mm.w.d, Jn or n, and the time of day */
    char form; /* 'M' 'J' '0'; 0: there is no second season */
    int month, week, weekday, day;
    int32_t time_s;
};

struct zone {
    const char *name;
    size_t count;            /* transitions */
    const int64_t *at_s;     /* when */
    const int32_t *offset_s; /* what holds from then on */
    int32_t first_s;         /* before the first one */
    /* footer */
    bool has_footer;
    int32_t standard_s, summer_s;
    struct rule begin, end;
};

static const struct zone utc = {.name = "UTC", .has_footer = true};

const struct zone *zone_utc(void)
{
    return &utc;
}

const char *zone_name(const struct zone *zone)
{
    return zone->name;
}

/* ------------------------------------------------------------------ the footer */

static bool foot_number(const char **io_at, int *ret_number)
{
    int number = 0;
    const char *from = *io_at;

    while (**io_at >= '0' && **io_at <= '9' && number < 100000) {
        number = number * 10 + (**io_at - '0');
        ++*io_at;
    }
    *ret_number = number;
    return *io_at > from;
}

static bool foot_name(const char **io_at)
{
    const char *from = *io_at;

    if (**io_at == '<') {
        while (**io_at && **io_at != '>') {
            ++*io_at;
        }
        if (**io_at != '>') {
            return false;
        }
        ++*io_at;
        return true;
    }
    while ((**io_at >= 'A' && **io_at <= 'Z') || (**io_at >= 'a' && **io_at <= 'z')) {
        ++*io_at;
    }
    return *io_at - from >= 3;
}

/* [+-]h[h][:mm[:ss]] in seconds. */
static bool foot_time(const char **io_at, int32_t *ret_s)
{
    int sign = 1, hours, minutes = 0, seconds = 0;

    if (**io_at == '-' || **io_at == '+') {
        sign = **io_at == '-' ? -1 : 1;
        ++*io_at;
    }
    if (!foot_number(io_at, &hours) || hours > 167) {
        return false;
    }
    if (**io_at == ':') {
        ++*io_at;
        if (!foot_number(io_at, &minutes)) {
            return false;
        }
        if (**io_at == ':') {
            ++*io_at;
            if (!foot_number(io_at, &seconds)) {
                return false;
            }
        }
    }
    *ret_s = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool foot_rule(const char **io_at, struct rule *rule)
{
    rule->time_s = 2 * 3600;
    if (**io_at != ',') {
        return false;
    }
    ++*io_at;
    if (**io_at == 'M') {
        ++*io_at;
        rule->form = 'M';
        if (!foot_number(io_at, &rule->month) || *(*io_at)++ != '.' ||
            !foot_number(io_at, &rule->week) || *(*io_at)++ != '.' ||
            !foot_number(io_at, &rule->weekday)) {
            return false;
        }
        if (rule->month < 1 || rule->month > 12 || rule->week < 1 || rule->week > 5 ||
            rule->weekday > 6) {
            return false;
        }
    } else {
        rule->form = **io_at == 'J' ? 'J' : '0';
        *io_at += **io_at == 'J';
        if (!foot_number(io_at, &rule->day) || rule->day > 366) {
            return false;
        }
    }
    if (**io_at == '/') {
        ++*io_at;
        return foot_time(io_at, &rule->time_s);
    }
    return true;
}

static bool read_footer(struct zone *zone, const char *at)
{
    int32_t west_s;

    if (!foot_name(&at) || !foot_time(&at, &west_s)) {
        return false;
    }
    zone->standard_s = -west_s;
    zone->summer_s = zone->standard_s + 3600;
    if (*at == '\0') {
        return true;
    }
    if (!foot_name(&at)) {
        return false;
    }
    if (*at != ',' && *at != '\0') {
        if (!foot_time(&at, &west_s)) {
            return false;
        }
        zone->summer_s = -west_s;
    }
    return foot_rule(&at, &zone->begin) && foot_rule(&at, &zone->end) && *at == '\0';
}

/* The local second (since 1970, on the clock that holds before it) at which rule falls in year. */
static int64_t rule_second(const struct rule *rule, int year)
{
    int32_t first = civil_days(year, 1, 1), day;

    if (rule->form == 'M') {
        int length = civil_month_length(year, rule->month);
        int32_t month = civil_days(year, rule->month, 1);
        int weekday = (civil_weekday(month) + 1) % 7; /* POSIX: 0 = Sunday */
        int offset = (rule->weekday - weekday + 7) % 7 + (rule->week - 1) * 7;

        while (offset >= length) {
            offset -= 7;
        }
        day = month + offset;
    } else if (rule->form == 'J') { /* 1 … 365, the leap day is never counted */
        int leap = civil_month_length(year, 2) == 29;

        day = first + rule->day - 1 + (leap && rule->day >= 60);
    } else {
        day = first + rule->day;
    }
    return (int64_t)day * DAY_S + rule->time_s;
}

static int32_t footer_offset(const struct zone *zone, int64_t utc_s)
{
    int year, month, day;
    int64_t begin, end;

    if (!zone->begin.form) {
        return zone->standard_s;
    }
    civil_from_days((int32_t)((utc_s + zone->standard_s - (utc_s + zone->standard_s < 0 ? DAY_S - 1 : 0)) / DAY_S),
                    &year, &month, &day);
    begin = rule_second(&zone->begin, year) - zone->standard_s;
    end = rule_second(&zone->end, year) - zone->summer_s;
    if (begin < end) {
        return utc_s >= begin && utc_s < end ? zone->summer_s : zone->standard_s;
    }
    return utc_s >= end && utc_s < begin ? zone->standard_s : zone->summer_s; /* south */
}

/* ------------------------------------------------------------------ the file */

static int64_t big_endian(const unsigned char *at, size_t size)
{
    uint64_t number = at[0] & 0x80 ? UINT64_MAX : 0;

    for (size_t i = 0; i < size; i++) {
        number = number << 8 | at[i];
    }
    return (int64_t)number;
}

struct header {
    size_t isut, isstd, leap, times, types, chars;
};

#define HEADER_SIZE 44

static bool read_header(const unsigned char *at, size_t size, struct header *header)
{
    if (size < HEADER_SIZE || memcmp(at, "TZif", 4) != 0 || at[4] < '2') {
        return false;
    }
    header->isut = (size_t)(uint32_t)big_endian(at + 20, 4);
    header->isstd = (size_t)(uint32_t)big_endian(at + 24, 4);
    header->leap = (size_t)(uint32_t)big_endian(at + 28, 4);
    header->times = (size_t)(uint32_t)big_endian(at + 32, 4);
    header->types = (size_t)(uint32_t)big_endian(at + 36, 4);
    header->chars = (size_t)(uint32_t)big_endian(at + 40, 4);
    return header->times < 10000 && header->types >= 1 && header->types <= 256 &&
           header->chars < 10000 && header->leap < 10000 && header->isut < 10000 &&
           header->isstd < 10000;
}

static size_t body_size(const struct header *header, size_t time_size)
{
    return header->times * time_size + header->times + header->types * 6 + header->chars +
           header->leap * (time_size + 4) + header->isstd + header->isut;
}

static enum err read_body(struct arena *arena, struct zone *zone, const struct header *header,
                          const unsigned char *at)
{
    const unsigned char *kinds = at + header->times * 8;
    const unsigned char *types = kinds + header->times;
    int64_t *at_s = arena_array(arena, header->times + 1, sizeof(*at_s));
    int32_t *offset_s = arena_array(arena, header->times + 1, sizeof(*offset_s));

    if (!at_s || !offset_s) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < header->times; i++) {
        if (kinds[i] >= header->types) {
            return ERR_FORMAT;
        }
        at_s[i] = big_endian(at + i * 8, 8);
        offset_s[i] = (int32_t)big_endian(types + (size_t)kinds[i] * 6, 4);
        if (i > 0 && at_s[i] <= at_s[i - 1]) {
            return ERR_FORMAT;
        }
    }
    zone->count = header->times;
    zone->at_s = at_s;
    zone->offset_s = offset_s;
    zone->first_s = (int32_t)big_endian(types, 4);
    return ERR_OK;
}

enum err zone_read(struct arena *arena, const char *name, const void *bytes, size_t size,
                   const struct zone **ret_zone)
{
    const unsigned char *at = bytes;
    struct zone *zone = arena_take(arena, sizeof(*zone));
    struct header header;
    const char *footer, *end;
    size_t skipped;
    enum err err;

    if (!zone) {
        return ERR_NOMEM;
    }
    if (!read_header(at, size, &header)) {
        return ERR_FORMAT;
    }
    skipped = HEADER_SIZE + body_size(&header, 4); /* version 1's block, of 32-bit times */
    if (skipped > size || !read_header(at + skipped, size - skipped, &header)) {
        return ERR_FORMAT;
    }
    skipped += HEADER_SIZE;
    if (body_size(&header, 8) > size - skipped) {
        return ERR_FORMAT;
    }
    zone->name = arena_text(arena, name, strlen(name));
    if (!zone->name) {
        return ERR_NOMEM;
    }
    err = read_body(arena, zone, &header, at + skipped);
    skipped += body_size(&header, 8);
    if (err || skipped == size) {
        *ret_zone = zone;
        return err;
    }
    if (at[skipped] != '\n' || !(end = memchr(at + skipped + 1, '\n', size - skipped - 1))) {
        return ERR_FORMAT;
    }
    footer = arena_text(arena, (const char *)at + skipped + 1,
                        (size_t)(end - (const char *)at) - skipped - 1);
    if (!footer) {
        return ERR_NOMEM;
    }
    zone->has_footer = footer[0] != '\0';
    if (zone->has_footer && !read_footer(zone, footer)) {
        return ERR_FORMAT;
    }
    *ret_zone = zone;
    return ERR_OK;
}

/* ------------------------------------------------------------------ asking */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int32_t zone_offset_s(const struct zone *zone, int64_t utc_ms)
{
    int64_t utc_s = floor_div(utc_ms, 1000);
    size_t low = 0, high = zone->count;

    while (low < high) { /* the first transition after utc_s */
        size_t middle = low + (high - low) / 2;

        if (zone->at_s[middle] <= utc_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->count && zone->has_footer) {
        return footer_offset(zone, utc_s);
    }
    return low == 0 ? zone->first_s : zone->offset_s[low - 1];
}

struct civil zone_civil(const struct zone *zone, int64_t utc_ms)
{
    int64_t local = utc_ms + (int64_t)zone_offset_s(zone, utc_ms) * 1000;
    int64_t day = floor_div(local, 86400000), ms = local - day * 86400000;
    struct civil civil;

    civil_from_days((int32_t)day, &civil.year, &civil.month, &civil.day);
    civil.hour = (int)(ms / 3600000);
    civil.minute = (int)(ms / 60000 % 60);
    civil.second = (int)(ms / 1000 % 60);
    civil.ms = (int)(ms % 1000);
    return civil;
}

int32_t zone_day(const struct zone *zone, int64_t utc_ms)
{
    return (int32_t)floor_div(utc_ms + (int64_t)zone_offset_s(zone, utc_ms) * 1000, 86400000);
}

int64_t zone_instant(const struct zone *zone, int32_t day, int64_t ms_of_day)
{
    int64_t wall = (int64_t)day * 86400000 + ms_of_day;
    /* the offsets that can hold around this wall time: those of a day before and a day after */
    int64_t before = (int64_t)zone_offset_s(zone, wall - 86400000) * 1000;
    int64_t after = (int64_t)zone_offset_s(zone, wall + 86400000) * 1000;
    int64_t early = wall - (before > after ? before : after);
    int64_t late = wall - (before > after ? after : before);

    if (early + (int64_t)zone_offset_s(zone, early) * 1000 == wall) {
        return early; /* also the first of a time that exists twice */
    }
    if (late + (int64_t)zone_offset_s(zone, late) * 1000 == wall) {
        return late;
    }
    /* A gap: the jump lies between the two; find it. */
    while (late - early > 1) {
        int64_t middle = early + (late - early) / 2;

        if (middle + (int64_t)zone_offset_s(zone, middle) * 1000 < wall) {
            early = middle;
        } else {
            late = middle;
        }
    }
    return late;
}

void zone_write(const struct zone *zone, int64_t utc_ms, struct text *to)
{
    struct civil civil = zone_civil(zone, utc_ms);
    int32_t offset = zone_offset_s(zone, utc_ms);
    int32_t size = offset < 0 ? -offset : offset;

    text_addf(to, "%04d-%02d-%02dT%02d:%02d:%02d", civil.year, civil.month, civil.day, civil.hour,
              civil.minute, civil.second);
    if (civil.ms) {
        text_addf(to, ".%03d", civil.ms);
    }
    text_addf(to, "%c%02d:%02d", offset < 0 ? '-' : '+', size / 3600, size / 60 % 60);
}
