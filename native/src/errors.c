#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "addon.h"

static bool is_pending(napi_env env) {
  bool pending = false;
  return napi_is_exception_pending(env, &pending) != napi_ok || pending;
}

/* libuv names the common errors; the rest of those a TUN device or socket can return are named here. */
static void error_name(int error, char *name, size_t size) {
  if (error == EBADFD) {
    snprintf(name, size, "EBADFD");
    return;
  }
  uv_err_name_r(-error, name, size);
  if (strncmp(name, "Unknown", 7) == 0) snprintf(name, size, "ERRNO_%d", error);
}

void throw_errno(napi_env env, int error, const char *what) {
  if (is_pending(env)) return;
  char name[32];
  char reason[128];
  char message[256];
  error_name(error, name, sizeof name);
  uv_strerror_r(-error, reason, sizeof reason);
  if (error == EBADFD) snprintf(reason, sizeof reason, "the network interface is gone");
  snprintf(message, sizeof message, "%s: %s, %s", name, reason, what);
  napi_throw_error(env, name, message);
}

void throw_type(napi_env env, const char *message) {
  if (!is_pending(env)) napi_throw_type_error(env, "EINVAL", message);
}

void throw_range(napi_env env, const char *message) {
  if (!is_pending(env)) napi_throw_range_error(env, "EINVAL", message);
}
