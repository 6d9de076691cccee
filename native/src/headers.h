/* Offsets and values of IPv4, IPv6, TCP, UDP and virtio-net headers, and numbers in network order. */
#ifndef PPTP_NATIVE_HEADERS_H
#define PPTP_NATIVE_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "checksum.h"

enum {
  IPV4_HEADER = 20,
  IPV4_LENGTH = 2,
  IPV4_ID = 4,
  IPV4_FRAGMENT = 6,
  IPV4_TTL = 8,
  IPV4_PROTOCOL = 9,
  IPV4_CHECKSUM = 10,
  IPV4_SOURCE = 12,
  IPV6_HEADER = 40,
  IPV6_LENGTH = 4,
  IPV6_NEXT = 6,
  IPV6_SOURCE = 8,
  TCP_HEADER = 20,
  TCP_SEQUENCE = 4,
  TCP_ACKNOWLEDGMENT = 8,
  TCP_OFFSET = 12,
  TCP_FLAGS = 13,
  TCP_WINDOW = 14,
  TCP_CHECKSUM = 16,
  TCP_URGENT = 18,
  UDP_HEADER = 8,
  UDP_LENGTH = 4,
  UDP_CHECKSUM = 6,
  PROTOCOL_TCP = 6,
  PROTOCOL_UDP = 17,
};

enum { FLAG_FIN = 0x01, FLAG_PSH = 0x08, FLAG_ACK = 0x10, FLAG_CWR = 0x80 };

/* The largest IP packet, and the largest header before TCP or UDP data that is made or read here. */
enum { LARGEST_PACKET = 65535, LARGEST_HEADER = 256 };

/* struct virtio_net_hdr of linux/virtio_net.h: what stands before each packet of a TUN device with IFF_VNET_HDR, in the
   byte order of the host. Written out here because the values for UDP are newer than the headers of Debian 12. */
struct vnet_header {
  uint8_t flags;
  uint8_t gso_type;
  uint16_t header_length;
  uint16_t gso_size;
  uint16_t checksum_start;
  uint16_t checksum_offset;
};
_Static_assert(sizeof(struct vnet_header) == 10, "the kernel reads and writes 10 octets");

enum { VNET_NEEDS_CHECKSUM = 1 };
enum { VNET_GSO_NONE = 0, VNET_GSO_TCP4 = 1, VNET_GSO_TCP6 = 4, VNET_GSO_UDP = 5, VNET_GSO_ECN = 0x80 };

static inline uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static inline uint32_t get32(const uint8_t *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }

static inline void put16(uint8_t *at, uint16_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value) {
  put16(at, (uint16_t)(value >> 16));
  put16(at + 2, (uint16_t)value);
}

static inline void put_ipv4_checksum(uint8_t *ip, size_t header_length) {
  ip[IPV4_CHECKSUM] = ip[IPV4_CHECKSUM + 1] = 0;
  const uint16_t checksum = (uint16_t)~checksum_fold(checksum_add(0, ip, header_length));
  memcpy(ip + IPV4_CHECKSUM, &checksum, sizeof checksum);
}

/* Unfolded sum of the pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1) of a transport packet. */
static inline uint64_t pseudo_header_sum(const uint8_t *ip, bool six, uint8_t protocol, size_t transport_length) {
  uint8_t rest[8];
  put32(rest, (uint32_t)transport_length);
  put32(rest + 4, protocol);
  const uint8_t *addresses = ip + (six ? IPV6_SOURCE : IPV4_SOURCE);
  return checksum_add(checksum_add(0, rest, sizeof rest), addresses, six ? 32 : 8);
}

#endif
