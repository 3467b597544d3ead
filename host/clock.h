/* What time it is. The only place that asks the machine. */
#pragma once

#include <stdint.h>

int64_t clock_wall_ms(void); /* since 1970 UTC; may jump */
int64_t clock_boot_ms(void); /* since boot, also while suspended; never goes back */
