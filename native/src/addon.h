/* What the source files of the addon share. Nothing here is global: one `struct addon` per Node environment. */
#ifndef PPTP_NATIVE_ADDON_H
#define PPTP_NATIVE_ADDON_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mppe.h"

struct poll;
struct offload;

/* State of one environment (the main thread or one worker); reached through the napi instance data. */
struct addon {
  napi_env env;
  /* Owners: the environment, and every poll and every set of TUN buffers whose memory still exists. */
  size_t references;
  /* Descriptors opened here and not yet closed. Only these can be closed here. */
  int *fds;
  size_t fd_count;
  size_t fd_capacity;
  struct poll *polls;
  struct offload *offloads;
  /* Poll handles given to uv_close whose callback has not run. */
  size_t closing;
  /* Set once the environment is being torn down. */
  napi_async_cleanup_hook_handle teardown;
  bool ending;
  /* The quickest SHA-1 of this processor. */
  sha1_blocks sha1;
};

/* addon.c */
struct addon *addon_of(napi_env env);
void addon_release(struct addon *addon);
/* Makes room for one descriptor, so that addon_own cannot fail once the descriptor exists. */
bool addon_reserve_fd(struct addon *addon);
void addon_own_fd(struct addon *addon, int fd);
bool addon_disown_fd(struct addon *addon, int fd);
void addon_handle_closed(struct addon *addon);

/* errors.c: each throws a JS error whose `code` is an errno name, unless an exception is pending already. */
void throw_errno(napi_env env, int error, const char *what);
void throw_type(napi_env env, const char *message);
void throw_range(napi_env env, const char *message);

/* arguments.c: each returns false with an exception pending. */
bool get_arguments(napi_env env, napi_callback_info info, size_t wanted, napi_value *values);
/* An integer in 0..INT32_MAX. */
bool get_count(napi_env env, napi_value value, const char *name, int32_t *result);
bool get_uint32(napi_env env, napi_value value, const char *name, uint32_t *result);
bool get_bytes(napi_env env, napi_value value, const char *name, uint8_t **data, size_t *length);
bool get_int32s(napi_env env, napi_value value, const char *name, int32_t **data, size_t *length);
bool get_uint32s(napi_env env, napi_value value, const char *name, uint32_t **data, size_t *length);
bool get_flag(napi_env env, napi_value object, const char *name, bool *result);

/* poll.c */
napi_value poll_start(napi_env env, napi_callback_info info);
napi_value poll_stop(napi_env env, napi_callback_info info);
/* Ends every poll of the descriptor, or of all descriptors when fd is -1. */
void poll_stop_fd(struct addon *addon, int fd);

/* gre_open.c, gre_receive.c, gre_send.c */
napi_value gre_open(napi_env env, napi_callback_info info);
napi_value gre_receive_batch(napi_env env, napi_callback_info info);
napi_value gre_send_batch(napi_env env, napi_callback_info info);

/* tun.c */
napi_value tun_open(napi_env env, napi_callback_info info);
napi_value tun_read_batch(napi_env env, napi_callback_info info);
napi_value tun_write_batch(napi_env env, napi_callback_info info);

/* offload.c */
napi_value tun_set_offloads(napi_env env, napi_callback_info info);
napi_value tun_buffers(napi_env env, napi_callback_info info);
napi_value tun_read_segments(napi_env env, napi_callback_info info);
napi_value tun_write_coalesced(napi_env env, napi_callback_info info);

/* mppe_batch.c */
napi_value mppe_batch(napi_env env, napi_callback_info info);

/* privileges.c */
napi_value raise_ambient_capabilities(napi_env env, napi_callback_info info);
napi_value become_user(napi_env env, napi_callback_info info);

/* notify.c */
napi_value notify(napi_env env, napi_callback_info info);

/* descriptors.c */
napi_value socket_pair(napi_env env, napi_callback_info info);
napi_value send_fds(napi_env env, napi_callback_info info);
napi_value receive_fds(napi_env env, napi_callback_info info);

#endif
