/* TUN device with IFF_VNET_HDR: large packets of the kernel cut on read, packets of a batch joined on write. */
#include <errno.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "coalesce.h"
#include "fair.h"
#include "segment.h"
#include "tun.h"

/* Newer than the headers of Debian 12. */
enum { OFFLOAD_USO4 = 0x20, OFFLOAD_USO6 = 0x40 };

/* What one call reads ahead at most, when its slots are full. */
enum { AHEAD_PACKETS = 64, AHEAD_OCTETS = 512 << 10 };

enum { LEVEL_NONE = 0, LEVEL_TCP = 1, LEVEL_TCP_AND_UDP = 2 };

/* Memory of one device. The list in `struct addon` holds all of the environment, to tell ours from others' externals. */
struct offload {
  struct addon *addon;
  struct offload *next;
  struct segmenter segmenter;
  struct coalescer coalescer;
  struct fair fair;
  /* The packet of the queue that the segmenter cuts. */
  struct waiting *cut;
};

static void finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  struct offload *offload = data;
  struct offload **link = &offload->addon->offloads;
  while (*link != offload) link = &(*link)->next;
  *link = offload->next;
  addon_release(offload->addon);
  fair_clear(&offload->fair);
  free(offload->cut);
  free(offload);
}

static bool get_level(napi_env env, napi_value value, int32_t *level) {
  if (!get_count(env, value, "level", level)) return false;
  if (*level <= LEVEL_TCP_AND_UDP) return true;
  throw_range(env, "level must be 0, 1 or 2");
  return false;
}

napi_value tun_set_offloads(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  int32_t fd, level;
  if (!get_arguments(env, info, 2, arguments) || !get_count(env, arguments[0], "fd", &fd) ||
      !get_level(env, arguments[1], &level)) {
    return NULL;
  }
  unsigned long features = 0;
  if (level >= LEVEL_TCP) features |= TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
  if (level >= LEVEL_TCP_AND_UDP) features |= OFFLOAD_USO4 | OFFLOAD_USO6;
  if (ioctl(fd, TUNSETOFFLOAD, features) != 0) throw_errno(env, errno, "TUNSETOFFLOAD");
  return NULL;
}

napi_value tun_buffers(napi_env env, napi_callback_info info) {
  napi_value argument, handle;
  int32_t level;
  if (!get_arguments(env, info, 1, &argument) || !get_level(env, argument, &level)) return NULL;
  struct addon *addon = addon_of(env);
  struct offload *offload = addon == NULL ? NULL : calloc(1, sizeof *offload);
  if (offload == NULL) {
    throw_errno(env, addon == NULL ? ESHUTDOWN : ENOMEM, "tunBuffers");
    return NULL;
  }
  offload->addon = addon;
  offload->coalescer.tcp = level >= LEVEL_TCP;
  offload->coalescer.udp = level >= LEVEL_TCP_AND_UDP;
  if (napi_create_external(env, offload, finalize, NULL, &handle) != napi_ok) {
    free(offload);
    throw_errno(env, ENOMEM, "tunBuffers");
    return NULL;
  }
  offload->next = addon->offloads;
  addon->offloads = offload;
  addon->references += 1;
  return handle;
}

static struct offload *get_offload(napi_env env, napi_value value) {
  napi_valuetype type;
  void *data = NULL;
  struct addon *addon = addon_of(env);
  if (addon != NULL && napi_typeof(env, value, &type) == napi_ok && type == napi_external &&
      napi_get_value_external(env, value, &data) == napi_ok) {
    for (struct offload *offload = addon->offloads; offload != NULL; offload = offload->next) {
      if (offload == data) return offload;
    }
  }
  throw_type(env, "buffers must come from tunBuffers of the same thread");
  return NULL;
}

static napi_value make_count(napi_env env, int32_t count) {
  napi_value value = NULL;
  return napi_create_int32(env, count, &value) == napi_ok ? value : NULL;
}

struct slots {
  uint8_t *slab;
  int32_t slot_size;
  int32_t headroom;
  int32_t *lengths;
  int32_t start;
  int32_t max;
  int32_t count;
};

static size_t room_of(const struct slots *slots) { return (size_t)(slots->slot_size - slots->headroom); }

static uint8_t *next_slot(const struct slots *slots) {
  return slots->slab + (size_t)(slots->start + slots->count) * (size_t)slots->slot_size + (size_t)slots->headroom;
}

static void fill_slot(struct slots *slots, size_t length) {
  slots->lengths[slots->start + slots->count] = (int32_t)length;
  slots->count += 1;
}

static void take_segments(struct segmenter *segmenter, struct slots *slots) {
  while (segmenter_waits(segmenter) && slots->count < slots->max) {
    fill_slot(slots, segmenter_next(segmenter, next_slot(slots)));
  }
}

