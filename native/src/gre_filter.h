/* Which packets a raw GRE socket is given, when several processes share the calls of one address. */
#ifndef PPTP_NATIVE_GRE_FILTER_H
#define PPTP_NATIVE_GRE_FILTER_H

#include <linux/filter.h>
#include <stdint.h>

enum { GRE_FILTER_LENGTH = 13 };

/*
 * The share with this residue of the Call IDs modulo `modulus`; residue 0 has what names no Call ID, too, so that each
 * packet is one share's, and a bad one is counted once. A raw socket sees the IP header (of any length), and never a
 * fragment: the kernel reassembles before.
 */
void gre_filter_program(uint32_t modulus, uint32_t residue, struct sock_filter program[GRE_FILTER_LENGTH]);

/* Takes nothing from the moment it returns. -1 with errno. */
int gre_filter_close(int fd);

/*
 * To be called on a socket that takes nothing: throws away what had come before, then takes its share only. -1 with
 * errno.
 */
int gre_filter_share(int fd, uint32_t modulus, uint32_t residue);

#endif
