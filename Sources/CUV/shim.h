#pragma once
#include <uv.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

/* malloc.h is not part of Swift's Glibc module; other C libraries have no such knobs. */
static inline void roost_keep_freed_memory(int mmap_threshold, int trim_threshold) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, mmap_threshold);
    mallopt(M_TRIM_THRESHOLD, trim_threshold);
#else
    (void)mmap_threshold;
    (void)trim_threshold;
#endif
}
