/*
 * The way of a packet through the gateway in plain C: TUN device, MPPE-128, PPP, enhanced GRE, raw socket, and back. It
 * shows what is left when there is no protocol, no telemetry and no JavaScript; the kernels of MPPE and of the offloads
 * are those of the addon.
 *
 *   forwarder TUN offloads|plain LOCAL PEER,INNER,CALL-ID ...
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../native/src/coalesce.h"
#include "../../../native/src/segment.h"
#include "frames.h"

enum { MOST_TUNNELS = 16, SOCKET_BUFFER = 8 << 20 };
/* Newer than the headers of Debian 12. */
enum { OFFLOAD_USO4 = 0x20, OFFLOAD_USO6 = 0x40 };
/* Batches of one side before the other has its turn. */
enum { BATCHES_A_TURN = 2 };

static struct tunnel tunnels[MOST_TUNNELS];
static size_t tunnel_count;
static int tun, gre;
static bool offloads;
static sha1_blocks sha1;
static uint8_t out_slots[BATCH][SLOT], in_slots[BATCH][SLOT];
static struct segmenter segmenter;
static struct coalescer coalescer;

static void fail(const char *what) {
  fprintf(stderr, "forwarder: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void open_tun(const char *name) {
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  if (offloads) request.ifr_flags |= IFF_VNET_HDR;
  if (strlen(name) >= sizeof request.ifr_name) fail("the name of the device is too long");
  strcpy(request.ifr_name, name);
  tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (tun < 0 || ioctl(tun, TUNSETIFF, &request) != 0) fail(name);
  if (!offloads) return;
  const unsigned long tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
  coalescer.tcp = coalescer.udp = true;
  if (ioctl(tun, TUNSETOFFLOAD, tcp | OFFLOAD_USO4 | OFFLOAD_USO6) == 0) return;
  coalescer.udp = false;
  if (ioctl(tun, TUNSETOFFLOAD, tcp) != 0) fail("TUNSETOFFLOAD");
}

static void open_gre(const char *address) {
  struct sockaddr_in local = {.sin_family = AF_INET};
  const int size = SOCKET_BUFFER;
  gre = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_GRE);
  if (gre < 0 || inet_pton(AF_INET, address, &local.sin_addr) != 1) fail(address);
  if (bind(gre, (struct sockaddr *)&local, sizeof local) != 0) fail(address);
  if (setsockopt(gre, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0 ||
      setsockopt(gre, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0) {
    fail("socket buffers");
  }
}

static void add_tunnel(char *words) {
  struct tunnel *tunnel = &tunnels[tunnel_count];
  const char *peer = strtok(words, ","), *inner = strtok(NULL, ","), *call_id = strtok(NULL, ",");
  tunnel->peer.sin_family = AF_INET;
  if (call_id == NULL || inet_pton(AF_INET, peer, &tunnel->peer.sin_addr) != 1 ||
      inet_pton(AF_INET, inner, &tunnel->inner) != 1) {
    errno = EINVAL;
    fail("PEER,INNER,CALL-ID");
  }
  tunnel->call_id = (uint16_t)atoi(call_id);
  tunnel_open(sha1, tunnel);
  tunnel_count += 1;
}

/* With one tunnel everything goes there; otherwise by the destination. */
static struct tunnel *route(const uint8_t *ip, size_t length) {
  if (length < IPV4_HEADER || ip[0] >> 4 != 4) return NULL;
  if (tunnel_count == 1) return &tunnels[0];
  uint32_t destination;
  memcpy(&destination, ip + 16, sizeof destination);
  for (size_t at = 0; at < tunnel_count; at += 1) {
    if (tunnels[at].inner == destination) return &tunnels[at];
  }
  return NULL;
}

/* The next packet of the device at `into`: its length, 0 for one to leave out, -1 when there is none. */
static ssize_t next_packet(uint8_t *into) {
  if (!offloads) return read(tun, into, ROOM);
  if (segmenter_waits(&segmenter)) return (ssize_t)segmenter_next(&segmenter, into);
  struct vnet_header vnet;
  const struct iovec parts[] = {{&vnet, sizeof vnet}, {segmenter.packet, sizeof segmenter.packet}};
  const ssize_t size = readv(tun, parts, 2);
  if (size <= (ssize_t)sizeof vnet) return size < 0 ? -1 : 0;
  const size_t length = (size_t)size - sizeof vnet;
  if ((vnet.gso_type & ~VNET_GSO_ECN) != VNET_GSO_NONE) {
    return segmenter_begin(&segmenter, &vnet, length, ROOM) ? (ssize_t)segmenter_next(&segmenter, into) : 0;
  }
  if (length > ROOM) return 0;
  memcpy(into, segmenter.packet, length);
  return !(vnet.flags & VNET_NEEDS_CHECKSUM) || complete_checksum(into, length, &vnet) ? (ssize_t)length : 0;
}

static bool outwards(void) {
  struct frame frames[BATCH];
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
  size_t count = 0;
  bool more = true;
  while (count < BATCH) {
    uint8_t *ip = out_slots[count] + HEADROOM;
    const ssize_t length = next_packet(ip);
    if (length < 0) {
      more = false;
      break;
    }
    struct tunnel *tunnel = route(ip, (size_t)length);
    if (tunnel == NULL) continue;
    frames[count] = (struct frame){tunnel, ip, (size_t)length};
    count += 1;
  }
  frames_wrap(sha1, frames, count);
  for (size_t at = 0; at < count; at += 1) {
    parts[at] = (struct iovec){frames[at].data, frames[at].length};
    messages[at] = (struct mmsghdr){.msg_hdr = {.msg_name = &frames[at].tunnel->peer,
                                                .msg_namelen = sizeof frames[at].tunnel->peer,
                                                .msg_iov = &parts[at],
                                                .msg_iovlen = 1}};
  }
  for (size_t sent = 0; sent < count;) {
    const int done = sendmmsg(gre, messages + sent, (unsigned)(count - sent), 0);
    /* One that is refused is lost; the others are not. */
    sent += done > 0 ? (size_t)done : 1;
  }
  return more;
}

static void write_all(const struct frame *frames, size_t count) {
  if (!offloads) {
    for (size_t at = 0; at < count; at += 1) {
      if (frames[at].length > 0 && write(tun, frames[at].data, frames[at].length) < 0 && errno == EBADFD) fail("write");
    }
    return;
  }
  coalescer.packet_count = 0;
  for (size_t at = 0; at < count; at += 1) {
    if (frames[at].length == 0) continue;
    struct packet *packet = &coalescer.packets[coalescer.packet_count];
    packet->bytes = frames[at].data;
    packet->length = frames[at].length;
    coalescer.packet_count += 1;
  }
  coalesce(&coalescer);
  for (size_t at = 0; at < coalescer.group_count; at += 1) {
    const int parts = group_parts(&coalescer, &coalescer.groups[at]);
    if (writev(tun, coalescer.parts, parts) < 0 && errno == EBADFD) fail("write");
  }
}

static bool inwards(void) {
  struct frame frames[BATCH];
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
  for (size_t at = 0; at < BATCH; at += 1) {
    parts[at] = (struct iovec){in_slots[at], SLOT};
    messages[at] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[at], .msg_iovlen = 1}};
  }
  const int count = recvmmsg(gre, messages, BATCH, MSG_DONTWAIT, NULL);
  if (count <= 0) return false;
  for (int at = 0; at < count; at += 1) frames[at] = (struct frame){NULL, in_slots[at], messages[at].msg_len};
  frames_unwrap(sha1, frames, (size_t)count, tunnels, tunnel_count);
  write_all(frames, (size_t)count);
  return count == BATCH;
}

int main(int count, char **words) {
  if (count < 5 || count > 4 + MOST_TUNNELS) {
    fprintf(stderr, "usage: forwarder TUN offloads|plain LOCAL PEER,INNER,CALL-ID ...\n");
    return 2;
  }
  offloads = strcmp(words[2], "offloads") == 0;
  sha1 = sha1_best();
  open_tun(words[1]);
  open_gre(words[3]);
  for (int at = 4; at < count; at += 1) add_tunnel(words[at]);
  printf("{\"event\":\"up\"}\n");
  fflush(stdout);
  for (;;) {
    struct pollfd ready[] = {{.fd = tun, .events = POLLIN}, {.fd = gre, .events = POLLIN}};
    /* Segments that wait show on no descriptor. */
    if (poll(ready, 2, segmenter_waits(&segmenter) ? 0 : -1) < 0 && errno != EINTR) fail("poll");
    if (ready[0].revents != 0 || segmenter_waits(&segmenter)) {
      for (int turn = 0; turn < BATCHES_A_TURN && outwards(); turn += 1) continue;
    }
    if (ready[1].revents != 0) {
      for (int turn = 0; turn < BATCHES_A_TURN && inwards(); turn += 1) continue;
    }
  }
}
