/*
 * RC4 waits for its own table: each octet needs what the one before stored. Four packets at once, each with a table of
 * its own, fill these waits. Packets of one stateless stream are independent of each other once their keys are known,
 * and key changes of different streams are independent too. The keys of one stream are not, but their making waits so
 * much that beside four packets it costs almost nothing.
 */
#include "mppe.h"

#include <stdbool.h>
#include <string.h>

#define LANES 4
#define TABLE 256
/* Keys of one stream that are made while packets before them are encrypted. */
#define AHEAD 8
/* Key stream made ahead of its use. */
#define STRETCH 2048

struct lanes {
  /* The tables of the lanes, one after the other; then that of a key change and the key that it is made from, repeated. */
  uint8_t s[(LANES + 2) * TABLE];
  uint8_t stream[LANES * STRETCH];
  /* Where RC4's two indices stand: i is the one that the next octet will use. */
  size_t i;
  uint8_t j[LANES];
  /* The same of the key change: how many of its steps are done, none when none is under way. */
  size_t changing_i;
  uint8_t changing_j;
};

/* Packets of one stream whose keys are still to be made. */
struct waiting {
  sha1_blocks sha1;
  const struct mppe_packet *next;
  const struct mppe_packet *end;
};

static void fill_identity(uint8_t *table) {
  for (size_t i = 0; i < TABLE; i += 1) table[i] = (uint8_t)i;
}

static void schedule_one(uint8_t *s, const uint8_t *key) {
  uint32_t j = 0;
  fill_identity(s);
  /* Read before the octet at j is written, or else each step would wait for the one before. */
  uint32_t a = s[0];
  for (size_t i = 0; i < TABLE; i += 1) {
    const uint32_t next = s[(i + 1) & (TABLE - 1)];
    j = (j + a + key[i & (MPPE_KEY_SIZE - 1)]) & (TABLE - 1);
    s[i] = s[j];
    s[j] = (uint8_t)a;
    a = j == i + 1 ? a : next;
  }
}

