// The program's own malloc stands before the C library's, so that allocations can be counted.
#include "allocations.h"
#include <stddef.h>

void *__libc_malloc(size_t size);

static long count;

void *malloc(size_t size) {
    __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
    return __libc_malloc(size);
}

long roost_allocations(void) { return __atomic_load_n(&count, __ATOMIC_RELAXED); }
