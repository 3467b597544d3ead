/*
 * A recording through the rules of a profile, in the recording's own time: what would have been found, when, with
 * which evidence. Needs no database, no broker and no clock; the same file gives the same findings.
 */
#pragma once

#include <stdbool.h>

struct replay_options {
    const char *profile; /* a file */
    const char *csv;     /* a file, or "-" */
    const char *map;     /* or NULL: the columns are named as the points (host/recording.h) */
    bool json;
};

extern const char replay_help[];

/* The words behind `replay` on the command line. Status 2 after words on standard error; -1: go on. */
int replay_options(int argc, char **argv, struct replay_options *ret_options);
/* Prints to standard output, progress to standard error when that is a terminal. The program's exit status. */
int replay_run(const struct replay_options *options);