static void schedule_four(uint8_t *s, const uint8_t *const keys[LANES]) {
  const uint8_t *k0 = keys[0], *k1 = keys[1], *k2 = keys[2], *k3 = keys[3];
  uint8_t j0 = 0, j1 = 0, j2 = 0, j3 = 0;
  for (size_t lane = 0; lane < LANES; lane += 1) fill_identity(s + lane * TABLE);
  for (size_t i = 0; i < TABLE; i += 1) {
    const size_t k = i & (MPPE_KEY_SIZE - 1);
    uint8_t a;
#define SCHEDULE(lane)                     \
  a = s[lane * TABLE + i];                 \
  j##lane = (uint8_t)(j##lane + a + k##lane[k]); \
  s[lane * TABLE + i] = s[lane * TABLE + j##lane]; \
  s[lane * TABLE + j##lane] = a;
    SCHEDULE(0)
    SCHEDULE(1)
    SCHEDULE(2)
    SCHEDULE(3)
#undef SCHEDULE
  }
}

static void begin_four(struct lanes *lanes, const uint8_t *const keys[LANES]) {
  schedule_four(lanes->s, keys);
  lanes->i = 1;
  memset(lanes->j, 0, sizeof lanes->j);
}

#define MAKE(lane)                           \
  a = s[lane * TABLE + i];                   \
  j##lane = (uint8_t)(j##lane + a);          \
  b = s[lane * TABLE + j##lane];             \
  s[lane * TABLE + j##lane] = a;             \
  s[lane * TABLE + i] = b;                   \
  out[lane * STRETCH] = s[lane * TABLE + (uint8_t)(a + b)];

/* The next `count` octets of each of four key streams, to `out + lane * STRETCH`; i must not wrap on the way. */
static void make_four(struct lanes *lanes, uint8_t *out, size_t count) {
  uint8_t *const s = lanes->s;
  uint8_t j0 = lanes->j[0], j1 = lanes->j[1], j2 = lanes->j[2], j3 = lanes->j[3];
  const size_t end = lanes->i + count;
  for (size_t i = lanes->i; i < end; i += 1, out += 1) {
    uint8_t a, b;
    MAKE(0)
    MAKE(1)
    MAKE(2)
    MAKE(3)
  }
  lanes->i = end & (TABLE - 1);
  lanes->j[0] = j0;
  lanes->j[1] = j1;
  lanes->j[2] = j2;
  lanes->j[3] = j3;
}

/* The same, and as many steps of the key change: each of them waits for the one before, but it waits for nothing else. */
static void make_four_and_change(struct lanes *lanes, uint8_t *out, size_t count) {
  uint8_t *const s = lanes->s;
  uint8_t j0 = lanes->j[0], j1 = lanes->j[1], j2 = lanes->j[2], j3 = lanes->j[3], j4 = lanes->changing_j;
  const size_t end = lanes->i + count;
  uint8_t *at = s + LANES * TABLE + lanes->changing_i;
  for (size_t i = lanes->i; i < end; i += 1, out += 1, at += 1) {
    uint8_t a, b;
    j4 = (uint8_t)(j4 + *at + at[TABLE]);
    MAKE(0)
    MAKE(1)
    a = *at;
    *at = s[LANES * TABLE + j4];
    s[LANES * TABLE + j4] = a;
    MAKE(2)
    MAKE(3)
  }
  lanes->i = end & (TABLE - 1);
  lanes->j[0] = j0;
  lanes->j[1] = j1;
  lanes->j[2] = j2;
  lanes->j[3] = j3;
  lanes->changing_i += count;
  lanes->changing_j = j4;
}
#undef MAKE

static void apply_one(uint8_t *s, size_t i, uint8_t j, uint8_t *data, size_t length) {
  for (size_t at = 0; at < length; at += 1) {
    const uint8_t a = s[i];
    j = (uint8_t)(j + a);
    const uint8_t b = s[j];
    s[j] = a;
    s[i] = b;
    data[at] ^= s[(uint8_t)(a + b)];
    i = (i + 1) & (TABLE - 1);
  }
}

static void mix(uint8_t *data, const uint8_t *stream, size_t length) {
  for (size_t at = 0; at < length; at += 1) data[at] ^= stream[at];
}

static size_t key_length(const struct mppe_stream *stream) { return stream->strength == 128 ? 16 : 8; }

static void store_big_endian(uint8_t *octets, uint32_t word) {
  octets[0] = (uint8_t)(word >> 24);
  octets[1] = (uint8_t)(word >> 16);
  octets[2] = (uint8_t)(word >> 8);
  octets[3] = (uint8_t)word;
}

/* GetNewKeyFromSHA (RFC 3079): the interim key, of start key, 40 zeroes, session key and 40 times F2. */
static void interim_key(sha1_blocks sha1, const struct mppe_stream *stream, uint8_t key[MPPE_KEY_SIZE]) {
  const size_t length = key_length(stream);
  const size_t bits = (2 * length + 80) * 8;
  uint8_t message[128] = {0};
  memcpy(message, stream->start, length);
  memcpy(message + length + 40, stream->key, length);
  memset(message + 2 * length + 40, 0xf2, 40);
  message[2 * length + 80] = 0x80;
  message[126] = (uint8_t)(bits >> 8);
  message[127] = (uint8_t)bits;
  uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  sha1(state, message, 2);
  for (size_t i = 0; i < length / 4; i += 1) store_big_endian(key + 4 * i, state[i]);
  if (length < MPPE_KEY_SIZE) memcpy(key + length, key, length);
}

/* Known first octets take the effective strength down to 40 or 56 bits. */
static void take_key(struct mppe_stream *stream, uint8_t *key) {
  if (stream->strength != 128) {
    key[0] = 0xd1;
    if (stream->strength == 40) {
      key[1] = 0x26;
      key[2] = 0x9e;
    }
    memcpy(key + 8, key, 8);
  }
  memcpy(stream->key, key, MPPE_KEY_SIZE);
}

/* One key change (RFC 3078 section 7.3): RC4 turns the interim key with itself. */
static void change_one(sha1_blocks sha1, struct lanes *lanes, const struct mppe_packet *packet) {
  interim_key(sha1, packet->stream, packet->key);
  schedule_one(lanes->s, packet->key);
  apply_one(lanes->s, 1, 0, packet->key, MPPE_KEY_SIZE);
  take_key(packet->stream, packet->key);
}

/* The same for packets of `count` different streams, two to four. */
static void change_four(sha1_blocks sha1, struct lanes *lanes, const struct mppe_packet *const packets[LANES],
                        size_t count) {
  const uint8_t *keys[LANES];
  for (size_t lane = 0; lane < count; lane += 1) {
    interim_key(sha1, packets[lane]->stream, packets[lane]->key);
    keys[lane] = packets[lane]->key;
  }
  for (size_t lane = count; lane < LANES; lane += 1) keys[lane] = keys[0];
  begin_four(lanes, keys);
  make_four(lanes, lanes->stream, MPPE_KEY_SIZE);
  for (size_t lane = 0; lane < count; lane += 1) {
    mix(packets[lane]->key, lanes->stream + lane * STRETCH, MPPE_KEY_SIZE);
    take_key(packets[lane]->stream, packets[lane]->key);
  }
}

#define NONE MPPE_CHUNK

/* Packets of each stream in order, as lists: `first` of each stream, `next` of each packet. Returns how many streams. */
static size_t sort_by_stream(const struct mppe_packet *packets, size_t count, size_t first[MPPE_CHUNK],
                             size_t next[MPPE_CHUNK]) {
  size_t last[MPPE_CHUNK];
  size_t streams = 0;
  size_t found = 0;
  for (size_t at = 0; at < count; at += 1) {
    /* Packets of one stream often come in a row. */
    if (streams == 0 || packets[last[found]].stream != packets[at].stream) {
      for (found = 0; found < streams && packets[last[found]].stream != packets[at].stream;) found += 1;
    }
    next[at] = NONE;
    if (found == streams) {
      first[found] = at;
      streams += 1;
    } else {
      next[last[found]] = at;
    }
    last[found] = at;
  }
  return streams;
}

static void change_keys(sha1_blocks sha1, struct lanes *lanes, const struct mppe_packet *packets, size_t count) {
  size_t first[MPPE_CHUNK];
  size_t next[MPPE_CHUNK];
  const size_t streams = sort_by_stream(packets, count, first, next);
  size_t lane_at[LANES];
  size_t active = streams < LANES ? streams : LANES;
  size_t waiting = active;
  for (size_t lane = 0; lane < active; lane += 1) lane_at[lane] = first[lane];
  while (active > 0) {
    const struct mppe_packet *turn[LANES];
    for (size_t lane = 0; lane < active; lane += 1) turn[lane] = &packets[lane_at[lane]];
    if (active == 1) {
      change_one(sha1, lanes, turn[0]);
    } else {
      change_four(sha1, lanes, turn, active);
    }
    /* A stream that has ended gives its lane to one that waits, or else to the last one. */
    for (size_t lane = 0; lane < active;) {
      lane_at[lane] = next[lane_at[lane]];
      if (lane_at[lane] != NONE) {
        lane += 1;
      } else if (waiting < streams) {
        lane_at[lane] = first[waiting];
        waiting += 1;
        lane += 1;
      } else {
        active -= 1;
        lane_at[lane] = lane_at[active];
      }
    }
  }
}

/* Begins a key change that goes on beside other work. */
static void begin_change(struct lanes *lanes, const struct waiting *waiting) {
  const struct mppe_packet *packet = waiting->next;
  uint8_t *const table = lanes->s + LANES * TABLE;
  interim_key(waiting->sha1, packet->stream, packet->key);
  fill_identity(table);
  for (size_t at = TABLE; at < 2 * TABLE; at += MPPE_KEY_SIZE) memcpy(table + at, packet->key, MPPE_KEY_SIZE);
  lanes->changing_j = 0;
}

static void end_change(struct lanes *lanes, struct waiting *waiting) {
  const struct mppe_packet *packet = waiting->next;
  apply_one(lanes->s + LANES * TABLE, 1, 0, packet->key, MPPE_KEY_SIZE);
  take_key(packet->stream, packet->key);
  waiting->next += 1;
  lanes->changing_i = 0;
}

/* What is left of the key change under way. */
static void finish_change(struct lanes *lanes, struct waiting *waiting) {
  uint8_t *const table = lanes->s + LANES * TABLE;
  uint8_t j = lanes->changing_j;
  for (size_t i = lanes->changing_i; i < TABLE; i += 1) {
    const uint8_t a = table[i];
    j = (uint8_t)(j + a + table[TABLE + i]);
    table[i] = table[j];
    table[j] = a;
  }
  end_change(lanes, waiting);
}

/* All keys that still wait. */
static void change_rest(struct lanes *lanes, struct waiting *waiting) {
  if (lanes->changing_i > 0) finish_change(lanes, waiting);
  for (; waiting->next < waiting->end; waiting->next += 1) change_one(waiting->sha1, lanes, waiting->next);
}

static size_t smaller(size_t one, size_t other) { return one < other ? one : other; }

/* The next `count` octets of four key streams, and meanwhile keys of packets that wait for them. */
static void make(struct lanes *lanes, struct waiting *waiting, size_t count) {
  for (size_t done = 0; done < count;) {
    size_t size = smaller(count - done, TABLE - lanes->i);
    if (waiting->next == waiting->end) {
      make_four(lanes, lanes->stream + done, size);
    } else {
      if (lanes->changing_i == 0) begin_change(lanes, waiting);
      size = smaller(size, TABLE - lanes->changing_i);
      make_four_and_change(lanes, lanes->stream + done, size);
      if (lanes->changing_i == TABLE) end_change(lanes, waiting);
    }
    done += size;
  }
}

static void crypt_one(struct lanes *lanes, const struct mppe_packet *packet) {
  schedule_one(lanes->s, packet->key);
  apply_one(lanes->s, 1, 0, packet->data, packet->length);
}

/* Two to four packets, the longest first. Past the end of the second the longest goes on alone. */
static void crypt_four(struct lanes *lanes, struct waiting *waiting, const struct mppe_packet *const packets[LANES],
                       size_t count) {
  const uint8_t *keys[LANES];
  for (size_t lane = 0; lane < LANES; lane += 1) keys[lane] = packets[lane < count ? lane : 0]->key;
  begin_four(lanes, keys);
  const size_t together = packets[1]->length;
  for (size_t done = 0; done < together; done += STRETCH) {
    const size_t size = smaller(together - done, STRETCH);
    make(lanes, waiting, size);
    for (size_t lane = 0; lane < count; lane += 1) {
      const size_t length = packets[lane]->length;
      if (length <= done) continue;
      mix(packets[lane]->data + done, lanes->stream + lane * STRETCH, smaller(length - done, size));
    }
  }
  apply_one(lanes->s, lanes->i, lanes->j[0], packets[0]->data + together, packets[0]->length - together);
}

/* Packets whose keys are made. */
static void crypt(struct lanes *lanes, struct waiting *waiting, const struct mppe_packet *packets, size_t count) {
  const struct mppe_packet *sorted[MPPE_CHUNK];
  for (size_t at = 0; at < count; at += 1) {
    size_t to = at;
    for (; to > 0 && sorted[to - 1]->length < packets[at].length; to -= 1) sorted[to] = sorted[to - 1];
    sorted[to] = &packets[at];
  }
  for (size_t at = 0; at < count; at += LANES) {
    const size_t left = smaller(count - at, LANES);
    if (left == 1) {
      crypt_one(lanes, sorted[at]);
    } else {
      crypt_four(lanes, waiting, sorted + at, left);
    }
  }
}

/* Each key is made from the one before, so they are made one by one, while packets whose keys are there are encrypted. */
static void run_one_stream(sha1_blocks sha1, struct lanes *lanes, const struct mppe_packet *packets, size_t count) {
  struct waiting waiting = {sha1, packets, packets + smaller(count, LANES)};
  change_rest(lanes, &waiting);
  for (size_t at = 0; at < count;) {
    const size_t ready = (size_t)(waiting.next - packets);
    waiting.end = packets + smaller(count, ready + AHEAD);
    crypt(lanes, &waiting, packets + at, ready - at);
    change_rest(lanes, &waiting);
    at = ready;
  }
}

static bool are_of_one_stream(const struct mppe_packet *packets, size_t count) {
  for (size_t at = 1; at < count; at += 1) {
    if (packets[at].stream != packets[0].stream) return false;
  }
  return true;
}

void mppe_run(sha1_blocks sha1, const struct mppe_packet *packets, size_t count) {
  struct lanes lanes;
  lanes.changing_i = 0;
  if (are_of_one_stream(packets, count)) {
    run_one_stream(sha1, &lanes, packets, count);
    return;
  }
  struct waiting none = {sha1, NULL, NULL};
  change_keys(sha1, &lanes, packets, count);
  crypt(&lanes, &none, packets, count);
}
