/* What tun.c and offload.c share. */
#ifndef PPTP_NATIVE_TUN_H
#define PPTP_NATIVE_TUN_H

#include "addon.h"

/* Packets of a batch that are to be written: `order[from .. from + count)`. */
struct tun_packets {
  const uint8_t *slab;
  size_t slab_length;
  const int32_t *offsets;
  size_t offset_count;
  const int32_t *lengths;
  size_t length_count;
  const int32_t *order;
  size_t order_count;
  int32_t from;
  int32_t count;
};

/* Reads slab, offsets, lengths, order, from and count, and checks every packet against them. */
bool get_tun_packets(napi_env env, const napi_value *arguments, struct tun_packets *packets);

#endif
