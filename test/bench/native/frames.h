/* What the plain-C forwarder puts around an IP packet, and takes off again: PPP, MPPE-128 stateless, enhanced GRE. */
#ifndef BENCH_FRAMES_H
#define BENCH_FRAMES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../native/src/mppe.h"

enum { BATCH = 64, SLOT = 2048, HEADROOM = 64 };
/* Room for an IP packet in a slot. */
enum { ROOM = SLOT - HEADROOM };

struct tunnel {
  struct sockaddr_in peer;
  /* IPv4 address behind the tunnel, network order. */
  uint32_t inner;
  uint16_t call_id;
  struct mppe_stream send;
  struct mppe_stream receive;
  uint16_t send_count;
  uint16_t receive_count;
  uint32_t next_sequence;
  uint32_t received;
  bool must_acknowledge;
};

/* A packet on its way: `data` moves forwards and backwards in its slot as headers come and go. */
struct frame {
  struct tunnel *tunnel;
  uint8_t *data;
  size_t length;
};

/* Keys that both ends know: the start key is the low octet of the Call ID, sixteen times. */
void tunnel_open(sha1_blocks sha1, struct tunnel *tunnel);

/* IP packets with HEADROOM in front become GRE packets. At most BATCH. */
void frames_wrap(sha1_blocks sha1, struct frame *frames, size_t count);

/* GRE packets become IP packets; those that are none of ours get length 0. At most BATCH. */
void frames_unwrap(sha1_blocks sha1, struct frame *frames, size_t count, struct tunnel *tunnels, size_t tunnel_count);

#endif
