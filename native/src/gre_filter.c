/* Classic BPF over the enhanced GRE header (RFC 2637 section 4.1). See gre_filter.h. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "gre_filter.h"

enum { HEADER = 8, CALL_ID = 6, MOST_ERRORS = 8 };

/*
 * Of the first four octets: no checksum, routing, strict source route or recursion (with one of the first two the Call ID
 * would be elsewhere), a key, no flags but those of sequence and acknowledgment, version 1, and the protocol of PPTP.
 */
#define SHAPE_MASK 0xef7fffffu
#define SHAPE 0x2001880bu

#define WHOLE 0xffffffffu
#define NOTHING 0u

void gre_filter_program(uint32_t modulus, uint32_t residue, struct sock_filter program[GRE_FILTER_LENGTH]) {
  const struct sock_filter instructions[GRE_FILTER_LENGTH] = {
      /* Length behind the IP header, first of all: to read beyond the end is to refuse the packet. */
      BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
      BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, HEADER, 0, 7),
      BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SHAPE_MASK),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SHAPE, 0, 4),
      BPF_STMT(BPF_LD | BPF_H | BPF_IND, CALL_ID),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, modulus),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, residue, 0, 2),
      BPF_STMT(BPF_RET | BPF_K, WHOLE),
      /* No Call ID: */
      BPF_STMT(BPF_RET | BPF_K, residue == 0 ? WHOLE : NOTHING),
      /* The Call ID of another share: */
      BPF_STMT(BPF_RET | BPF_K, NOTHING),
  };
  memcpy(program, instructions, sizeof instructions);
}

static int attach(int fd, struct sock_filter *program, unsigned short length) {
  const struct sock_fprog filter = {.len = length, .filter = program};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

int gre_filter_close(int fd) {
  struct sock_filter program[] = {BPF_STMT(BPF_RET | BPF_K, NOTHING)};
  return attach(fd, program, 1);
}

/* Ends, because nothing more comes; an error of the socket may stand before packets. */
static void discard_all(int fd) {
  char octet;
  for (int errors = 0; errors < MOST_ERRORS;) {
    if (recv(fd, &octet, sizeof octet, MSG_DONTWAIT | MSG_TRUNC) >= 0) continue;
    if (errno == EAGAIN) return;
    errors += 1;
  }
}

int gre_filter_share(int fd, uint32_t modulus, uint32_t residue) {
  struct sock_filter program[GRE_FILTER_LENGTH];
  discard_all(fd);
  gre_filter_program(modulus, residue, program);
  return attach(fd, program, GRE_FILTER_LENGTH);
}
