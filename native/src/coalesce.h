/* Packets of a batch that the kernel may take as one: neighbours in one TCP stream, or datagrams of one UDP flow. */
#ifndef PPTP_NATIVE_COALESCE_H
#define PPTP_NATIVE_COALESCE_H

#include <sys/uio.h>

#include "headers.h"

enum { MOST_PACKETS = 256, FLOW_BUCKETS = 512 };

struct packet {
  const uint8_t *bytes;
  size_t length;
  /* Position of the next packet of the same group, -1 at its end. */
  int16_t next;
};

/* What is written at once: one packet as it is, or several behind one header. */
struct group {
  int16_t first;
  int16_t last;
  /* Packets. */
  uint16_t count;
  /* Lengths: of IP and transport header, of the first packet's data, and of all with one header. */
  uint16_t transport;
  uint16_t header;
  uint16_t size;
  size_t length;
  uint32_t hash;
  uint32_t next_sequence;
  bool six;
  bool udp;
  /* Takes more packets. */
  bool open;
  /* The first packet's checksums were found right. */
  bool checked;
  bool push;
};

struct coalescer {
  struct packet packets[MOST_PACKETS];
  struct group groups[MOST_PACKETS];
  /* Which group of a flow is the newest: its number + 1, by hash of the flow. */
  uint16_t buckets[FLOW_BUCKETS];
  size_t packet_count;
  size_t group_count;
  bool tcp;
  bool udp;
  /* Of one group being written. */
  uint8_t built[LARGEST_HEADER];
  struct vnet_header vnet;
  struct iovec parts[MOST_PACKETS + 2];
};

/* Groups `packets[0 .. packet_count)`. Packets of a flow keep their order; a packet of no known kind passes nothing. */
void coalesce(struct coalescer *c);

/* Fills `parts` with what is to be written for the group; returns how many parts. */
int group_parts(struct coalescer *c, const struct group *group);

/* The same for packet `at` alone, as it came. */
int packet_parts(struct coalescer *c, int16_t at);

#endif
