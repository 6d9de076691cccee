/* Batched sending on a raw GRE socket: sendmmsg with an outer IPv4 header for each packet. See gre.d.ts. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/socket.h>

#include "addon.h"

#define CHUNK 64

struct packets {
  const uint8_t *slab;
  size_t slab_length;
  const int32_t *offsets;
  const int32_t *lengths;
  const int32_t *order;
  const uint32_t *sources;
  const uint32_t *destinations;
  /* What all arrays indexed by packet hold. */
  size_t packet_count;
  size_t order_count;
  int32_t from;
  int32_t count;
};

struct window {
  int32_t index;
  int32_t offset;
  int32_t length;
};

/* The packets that the kernel refused: their number, then position and errno of each. */
struct failures {
  int32_t *list;
  int32_t room;
  int32_t count;
};

/* Everything sendmmsg points to. */
struct chunk {
  struct mmsghdr messages[CHUNK];
  struct iovec vectors[CHUNK][2];
  struct sockaddr_in to[CHUNK];
  struct iphdr headers[CHUNK];
};

static bool get_window(const struct packets *packets, int32_t position, struct window *window) {
  window->index = packets->order[position];
  if (window->index < 0 || (size_t)window->index >= packets->packet_count) return false;
  window->offset = packets->offsets[window->index];
  window->length = packets->lengths[window->index];
  return window->offset >= 0 && window->length >= 0 &&
         (uint64_t)((int64_t)window->offset + window->length) <= packets->slab_length;
}

/* Everything is checked before anything is sent, so that a wrong batch is an error and not half a batch. */
static bool are_in_bounds(const struct packets *packets) {
  const int64_t end = (int64_t)packets->from + packets->count;
  struct window window;
  if ((uint64_t)end > packets->order_count) return false;
  for (int64_t i = packets->from; i < end; i += 1) {
    if (!get_window(packets, (int32_t)i, &window)) return false;
  }
  return true;
}

static size_t smaller(size_t one, size_t other) { return one < other ? one : other; }

static bool get_packets(napi_env env, const napi_value *arguments, struct packets *packets) {
  uint8_t *slab;
  int32_t *offsets, *lengths, *order;
  uint32_t *sources, *destinations;
  size_t offset_count, length_count, source_count, destination_count;
  if (!get_bytes(env, arguments[0], "slab", &slab, &packets->slab_length) ||
      !get_int32s(env, arguments[1], "offsets", &offsets, &offset_count) ||
      !get_int32s(env, arguments[2], "lengths", &lengths, &length_count) ||
      !get_int32s(env, arguments[3], "order", &order, &packets->order_count) ||
      !get_uint32s(env, arguments[4], "sources", &sources, &source_count) ||
      !get_uint32s(env, arguments[5], "destinations", &destinations, &destination_count) ||
      !get_count(env, arguments[6], "from", &packets->from) ||
      !get_count(env, arguments[7], "count", &packets->count)) {
    return false;
  }
  packets->slab = slab;
  packets->offsets = offsets;
  packets->lengths = lengths;
  packets->order = order;
  packets->sources = sources;
  packets->destinations = destinations;
  packets->packet_count = smaller(smaller(offset_count, length_count), smaller(source_count, destination_count));
  if (are_in_bounds(packets)) return true;
  throw_range(env, "a packet lies outside order, offsets, lengths, addresses or slab");
  return false;
}

/* The kernel fills in total length, identification and checksum (raw(7), IP_HDRINCL). */
static void build_message(struct chunk *chunk, int32_t at, const struct packets *packets, const struct window *window) {
  struct iphdr *header = &chunk->headers[at];
  memset(header, 0, sizeof *header);
  header->version = 4;
  header->ihl = 5;
  header->ttl = 64;
  header->protocol = IPPROTO_GRE;
  header->saddr = htonl(packets->sources[window->index]);
  header->daddr = htonl(packets->destinations[window->index]);
  struct sockaddr_in *to = &chunk->to[at];
  memset(to, 0, sizeof *to);
  to->sin_family = AF_INET;
  to->sin_addr.s_addr = header->daddr;
  chunk->vectors[at][0] = (struct iovec){.iov_base = header, .iov_len = sizeof *header};
  /* sendmmsg only reads it. */
  void *payload = (void *)(uintptr_t)(packets->slab + window->offset);
  chunk->vectors[at][1] = (struct iovec){.iov_base = payload, .iov_len = (size_t)window->length};
  struct msghdr *message = &chunk->messages[at].msg_hdr;
  memset(message, 0, sizeof *message);
  message->msg_name = to;
  message->msg_namelen = sizeof *to;
  message->msg_iov = chunk->vectors[at];
  message->msg_iovlen = 2;
}

static void note_failure(struct failures *failures, int32_t position, int error) {
  failures->list[1 + 2 * failures->count] = position;
  failures->list[2 + 2 * failures->count] = error;
  failures->count += 1;
}

/* What speaks against the socket itself, not against one packet. */
static bool is_fatal(int error) { return error == EBADF || error == ENOTSOCK; }

/*
 * Sends the messages of a chunk until they are done, the kernel has no room (EAGAIN), the list of failures is full or
 * the socket is of no use; returns how many were dealt with. `error` becomes 0 if more may be sent.
 */
static int32_t send_chunk(int fd, struct chunk *chunk, int32_t count, int32_t position, struct failures *failures,
                          int *error) {
  int32_t done = 0;
  *error = 0;
  while (done < count && failures->count < failures->room) {
    const int sent = sendmmsg(fd, chunk->messages + done, (unsigned int)(count - done), MSG_DONTWAIT);
    if (sent > 0) {
      /* When it is not all, the next call says what is wrong with the message that stopped it. */
      done += sent;
    } else if (sent == 0 || errno == EAGAIN || is_fatal(errno)) {
      *error = sent == 0 ? EAGAIN : errno;
      break;
    } else if (errno != EINTR) {
      note_failure(failures, position + done, errno);
      done += 1;
    }
  }
  return done;
}

napi_value gre_send_batch(napi_env env, napi_callback_info info) {
  napi_value arguments[10];
  napi_value value = NULL;
  struct packets packets;
  struct failures failures = {.count = 0};
  size_t failures_length;
  int32_t fd;
  if (!get_arguments(env, info, 10, arguments) || !get_count(env, arguments[0], "fd", &fd) ||
      !get_packets(env, arguments + 1, &packets) ||
      !get_int32s(env, arguments[9], "failures", &failures.list, &failures_length)) {
    return NULL;
  }
  if (failures_length < 3) {
    throw_range(env, "failures must hold at least three elements");
    return NULL;
  }
  failures.room = (int32_t)smaller((failures_length - 1) / 2, INT32_MAX / 2);
  struct chunk chunk;
  struct window window;
  int32_t done = 0;
  int error = 0;
  while (done < packets.count && error == 0 && failures.count < failures.room) {
    const int32_t position = packets.from + done;
    int32_t built = 0;
    /* Read and checked once more: another thread may write where the arrays are shared. */
    while (built < CHUNK && done + built < packets.count && get_window(&packets, position + built, &window)) {
      build_message(&chunk, built, &packets, &window);
      built += 1;
    }
    if (built == 0) break;
    done += send_chunk(fd, &chunk, built, position, &failures, &error);
  }
  if (is_fatal(error) && done == 0) {
    throw_errno(env, error, "greSendBatch");
    return NULL;
  }
  failures.list[0] = failures.count;
  return napi_create_int32(env, done, &value) == napi_ok ? value : NULL;
}
