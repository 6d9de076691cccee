#include "segment.h"

static bool find_transport(struct segmenter *s, const struct vnet_header *vnet) {
  const uint8_t *ip = s->large;
  const uint8_t type = vnet->gso_type & (uint8_t)~VNET_GSO_ECN;
  const unsigned version = ip[0] >> 4;
  if (version != 4 && version != 6) return false;
  s->six = version == 6;
  s->udp = type == VNET_GSO_UDP;
  if (!s->udp && type != (s->six ? VNET_GSO_TCP6 : VNET_GSO_TCP4)) return false;
  /* Behind IPv6 extension headers, too, the checksum says where TCP or UDP starts. */
  s->transport = vnet->checksum_start;
  if (!(vnet->flags & VNET_NEEDS_CHECKSUM) || vnet->checksum_offset != (s->udp ? UDP_CHECKSUM : TCP_CHECKSUM)) {
    return false;
  }
  if (s->six) return s->transport >= IPV6_HEADER;
  return s->transport >= IPV4_HEADER && s->transport == (size_t)(ip[0] & 15) * 4 &&
         ip[IPV4_PROTOCOL] == (s->udp ? PROTOCOL_UDP : PROTOCOL_TCP);
}

bool segmenter_begin(struct segmenter *s, const struct vnet_header *vnet, size_t length, size_t room) {
  return segmenter_begin_at(s, s->packet, vnet, length, room);
}

bool segmenter_begin_at(struct segmenter *s, const uint8_t *large, const struct vnet_header *vnet, size_t length,
                        size_t room) {
  s->large = large;
  s->length = s->at = 0;
  if (length < IPV4_HEADER || length > LARGEST_PACKET || !find_transport(s, vnet)) return false;
  const size_t least = s->udp ? UDP_HEADER : TCP_HEADER;
  if (s->transport + least > length) return false;
  const size_t own = s->udp ? UDP_HEADER : (size_t)(s->large[s->transport + TCP_OFFSET] >> 4) * 4;
  s->header = s->transport + own;
  s->size = vnet->gso_size;
  if (own < least || s->header >= length || s->size == 0) return false;
  const size_t data = length - s->header;
  if (s->header + (data < s->size ? data : s->size) > room) return false;
  s->length = length;
  s->at = s->header;
  s->done = 0;
  return true;
}

static void number_ip(const struct segmenter *s, uint8_t *ip, size_t length) {
  if (s->six) {
    put16(ip + IPV6_LENGTH, (uint16_t)(length - IPV6_HEADER));
    return;
  }
  put16(ip + IPV4_LENGTH, (uint16_t)length);
  put16(ip + IPV4_ID, (uint16_t)(get16(s->large + IPV4_ID) + s->done));
  put_ipv4_checksum(ip, s->transport);
}

static void number_tcp(const struct segmenter *s, uint8_t *tcp, bool last) {
  const uint32_t passed = (uint32_t)(s->at - s->header);
  put32(tcp + TCP_SEQUENCE, get32(s->large + s->transport + TCP_SEQUENCE) + passed);
  /* What ends the data is said at its end, and a halved window once (RFC 3168 section 6.1.2). */
  if (!last) tcp[TCP_FLAGS] &= (uint8_t)~(FLAG_FIN | FLAG_PSH);
  if (s->done > 0) tcp[TCP_FLAGS] &= (uint8_t)~FLAG_CWR;
}

size_t segmenter_next(struct segmenter *s, uint8_t *into) {
  const size_t rest = s->length - s->at;
  const size_t data = rest < s->size ? rest : s->size;
  const size_t length = s->header + data;
  const size_t transport_length = length - s->transport;
  memcpy(into, s->large, s->header);
  memcpy(into + s->header, s->large + s->at, data);
  number_ip(s, into, length);
  uint8_t *transport = into + s->transport;
  if (s->udp) {
    put16(transport + UDP_LENGTH, (uint16_t)transport_length);
  } else {
    number_tcp(s, transport, data == rest);
  }
  uint8_t *field = transport + (s->udp ? UDP_CHECKSUM : TCP_CHECKSUM);
  field[0] = field[1] = 0;
  const uint64_t pseudo = pseudo_header_sum(into, s->six, s->udp ? PROTOCOL_UDP : PROTOCOL_TCP, transport_length);
  uint16_t checksum = (uint16_t)~checksum_fold(checksum_add(pseudo, transport, transport_length));
  /* In UDP zero means that there is none (RFC 768). */
  if (checksum == 0 && s->udp) checksum = 0xffff;
  memcpy(field, &checksum, sizeof checksum);
  s->at += data;
  s->done += 1;
  return length;
}

bool complete_checksum(uint8_t *packet, size_t length, const struct vnet_header *vnet) {
  const size_t start = vnet->checksum_start;
  const size_t field = start + vnet->checksum_offset;
  if (field + 2 > length) return false;
  /* The field holds the sum of the pseudo-header, so it is part of what is summed. */
  uint16_t checksum = (uint16_t)~checksum_fold(checksum_add(0, packet + start, length - start));
  if (checksum == 0) checksum = 0xffff;
  memcpy(packet + field, &checksum, sizeof checksum);
  return true;
}
