/* The queue of packets that wait, alone. Silent when all is well. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fair.h"

static struct fair fair;
static uint32_t seed = 1;

static uint32_t below(uint32_t limit) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % limit;
}

static void expect(int right, const char *what) {
  if (right) return;
  printf("%s\n", what);
  exit(1);
}

/* A packet to 10.0.0.HOST with a number in it. */
static void put(uint8_t host, uint16_t number, size_t length) {
  struct waiting *room = fair_room(&fair);
  expect(room != NULL, "no memory");
  memset(room->bytes, 0, length);
  memset(&room->vnet, 0, sizeof room->vnet);
  room->vnet.gso_size = number;
  room->bytes[0] = 0x45;
  room->bytes[16] = 10;
  room->bytes[19] = host;
  fair_put(&fair, length);
}

/* Host of the next packet, 0 when there is none; `number` becomes its number. */
static uint8_t take(uint16_t *number) {
  struct waiting *packet = fair_take(&fair);
  if (packet == NULL) return 0;
  const uint8_t host = packet->bytes[19];
  *number = packet->vnet.gso_size;
  fair_give_back(&fair, packet);
  return host;
}

static void quiet_before_busy(void) {
  uint16_t number = 0;
  for (uint16_t i = 0; i < 30; i += 1) put(1, i, 60000);
  expect(take(&number) == 1 && number == 0, "the only one waits for nobody");
  put(2, 0, 84);
  expect(take(&number) == 2, "a quiet destination comes before a busy one");
  put(2, 1, 84);
  put(1, 30, 60000);
  /* It was quiet a moment ago: it has its turn among the others now, not before them. */
  for (int turn = 0; turn < 2; turn += 1) {
    if (take(&number) == 2) break;
    expect(turn == 0, "a quiet destination waits for one packet of a busy one at most");
  }
  for (uint16_t i = 2; take(&number) == 1; i += 1) expect(number > 0, "an old packet");
  expect(fair.packets == 0 && fair.octets == 0, "nothing is left");
}

/* Large packets of one and small ones of the other: octets count. */
static void equal_octets(void) {
  size_t octets[3] = {0, 0, 0};
  uint16_t number = 0;
  for (uint16_t i = 0; i < 40; i += 1) put(1, i, 40000);
  for (uint16_t i = 0; i < 900; i += 1) put(2, i, 1000);
  for (int i = 0; i < 400; i += 1) {
    const uint8_t host = take(&number);
    octets[host] += host == 1 ? 40000 : 1000;
  }
  const size_t more = octets[1] > octets[2] ? octets[1] - octets[2] : octets[2] - octets[1];
  expect(more <= 40000 + FAIR_TURN, "two busy destinations get the same");
  while (take(&number) != 0) continue;
}

/* What is too much is taken from the longest queue, its oldest first. */
static void limits(void) {
  uint16_t number = 0;
  const uint32_t before = fair.dropped;
  put(2, 7, 100);
  for (uint16_t i = 0; i < 100; i += 1) put(1, i, 60000);
  expect(fair.octets <= FAIR_OCTETS, "octets are bounded");
  expect(fair.dropped - before == 100 - (FAIR_OCTETS - 100) / 60000, "no more is dropped than must be");
  expect(take(&number) == 2 && number == 7, "the short queue keeps its packet");
  expect(take(&number) == 1 && number == fair.dropped - before, "the oldest are gone");
  while (take(&number) != 0) continue;
  for (uint32_t i = 0; i < 3 * FAIR_PACKETS; i += 1) put(3, (uint16_t)i, 40);
  expect(fair.packets == FAIR_PACKETS, "packets are bounded");
  while (take(&number) != 0) continue;
}

/* Whatever comes and goes: per destination in order, none twice, none lost but those counted. */
static void any_order(void) {
  uint16_t sent[8] = {0}, next[8] = {0};
  uint32_t put_count = 0, taken = 0;
  const uint32_t before = fair.dropped;
  for (int round = 0; round < 200000; round += 1) {
    uint16_t number = 0;
    if (below(100) < 52) {
      const uint8_t host = (uint8_t)(1 + below(7));
      sent[host] += 1;
      put(host, sent[host], 20 + below(host == 1 ? 65000 : 3000));
      put_count += 1;
      continue;
    }
    const uint8_t host = take(&number);
    if (host == 0) {
      expect(fair.packets == 0, "packets wait and none is given");
      continue;
    }
    taken += 1;
    expect(fair.spares <= FAIR_SPARES, "rooms that are kept are bounded");
    expect((int16_t)(number - next[host]) > 0, "a destination's packets keep their order");
    next[host] = number;
  }
  expect(put_count == taken + fair.packets + (fair.dropped - before), "every packet is given, waits or is counted");
}

int main(void) {
  quiet_before_busy();
  equal_octets();
  limits();
  any_order();
  /* What is no IP packet has a place, too. */
  memset(fair_room(&fair)->bytes, 0, 64);
  fair_put(&fair, 3);
  fair_clear(&fair);
  return fair.packets == 0 && fair.octets == 0 ? 0 : 1;
}
