#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "addon.h"

/* The address of NOTIFY_SOCKET: a path, or with "@" in front a name of the abstract name space. False: it is neither. */
static bool socket_address(const char *name, size_t length, struct sockaddr_un *address, socklen_t *size) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  /* A path needs its final zero, an abstract name has none. */
  const size_t room = sizeof address->sun_path - (name[0] == '@' ? 0 : 1);
  if (length < 2 || length > room || (name[0] != '/' && name[0] != '@')) return false;
  memcpy(address->sun_path, name, length);
  if (name[0] == '@') address->sun_path[0] = '\0';
  *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] == '@' ? 0 : 1));
  return true;
}

/* notify(name, message): one datagram to the service manager. Never waits: with no room in its queue, EAGAIN. */
napi_value notify(napi_env env, napi_callback_info info) {
  napi_value values[2];
  char name[sizeof(struct sockaddr_un)];
  size_t length = 0;
  uint8_t *message = NULL;
  size_t octets = 0;
  if (!get_arguments(env, info, 2, values) || !get_bytes(env, values[1], "message", &message, &octets)) return NULL;
  if (napi_get_value_string_utf8(env, values[0], name, sizeof name, &length) != napi_ok) {
    throw_type(env, "name must be a string");
    return NULL;
  }
  struct sockaddr_un address;
  socklen_t size = 0;
  if (!socket_address(name, length, &address, &size)) {
    throw_errno(env, EINVAL, "notify: the name of the socket");
    return NULL;
  }
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    throw_errno(env, errno, "notify: socket");
    return NULL;
  }
  const ssize_t sent = sendto(fd, message, octets, MSG_NOSIGNAL, (const struct sockaddr *)&address, size);
  const int error = errno;
  close(fd);
  if (sent < 0) throw_errno(env, error, "notify");
  return NULL;
}
