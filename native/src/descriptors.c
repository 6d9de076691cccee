/* Descriptors from one process to another, over a pair of connected Unix sockets (unix(7), SCM_RIGHTS). */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "addon.h"

#define MOST_FDS 16

static napi_value numbers(napi_env env, const int *list, size_t count) {
  napi_value array = NULL;
  if (napi_create_array_with_length(env, count, &array) != napi_ok) return NULL;
  for (size_t i = 0; i < count; i += 1) {
    napi_value number = NULL;
    if (napi_create_int32(env, list[i], &number) != napi_ok ||
        napi_set_element(env, array, (uint32_t)i, number) != napi_ok) {
      return NULL;
    }
  }
  return array;
}

/* Owned by this environment, or closed with an exception pending. */
static bool own_all(napi_env env, struct addon *addon, const int *list, size_t count) {
  for (size_t i = 0; i < count; i += 1) {
    if (addon_reserve_fd(addon)) {
      addon_own_fd(addon, list[i]);
      continue;
    }
    for (size_t rest = i; rest < count; rest += 1) close(list[rest]);
    throw_errno(env, ENOMEM, "descriptors");
    return false;
  }
  return true;
}

/* socketPair(): [fd, fd] */
napi_value socket_pair(napi_env env, napi_callback_info info) {
  (void)info;
  struct addon *addon = addon_of(env);
  int pair[2];
  if (addon == NULL || addon->ending) {
    throw_errno(env, ESHUTDOWN, "socketPair");
    return NULL;
  }
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
    throw_errno(env, errno, "socketPair");
    return NULL;
  }
  return own_all(env, addon, pair, 2) ? numbers(env, pair, 2) : NULL;
}

/* sendFds(socket, fds) */
napi_value send_fds(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int32_t fd = 0;
  int32_t *list = NULL;
  size_t count = 0;
  if (!get_arguments(env, info, 2, values) || !get_count(env, values[0], "socket", &fd) ||
      !get_int32s(env, values[1], "fds", &list, &count)) {
    return NULL;
  }
  if (count == 0 || count > MOST_FDS) {
    throw_range(env, "there must be 1 to 16 descriptors");
    return NULL;
  }
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(MOST_FDS * sizeof(int))];
  } control;
  memset(&control, 0, sizeof control);
  char octet = 0;
  struct iovec data = {.iov_base = &octet, .iov_len = 1};
  struct msghdr message = {.msg_iov = &data,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = CMSG_SPACE(count * sizeof(int))};
  struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(count * sizeof(int));
  memcpy(CMSG_DATA(rights), list, count * sizeof(int));
  if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) throw_errno(env, errno, "sendFds");
  return NULL;
}

/* receiveFds(socket): those of the next message; none when the other side is closed. */
napi_value receive_fds(napi_env env, napi_callback_info info) {
  napi_value argument;
  int32_t fd = 0;
  if (!get_arguments(env, info, 1, &argument) || !get_count(env, argument, "socket", &fd)) return NULL;
  struct addon *addon = addon_of(env);
  if (addon == NULL || addon->ending) {
    throw_errno(env, ESHUTDOWN, "receiveFds");
    return NULL;
  }
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(MOST_FDS * sizeof(int))];
  } control;
  char octet = 0;
  struct iovec data = {.iov_base = &octet, .iov_len = 1};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0) {
    throw_errno(env, errno, "receiveFds");
    return NULL;
  }
  int found[MOST_FDS];
  size_t count = 0;
  for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one != NULL; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_RIGHTS) continue;
    const size_t here = (one->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < here && count < MOST_FDS; i += 1) {
      memcpy(&found[count], CMSG_DATA(one) + i * sizeof(int), sizeof(int));
      count += 1;
    }
  }
  return own_all(env, addon, found, count) ? numbers(env, found, count) : NULL;
}
