/* The Internet checksum (RFC 1071), over memory in network order, summed in the order of the host. */
#ifndef PPTP_NATIVE_CHECKSUM_H
#define PPTP_NATIVE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Adds the octets to an unfolded sum. Every part but the last has an even length. */
static inline uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t length) {
  /* 32 bits each into a sum of 64: no carry is lost in a packet, and compilers make vectors of it. */
  uint64_t lanes[4] = {0, 0, 0, 0};
  for (; length >= 16; length -= 16, bytes += 16) {
    uint32_t words[4];
    memcpy(words, bytes, sizeof words);
    for (int i = 0; i < 4; i += 1) lanes[i] += words[i];
  }
  sum += lanes[0] + lanes[1] + lanes[2] + lanes[3];
  for (; length >= 2; length -= 2, bytes += 2) {
    uint16_t word;
    memcpy(&word, bytes, sizeof word);
    sum += word;
  }
  if (length > 0) {
    const uint8_t padded[2] = {*bytes, 0};
    uint16_t word;
    memcpy(&word, padded, sizeof word);
    sum += word;
  }
  return sum;
}

/* The sum in 16 bits, not complemented. */
static inline uint16_t checksum_fold(uint64_t sum) {
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  return (uint16_t)sum;
}

#endif
