#include "coalesce.h"

enum { MOST_DATAGRAMS = 64 };

/* What of a packet decides where it may go. */
enum kind {
  /* Nothing is known of it: nothing may pass it. */
  KIND_OTHER,
  /* Of a TCP or UDP flow, but to be written alone. */
  KIND_ALONE,
  /* Data that may be joined. */
  KIND_DATA,
};

struct facts {
  enum kind kind;
  size_t transport;
  size_t header;
  bool six;
  bool udp;
  uint32_t hash;
};

static bool read_ip(const struct packet *packet, struct facts *facts) {
  const uint8_t *ip = packet->bytes;
  if (packet->length < IPV4_HEADER) return false;
  uint8_t protocol;
  if (ip[0] == 0x45) {
    /* Fragments have no ports to tell their flow by. */
    if (get16(ip + IPV4_LENGTH) != packet->length || (get16(ip + IPV4_FRAGMENT) & 0xbfff) != 0) return false;
    facts->six = false;
    facts->transport = IPV4_HEADER;
    protocol = ip[IPV4_PROTOCOL];
  } else {
    if (ip[0] >> 4 != 6 || packet->length < IPV6_HEADER) return false;
    if ((size_t)get16(ip + IPV6_LENGTH) + IPV6_HEADER != packet->length) return false;
    facts->six = true;
    facts->transport = IPV6_HEADER;
    protocol = ip[IPV6_NEXT];
  }
  facts->udp = protocol == PROTOCOL_UDP;
  const size_t least = facts->udp ? UDP_HEADER : TCP_HEADER;
  return (facts->udp || protocol == PROTOCOL_TCP) && packet->length >= facts->transport + least;
}

static bool is_tcp_data(const uint8_t *tcp, size_t length, size_t *header) {
  *header = (size_t)(tcp[TCP_OFFSET] >> 4) * 4;
  return *header >= TCP_HEADER && *header < length && (tcp[TCP_OFFSET] & 15) == 0 &&
         (tcp[TCP_FLAGS] & ~FLAG_PSH) == FLAG_ACK && get16(tcp + TCP_URGENT) == 0;
}

static bool is_udp_data(const uint8_t *udp, size_t length, size_t *header) {
  *header = UDP_HEADER;
  return length > UDP_HEADER && get16(udp + UDP_LENGTH) == length && get16(udp + UDP_CHECKSUM) != 0;
}

/* Only to find the group sooner: what is equal is compared octet by octet. */
static uint32_t hash_flow(const uint8_t *ip, const struct facts *facts) {
  const uint8_t *at = ip + (facts->six ? IPV6_SOURCE : IPV4_SOURCE);
  const uint8_t *end = ip + facts->transport + 4;
  uint32_t hash = facts->udp ? 17 : 6;
  for (; at < end; at += 4) hash = (hash ^ get32(at)) * 0x9e3779b1;
  return hash ^ hash >> 15;
}

static void read_facts(const struct coalescer *c, const struct packet *packet, struct facts *facts) {
  facts->kind = KIND_OTHER;
  facts->header = 0;
  facts->hash = 0;
  if (!read_ip(packet, facts)) return;
  const uint8_t *transport = packet->bytes + facts->transport;
  const size_t length = packet->length - facts->transport;
  size_t own = 0;
  const bool data = facts->udp ? is_udp_data(transport, length, &own) : is_tcp_data(transport, length, &own);
  facts->kind = data && (facts->udp ? c->udp : c->tcp) ? KIND_DATA : KIND_ALONE;
  facts->header = facts->transport + own;
  facts->hash = hash_flow(packet->bytes, facts);
}

static bool is_same_flow(const uint8_t *a, const uint8_t *b, const struct group *group, const struct facts *facts) {
  if (group->six != facts->six || group->udp != facts->udp || group->transport != facts->transport) return false;
  const size_t from = facts->six ? IPV6_SOURCE : IPV4_SOURCE;
  /* Addresses and ports are neighbours. */
  return memcmp(a + from, b + from, facts->transport + 4 - from) == 0;
}

