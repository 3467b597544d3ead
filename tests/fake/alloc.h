/* Memory that ends at a chosen moment: linked with -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc. */
#pragma once

/* The nth allocation from now on fails, and only that one; 0: none does. */
void alloc_fail_at(long nth);
/* How many allocations there were since then. */
long alloc_count(void);