/* Reads the next packet of the kernel: an ordinary one straight into its slot. Returns what read does, header included. */
static ssize_t read_packet(int fd, struct segmenter *segmenter, const struct slots *slots, struct vnet_header *vnet) {
  const size_t room = room_of(slots);
  const size_t direct = room < sizeof segmenter->packet ? room : sizeof segmenter->packet;
  struct iovec parts[3] = {
      {.iov_base = vnet, .iov_len = sizeof *vnet},
      {.iov_base = next_slot(slots), .iov_len = direct},
      {.iov_base = segmenter->packet + direct, .iov_len = sizeof segmenter->packet - direct},
  };
  ssize_t length;
  do {
    length = readv(fd, parts, 3);
  } while (length < 0 && errno == EINTR);
  return length;
}

/* Puts a packet that was read into its slot or slots. One that cannot be brought there is a cut packet to the caller. */
static void place(struct segmenter *segmenter, const struct vnet_header *vnet, size_t length, struct slots *slots) {
  const size_t room = room_of(slots);
  uint8_t *slot = next_slot(slots);
  if (vnet->gso_type != VNET_GSO_NONE) {
    memcpy(segmenter->packet, slot, length < room ? length : room);
    if (segmenter_begin(segmenter, vnet, length, room)) {
      take_segments(segmenter, slots);
    } else {
      fill_slot(slots, room);
    }
    return;
  }
  if (length >= room || ((vnet->flags & VNET_NEEDS_CHECKSUM) && !complete_checksum(slot, length, vnet))) {
    fill_slot(slots, room);
  } else {
    fill_slot(slots, length);
  }
}

/* As `place`, for a packet of the queue. */
static void place_waiting(struct offload *offload, struct waiting *packet, struct slots *slots) {
  const size_t room = room_of(slots);
  if (packet->vnet.gso_type == VNET_GSO_NONE) {
    memcpy(next_slot(slots), packet->bytes, packet->length < room ? packet->length : room);
    place(&offload->segmenter, &packet->vnet, packet->length, slots);
    fair_give_back(&offload->fair, packet);
    return;
  }
  fair_give_back(&offload->fair, offload->cut);
  offload->cut = packet;
  if (segmenter_begin_at(&offload->segmenter, packet->bytes, &packet->vnet, packet->length, room)) {
    take_segments(&offload->segmenter, slots);
  } else {
    fill_slot(slots, room);
  }
}

/*
 * The kernel's queue is one for all: what it holds is taken over, so that a packet for a quiet tunnel does not wait behind
 * all of a busy one. A lasting error comes back when nothing waits any more.
 */
static void read_ahead(int fd, struct fair *fair) {
  size_t octets = 0;
  for (int packets = 0; packets < AHEAD_PACKETS && octets < AHEAD_OCTETS; packets += 1) {
    struct waiting *room = fair_room(fair);
    if (room == NULL) return;
    const struct iovec parts[] = {{&room->vnet, sizeof room->vnet}, {room->bytes, LARGEST_PACKET + 1}};
    const ssize_t length = readv(fd, parts, 2);
    if (length <= 0) return;
    if ((size_t)length <= sizeof room->vnet) continue;
    octets += (size_t)length - sizeof room->vnet;
    fair_put(fair, (size_t)length - sizeof room->vnet);
  }
}

static bool get_slots(napi_env env, const napi_value *arguments, struct slots *slots) {
  size_t slab_length, length_count;
  if (!get_bytes(env, arguments[0], "slab", &slots->slab, &slab_length) ||
      !get_count(env, arguments[1], "slotSize", &slots->slot_size) ||
      !get_count(env, arguments[2], "headroom", &slots->headroom) ||
      !get_int32s(env, arguments[3], "lengths", &slots->lengths, &length_count) ||
      !get_count(env, arguments[4], "max", &slots->max) || !get_count(env, arguments[5], "start", &slots->start)) {
    return false;
  }
  slots->count = 0;
  const int64_t end = (int64_t)slots->start + slots->max;
  if (slots->headroom >= slots->slot_size) {
    throw_range(env, "headroom must be smaller than slotSize");
    return false;
  }
  if ((uint64_t)end > length_count || (uint64_t)end * (uint64_t)slots->slot_size > slab_length) {
    throw_range(env, "start + max slots do not fit into slab and lengths");
    return false;
  }
  return true;
}

