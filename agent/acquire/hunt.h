/*
 * Which register of a block does the device refuse? Bisection, as a function of its answers.
 *
 * The block holds the points first … end − 1 of a sorted order. Its beginnings are read, shorter or longer by
 * halves, until the first point is known that spoils it; then that point is read by itself. So one hole
 * among n points costs ⌈log2 n⌉ + 1 reads, and what lies behind it is read as a block again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hunt {
    bool active, alone;
    size_t first, end;
    size_t good; /* points first … good − 1 can be read at once */
    size_t bad;  /* points first … bad − 1 cannot */
};

enum hunt_end {
    HUNT_GOES_ON,
    HUNT_POINT,  /* the point at `good` is refused by itself */
    HUNT_BEFORE, /* it can be read, but not together with the one before it: a hole between them, or the length */
};

/* The block of the points first … end − 1 was refused; there are at least two. */
void hunt_begin(struct hunt *hunt, size_t first, size_t end);
/* What to read next: points *ret_first … *ret_end − 1. */
void hunt_next(const struct hunt *hunt, size_t *ret_first, size_t *ret_end);
/* The device gave it, or refused. After the end the hunt is not active any more. */
enum hunt_end hunt_took(struct hunt *hunt, bool given);
