/* Linux TUN device: open, read and write whole batches of IP packets. See tun.d.ts for the contract. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tun.h"

#define TUN_PATH "/dev/net/tun"

struct tun_options {
  char name[IFNAMSIZ];
  bool multi_queue;
  bool vnet_hdr;
};

static bool get_name(napi_env env, napi_value options, char name[IFNAMSIZ]) {
  napi_value value;
  size_t length = 0;
  if (napi_get_named_property(env, options, "name", &value) != napi_ok ||
      napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) {
    throw_type(env, "name must be a string");
    return false;
  }
  if (length >= IFNAMSIZ) {
    throw_range(env, "name must be shorter than 16 bytes");
    return false;
  }
  if (napi_get_value_string_utf8(env, value, name, IFNAMSIZ, &length) != napi_ok || strlen(name) != length) {
    throw_range(env, "name must not contain NUL");
    return false;
  }
  return true;
}

static bool get_options(napi_env env, napi_callback_info info, struct tun_options *options) {
  napi_value object;
  napi_valuetype type;
  if (!get_arguments(env, info, 1, &object)) return false;
  if (napi_typeof(env, object, &type) != napi_ok || type != napi_object) {
    throw_type(env, "options must be an object");
    return false;
  }
  return get_name(env, object, options->name) && get_flag(env, object, "multiQueue", &options->multi_queue) &&
         get_flag(env, object, "vnetHdr", &options->vnet_hdr);
}

static bool make_result(napi_env env, int fd, const char *name, napi_value *result) {
  napi_value value;
  return napi_create_object(env, result) == napi_ok && napi_create_int32(env, fd, &value) == napi_ok &&
         napi_set_named_property(env, *result, "fd", value) == napi_ok &&
         napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &value) == napi_ok &&
         napi_set_named_property(env, *result, "name", value) == napi_ok;
}

napi_value tun_open(napi_env env, napi_callback_info info) {
  struct tun_options options = {.name = ""};
  if (!get_options(env, info, &options)) return NULL;
  struct addon *addon = addon_of(env);
  if (addon == NULL || addon->ending || !addon_reserve_fd(addon)) {
    throw_errno(env, addon == NULL || addon->ending ? ESHUTDOWN : ENOMEM, "tunOpen");
    return NULL;
  }
  int fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    throw_errno(env, errno, "open " TUN_PATH);
    return NULL;
  }
  struct ifreq request;
  memset(&request, 0, sizeof request);
  memcpy(request.ifr_name, options.name, IFNAMSIZ);
  int flags = IFF_TUN | IFF_NO_PI | (options.multi_queue ? IFF_MULTI_QUEUE : 0) | (options.vnet_hdr ? IFF_VNET_HDR : 0);
  request.ifr_flags = (short)flags;
  if (ioctl(fd, TUNSETIFF, &request) != 0) {
    char what[64];
    snprintf(what, sizeof what, "TUNSETIFF '%s'", options.name);
    throw_errno(env, errno, what);
    close(fd);
    return NULL;
  }
  request.ifr_name[IFNAMSIZ - 1] = '\0';
  napi_value result;
  if (!make_result(env, fd, request.ifr_name, &result)) {
    close(fd);
    throw_errno(env, ENOMEM, "tunOpen");
    return NULL;
  }
  addon_own_fd(addon, fd);
  return result;
}

static napi_value make_count(napi_env env, int32_t count) {
  napi_value value = NULL;
  return napi_create_int32(env, count, &value) == napi_ok ? value : NULL;
}

napi_value tun_read_batch(napi_env env, napi_callback_info info) {
  napi_value arguments[7];
  int32_t fd, slot_size, headroom, max, start;
  uint8_t *slab;
  int32_t *lengths;
  size_t slab_length, length_count;
  if (!get_arguments(env, info, 7, arguments) || !get_count(env, arguments[0], "fd", &fd) ||
      !get_bytes(env, arguments[1], "slab", &slab, &slab_length) ||
      !get_count(env, arguments[2], "slotSize", &slot_size) || !get_count(env, arguments[3], "headroom", &headroom) ||
      !get_int32s(env, arguments[4], "lengths", &lengths, &length_count) ||
      !get_count(env, arguments[5], "max", &max) || !get_count(env, arguments[6], "start", &start)) {
    return NULL;
  }
  int64_t end = (int64_t)start + max;
  if (headroom >= slot_size) {
    throw_range(env, "headroom must be smaller than slotSize");
    return NULL;
  }
  if ((uint64_t)end > length_count || (uint64_t)end * (uint64_t)slot_size > slab_length) {
    throw_range(env, "start + max slots do not fit into slab and lengths");
    return NULL;
  }
  const size_t room = (size_t)(slot_size - headroom);
  uint8_t *into = slab + (size_t)start * (size_t)slot_size + (size_t)headroom;
  int32_t count = 0;
  while (count < max) {
    ssize_t length = read(fd, into, room);
    if (length <= 0) {
      if (length < 0 && errno == EINTR) continue;
      /* Packets already read are delivered first; a lasting error comes back on the next call. */
      if (length == 0 || errno == EAGAIN || count > 0) break;
      throw_errno(env, errno, "tunReadBatch");
      return NULL;
    }
    lengths[start + count] = (int32_t)length;
    count += 1;
    into += slot_size;
  }
  return make_count(env, count);
}