/* The bucket of the flow, with its newest group or empty. There are more buckets than packets, so there is an end. */
static uint16_t *find_bucket(struct coalescer *c, const struct packet *packet, const struct facts *facts) {
  for (uint32_t at = facts->hash;; at += 1) {
    uint16_t *bucket = &c->buckets[at % FLOW_BUCKETS];
    if (*bucket == 0) return bucket;
    const struct group *group = &c->groups[*bucket - 1];
    if (group->hash == facts->hash && is_same_flow(c->packets[group->first].bytes, packet->bytes, group, facts)) {
      return bucket;
    }
  }
}

/* The kernel makes the later packets from the first one's header, so these must not differ. */
static bool has_same_ip(const uint8_t *first, const uint8_t *ip, const struct group *group) {
  if (group->six) return memcmp(first, ip, 4) == 0 && first[7] == ip[7];
  if (first[1] != ip[1] || first[IPV4_TTL] != ip[IPV4_TTL] || first[IPV4_FRAGMENT] != ip[IPV4_FRAGMENT]) return false;
  /* Where fragmentation is forbidden the identification means nothing (RFC 6864 section 4.1). */
  return (first[IPV4_FRAGMENT] & 0x40) != 0 ||
         (uint16_t)(get16(first + IPV4_ID) + group->count) == get16(ip + IPV4_ID);
}

static bool has_same_tcp(const uint8_t *first, const uint8_t *tcp, const struct group *group) {
  return get32(tcp + TCP_SEQUENCE) == group->next_sequence &&
         memcmp(first + TCP_ACKNOWLEDGMENT, tcp + TCP_ACKNOWLEDGMENT, 4) == 0 &&
         memcmp(first + TCP_WINDOW, tcp + TCP_WINDOW, 2) == 0 &&
         memcmp(first + TCP_HEADER, tcp + TCP_HEADER, (size_t)(group->header - group->transport - TCP_HEADER)) == 0;
}

/* Joined packets are no longer verified by anybody, so a wrong checksum must keep its packet alone. */
static bool has_right_checksums(const struct packet *packet, bool six, bool udp, size_t transport) {
  if (!six && checksum_fold(checksum_add(0, packet->bytes, IPV4_HEADER)) != 0xffff) return false;
  const size_t length = packet->length - transport;
  const uint64_t pseudo = pseudo_header_sum(packet->bytes, six, udp ? PROTOCOL_UDP : PROTOCOL_TCP, length);
  return checksum_fold(checksum_add(pseudo, packet->bytes + transport, length)) == 0xffff;
}

static bool may_join(struct coalescer *c, struct group *group, const struct packet *packet, const struct facts *facts) {
  const size_t data = packet->length - facts->header;
  const struct packet *first = &c->packets[group->first];
  if (!group->open || facts->header != group->header || data > group->size) return false;
  if (group->length + data > LARGEST_PACKET || (group->udp && group->count >= MOST_DATAGRAMS)) return false;
  if (!has_same_ip(first->bytes, packet->bytes, group)) return false;
  if (!group->udp && !has_same_tcp(first->bytes + group->transport, packet->bytes + group->transport, group)) {
    return false;
  }
  if (!group->checked && !has_right_checksums(first, group->six, group->udp, group->transport)) return false;
  group->checked = true;
  return has_right_checksums(packet, group->six, group->udp, group->transport);
}

static bool pushes(const struct packet *packet, const struct facts *facts) {
  return !facts->udp && (packet->bytes[facts->transport + TCP_FLAGS] & FLAG_PSH) != 0;
}

static void join(struct coalescer *c, struct group *group, int16_t at, const struct facts *facts) {
  struct packet *packet = &c->packets[at];
  const size_t data = packet->length - facts->header;
  c->packets[group->last].next = at;
  group->last = at;
  group->count += 1;
  group->length += data;
  group->next_sequence += (uint32_t)data;
  group->push = pushes(packet, facts);
  /* Only the last of a group may be shorter, and only the last may push. */
  if (data < group->size || group->push) group->open = false;
}

