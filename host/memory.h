/* What only the start of a program needed is given back to the machine. */
#pragma once

/*
 * To be called once, when the program serves: returns free heap, and unmaps the pages of code and
 * constants (of the program and its libraries) that have been touched so far; those that are still
 * needed come back from the page cache by themselves. Reading files, OpenSSL's start and the dynamic
 * linker touch some megabytes that are never used again. Never fails: what the machine refuses stays.
 */
void memory_settle(void);
