/* Slaves with one fault each; status 1 when something is learned or believed that should not be. */
#pragma once

#include "models/base/arena.h"

int faults(struct arena *arena);