napi_value tun_read_segments(napi_env env, napi_callback_info info) {
  napi_value arguments[9];
  int32_t fd;
  int32_t *waiting;
  size_t waiting_count;
  struct slots slots;
  if (!get_arguments(env, info, 9, arguments) || !get_count(env, arguments[0], "fd", &fd)) return NULL;
  struct offload *offload = get_offload(env, arguments[1]);
  if (offload == NULL || !get_slots(env, arguments + 2, &slots) ||
      !get_int32s(env, arguments[8], "waiting", &waiting, &waiting_count)) {
    return NULL;
  }
  if (waiting_count < 1) {
    throw_range(env, "waiting must hold at least one element");
    return NULL;
  }
  struct segmenter *segmenter = &offload->segmenter;
  /* Segments were made for the room of the call that read them. */
  if (segmenter_waits(segmenter) && segmenter->header + segmenter->size > room_of(&slots)) {
    throw_range(env, "slots must not become smaller while segments wait");
    return NULL;
  }
  take_segments(segmenter, &slots);
  while (slots.count < slots.max) {
    struct waiting *waited = fair_take(&offload->fair);
    if (waited != NULL) {
      place_waiting(offload, waited, &slots);
      continue;
    }
    struct vnet_header vnet;
    const ssize_t length = read_packet(fd, segmenter, &slots, &vnet);
    if (length < 0 && errno != EAGAIN && slots.count == 0) {
      throw_errno(env, errno, "tunReadSegments");
      return NULL;
    }
    /* Packets already read are delivered first; a lasting error comes back on the next call. */
    if (length <= 0) break;
    if ((size_t)length > sizeof vnet) place(segmenter, &vnet, (size_t)length - sizeof vnet, &slots);
  }
  const int32_t count = slots.count;
  if (count > 0 && count == slots.max) read_ahead(fd, &offload->fair);
  waiting[0] = segmenter_waits(segmenter) || offload->fair.packets > 0 ? 1 : 0;
  if (waiting_count > 1) waiting[1] = (int32_t)(offload->fair.dropped & INT32_MAX);
  return make_count(env, count);
}

struct written {
  int32_t accepted;
  int32_t refused[MOST_PACKETS];
  int32_t refused_count;
  /* The kernel has no room, or the device is gone. */
  bool ended;
  int error;
};

static int write_parts(int fd, const struct iovec *parts, int count) {
  ssize_t length;
  do {
    length = writev(fd, parts, count);
  } while (length < 0 && errno == EINTR);
  return length < 0 ? errno : 0;
}

static void note(struct written *written, int error, int32_t at) {
  if (error == 0) {
    written->accepted += 1;
    return;
  }
  written->refused[written->refused_count++] = at;
  /* EINVAL: not an IP packet. EIO: the interface is down. Neither speaks against the next packet. */
  if (error == EINVAL || error == EIO) return;
  written->ended = true;
  written->error = error;
}

static void write_group(int fd, struct coalescer *c, const struct group *group, struct written *written) {
  if (!written->ended && group->count > 1) {
    const int error = write_parts(fd, c->parts, group_parts(c, group));
    if (error == 0) {
      written->accepted += group->count;
      return;
    }
  }
  /* What the kernel does not take as one it may take one by one. */
  for (int16_t at = group->first; at >= 0; at = c->packets[at].next) {
    if (written->ended) {
      written->refused[written->refused_count++] = at;
    } else {
      note(written, write_parts(fd, c->parts, packet_parts(c, at)), at);
    }
  }
}

static bool is_lasting(int error) { return error != EAGAIN && error != ENOBUFS && error != ENOMEM; }

napi_value tun_write_coalesced(napi_env env, napi_callback_info info) {
  napi_value arguments[9];
  struct tun_packets packets;
  int32_t fd;
  int32_t *refused;
  size_t refused_count;
  if (!get_arguments(env, info, 9, arguments) || !get_count(env, arguments[0], "fd", &fd)) return NULL;
  struct offload *offload = get_offload(env, arguments[1]);
  if (offload == NULL || !get_tun_packets(env, arguments + 2, &packets) ||
      !get_int32s(env, arguments[8], "refused", &refused, &refused_count)) {
    return NULL;
  }
  if (packets.count > MOST_PACKETS || refused_count < (size_t)packets.count) {
    throw_range(env, "count must not exceed 256 nor the length of refused");
    return NULL;
  }
  struct coalescer *c = &offload->coalescer;
  c->packet_count = (size_t)packets.count;
  int32_t indices[MOST_PACKETS];
  for (int32_t i = 0; i < packets.count; i += 1) {
    indices[i] = packets.order[packets.from + i];
    c->packets[i].bytes = packets.slab + packets.offsets[indices[i]];
    c->packets[i].length = (size_t)packets.lengths[indices[i]];
  }
  coalesce(c);
  struct written written = {.accepted = 0};
  for (size_t g = 0; g < c->group_count; g += 1) write_group(fd, c, &c->groups[g], &written);
  if (written.ended && is_lasting(written.error) && written.accepted == 0) {
    throw_errno(env, written.error, "tunWriteCoalesced");
    return NULL;
  }
  for (int32_t i = 0; i < written.refused_count; i += 1) refused[i] = indices[written.refused[i]];
  return make_count(env, written.accepted);
}
