#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct addon *addon_of(napi_env env) {
  void *data = NULL;
  return napi_get_instance_data(env, &data) == napi_ok ? data : NULL;
}

void addon_release(struct addon *addon) {
  addon->references -= 1;
  if (addon->references > 0) return;
  free(addon->fds);
  free(addon);
}

bool addon_reserve_fd(struct addon *addon) {
  if (addon->fd_count < addon->fd_capacity) return true;
  size_t capacity = addon->fd_capacity == 0 ? 8 : addon->fd_capacity * 2;
  int *fds = realloc(addon->fds, capacity * sizeof *fds);
  if (fds == NULL) return false;
  addon->fds = fds;
  addon->fd_capacity = capacity;
  return true;
}

void addon_own_fd(struct addon *addon, int fd) { addon->fds[addon->fd_count++] = fd; }

bool addon_disown_fd(struct addon *addon, int fd) {
  for (size_t i = 0; i < addon->fd_count; i += 1) {
    if (addon->fds[i] != fd) continue;
    addon->fds[i] = addon->fds[--addon->fd_count];
    return true;
  }
  return false;
}

/* A number that was closed may already name somebody else's file, so only descriptors opened here are closed here. */
static napi_value close_fd(napi_env env, napi_callback_info info) {
  napi_value argument;
  int32_t fd = 0;
  if (!get_arguments(env, info, 1, &argument) || !get_count(env, argument, "fd", &fd)) return NULL;
  struct addon *addon = addon_of(env);
  if (addon == NULL || !addon_disown_fd(addon, fd)) {
    char what[64];
    snprintf(what, sizeof what, "closeFd %d", fd);
    throw_errno(env, EBADF, what);
    return NULL;
  }
  poll_stop_fd(addon, fd);
  /* The descriptor is gone whatever close returns; EINTR included. */
  close(fd);
  return NULL;
}

/* A descriptor that came from another process: this environment's from now on, and no child's of ours. */
static napi_value adopt_fd(napi_env env, napi_callback_info info) {
  napi_value argument;
  int32_t fd = 0;
  if (!get_arguments(env, info, 1, &argument) || !get_count(env, argument, "fd", &fd)) return NULL;
  struct addon *addon = addon_of(env);
  char what[64];
  snprintf(what, sizeof what, "adoptFd %d", fd);
  if (addon == NULL || addon->ending || !addon_reserve_fd(addon)) {
    throw_errno(env, addon == NULL || addon->ending ? ESHUTDOWN : ENOMEM, what);
    return NULL;
  }
  for (size_t i = 0; i < addon->fd_count; i += 1) {
    if (addon->fds[i] != fd) continue;
    throw_errno(env, EEXIST, what);
    return NULL;
  }
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    throw_errno(env, errno, what);
    return NULL;
  }
  addon_own_fd(addon, fd);
  return NULL;
}

void addon_handle_closed(struct addon *addon) {
  addon->closing -= 1;
  if (addon->ending && addon->closing == 0) napi_remove_async_cleanup_hook(addon->teardown);
}

/* Runs when the environment ends: a worker may exit with everything open, and its loop must not keep our handles. */
static void tear_down(napi_async_cleanup_hook_handle handle, void *data) {
  struct addon *addon = data;
  addon->teardown = handle;
  poll_stop_fd(addon, -1);
  while (addon->fd_count > 0) close(addon->fds[--addon->fd_count]);
  addon->ending = true;
  if (addon->closing == 0) napi_remove_async_cleanup_hook(handle);
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  addon_release(data);
}

NAPI_MODULE_INIT() {
  struct addon *addon = calloc(1, sizeof *addon);
  if (addon == NULL) {
    throw_errno(env, ENOMEM, "loading the addon");
    return NULL;
  }
  addon->env = env;
  addon->references = 1;
  addon->sha1 = sha1_best();
  if (napi_set_instance_data(env, addon, finalize, NULL) != napi_ok) {
    free(addon);
    throw_type(env, "the addon could not be loaded: no instance data");
    return NULL;
  }
  const napi_property_descriptor functions[] = {
      {.utf8name = "tunOpen", .method = tun_open, .attributes = napi_enumerable},
      {.utf8name = "tunReadBatch", .method = tun_read_batch, .attributes = napi_enumerable},
      {.utf8name = "tunWriteBatch", .method = tun_write_batch, .attributes = napi_enumerable},
      {.utf8name = "tunSetOffloads", .method = tun_set_offloads, .attributes = napi_enumerable},
      {.utf8name = "tunBuffers", .method = tun_buffers, .attributes = napi_enumerable},
      {.utf8name = "tunReadSegments", .method = tun_read_segments, .attributes = napi_enumerable},
      {.utf8name = "tunWriteCoalesced", .method = tun_write_coalesced, .attributes = napi_enumerable},
      {.utf8name = "greOpen", .method = gre_open, .attributes = napi_enumerable},
      {.utf8name = "greReceiveBatch", .method = gre_receive_batch, .attributes = napi_enumerable},
      {.utf8name = "greSendBatch", .method = gre_send_batch, .attributes = napi_enumerable},
      {.utf8name = "pollStart", .method = poll_start, .attributes = napi_enumerable},
      {.utf8name = "pollStop", .method = poll_stop, .attributes = napi_enumerable},
      {.utf8name = "mppeBatch", .method = mppe_batch, .attributes = napi_enumerable},
      {.utf8name = "raiseAmbientCapabilities", .method = raise_ambient_capabilities, .attributes = napi_enumerable},
      {.utf8name = "becomeUser", .method = become_user, .attributes = napi_enumerable},
      {.utf8name = "notify", .method = notify, .attributes = napi_enumerable},
      {.utf8name = "socketPair", .method = socket_pair, .attributes = napi_enumerable},
      {.utf8name = "sendFds", .method = send_fds, .attributes = napi_enumerable},
      {.utf8name = "receiveFds", .method = receive_fds, .attributes = napi_enumerable},
      {.utf8name = "adoptFd", .method = adopt_fd, .attributes = napi_enumerable},
      {.utf8name = "closeFd", .method = close_fd, .attributes = napi_enumerable},
  };
  if (napi_add_async_cleanup_hook(env, tear_down, addon, &addon->teardown) != napi_ok ||
      napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions) != napi_ok) {
    throw_type(env, "the addon could not be loaded");
    return NULL;
  }
  return exports;
}
