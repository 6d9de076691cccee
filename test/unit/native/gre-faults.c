/*
 * For LD_PRELOAD: stands in for the kernel's raw GRE socket, without rights and with every fault on order.
 *
 * Received is what the file GRE_IN holds, as records of a 16-bit errno, a 16-bit length and that many octets; errno 0 is
 * a packet, any other an error of the call. A packet to send is refused with the errno that the first octet of its
 * payload says; 0 sends it: GRE_OUT gets a 16-bit length, the destination of the call, and header and payload. EINTR is
 * given once for a packet. Filters are not run; GRE_FILTER_FAULT is the number of the one that is refused. Numbers are in
 * the order of the machine.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define DROPPED 4294967290u
#define SLOTS 9

static int gre = -1;
static int out = -1;
static off_t at;
static int buffers[2];
static int interrupted;
static int filters;

static int fail(int error) {
  errno = error;
  return -1;
}

int socket(int domain, int type, int protocol) {
  static int (*real)(int, int, int);
  if (real == NULL) real = dlsym(RTLD_NEXT, "socket");
  const char *denied = getenv("GRE_DENIED");
  if (domain != AF_INET || (type & 0xf) != SOCK_RAW || protocol != IPPROTO_GRE) return real(domain, type, protocol);
  if (denied != NULL) return fail(atoi(denied));
  at = 0;
  gre = open(getenv("GRE_IN"), O_RDONLY | O_CLOEXEC);
  if (out < 0) out = open(getenv("GRE_OUT"), O_WRONLY | O_APPEND | O_CLOEXEC);
  return gre;
}

int bind(int fd, const struct sockaddr *address, socklen_t length) {
  static int (*real)(int, const struct sockaddr *, socklen_t);
  if (real == NULL) real = dlsym(RTLD_NEXT, "bind");
  if (fd != gre || fd < 0) return real(fd, address, length);
  const struct sockaddr_in *to = (const struct sockaddr_in *)address;
  return ntohl(to->sin_addr.s_addr) == 0xc0000201 ? fail(EADDRNOTAVAIL) : 0;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t length) {
  static int (*real)(int, int, int, const void *, socklen_t);
  if (real == NULL) real = dlsym(RTLD_NEXT, "setsockopt");
  if (fd != gre || fd < 0) return real(fd, level, option, value, length);
  if (level == IPPROTO_IP && option == IP_HDRINCL) return 0;
  if (level == SOL_SOCKET && option == SO_ATTACH_FILTER) {
    const char *fault = getenv("GRE_FILTER_FAULT");
    filters += 1;
    return fault != NULL && atoi(fault) == filters ? fail(ENOMEM) : 0;
  }
  if (level != SOL_SOCKET || (option != SO_RCVBUF && option != SO_SNDBUF)) return fail(EPERM);
  buffers[option == SO_SNDBUF] = *(const int *)value * 2;
  return 0;
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *length) {
  static int (*real)(int, int, int, void *, socklen_t *);
  if (real == NULL) real = dlsym(RTLD_NEXT, "getsockopt");
  if (fd != gre || fd < 0) return real(fd, level, option, value, length);
  if (option == SO_MEMINFO) {
    uint32_t memory[SLOTS] = {[SLOTS - 1] = DROPPED};
    memcpy(value, memory, sizeof memory);
  } else {
    memcpy(value, &buffers[option == SO_SNDBUF], sizeof buffers[0]);
  }
  return 0;
}

ssize_t recv(int fd, void *data, size_t size, int flags) {
  static ssize_t (*real)(int, void *, size_t, int);
  if (real == NULL) real = dlsym(RTLD_NEXT, "recv");
  if (fd != gre || fd < 0) return real(fd, data, size, flags);
  uint16_t head[2];
  if (pread(fd, head, sizeof head, at) != sizeof head) return fail(EAGAIN);
  at += (off_t)sizeof head + head[1];
  return head[0] == 0 ? head[1] : fail(head[0]);
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout) {
  (void)flags;
  (void)timeout;
  for (unsigned int i = 0; i < count; i += 1) {
    uint16_t head[2];
    if (fd != gre || fd < 0) return fail(EBADF);
    if (pread(fd, head, sizeof head, at) != sizeof head) return i > 0 ? (int)i : fail(EAGAIN);
    if (head[0] != 0) {
      if (i > 0) return (int)i;
      at += (off_t)sizeof head + head[1];
      return fail(head[0]);
    }
    const struct iovec *vector = messages[i].msg_hdr.msg_iov;
    const size_t octets = head[1] < vector->iov_len ? head[1] : vector->iov_len;
    if (pread(fd, vector->iov_base, octets, at + (off_t)sizeof head) != (ssize_t)octets) return fail(EIO);
    messages[i].msg_len = (unsigned int)octets;
    at += (off_t)sizeof head + head[1];
  }
  return (int)count;
}

static int send_one(const struct msghdr *message) {
  const struct iovec *parts = message->msg_iov;
  const struct sockaddr_in *to = message->msg_name;
  const int fate = parts[1].iov_len == 0 ? 0 : *(const uint8_t *)parts[1].iov_base;
  if (fate == EINTR && !interrupted) {
    interrupted = 1;
    return EINTR;
  }
  interrupted = 0;
  if (fate != 0 && fate != EINTR) return fate;
  const uint16_t length = (uint16_t)(parts[0].iov_len + parts[1].iov_len);
  const struct iovec record[4] = {
      {(void *)&length, sizeof length}, {(void *)&to->sin_addr, sizeof to->sin_addr}, parts[0], parts[1]};
  return message->msg_iovlen == 2 && writev(out, record, 4) > 0 ? 0 : EIO;
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags) {
  (void)flags;
  if (fd != gre || fd < 0) return fail(EBADF);
  for (unsigned int i = 0; i < count; i += 1) {
    const int error = send_one(&messages[i].msg_hdr);
    if (error != 0) return i > 0 ? (int)i : fail(error);
  }
  return (int)count;
}
