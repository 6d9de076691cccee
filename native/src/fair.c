#include "fair.h"

#include <stdlib.h>
#include <string.h>

/* A packet below this gets memory of its own length, and the room is used again. */
enum { WORTH_ITS_ROOM = 32768 };

struct waiting *fair_room(struct fair *fair) {
  if (fair->spare == NULL) {
    fair->spare = malloc(sizeof *fair->spare + LARGEST_PACKET + 1);
    if (fair->spare == NULL) return NULL;
    fair->spare->next = NULL;
    fair->spares = 1;
  }
  return fair->spare;
}

/* Memory that goes back to the system is paid for again, page by page, when the next large packet comes. */
void fair_give_back(struct fair *fair, struct waiting *packet) {
  if (packet == NULL || packet->length < WORTH_ITS_ROOM || fair->spares >= FAIR_SPARES) {
    free(packet);
    return;
  }
  packet->next = fair->spare;
  fair->spare = packet;
  fair->spares += 1;
}

/* Takes the packet out of the room. */
static struct waiting *keep(struct fair *fair, size_t length) {
  struct waiting *packet = fair->spare;
  if (length >= WORTH_ITS_ROOM) {
    fair->spare = packet->next;
    fair->spares -= 1;
  } else {
    packet = malloc(sizeof *packet + length);
    if (packet == NULL) return NULL;
    packet->vnet = fair->spare->vnet;
    memcpy(packet->bytes, fair->spare->bytes, length);
  }
  packet->length = length;
  packet->next = NULL;
  return packet;
}

/* By destination address; of IPv6 by the half that a tunnel has for itself. */
static struct flow *flow_of(struct fair *fair, const uint8_t *ip, size_t length) {
  uint64_t key = 0;
  if (length >= IPV4_HEADER && ip[0] >> 4 == 4) key = get32(ip + 16);
  if (length >= IPV6_HEADER && ip[0] >> 4 == 6) key = (uint64_t)get32(ip + 24) << 32 | get32(ip + 28);
  /* The highest bits of a product with the golden ratio: neighbours land apart. */
  return &fair->flows[(key * 0x9e3779b97f4a7c15u) >> 54];
}
_Static_assert(FAIR_FLOWS == 1 << 10, "a hash of 10 bits");

static void append(struct flow_list *list, struct flow *flow) {
  flow->next = NULL;
  if (list->first == NULL) list->first = flow;
  else list->last->next = flow;
  list->last = flow;
}

static void remove_first(struct flow_list *list) { list->first = list->first->next; }

static struct waiting *pop(struct fair *fair, struct flow *flow) {
  struct waiting *packet = flow->first;
  if (packet == NULL) return NULL;
  flow->first = packet->next;
  flow->octets -= packet->length;
  fair->octets -= packet->length;
  fair->packets -= 1;
  return packet;
}

static struct flow *longer(struct flow *longest, struct flow *flow) {
  for (; flow != NULL; flow = flow->next) {
    if (longest == NULL || flow->octets > longest->octets) longest = flow;
  }
  return longest;
}

/* A flow stays in its list when it has lost all its packets; fair_take sees that. */
static void drop_one(struct fair *fair) {
  struct flow *longest = longer(longer(NULL, fair->fresh.first), fair->busy.first);
  fair_give_back(fair, pop(fair, longest));
  fair->dropped += 1;
}

void fair_put(struct fair *fair, size_t length) {
  struct waiting *packet = keep(fair, length);
  if (packet == NULL) {
    fair->dropped += 1;
    return;
  }
  struct flow *flow = flow_of(fair, packet->bytes, length);
  if (flow->first == NULL) flow->first = packet;
  else flow->last->next = packet;
  flow->last = packet;
  flow->octets += length;
  fair->octets += length;
  fair->packets += 1;
  if (flow->list == FAIR_IDLE) {
    flow->list = FAIR_NEW;
    flow->deficit = FAIR_TURN;
    append(&fair->fresh, flow);
  }
  while (fair->packets > FAIR_PACKETS || fair->octets > FAIR_OCTETS) drop_one(fair);
}

struct waiting *fair_take(struct fair *fair) {
  while (fair->fresh.first != NULL || fair->busy.first != NULL) {
    struct flow_list *list = fair->fresh.first != NULL ? &fair->fresh : &fair->busy;
    struct flow *flow = list->first;
    if (flow->first != NULL && flow->deficit > 0) {
      struct waiting *packet = pop(fair, flow);
      flow->deficit -= (int64_t)packet->length;
      return packet;
    }
    remove_first(list);
    /* One that has just run empty passes the busy ones once, or it would always be new. */
    if (flow->first == NULL && flow->list == FAIR_OLD) {
      flow->list = FAIR_IDLE;
      continue;
    }
    flow->list = FAIR_OLD;
    if (flow->first != NULL) flow->deficit += FAIR_TURN;
    append(&fair->busy, flow);
  }
  return NULL;
}

void fair_clear(struct fair *fair) {
  for (struct waiting *packet = fair_take(fair); packet != NULL; packet = fair_take(fair)) free(packet);
  while (fair->spare != NULL) {
    struct waiting *next = fair->spare->next;
    free(fair->spare);
    fair->spare = next;
  }
  fair->spares = 0;
}
