/* JS to mppe_run. See mppe.d.ts for the contract. */
#include "addon.h"
#include "mppe.h"

/* Numbers that describe one packet. */
#define PACKET_FIELDS 3

_Static_assert(sizeof(struct mppe_stream) == 48, "mppe.d.ts says so");

struct work {
  uint8_t *slab;
  size_t slab_length;
  int32_t *packets;
  size_t packet_count;
  uint8_t *streams;
  size_t stream_count;
  uint8_t *keys;
};

static bool is_stream(const struct work *work, int32_t stream) {
  return stream >= 0 && (size_t)stream < work->stream_count;
}

static bool is_packet(const struct work *work, size_t at, struct mppe_packet *packet) {
  const int32_t offset = work->packets[PACKET_FIELDS * at];
  const int32_t length = work->packets[PACKET_FIELDS * at + 1];
  const int32_t stream = work->packets[PACKET_FIELDS * at + 2];
  if (offset < 0 || length < 0 || (uint64_t)((int64_t)offset + length) > work->slab_length) return false;
  if (!is_stream(work, stream)) return false;
  packet->data = work->slab + offset;
  packet->length = (size_t)length;
  packet->stream = (struct mppe_stream *)(void *)(work->streams + (size_t)stream * sizeof *packet->stream);
  packet->key = work->keys + at * MPPE_KEY_SIZE;
  return true;
}

static bool has_strengths(const struct work *work) {
  for (size_t at = 0; at < work->stream_count; at += 1) {
    const struct mppe_stream *stream = (const void *)(work->streams + at * sizeof *stream);
    if (stream->strength != 40 && stream->strength != 56 && stream->strength != 128) return false;
  }
  return true;
}

static bool get_work(napi_env env, napi_callback_info info, struct work *work) {
  napi_value arguments[6];
  int32_t packet_count, stream_count;
  size_t fields, stream_octets, key_octets;
  if (!get_arguments(env, info, 6, arguments) ||
      !get_bytes(env, arguments[0], "slab", &work->slab, &work->slab_length) ||
      !get_int32s(env, arguments[1], "packets", &work->packets, &fields) ||
      !get_count(env, arguments[2], "packetCount", &packet_count) ||
      !get_bytes(env, arguments[3], "streams", &work->streams, &stream_octets) ||
      !get_count(env, arguments[4], "streamCount", &stream_count) ||
      !get_bytes(env, arguments[5], "keys", &work->keys, &key_octets)) {
    return false;
  }
  work->packet_count = (size_t)packet_count;
  work->stream_count = (size_t)stream_count;
  if (work->packet_count > fields / PACKET_FIELDS || work->packet_count > key_octets / MPPE_KEY_SIZE ||
      work->stream_count > stream_octets / sizeof(struct mppe_stream)) {
    throw_range(env, "packets, streams or keys are shorter than the counts say");
    return false;
  }
  struct mppe_packet ignored;
  for (size_t at = 0; at < work->packet_count; at += 1) {
    if (is_packet(work, at, &ignored)) continue;
    throw_range(env, "a packet lies outside slab or names no stream");
    return false;
  }
  if (has_strengths(work)) return true;
  throw_range(env, "the strength of a stream must be 40, 56 or 128");
  return false;
}

napi_value mppe_batch(napi_env env, napi_callback_info info) {
  struct work work;
  if (!get_work(env, info, &work)) return NULL;
  struct addon *addon = addon_of(env);
  const sha1_blocks sha1 = addon == NULL || addon->sha1 == NULL ? sha1_portable : addon->sha1;
  for (size_t from = 0; from < work.packet_count; from += MPPE_CHUNK) {
    struct mppe_packet chunk[MPPE_CHUNK];
    size_t count = 0;
    while (count < MPPE_CHUNK && from + count < work.packet_count) {
      /* Asked again: what was written since may share its memory with the array. */
      if (!is_packet(&work, from + count, &chunk[count])) {
        throw_range(env, "the arrays overlap");
        return NULL;
      }
      count += 1;
    }
    mppe_run(sha1, chunk, count);
  }
  return NULL;
}
