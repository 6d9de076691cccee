/* One large TCP or UDP packet of the kernel cut into packets of the size that the path carries. */
#ifndef PPTP_NATIVE_SEGMENT_H
#define PPTP_NATIVE_SEGMENT_H

#include "headers.h"

struct segmenter {
  /* The large packet, with some room to see that one was longer. */
  uint8_t packet[LARGEST_PACKET + 1];
  /* What is being cut: in `packet`, or elsewhere. */
  const uint8_t *large;
  size_t length;
  /* Where TCP or UDP starts, and where its data starts. */
  size_t transport;
  size_t header;
  /* Octets of data per segment. */
  size_t size;
  /* The data from here on waits. */
  size_t at;
  size_t done;
  bool six;
  bool udp;
};

/* Whether segments wait. */
static inline bool segmenter_waits(const struct segmenter *s) { return s->at < s->length; }

/*
 * Looks at the `length` octets in `packet`. False when this is no packet to cut, or one whose segments are longer than
 * `room`; nothing waits then.
 */
bool segmenter_begin(struct segmenter *s, const struct vnet_header *vnet, size_t length, size_t room);

/* The same for a packet that stays elsewhere while segments wait. */
bool segmenter_begin_at(struct segmenter *s, const uint8_t *large, const struct vnet_header *vnet, size_t length,
                        size_t room);

/* Writes the next segment, checksums and all, and returns its length. Only while segments wait. */
size_t segmenter_next(struct segmenter *s, uint8_t *into);

/* Fills in the checksum that the kernel left to us. False when the place of it is not inside the packet. */
bool complete_checksum(uint8_t *packet, size_t length, const struct vnet_header *vnet);

#endif
