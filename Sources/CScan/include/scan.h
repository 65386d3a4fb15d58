#pragma once
#include <stddef.h>
#include <stdint.h>

/* Finds any of a few short texts in many bytes, as fast as memory gives them.
 *
 * A needle is four bytes, some of which may be left open by `mask`. Each is in one of eight buckets;
 * `nibbles[i][n]` has the bit of every bucket that has a needle whose byte i may have n as its low
 * half, and `halves[i][n]` the same of the high half. Bytes whose four entries in the first share a
 * bit are looked up in the second, and those that share one there, too, are compared with the needles
 * of that bucket. */
typedef struct {
    uint32_t value; /* the four bytes, first one lowest; 0 where the mask is */
    uint32_t mask;
    uint8_t bucket; /* one bit */
} roost_needle;

typedef struct {
    uint8_t nibbles[4][16];
    uint8_t halves[4][16];
    const roost_needle *needles;
    size_t needle_count;
} roost_needles;

/* The first place at or after `from` where a needle stands, and which; `count` when there is none.
 * A needle whose last open bytes lie behind the end is found, too. */
size_t roost_find(const roost_needles *needles, const uint8_t *bytes, size_t count, size_t from,
                  size_t *which);

/* The same without vector instructions, for tests. */
size_t roost_find_plain(const roost_needles *needles, const uint8_t *bytes, size_t count,
                        size_t from, size_t *which);

/* Has the line of memory brought near that is so many bytes behind `base`, if it is not null. It may
 * be one that nobody may read. */
static inline void roost_prefetch(const void *base, size_t offset) {
    if (base) __builtin_prefetch((const char *)base + offset, 1);
}

/* Has the lines from `bytes + from` to `bytes + to` brought into the core's own cache, to be read. */
static inline void roost_prefetch_run(const uint8_t *bytes, size_t from, size_t to) {
    for (size_t at = from; at < to; at += 64) __builtin_prefetch(bytes + at, 0, 2);
}
