/*
 * One line per event to standard error, with the <3> prefixes that journald reads when it listens.
 * log_error: someone must act. log_warn: odd but handled. log_info: life events. log_debug.
 * Repeats of one place are held back to 10 a minute and counted. Secrets and payloads never above
 * debug; control characters are replaced. Any thread.
 */
#pragma once

#include "models/base/err.h"

enum log_level { LOG_ERROR = 3, LOG_WARN = 4, LOG_INFO = 6, LOG_DEBUG = 7 };

void log_open(const char *program, enum log_level most);
void log_line(enum log_level level, const char *place, const char *format, ...) PRINTF_LIKE(3, 4);

#define LOG_STR2(x)    #x
#define LOG_STR(x)     LOG_STR2(x)
#define LOG_PLACE      __FILE__ ":" LOG_STR(__LINE__)
#define log_error(...) log_line(LOG_ERROR, LOG_PLACE, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, LOG_PLACE, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, LOG_PLACE, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, LOG_PLACE, __VA_ARGS__)
