#include "scan.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* Whether a needle of one of `buckets` stands at `at`, of which `left` bytes may be read. */
static int stands(const roost_needles *needles, const uint8_t *at, size_t left, uint8_t buckets,
                  size_t *which) {
    uint32_t four = 0;
    if (__builtin_expect(left >= 4, 1))
        memcpy(&four, at, 4);
    else
        memcpy(&four, at, left);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    four = __builtin_bswap32(four);
#endif
    /* Bytes behind the end are 0 here, which a needle's open bytes may be. */
    for (size_t k = 0; k < 4; k++) buckets &= needles->halves[k][four >> 8 * k >> 4 & 0x0F];
    if (!buckets) return 0;
    for (size_t i = 0; i < needles->needle_count; i++) {
        const roost_needle *needle = &needles->needles[i];
        if ((needle->bucket & buckets) && (four & needle->mask) == needle->value) {
            *which = i;
            return 1;
        }
    }
    return 0;
}

size_t roost_find_plain(const roost_needles *needles, const uint8_t *bytes, size_t count,
                        size_t from, size_t *which) {
    for (size_t i = from; i < count; i++) {
        uint8_t buckets = 0xFF;
        for (size_t k = 0; k < 4; k++) {
            if (i + k >= count) break;
            uint8_t byte = bytes[i + k];
            buckets &= byte & 0x80 ? 0 : needles->nibbles[k][byte & 0x0F];
        }
        if (buckets && stands(needles, bytes + i, count - i, buckets, which)) return i;
    }
    return count;
}

#if defined(__x86_64__)

/* pshufb looks a byte up by its low half and answers 0 when its top bit is set, which is what is
 * wanted of a byte that is not ASCII. An open byte of a needle may then not be one either. */
__attribute__((target("avx2"))) static size_t find_avx2(const roost_needles *needles,
                                                        const uint8_t *bytes, size_t count,
                                                        size_t from, size_t *which) {
    __m256i t0 = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)needles->nibbles[0]));
    __m256i t1 = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)needles->nibbles[1]));
    __m256i t2 = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)needles->nibbles[2]));
    __m256i t3 = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)needles->nibbles[3]));
    __m256i zero = _mm256_setzero_si256();
    size_t i = from;
#define AT(k) _mm256_loadu_si256((const __m256i *)(bytes + i + (k)))
#define HITS(k)                                                                                   \
    _mm256_and_si256(_mm256_and_si256(_mm256_shuffle_epi8(t0, AT(k)),                             \
                                      _mm256_shuffle_epi8(t1, AT((k) + 1))),                      \
                     _mm256_and_si256(_mm256_shuffle_epi8(t2, AT((k) + 2)),                       \
                                      _mm256_shuffle_epi8(t3, AT((k) + 3))))
    for (; i + 67 <= count; i += 64) {
        __m256i first = HITS(0), second = HITS(32);
        __m256i both = _mm256_or_si256(first, second);
        if (__builtin_expect(_mm256_testz_si256(both, both), 1)) continue;
        uint64_t low = (uint32_t)~_mm256_movemask_epi8(_mm256_cmpeq_epi8(first, zero));
        uint64_t high = (uint32_t)~_mm256_movemask_epi8(_mm256_cmpeq_epi8(second, zero));
        for (uint64_t hits = low | high << 32; hits; hits &= hits - 1) {
            size_t at = i + (size_t)__builtin_ctzll(hits);
            uint8_t buckets = needles->nibbles[0][bytes[at] & 15] &
                              needles->nibbles[1][bytes[at + 1] & 15] &
                              needles->nibbles[2][bytes[at + 2] & 15] &
                              needles->nibbles[3][bytes[at + 3] & 15];
            if (stands(needles, bytes + at, count - at, buckets, which)) return at;
        }
    }
#undef AT
#undef HITS
    return roost_find_plain(needles, bytes, count, i, which);
}

size_t roost_find(const roost_needles *needles, const uint8_t *bytes, size_t count, size_t from,
                  size_t *which) {
    if (count < from || count - from < 67 || !__builtin_cpu_supports("avx2"))
        return roost_find_plain(needles, bytes, count, from, which);
    return find_avx2(needles, bytes, count, from, which);
}

#elif defined(__aarch64__)

size_t roost_find(const roost_needles *needles, const uint8_t *bytes, size_t count, size_t from,
                  size_t *which) {
    uint8x16_t t0 = vld1q_u8(needles->nibbles[0]), t1 = vld1q_u8(needles->nibbles[1]);
    uint8x16_t t2 = vld1q_u8(needles->nibbles[2]), t3 = vld1q_u8(needles->nibbles[3]);
    /* An index above 15 answers 0: the top bit of a byte that is not ASCII is kept for that. */
    uint8x16_t low = vdupq_n_u8(0x8F);
    size_t i = from;
#define LOOK(t, k) vqtbl1q_u8(t, vandq_u8(vld1q_u8(bytes + i + (k)), low))
    for (; i + 19 <= count; i += 16) {
        uint8x16_t hits = vandq_u8(vandq_u8(LOOK(t0, 0), LOOK(t1, 1)),
                                   vandq_u8(LOOK(t2, 2), LOOK(t3, 3)));
        if (__builtin_expect(vmaxvq_u8(hits) == 0, 1)) continue;
        uint8_t lanes[16];
        vst1q_u8(lanes, hits);
        for (size_t k = 0; k < 16; k++)
            if (lanes[k] && stands(needles, bytes + i + k, count - i - k, lanes[k], which))
                return i + k;
    }
#undef LOOK
    return roost_find_plain(needles, bytes, count, i, which);
}

#else

size_t roost_find(const roost_needles *needles, const uint8_t *bytes, size_t count, size_t from,
                  size_t *which) {
    return roost_find_plain(needles, bytes, count, from, which);
}

#endif
