/* Lines to standard error. */
#include "host/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/clock.h"

#define PLACES      128
#define A_MINUTE    60000
#define LINES_MOST  10 /* of one place in a minute */

static const char *program = "heliograph";
static enum log_level most = LOG_INFO;
static int for_journal;

/* The lock guards only these counters. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct place {
    const char *name;
    int64_t since_ms;
    int lines;
} places[PLACES];

void log_open(const char *name, enum log_level level)
{
    program = name;
    most = level;
    for_journal = getenv("JOURNAL_STREAM") != NULL;
}

/* How many lines of this place were held back before (>= 0), or -1 to hold this one back. */
static int pass(const char *name)
{
    int64_t now_ms = clock_boot_ms();
    uintptr_t hash = (uintptr_t)name;
    int held = 0;

    pthread_mutex_lock(&lock);
    struct place *place = &places[(hash ^ hash >> 7) % PLACES];

    if (place->name != name || now_ms - place->since_ms >= A_MINUTE) {
        held = place->name == name && place->lines > LINES_MOST ? place->lines - LINES_MOST : 0;
        *place = (struct place){name, now_ms, 1};
    } else if (++place->lines > LINES_MOST) {
        held = -1;
    }
    pthread_mutex_unlock(&lock);
    return held;
}

void log_line(enum log_level level, const char *place, const char *format, ...)
{
    static const char *const words[] = {"", "", "", "error", "warning", "", "info", "debug"};
    char line[2048];
    va_list list;
    int held;

    if (level > most || (held = pass(place)) < 0) {
        return;
    }
    va_start(list, format);
    vsnprintf(line, sizeof(line), format, list);
    va_end(list);
    for (char *at = line; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            *at = ' '; /* a line stays a line, whatever a device wrote into it */
        }
    }
    if (for_journal) {
        fprintf(stderr, "<%d>%s%s", (int)level, line, held > 0 ? "" : "\n");
    } else {
        fprintf(stderr, "%s: %s: %s%s", program, words[level], line, held > 0 ? "" : "\n");
    }
    if (held > 0) {
        fprintf(stderr, " (%d more like this were held back)\n", held);
    }
}
