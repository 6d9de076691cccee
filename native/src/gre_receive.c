/* Batched receiving on a raw GRE socket: recvmmsg right into the slots of a batch. See gre.d.ts for the contract. */
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "addon.h"

#define CHUNK 64
#define HEADER_LENGTH 20
#define TRUNCATED (-1)
#define MALFORMED (-2)

struct receive {
  int32_t fd;
  uint8_t *slab;
  int32_t slot_size;
  int32_t headroom;
  int32_t *offsets;
  int32_t *lengths;
  uint32_t *sources;
  uint32_t *destinations;
  uint32_t *dropped;
  int32_t max;
  int32_t start;
};

static uint32_t read_u32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Where slot `index` receives: the payload of a header without options starts exactly behind the headroom. */
static size_t slot_front(const struct receive *receive, int32_t index) {
  return (size_t)index * (size_t)receive->slot_size + (size_t)receive->headroom - HEADER_LENGTH;
}

/* Notes what lies in the slot: its window and addresses, or why it is no whole IPv4 packet (RFC 791 section 3.1). */
static void note_packet(const struct receive *receive, int32_t index, size_t received) {
  const size_t front = slot_front(receive, index);
  const uint8_t *packet = receive->slab + front;
  const size_t header = received == 0 ? 0 : (size_t)(packet[0] & 15) * 4;
  const size_t total = received < HEADER_LENGTH ? 0 : (size_t)packet[2] << 8 | packet[3];
  receive->offsets[index] = (int32_t)(front + HEADER_LENGTH);
  receive->sources[index] = 0;
  receive->destinations[index] = 0;
  if (received > 0 && packet[0] >> 4 != 4) {
    receive->lengths[index] = MALFORMED;
  } else if (received < HEADER_LENGTH) {
    receive->lengths[index] = TRUNCATED;
  } else if (header < HEADER_LENGTH || total < header) {
    receive->lengths[index] = MALFORMED;
  } else if (total > received) {
    receive->lengths[index] = TRUNCATED;
  } else {
    receive->offsets[index] = (int32_t)(front + header);
    receive->lengths[index] = (int32_t)(total - header);
    receive->sources[index] = read_u32(packet + 12);
    receive->destinations[index] = read_u32(packet + 16);
  }
}

static int receive_chunk(const struct receive *receive, int32_t start, int32_t count) {
  struct mmsghdr messages[CHUNK];
  struct iovec vectors[CHUNK];
  memset(messages, 0, (size_t)count * sizeof *messages);
  for (int32_t i = 0; i < count; i += 1) {
    vectors[i].iov_base = receive->slab + slot_front(receive, start + i);
    vectors[i].iov_len = (size_t)(receive->slot_size - receive->headroom) + HEADER_LENGTH;
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  int received;
  do {
    received = recvmmsg(receive->fd, messages, (unsigned int)count, MSG_DONTWAIT, NULL);
  } while (received < 0 && errno == EINTR);
  for (int32_t i = 0; i < received; i += 1) note_packet(receive, start + i, messages[i].msg_len);
  return received;
}

/* Only a socket with much to read can have lost something, so this is asked when a batch came back full. */
static void note_dropped(const struct receive *receive) {
  uint32_t memory[SK_MEMINFO_VARS];
  socklen_t length = sizeof memory;
  if (getsockopt(receive->fd, SOL_SOCKET, SO_MEMINFO, memory, &length) != 0) return;
  if (length > SK_MEMINFO_DROPS * sizeof *memory) receive->dropped[0] = memory[SK_MEMINFO_DROPS];
}

static bool get_receive(napi_env env, napi_callback_info info, struct receive *receive) {
  napi_value arguments[11];
  size_t slab, offsets, lengths, sources, destinations, dropped;
  if (!get_arguments(env, info, 11, arguments) || !get_count(env, arguments[0], "fd", &receive->fd) ||
      !get_bytes(env, arguments[1], "slab", &receive->slab, &slab) ||
      !get_count(env, arguments[2], "slotSize", &receive->slot_size) ||
      !get_count(env, arguments[3], "headroom", &receive->headroom) ||
      !get_int32s(env, arguments[4], "offsets", &receive->offsets, &offsets) ||
      !get_int32s(env, arguments[5], "lengths", &receive->lengths, &lengths) ||
      !get_uint32s(env, arguments[6], "sources", &receive->sources, &sources) ||
      !get_uint32s(env, arguments[7], "destinations", &receive->destinations, &destinations) ||
      !get_count(env, arguments[8], "max", &receive->max) || !get_count(env, arguments[9], "start", &receive->start) ||
      !get_uint32s(env, arguments[10], "dropped", &receive->dropped, &dropped)) {
    return false;
  }
  if (receive->headroom < HEADER_LENGTH || receive->headroom >= receive->slot_size) {
    throw_range(env, "headroom must be at least 20 and smaller than slotSize");
    return false;
  }
  const uint64_t end = (uint64_t)receive->start + (uint64_t)receive->max;
  const uint64_t octets = end * (uint64_t)receive->slot_size;
  if (end > offsets || end > lengths || end > sources || end > destinations || octets > slab || octets > INT32_MAX) {
    throw_range(env, "start + max slots do not fit into slab and arrays");
    return false;
  }
  if (dropped < 1) {
    throw_range(env, "dropped must hold at least one element");
    return false;
  }
  return true;
}

napi_value gre_receive_batch(napi_env env, napi_callback_info info) {
  struct receive receive;
  napi_value value = NULL;
  if (!get_receive(env, info, &receive)) return NULL;
  int32_t count = 0;
  while (count < receive.max) {
    const int32_t wanted = receive.max - count < CHUNK ? receive.max - count : CHUNK;
    const int received = receive_chunk(&receive, receive.start + count, wanted);
    if (received < 0) {
      /* Packets already received are delivered first; a lasting error comes back on the next call. */
      if (errno == EAGAIN || count > 0) break;
      throw_errno(env, errno, "greReceiveBatch");
      return NULL;
    }
    count += received;
    if (received < wanted) break;
  }
  if (count > 0 && count == receive.max) note_dropped(&receive);
  return napi_create_int32(env, count, &value) == napi_ok ? value : NULL;
}
