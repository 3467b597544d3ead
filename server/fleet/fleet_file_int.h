/* What checking and writing a fleet file share. */
#pragma once

#define FLEET_SECTIONS 19

/* In the order in which they refer to one another. */
extern const char *const fleet_sections[FLEET_SECTIONS];
