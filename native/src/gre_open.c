/* Raw IPv4 socket for GRE, IP protocol 47. See gre.d.ts for the contract. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addon.h"
#include "gre_filter.h"

struct gre_options {
  uint32_t listen;
  int32_t receive_buffer;
  int32_t send_buffer;
  /* The share of the Call IDs; modulus 1 is all of them. */
  uint32_t modulus;
  uint32_t residue;
};

#define LARGEST_MODULUS 65535u

/* The forced form ignores net.core.rmem_max but needs CAP_NET_ADMIN of the first user namespace. Without either the
 * kernel's default stays: smaller, not wrong. */
static void set_buffer(int fd, int forced, int limited, int32_t octets) {
  if (setsockopt(fd, SOL_SOCKET, forced, &octets, sizeof octets) == 0) return;
  setsockopt(fd, SOL_SOCKET, limited, &octets, sizeof octets);
}

static int32_t get_buffer(int fd, int option) {
  int32_t octets = 0;
  socklen_t length = sizeof octets;
  return getsockopt(fd, SOL_SOCKET, option, &octets, &length) == 0 ? octets : 0;
}

/*
 * IP_RECVERR stays off on purpose: with it any ICMP error about any packet, also a forged one, would fail the next
 * packet to somebody else. -1 with errno, and `what` failed.
 */
static int prepare(int fd, const struct gre_options *options, const char **what) {
  const int yes = 1;
  const bool shared = options->modulus > 1;
  const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(options->listen)};
  *what = "SO_ATTACH_FILTER";
  /* First of all: packets come as soon as the socket exists. */
  if (shared && gre_filter_close(fd) != 0) return -1;
  *what = "IP_HDRINCL";
  if (setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &yes, sizeof yes) != 0) return -1;
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options->receive_buffer);
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options->send_buffer);
  *what = "bind";
  if (options->listen != INADDR_ANY && bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) return -1;
  *what = "SO_ATTACH_FILTER";
  return shared ? gre_filter_share(fd, options->modulus, options->residue) : 0;
}

static int open_socket(const struct gre_options *options, const char **what) {
  *what = "socket";
  const int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_GRE);
  if (fd < 0 || prepare(fd, options, what) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static bool set_number(napi_env env, napi_value object, const char *name, int32_t number) {
  napi_value value;
  return napi_create_int32(env, number, &value) == napi_ok &&
         napi_set_named_property(env, object, name, value) == napi_ok;
}

static bool make_result(napi_env env, int fd, napi_value *result) {
  return napi_create_object(env, result) == napi_ok && set_number(env, *result, "fd", fd) &&
         set_number(env, *result, "receiveBuffer", get_buffer(fd, SO_RCVBUF)) &&
         set_number(env, *result, "sendBuffer", get_buffer(fd, SO_SNDBUF));
}

napi_value gre_open(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  struct gre_options options;
  if (!get_arguments(env, info, 5, arguments) || !get_uint32(env, arguments[0], "listen", &options.listen) ||
      !get_count(env, arguments[1], "receiveBuffer", &options.receive_buffer) ||
      !get_count(env, arguments[2], "sendBuffer", &options.send_buffer) ||
      !get_uint32(env, arguments[3], "modulus", &options.modulus) ||
      !get_uint32(env, arguments[4], "residue", &options.residue)) {
    return NULL;
  }
  if (options.modulus < 1 || options.modulus > LARGEST_MODULUS || options.residue >= options.modulus) {
    throw_range(env, "modulus must be from 1 to 65535, and residue smaller");
    return NULL;
  }
  struct addon *addon = addon_of(env);
  if (addon == NULL || addon->ending || !addon_reserve_fd(addon)) {
    throw_errno(env, addon == NULL || addon->ending ? ESHUTDOWN : ENOMEM, "greOpen");
    return NULL;
  }
  const char *step = NULL;
  int fd = open_socket(&options, &step);
  if (fd < 0) {
    char what[64];
    snprintf(what, sizeof what, "%s of a GRE socket", step);
    throw_errno(env, errno, what);
    return NULL;
  }
  napi_value result;
  if (!make_result(env, fd, &result)) {
    close(fd);
    throw_errno(env, ENOMEM, "greOpen");
    return NULL;
  }
  addon_own_fd(addon, fd);
  return result;
}
