/* Packets of the kernel that wait for room in a batch: every destination in its turn (deficit round robin). */
#ifndef PPTP_NATIVE_FAIR_H
#define PPTP_NATIVE_FAIR_H

#include "headers.h"

/* Limits of all that waits, and the octets of a destination's turn. */
enum { FAIR_PACKETS = 1024, FAIR_OCTETS = 4 << 20, FAIR_TURN = 8192 };
enum { FAIR_FLOWS = 1024 };
/* Rooms that are kept for the next packets. */
enum { FAIR_SPARES = 32 };

struct waiting {
  struct waiting *next;
  struct vnet_header vnet;
  size_t length;
  uint8_t bytes[];
};

enum fair_list { FAIR_IDLE, FAIR_NEW, FAIR_OLD };

/* The packets to the destinations of one hash. */
struct flow {
  struct waiting *first;
  struct waiting *last;
  struct flow *next;
  size_t octets;
  int64_t deficit;
  enum fair_list list;
};

struct flow_list {
  struct flow *first;
  struct flow *last;
};

/* All zero to begin with. */
struct fair {
  struct flow flows[FAIR_FLOWS];
  /* A flow that had nothing waiting comes before those that always have. */
  struct flow_list fresh;
  struct flow_list busy;
  /* Room for the next packets, the last given back first: its memory is still in the cache. */
  struct waiting *spare;
  size_t spares;
  size_t packets;
  size_t octets;
  uint32_t dropped;
};

/* Room for a packet of LARGEST_PACKET + 1 octets; NULL without memory. */
struct waiting *fair_room(struct fair *fair);

/* Queues the packet of `length` octets that is in the room. Above a limit the longest queues lose their oldest packets. */
void fair_put(struct fair *fair, size_t length);

/* The next packet, to be given back; NULL when none waits. */
struct waiting *fair_take(struct fair *fair);

/* Done with a packet of fair_take; or with NULL. */
void fair_give_back(struct fair *fair, struct waiting *packet);

/* Frees all memory but `fair` itself. */
void fair_clear(struct fair *fair);

#endif
