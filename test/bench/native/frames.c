/* See frames.h. RFC 2637 section 4.1, RFC 3078 sections 3 and 7. No negotiation, no reordering, no lone acknowledgments. */
#include "frames.h"

#include <string.h>

#include "../../../native/src/headers.h"

enum { GRE_KEY_SEQUENCE = 0x30, GRE_ACKNOWLEDGMENT = 0x80, GRE_VERSION = 1, GRE_PPP = 0x880b };
enum { PPP_MPPE = 0x00fd, PPP_IPV4 = 0x21 };
/* Flushed (A) and encrypted (D) bits: every packet of the stateless mode has both. */
enum { MPPE_BITS = 0x9000, MPPE_COUNT = 0x0fff, MPPE_BEHIND = 0x0800 };

/* The initial session key of a start key (RFC 3079 section 3.4): SHA-1 over start key, pad, start key, pad; no RC4. */
static void initial_key(sha1_blocks sha1, struct mppe_stream *stream) {
  enum { PAD = 40, MESSAGE = 2 * (MPPE_KEY_SIZE + PAD) };
  uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  uint8_t blocks[2 * 64] = {0};
  memcpy(blocks, stream->start, MPPE_KEY_SIZE);
  memcpy(blocks + MPPE_KEY_SIZE + PAD, stream->start, MPPE_KEY_SIZE);
  memset(blocks + MESSAGE - PAD, 0xf2, PAD);
  blocks[MESSAGE] = 0x80;
  put32(blocks + sizeof blocks - 4, MESSAGE * 8);
  sha1(state, blocks, 2);
  for (size_t at = 0; at < MPPE_KEY_SIZE / 4; at += 1) put32(stream->key + 4 * at, state[at]);
}

void tunnel_open(sha1_blocks sha1, struct tunnel *tunnel) {
  struct mppe_stream stream = {.strength = 128};
  memset(stream.start, tunnel->call_id & 0xff, sizeof stream.start);
  initial_key(sha1, &stream);
  tunnel->send = tunnel->receive = stream;
}

static void push(struct frame *frame, size_t octets) {
  frame->data -= octets;
  frame->length += octets;
}

static void pull(struct frame *frame, size_t octets) {
  frame->data += octets;
  frame->length -= octets;
}

static void put_headers(struct frame *frame) {
  struct tunnel *tunnel = frame->tunnel;
  push(frame, 2);
  put16(frame->data, (uint16_t)(MPPE_BITS | tunnel->send_count));
  tunnel->send_count = (tunnel->send_count + 1) & MPPE_COUNT;
  push(frame, 2);
  put16(frame->data, PPP_MPPE);
  const uint16_t payload = (uint16_t)frame->length;
  uint8_t second = GRE_VERSION;
  if (tunnel->must_acknowledge) {
    push(frame, 4);
    put32(frame->data, tunnel->received);
    tunnel->must_acknowledge = false;
    second |= GRE_ACKNOWLEDGMENT;
  }
  push(frame, 12);
  frame->data[0] = GRE_KEY_SEQUENCE;
  frame->data[1] = second;
  put16(frame->data + 2, GRE_PPP);
  put16(frame->data + 4, payload);
  put16(frame->data + 6, tunnel->call_id);
  put32(frame->data + 8, tunnel->next_sequence);
  tunnel->next_sequence += 1;
}

void frames_wrap(sha1_blocks sha1, struct frame *frames, size_t count) {
  if (count == 0) return;
  struct mppe_packet packets[BATCH];
  uint8_t keys[BATCH][MPPE_KEY_SIZE];
  for (size_t at = 0; at < count; at += 1) {
    push(&frames[at], 1);
    frames[at].data[0] = PPP_IPV4;
    packets[at] = (struct mppe_packet){frames[at].data, frames[at].length, &frames[at].tunnel->send, keys[at]};
  }
  mppe_run(sha1, packets, count);
  for (size_t at = 0; at < count; at += 1) put_headers(&frames[at]);
}

static struct tunnel *tunnel_of(struct tunnel *tunnels, size_t count, uint16_t call_id) {
  for (size_t at = 0; at < count; at += 1) {
    if (tunnels[at].call_id == call_id) return &tunnels[at];
  }
  return NULL;
}

/* Takes off everything in front of the MPPE header; false for what is no data of a tunnel. */
static bool take_gre(struct frame *frame, struct tunnel *tunnels, size_t tunnel_count) {
  if (frame->length < IPV4_HEADER) return false;
  const size_t ip = (size_t)(frame->data[0] & 0x0f) * 4;
  if (frame->length < ip + 12) return false;
  pull(frame, ip);
  const uint8_t *gre = frame->data;
  if (gre[0] != GRE_KEY_SEQUENCE || (gre[1] & ~GRE_ACKNOWLEDGMENT) != GRE_VERSION || get16(gre + 2) != GRE_PPP) {
    return false;
  }
  const size_t header = gre[1] & GRE_ACKNOWLEDGMENT ? 16 : 12;
  if (frame->length < header + 5 || frame->length != header + get16(gre + 4)) return false;
  frame->tunnel = tunnel_of(tunnels, tunnel_count, get16(gre + 6));
  if (frame->tunnel == NULL || get16(gre + header) != PPP_MPPE) return false;
  frame->tunnel->received = get32(gre + 8);
  frame->tunnel->must_acknowledge = true;
  pull(frame, header + 2);
  return true;
}

/* The keys of packets that were lost change, too. False for a packet from behind. */
static bool catch_up(sha1_blocks sha1, struct tunnel *tunnel, uint16_t count) {
  unsigned lost = (unsigned)(count - tunnel->receive_count) & MPPE_COUNT;
  if (lost >= MPPE_BEHIND) return false;
  for (; lost > 0; lost -= 1) {
    uint8_t key[MPPE_KEY_SIZE];
    const struct mppe_packet nothing = {key, 0, &tunnel->receive, key};
    mppe_run(sha1, &nothing, 1);
  }
  tunnel->receive_count = (count + 1) & MPPE_COUNT;
  return true;
}

void frames_unwrap(sha1_blocks sha1, struct frame *frames, size_t count, struct tunnel *tunnels, size_t tunnel_count) {
  struct mppe_packet packets[BATCH];
  uint8_t keys[BATCH][MPPE_KEY_SIZE];
  size_t ours = 0;
  for (size_t at = 0; at < count; at += 1) {
    struct frame *frame = &frames[at];
    if (!take_gre(frame, tunnels, tunnel_count)) {
      frame->length = 0;
      continue;
    }
    const uint16_t coherency = get16(frame->data) & MPPE_COUNT;
    if (coherency != frame->tunnel->receive_count) {
      /* Keys change in order: first those of the packets before the gap. */
      if (ours > 0) mppe_run(sha1, packets, ours);
      ours = 0;
      if (!catch_up(sha1, frame->tunnel, coherency)) {
        frame->length = 0;
        continue;
      }
    } else {
      frame->tunnel->receive_count = (coherency + 1) & MPPE_COUNT;
    }
    pull(frame, 2);
    packets[ours] = (struct mppe_packet){frame->data, frame->length, &frame->tunnel->receive, keys[ours]};
    ours += 1;
  }
  if (ours > 0) mppe_run(sha1, packets, ours);
  for (size_t at = 0; at < count; at += 1) {
    if (frames[at].length == 0) continue;
    if (frames[at].data[0] == PPP_IPV4) {
      pull(&frames[at], 1);
    } else {
      frames[at].length = 0;
    }
  }
}
