/*
 * Round trips through a tunnel, answered by the kernel at its other end: `icmp-probe ADDRESS COUNT INTERVAL-MS` sends
 * echo requests one after the other and prints one line of JSON with the times in µs, in order.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { OCTETS = 64, ANSWER = 1500, LOST_MS = 1000 };

static double microseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static uint16_t checksum(const uint8_t *octets, size_t count) {
  uint32_t sum = 0;
  for (size_t at = 0; at + 1 < count; at += 2) sum += (uint32_t)(octets[at] << 8 | octets[at + 1]);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return htons((uint16_t)~sum);
}

static int is_answer(const uint8_t *packet, ssize_t length, uint16_t id, uint16_t sequence) {
  if (length < 28) return 0;
  struct icmphdr header;
  memcpy(&header, packet + (packet[0] & 0x0f) * 4, sizeof header);
  return header.type == ICMP_ECHOREPLY && header.un.echo.id == id && header.un.echo.sequence == sequence;
}

/* Time of one round trip; negative when no answer came. */
static double probe(int fd, uint16_t id, uint16_t sequence) {
  uint8_t request[OCTETS] = {0}, answer[ANSWER];
  struct icmphdr header = {.type = ICMP_ECHO, .un.echo = {.id = id, .sequence = sequence}};
  memcpy(request, &header, sizeof header);
  header.checksum = checksum(request, sizeof request);
  memcpy(request, &header, sizeof header);
  const double start = microseconds();
  if (send(fd, request, sizeof request, 0) < 0) return -1;
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  for (;;) {
    const int left = LOST_MS - (int)((microseconds() - start) / 1000);
    if (left <= 0 || poll(&ready, 1, left) <= 0) return -1;
    const ssize_t length = recv(fd, answer, sizeof answer, MSG_DONTWAIT);
    if (is_answer(answer, length, id, sequence)) return microseconds() - start;
  }
}

int main(int count, char **words) {
  if (count != 4) {
    fprintf(stderr, "usage: icmp-probe ADDRESS COUNT INTERVAL-MS\n");
    return 2;
  }
  struct sockaddr_in address = {.sin_family = AF_INET};
  const int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  if (fd < 0 || inet_pton(AF_INET, words[1], &address.sin_addr) != 1 ||
      connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    fprintf(stderr, "icmp-probe: %s: %s\n", words[1], strerror(errno));
    return 1;
  }
  const double interval = atof(words[3]) * 1000;
  const uint16_t id = htons((uint16_t)getpid());
  int lost = 0;
  const char *separator = "";
  printf("{\"microseconds\":[");
  for (int at = 0; at < atoi(words[2]); at += 1) {
    const double start = microseconds();
    const double took = probe(fd, id, htons((uint16_t)at));
    if (took < 0) {
      lost += 1;
    } else {
      printf("%s%.1f", separator, took);
      separator = ",";
    }
    const double rest = interval - (microseconds() - start);
    if (rest > 0) {
      const struct timespec pause = {.tv_sec = (time_t)(rest / 1e6), .tv_nsec = (long)(rest * 1e3) % 1000000000L};
      nanosleep(&pause, NULL);
    }
  }
  printf("],\"lost\":%d}\n", lost);
  return 0;
}
