#define _GNU_SOURCE
#include "pages.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

/* Nobody has written to a segment that is loaded to be read or run: what is made read-only after
 * linking is loaded to be written, and linkers refuse to write to code. What has no path, as the
 * kernel's own page of code, stays. elf(5), dl_iterate_phdr(3). */
static int forget(struct dl_phdr_info *object, size_t size, void *context) {
    (void)size, (void)context;
    if (object->dlpi_name[0] != 0 && object->dlpi_name[0] != '/') return 0;
    const ElfW(Addr) page = sysconf(_SC_PAGESIZE);
    for (ElfW(Half) index = 0; index < object->dlpi_phnum; index++) {
        const ElfW(Phdr) *segment = object->dlpi_phdr + index;
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        const ElfW(Addr) first = object->dlpi_addr + segment->p_vaddr;
        const ElfW(Addr) start = first & ~(page - 1), end = (first + segment->p_filesz) & ~(page - 1);
        if (end > start) madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void roost_forget_pages(void) { dl_iterate_phdr(forget, 0); }
