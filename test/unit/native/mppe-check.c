/* Compares the two SHA-1 of the addon, and four packets at once with one after the other. Silent when all is well. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mppe.h"

#define LONGEST 5000

static uint32_t seed = 1;

static uint32_t next(uint32_t below) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % below;
}

static int fail(const char *what, int round) {
  printf("%s, round %d\n", what, round);
  return 1;
}

static int check_sha1(void) {
  static const uint8_t abc[64] = {'a', 'b', 'c', 0x80, [63] = 24};
  static const uint32_t wanted[5] = {0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c, 0x9cd0d89d};
  const sha1_blocks both[2] = {sha1_portable, sha1_best()};
  for (int i = 0; i < 2; i += 1) {
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    both[i](state, abc, 1);
    if (memcmp(state, wanted, sizeof wanted) != 0) return fail("SHA-1 of abc", i);
  }
  for (int round = 0; round < 200; round += 1) {
    uint8_t blocks[3 * 64];
    uint32_t one[5], other[5];
    for (size_t i = 0; i < sizeof blocks; i += 1) blocks[i] = (uint8_t)next(256);
    for (size_t i = 0; i < 5; i += 1) one[i] = other[i] = next(1u << 24) * 257u;
    both[0](one, blocks, 3);
    both[1](other, blocks, 3);
    if (memcmp(one, other, sizeof one) != 0) return fail("SHA-1 of blocks", round);
  }
  return 0;
}

static int check_packets(void) {
  static struct mppe_stream streams[2][MPPE_CHUNK];
  static uint8_t keys[2][MPPE_CHUNK][MPPE_KEY_SIZE];
  static const uint8_t strengths[3] = {40, 56, 128};
  for (int round = 0; round < 60; round += 1) {
    const size_t count = next(MPPE_CHUNK + 1);
    const uint32_t used = 1 + next(MPPE_CHUNK);
    struct mppe_packet packets[2][MPPE_CHUNK];
    for (size_t i = 0; i < MPPE_CHUNK; i += 1) {
      for (size_t octet = 0; octet < sizeof streams[0][0]; octet += 1) {
        ((uint8_t *)&streams[0][i])[octet] = (uint8_t)next(256);
      }
      streams[0][i].strength = strengths[next(3)];
    }
    memcpy(streams[1], streams[0], sizeof streams[0]);
    for (size_t i = 0; i < count; i += 1) {
      const size_t length = next(4) == 0 ? next(LONGEST) : next(300);
      const uint32_t stream = next(used);
      for (size_t side = 0; side < 2; side += 1) {
        /* Allocated to the octet, so that a sanitizer sees every step beyond. */
        uint8_t *data = malloc(length > 0 ? length : 1);
        if (data == NULL) return fail("no memory", round);
        if (side == 0) {
          for (size_t octet = 0; octet < length; octet += 1) data[octet] = (uint8_t)next(256);
        } else {
          memcpy(data, packets[0][i].data, length);
        }
        packets[side][i] = (struct mppe_packet){data, length, &streams[side][stream], keys[side][i]};
      }
    }
    mppe_run(sha1_best(), packets[0], count);
    for (size_t i = 0; i < count; i += 1) mppe_run(sha1_portable, &packets[1][i], 1);
    for (size_t i = 0; i < count; i += 1) {
      if (memcmp(packets[0][i].data, packets[1][i].data, packets[0][i].length) != 0) return fail("packets", round);
      if (memcmp(keys[0][i], keys[1][i], MPPE_KEY_SIZE) != 0) return fail("keys", round);
      free(packets[0][i].data);
      free(packets[1][i].data);
    }
  }
  return 0;
}

int main(void) { return check_sha1() != 0 || check_packets() != 0; }
