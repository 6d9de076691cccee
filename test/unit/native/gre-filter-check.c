/*
 * Runs the filter of shares in the kernel, which runs it on datagrams of a Unix socket as on packets of a raw one, and
 * compares it with a model: each packet is taken by the share that the model says, and by no other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gre_filter.h"

enum { LARGEST = 128, MOST_SHARES = 16, ROUNDS = 4000 };

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint32_t random_number(uint32_t below) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 32) % below;
}

static void check(int holds, const char *what) {
  if (holds) return;
  perror(what);
  exit(1);
}

/* RFC 2637 section 4.1, octet by octet. */
static uint32_t owner(const uint8_t *packet, size_t length, uint32_t modulus) {
  const size_t header = (size_t)(packet[0] & 15) * 4;
  if (length < header + 8) return 0;
  const uint8_t *gre = packet + header;
  const int checksum = gre[0] >> 7, routing = gre[0] >> 6 & 1, key = gre[0] >> 5 & 1, strict = gre[0] >> 3 & 1;
  const int recursion = gre[0] & 7, flags = gre[1] >> 3 & 15, version = gre[1] & 7;
  if (checksum || routing || !key || strict || recursion || flags || version != 1) return 0;
  if (gre[2] != 0x88 || gre[3] != 0x0b) return 0;
  return (uint32_t)(gre[6] << 8 | gre[7]) % modulus;
}

/* An IP header of any length, and behind it anything, or a header of PPTP whole, cut or with one bit turned. */
static size_t make(uint8_t *packet) {
  for (size_t i = 0; i < LARGEST; i += 1) packet[i] = (uint8_t)random_number(256);
  const size_t header = 20 + 4 * random_number(11);
  packet[0] = (uint8_t)(0x40 | header / 4);
  uint8_t *gre = packet + header;
  if (random_number(4) > 0) {
    gre[0] = (uint8_t)(0x20 | random_number(2) << 4);
    gre[1] = (uint8_t)(1 | random_number(2) << 7);
    gre[2] = 0x88;
    gre[3] = 0x0b;
    if (random_number(2) == 0) {
      const uint32_t bit = random_number(64);
      gre[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
  }
  return header + (random_number(4) == 0 ? random_number(9) : random_number((uint32_t)(LARGEST - header)));
}

struct share {
  int from;
  int to;
};

static struct share open_share(uint32_t modulus, uint32_t residue) {
  int pair[2];
  check(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) == 0, "socketpair");
  check(send(pair[0], "before", 6, 0) == 6, "send before");
  check(gre_filter_close(pair[1]) == 0, "close");
  check(send(pair[0], "between", 7, 0) == 7, "send between");
  check(gre_filter_share(pair[1], modulus, residue) == 0, "share");
  return (struct share){.from = pair[0], .to = pair[1]};
}

static int takes(struct share share, const uint8_t *packet, size_t length) {
  uint8_t got[LARGEST];
  check(send(share.from, packet, length, 0) == (ssize_t)length, "send");
  const ssize_t received = recv(share.to, got, sizeof got, 0);
  if (received >= 0) check((size_t)received == length && memcmp(got, packet, length) == 0, "whole packet");
  return received >= 0;
}

int main(void) {
  uint32_t found[MOST_SHARES] = {0};
  for (uint32_t modulus = 2; modulus <= MOST_SHARES; modulus += 1) {
    struct share shares[MOST_SHARES];
    for (uint32_t i = 0; i < modulus; i += 1) shares[i] = open_share(modulus, i);
    for (int round = 0; round < ROUNDS; round += 1) {
      uint8_t packet[LARGEST];
      const size_t length = make(packet);
      const uint32_t expected = owner(packet, length, modulus);
      found[expected] += 1;
      for (uint32_t i = 0; i < modulus; i += 1) {
        if (takes(shares[i], packet, length) == (i == expected)) continue;
        fprintf(stderr, "%zu octets for share %u of %u: share %u is wrong\n", length, expected, modulus, i);
        return 1;
      }
    }
  }
  for (uint32_t i = 0; i < MOST_SHARES; i += 1) check(found[i] > 10, "every share had packets");
  return 0;
}
