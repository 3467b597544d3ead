/* What only the start of a program needed is given back to the machine. */
#include "host/memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

/* Only what can never have been written: a page of a private mapping that has been is lost by this. */
static int drop_segments(struct dl_phdr_info *info, size_t size, void *context)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    (void)size;
    (void)context;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        size_t from = info->dlpi_addr + part->p_vaddr, to = from + part->p_memsz;

        if (part->p_type != PT_LOAD || part->p_flags & PF_W || part->p_memsz != part->p_filesz) {
            continue;
        }
        from = (from + page - 1) / page * page; /* whole pages that are this segment's alone */
        to = to / page * page;
        if (from < to) {
            (void)!madvise((void *)from, to - from, MADV_DONTNEED); /* NOLINT */
        }
    }
    return 0;
}

void memory_settle(void)
{
    malloc_trim(0);
    dl_iterate_phdr(drop_segments, NULL);
}
