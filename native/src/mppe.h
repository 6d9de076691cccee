/* MPPE (RFC 3078, RFC 3079) for many packets at once, in stateless mode: plain C, nothing of Node. */
#ifndef PPTP_NATIVE_MPPE_H
#define PPTP_NATIVE_MPPE_H

#include <stddef.h>
#include <stdint.h>

/* Keys are kept 16 octets long; one of 8 octets is there twice, which is the same key to RC4. */
#define MPPE_KEY_SIZE 16
/* Packets that one call of mppe_run takes. */
#define MPPE_CHUNK 64

/* One direction of one session, in the layout that JS fills in (mppe.d.ts). */
struct mppe_stream {
  uint8_t start[MPPE_KEY_SIZE];
  uint8_t key[MPPE_KEY_SIZE];
  /* 40, 56 or 128 bits. */
  uint8_t strength;
  uint8_t unused[15];
};

struct mppe_packet {
  uint8_t *data;
  size_t length;
  struct mppe_stream *stream;
  /* Where the key of this packet goes: MPPE_KEY_SIZE octets. */
  uint8_t *key;
};

/* Adds `count` blocks of 64 octets to the state of a SHA-1. */
typedef void (*sha1_blocks)(uint32_t state[5], const uint8_t *blocks, size_t count);

/* sha1.c: the quickest that this processor has. Asks the processor, which is slow on virtual machines: keep the answer. */
sha1_blocks sha1_best(void);
/* The one in portable C. */
void sha1_portable(uint32_t state[5], const uint8_t *blocks, size_t count);

/*
 * For each packet, in order: changes the key of its stream once (RFC 3078 section 7.3), then encrypts or decrypts the
 * packet in place with RC4 under the new key. At most MPPE_CHUNK packets.
 */
void mppe_run(sha1_blocks sha1, const struct mppe_packet *packets, size_t count);

#endif