static struct group *start_group(struct coalescer *c, int16_t at, const struct facts *facts) {
  struct group *group = &c->groups[c->group_count++];
  const struct packet *packet = &c->packets[at];
  memset(group, 0, sizeof *group);
  group->first = group->last = at;
  group->count = 1;
  group->length = packet->length;
  if (facts->kind == KIND_OTHER) return group;
  group->transport = (uint16_t)facts->transport;
  group->six = facts->six;
  group->udp = facts->udp;
  group->hash = facts->hash;
  if (facts->kind == KIND_ALONE) return group;
  const size_t data = packet->length - facts->header;
  group->header = (uint16_t)facts->header;
  group->size = (uint16_t)data;
  if (!facts->udp) {
    group->next_sequence = get32(packet->bytes + facts->transport + TCP_SEQUENCE) + (uint32_t)data;
  }
  group->push = pushes(packet, facts);
  group->open = packet->length <= LARGEST_PACKET && !group->push;
  return group;
}

void coalesce(struct coalescer *c) {
  c->group_count = 0;
  memset(c->buckets, 0, sizeof c->buckets);
  for (size_t i = 0; i < c->packet_count; i += 1) {
    const int16_t at = (int16_t)i;
    struct packet *packet = &c->packets[i];
    struct facts facts;
    packet->next = -1;
    read_facts(c, packet, &facts);
    if (facts.kind == KIND_OTHER) {
      start_group(c, at, &facts);
      /* Empty buckets: what follows finds none of the groups before. */
      memset(c->buckets, 0, sizeof c->buckets);
      continue;
    }
    uint16_t *bucket = find_bucket(c, packet, &facts);
    struct group *group = *bucket == 0 ? NULL : &c->groups[*bucket - 1];
    if (group != NULL && facts.kind == KIND_DATA && may_join(c, group, packet, &facts)) {
      join(c, group, at, &facts);
      continue;
    }
    start_group(c, at, &facts);
    *bucket = (uint16_t)c->group_count;
  }
}

static int add_vnet(struct coalescer *c) {
  c->parts[0].iov_base = &c->vnet;
  c->parts[0].iov_len = sizeof c->vnet;
  return 1;
}

static void add_part(struct coalescer *c, int at, const uint8_t *bytes, size_t length) {
  /* writev only reads; the type has no const. */
  c->parts[at].iov_base = (void *)(uintptr_t)bytes;
  c->parts[at].iov_len = length;
}

int packet_parts(struct coalescer *c, int16_t at) {
  memset(&c->vnet, 0, sizeof c->vnet);
  int count = add_vnet(c);
  add_part(c, count, c->packets[at].bytes, c->packets[at].length);
  return count + 1;
}

static void build_header(struct coalescer *c, const struct group *group) {
  uint8_t *ip = c->built;
  uint8_t *transport = ip + group->transport;
  const size_t transport_length = group->length - group->transport;
  memcpy(ip, c->packets[group->first].bytes, group->header);
  if (group->six) {
    put16(ip + IPV6_LENGTH, (uint16_t)(group->length - IPV6_HEADER));
  } else {
    put16(ip + IPV4_LENGTH, (uint16_t)group->length);
    put_ipv4_checksum(ip, group->transport);
  }
  if (group->udp) {
    put16(transport + UDP_LENGTH, (uint16_t)transport_length);
  } else if (group->push) {
    transport[TCP_FLAGS] |= FLAG_PSH;
  }
  /* The kernel, or the hardware at its end, adds the rest of the sum. */
  const uint8_t protocol = group->udp ? PROTOCOL_UDP : PROTOCOL_TCP;
  const uint16_t sum = checksum_fold(pseudo_header_sum(ip, group->six, protocol, transport_length));
  memcpy(transport + (group->udp ? UDP_CHECKSUM : TCP_CHECKSUM), &sum, sizeof sum);
  c->vnet = (struct vnet_header){
      .flags = VNET_NEEDS_CHECKSUM,
      .gso_type = group->udp ? VNET_GSO_UDP : group->six ? VNET_GSO_TCP6 : VNET_GSO_TCP4,
      .header_length = group->header,
      .gso_size = group->size,
      .checksum_start = group->transport,
      .checksum_offset = group->udp ? UDP_CHECKSUM : TCP_CHECKSUM,
  };
}

int group_parts(struct coalescer *c, const struct group *group) {
  if (group->count == 1) return packet_parts(c, group->first);
  build_header(c, group);
  int count = add_vnet(c);
  add_part(c, count++, c->built, group->header);
  for (int16_t at = group->first; at >= 0; at = c->packets[at].next) {
    const struct packet *packet = &c->packets[at];
    add_part(c, count++, packet->bytes + group->header, packet->length - group->header);
  }
  return count;
}
