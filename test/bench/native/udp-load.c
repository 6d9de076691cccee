/*
 * A stream of UDP datagrams and its end, both cheap enough to be no limit:
 *   udp-load send ADDRESS PORT PACKET-OCTETS SECONDS RATE SEGMENTS     (RATE 0: as fast as it goes)
 *   udp-load receive ADDRESS PORT                             (until nothing has come for a while)
 * Each prints one line of JSON. PACKET-OCTETS is the IPv4 packet. SEGMENTS above 1: so many datagrams are given to the
 * kernel as one, which it cuts as late as it can (UDP_SEGMENT), as QUIC servers do.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, HEADERS = 28, LARGEST = 1500, MOST_SEGMENTS = 32, SOCKET_BUFFER = 16 << 20 };
/* Newer than the headers of some C libraries. */
enum { LEVEL_UDP = 17, OPTION_SEGMENT = 103 };
/* Nothing at all within the first, or nothing more within the second, in ms. */
enum { FIRST_MS = 5000, LAST_MS = 400 };

static struct mmsghdr messages[BATCH];
static struct iovec parts[BATCH];
static uint8_t octets[BATCH][MOST_SEGMENTS * LARGEST];

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int fail(const char *what) {
  fprintf(stderr, "udp-load: %s: %s\n", what, strerror(errno));
  return 1;
}

static void use_size(size_t size) {
  for (int at = 0; at < BATCH; at += 1) {
    parts[at] = (struct iovec){octets[at], size};
    messages[at].msg_hdr = (struct msghdr){.msg_iov = &parts[at], .msg_iovlen = 1};
  }
}

static int send_all(int fd, double seconds, double rate, unsigned segments) {
  const double start = now(), end = start + seconds;
  uint64_t sent = 0;
  double at = start;
  for (; at < end; at = now()) {
    unsigned count = BATCH;
    if (rate > 0) {
      const double due = ((at - start) * rate - (double)sent) / segments;
      if (due < 1) {
        const struct timespec little = {.tv_nsec = 20000};
        nanosleep(&little, NULL);
        continue;
      }
      if (due < BATCH) count = (unsigned)due;
    }
    const int done = sendmmsg(fd, messages, count, 0);
    if (done > 0) sent += (uint64_t)done * segments;
    else if (errno != EAGAIN && errno != ENOBUFS && errno != ECONNREFUSED) return fail("send");
  }
  printf("{\"sent\":%llu,\"seconds\":%.6f}\n", (unsigned long long)sent, at - start);
  return 0;
}

static int receive_all(int fd) {
  uint64_t received = 0;
  double first = 0, last = 0;
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  printf("{\"event\":\"listening\"}\n");
  fflush(stdout);
  while (poll(&ready, 1, received == 0 ? FIRST_MS : LAST_MS) > 0) {
    const int done = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
    if (done <= 0) continue;
    last = now();
    if (received == 0) first = last;
    received += (uint64_t)done;
  }
  printf("{\"received\":%llu,\"seconds\":%.6f}\n", (unsigned long long)received, last - first);
  return 0;
}

int main(int count, char **words) {
  const int sends = count == 8 && strcmp(words[1], "send") == 0;
  if (!sends && !(count == 4 && strcmp(words[1], "receive") == 0)) {
    fprintf(stderr, "usage: udp-load send ADDRESS PORT OCTETS SECONDS RATE SEGMENTS | receive ADDRESS PORT\n");
    return 2;
  }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[3]))};
  const int size = SOCKET_BUFFER;
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || inet_pton(AF_INET, words[2], &address.sin_addr) != 1) return fail(words[2]);
  if (setsockopt(fd, SOL_SOCKET, sends ? SO_SNDBUFFORCE : SO_RCVBUFFORCE, &size, sizeof size) != 0) return fail("buffer");
  if (!sends) {
    use_size(LARGEST);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) return fail("bind");
    return receive_all(fd);
  }
  const int packet = atoi(words[4]), segments = atoi(words[7]), data = packet - HEADERS;
  if (data < 0 || packet > LARGEST || segments < 1 || segments > MOST_SEGMENTS) {
    errno = EINVAL;
    return fail(words[4]);
  }
  if (segments > 1 && setsockopt(fd, LEVEL_UDP, OPTION_SEGMENT, &data, sizeof data) != 0) return fail("UDP_SEGMENT");
  use_size((size_t)(data * segments));
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) return fail("connect");
  return send_all(fd, atof(words[5]), atof(words[6]), (unsigned)segments);
}