/* Everything is checked before anything is written, so that a wrong batch is an error and not half a batch. */
static bool are_in_bounds(const struct tun_packets *packets) {
  int64_t end = (int64_t)packets->from + packets->count;
  if ((uint64_t)end > packets->order_count) return false;
  for (int64_t i = packets->from; i < end; i += 1) {
    int32_t index = packets->order[i];
    if (index < 0 || (size_t)index >= packets->offset_count || (size_t)index >= packets->length_count) return false;
    int32_t offset = packets->offsets[index];
    int32_t length = packets->lengths[index];
    if (offset < 0 || length < 0 || (uint64_t)((int64_t)offset + length) > packets->slab_length) return false;
  }
  return true;
}

bool get_tun_packets(napi_env env, const napi_value *arguments, struct tun_packets *packets) {
  uint8_t *slab;
  int32_t *offsets, *lengths, *order;
  if (!get_bytes(env, arguments[0], "slab", &slab, &packets->slab_length) ||
      !get_int32s(env, arguments[1], "offsets", &offsets, &packets->offset_count) ||
      !get_int32s(env, arguments[2], "lengths", &lengths, &packets->length_count) ||
      !get_int32s(env, arguments[3], "order", &order, &packets->order_count) ||
      !get_count(env, arguments[4], "from", &packets->from) ||
      !get_count(env, arguments[5], "count", &packets->count)) {
    return false;
  }
  packets->slab = slab;
  packets->offsets = offsets;
  packets->lengths = lengths;
  packets->order = order;
  if (are_in_bounds(packets)) return true;
  throw_range(env, "a packet lies outside order, offsets, lengths or slab");
  return false;
}

napi_value tun_write_batch(napi_env env, napi_callback_info info) {
  napi_value arguments[8];
  struct tun_packets packets;
  int32_t fd;
  int32_t *result;
  size_t result_count;
  if (!get_arguments(env, info, 8, arguments) || !get_count(env, arguments[0], "fd", &fd) ||
      !get_tun_packets(env, arguments + 1, &packets) ||
      !get_int32s(env, arguments[7], "result", &result, &result_count)) {
    return NULL;
  }
  if (result_count < 1) {
    throw_range(env, "result must hold at least one element");
    return NULL;
  }
  int32_t accepted = 0;
  int32_t skipped = 0;
  int32_t down = 0;
  while (accepted + skipped < packets.count) {
    int32_t index = packets.order[packets.from + accepted + skipped];
    if (write(fd, packets.slab + packets.offsets[index], (size_t)packets.lengths[index]) >= 0) {
      accepted += 1;
    } else if (errno == EINVAL || errno == EIO) {
      /* EINVAL: not an IP packet. EIO: the interface is down. Neither speaks against the next packet. */
      down += errno == EIO ? 1 : 0;
      skipped += 1;
    } else if (errno != EINTR) {
      if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || accepted + skipped > 0) break;
      throw_errno(env, errno, "tunWriteBatch");
      return NULL;
    }
  }
  result[0] = skipped;
  if (result_count > 1) result[1] = down;
  return make_count(env, accepted);
}
