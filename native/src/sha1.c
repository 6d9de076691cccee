/* SHA-1 (FIPS 180-4): portable, and with the instructions that many x86 processors have for it. */
#include <string.h>

#include "mppe.h"

static uint32_t rotate(uint32_t word, unsigned by) { return (word << by) | (word >> (32 - by)); }

static uint32_t load_big_endian(const uint8_t *octets) {
  return ((uint32_t)octets[0] << 24) | ((uint32_t)octets[1] << 16) | ((uint32_t)octets[2] << 8) | octets[3];
}

static void one_block(uint32_t state[5], const uint8_t *block) {
  uint32_t w[80];
  for (size_t t = 0; t < 16; t += 1) w[t] = load_big_endian(block + 4 * t);
  for (size_t t = 16; t < 80; t += 1) w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (size_t t = 0; t < 80; t += 1) {
    uint32_t mixed;
    if (t < 20) {
      mixed = (d ^ (b & (c ^ d))) + 0x5a827999;
    } else if (t < 40) {
      mixed = (b ^ c ^ d) + 0x6ed9eba1;
    } else if (t < 60) {
      mixed = ((b & c) | (d & (b | c))) + 0x8f1bbcdc;
    } else {
      mixed = (b ^ c ^ d) + 0xca62c1d6;
    }
    uint32_t next = rotate(a, 5) + mixed + e + w[t];
    e = d;
    d = c;
    c = rotate(b, 30);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

void sha1_portable(uint32_t state[5], const uint8_t *blocks, size_t count) {
  for (size_t i = 0; i < count; i += 1) one_block(state, blocks + 64 * i);
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

/*
 * The extensions are switched on for this function alone and never with -march: wider AVX code around these instructions
 * made a key change fifteen times slower on one machine. Four rounds a step; the state is kept as A B C D in one
 * register, and E comes out of the A of four rounds before.
 */
__attribute__((target("sha,ssse3,sse4.1"))) static void sha1_extensions(uint32_t state[5], const uint8_t *blocks,
                                                                        size_t count) {
  const __m128i big_endian = _mm_set_epi64x(0x0001020304050607LL, 0x08090a0b0c0d0e0fLL);
  __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)state), 0x1b);
  __m128i e = _mm_set_epi32((int)state[4], 0, 0, 0);
  for (size_t i = 0; i < count; i += 1) {
    const __m128i *block = (const __m128i *)(const void *)(blocks + 64 * i);
    const __m128i first_abcd = abcd;
    const __m128i first_e = e;
    __m128i before = abcd;
    __m128i w[4];
    for (size_t t = 0; t < 4; t += 1) w[t] = _mm_shuffle_epi8(_mm_loadu_si128(block + t), big_endian);
#define WORDS(g)                                                                                                     \
  w[(g)&3] = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(w[(g)&3], w[((g) + 1) & 3]), w[((g) + 2) & 3]),     \
                                w[((g) + 3) & 3])
#define ROUNDS(g)                              \
  do {                                         \
    e = _mm_sha1nexte_epu32(before, w[(g)&3]); \
    before = abcd;                             \
    abcd = _mm_sha1rnds4_epu32(abcd, e, (g) / 5); \
  } while (0)
#define STEP(g) \
  do {          \
    WORDS(g);   \
    ROUNDS(g);  \
  } while (0)
    abcd = _mm_sha1rnds4_epu32(abcd, _mm_add_epi32(e, w[0]), 0);
    ROUNDS(1);
    ROUNDS(2);
    ROUNDS(3);
    STEP(4);
    STEP(5);
    STEP(6);
    STEP(7);
    STEP(8);
    STEP(9);
    STEP(10);
    STEP(11);
    STEP(12);
    STEP(13);
    STEP(14);
    STEP(15);
    STEP(16);
    STEP(17);
    STEP(18);
    STEP(19);
#undef STEP
#undef ROUNDS
#undef WORDS
    e = _mm_sha1nexte_epu32(before, first_e);
    abcd = _mm_add_epi32(abcd, first_abcd);
  }
  _mm_storeu_si128((__m128i *)(void *)state, _mm_shuffle_epi32(abcd, 0x1b));
  state[4] = (uint32_t)_mm_extract_epi32(e, 3);
}

sha1_blocks sha1_best(void) {
  const unsigned ssse3 = 1u << 9, sse41 = 1u << 19, sha = 1u << 29;
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c & ssse3) == 0 || (c & sse41) == 0) return sha1_portable;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & sha) == 0) return sha1_portable;
  return sha1_extensions;
}

#else

sha1_blocks sha1_best(void) { return sha1_portable; }

#endif
