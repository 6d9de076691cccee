/* Readiness of any descriptor (TUN device, raw socket) as a callback, on the loop of the calling environment. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "addon.h"

/*
 * Life: the JS handle and the loop own a poll together; memory goes when both have let go. The list in `struct addon`
 * holds every poll whose memory exists. Losing the JS handle to the garbage collector does not end the poll.
 */
struct poll {
  uv_poll_t handle;
  struct addon *addon;
  struct poll *next;
  napi_ref callback;
  napi_async_context context;
  int fd;
  bool running;
  bool held_by_loop;
  bool held_by_js;
};

static void poll_free(struct poll *poll) {
  if (poll->held_by_loop || poll->held_by_js) return;
  struct poll **link = &poll->addon->polls;
  while (*link != poll) link = &(*link)->next;
  *link = poll->next;
  addon_release(poll->addon);
  free(poll);
}

static void release_references(struct poll *poll) {
  napi_env env = poll->addon->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  if (poll->context != NULL) napi_async_destroy(env, poll->context);
  if (poll->callback != NULL) napi_delete_reference(env, poll->callback);
  poll->context = NULL;
  poll->callback = NULL;
  napi_close_handle_scope(env, scope);
}

static void on_closed(uv_handle_t *handle) {
  struct poll *poll = handle->data;
  struct addon *addon = poll->addon;
  release_references(poll);
  poll->held_by_loop = false;
  /* The environment may go with its last handle: keep the state until the count is right. */
  addon->references += 1;
  poll_free(poll);
  addon_handle_closed(addon);
  addon_release(addon);
}

/* The references are released in on_closed: the callback that calls pollStop is still running here. */
static void stop(struct poll *poll) {
  if (!poll->running) return;
  poll->running = false;
  poll->addon->closing += 1;
  uv_close((uv_handle_t *)&poll->handle, on_closed);
}

void poll_stop_fd(struct addon *addon, int fd) {
  for (struct poll *poll = addon->polls; poll != NULL; poll = poll->next) {
    if (fd == -1 || poll->fd == fd) stop(poll);
  }
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  struct poll *poll = data;
  poll->held_by_js = false;
  poll_free(poll);
}

static void call(napi_env env, struct poll *poll) {
  napi_value callback;
  napi_value global;
  napi_value exception;
  bool pending = false;
  if (napi_get_reference_value(env, poll->callback, &callback) != napi_ok || callback == NULL ||
      napi_get_global(env, &global) != napi_ok) {
    return;
  }
  if (napi_make_callback(env, poll->context, global, callback, 0, NULL, NULL) == napi_ok) return;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return;
  if (napi_get_and_clear_last_exception(env, &exception) == napi_ok) napi_fatal_exception(env, exception);
}

static void on_event(uv_poll_t *handle, int status, int events) {
  (void)events;
  struct poll *poll = handle->data;
  napi_env env = poll->addon->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  /* An error condition is reported as readable: the owner's next read returns the real error. */
  call(env, poll);
  napi_close_handle_scope(env, scope);
  /* libuv ends the watch on an error condition; a socket recovers from it, so go on until told to stop. */
  if (status < 0 && poll->running && uv_poll_start(handle, UV_READABLE, on_event) != 0) stop(poll);
}

/* Gives up a poll that was never handed to the loop. */
static napi_value abandon(struct poll *poll) {
  release_references(poll);
  poll->held_by_loop = false;
  poll_free(poll);
  return NULL;
}

static struct poll *create(struct addon *addon, int fd) {
  struct poll *poll = calloc(1, sizeof *poll);
  if (poll == NULL) return NULL;
  poll->addon = addon;
  poll->fd = fd;
  poll->held_by_loop = true;
  poll->next = addon->polls;
  addon->polls = poll;
  addon->references += 1;
  return poll;
}

static bool attach_callback(napi_env env, struct poll *poll, napi_value callback) {
  napi_value name;
  return napi_create_reference(env, callback, 1, &poll->callback) == napi_ok &&
         napi_create_string_utf8(env, "PptpPoll", NAPI_AUTO_LENGTH, &name) == napi_ok &&
         napi_async_init(env, NULL, name, &poll->context) == napi_ok;
}

napi_value poll_start(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  napi_valuetype type;
  int32_t fd = 0;
  if (!get_arguments(env, info, 2, arguments) || !get_count(env, arguments[0], "fd", &fd)) return NULL;
  if (napi_typeof(env, arguments[1], &type) != napi_ok || type != napi_function) {
    throw_type(env, "onReadable must be a function");
    return NULL;
  }
  struct addon *addon = addon_of(env);
  uv_loop_t *loop = NULL;
  if (addon == NULL || addon->ending || napi_get_uv_event_loop(env, &loop) != napi_ok) {
    throw_errno(env, ESHUTDOWN, "pollStart");
    return NULL;
  }
  struct poll *poll = create(addon, fd);
  if (poll == NULL) {
    throw_errno(env, ENOMEM, "pollStart");
    return NULL;
  }
  napi_value handle;
  if (!attach_callback(env, poll, arguments[1]) ||
      napi_create_external(env, poll, finalize, NULL, &handle) != napi_ok) {
    throw_errno(env, ENOMEM, "pollStart");
    return abandon(poll);
  }
  poll->held_by_js = true;

  char what[64];
  snprintf(what, sizeof what, "pollStart on descriptor %d", fd);
  int status = uv_poll_init(loop, &poll->handle, fd);
  if (status != 0) {
    throw_errno(env, -status, what);
    return abandon(poll);
  }
  poll->handle.data = poll;
  poll->running = true;
  status = uv_poll_start(&poll->handle, UV_READABLE, on_event);
  if (status != 0) {
    throw_errno(env, -status, what);
    stop(poll);
    return NULL;
  }
  return handle;
}

napi_value poll_stop(napi_env env, napi_callback_info info) {
  napi_value argument;
  napi_valuetype type;
  void *data = NULL;
  if (!get_arguments(env, info, 1, &argument)) return NULL;
  struct addon *addon = addon_of(env);
  if (addon != NULL && napi_typeof(env, argument, &type) == napi_ok && type == napi_external &&
      napi_get_value_external(env, argument, &data) == napi_ok) {
    /* The pointer is believed only if it is one of ours: another addon's external has the same JS type. */
    for (struct poll *poll = addon->polls; poll != NULL; poll = poll->next) {
      if (poll != data) continue;
      stop(poll);
      return NULL;
    }
  }
  throw_type(env, "handle must come from pollStart of the same thread");
  return NULL;
}
