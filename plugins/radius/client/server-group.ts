import type { Machine } from '../../../core/machine/machine.ts';
import type { RandomSource } from '../../../core/ports/random.ts';
import { after, earliest, type Instant } from '../../../core/time.ts';
import { authenticatorOf, CODE, isAlwaysSigned, openReply, sealRequest } from '../wire/index.ts';
import { GroupServer, IDENTIFIERS, type Place } from './group-server.ts';
import type { GroupEffect, GroupInput, GroupOptions, RadiusRequest, ReplyDrop, RequestFailure } from './group-types.ts';

/** A request that waits for its answer. */
interface Flight {
  readonly id: number;
  readonly request: RadiusRequest;
  readonly tried: Set<number>;
  server: number;
  place: Place;
  authenticator: Uint8Array;
  bytes: Uint8Array;
  /** Copies that may still be sent to this server. */
  left: number;
  deadline: Instant;
  /** When the first copy went to this server. */
  since: Instant;
}

const AUTHENTICATOR_LENGTH = 16;
/** RFC 5080 section 2.2.1: waits differ by up to a tenth, so that the requests of one moment spread. */
const JITTER = 0.1;

const REPLIES: Readonly<Record<number, readonly number[]>> = {
  [CODE.accessRequest]: [CODE.accessAccept, CODE.accessReject, CODE.accessChallenge],
  [CODE.accountingRequest]: [CODE.accountingResponse],
  [CODE.statusServer]: [CODE.accessAccept, CODE.accountingResponse],
};

/**
 * Requests to a group of servers that know the same users: identifiers, copies, fail-over and what is believed of the
 * answers. A request is sent to one server, unchanged, until it answers or `tries` copies were sent; then to the next one.
 * A server that has answered nothing since such a request began is dead for `deadTimeMs`, and asked only when no other is
 * left. So many requests are on their way and so many wait; what comes then is refused.
 */
export class ServerGroup implements Machine<GroupInput, GroupEffect> {
  private readonly options: GroupOptions;
  private readonly random: RandomSource;
  private readonly servers: readonly GroupServer[];
  private readonly flights = new Map<number, Flight>();
  /** In the order in which they came. */
  private readonly waiting = new Map<number, RadiusRequest>();

  constructor(options: GroupOptions, random: RandomSource) {
    this.options = options;
    this.random = random;
    const sockets = Math.ceil(options.maxOutstanding / IDENTIFIERS);
    this.servers = options.servers.map(({ weight }) => new GroupServer(weight, sockets));
  }

  handle(input: GroupInput, now: Instant): readonly GroupEffect[] {
    switch (input.kind) {
      case 'ask':
        return this.ask(input.id, input.request, now);
      case 'cancel':
        return this.cancel(input.id, now);
      case 'datagram':
        return this.datagram(input.server, input.socket, input.bytes, now);
      case 'unreachable':
        return this.unreachable(input.server, now);
    }
  }

  nextTimeout(): Instant | undefined {
    let next: Instant | undefined;
    for (const { deadline } of this.flights.values()) next = earliest(next, deadline);
    return next;
  }

  handleTimeout(now: Instant): readonly GroupEffect[] {
    const due = [...this.flights.values()].filter(({ deadline }) => deadline <= now);
    return [...due.flatMap((flight) => this.expired(flight, now)), ...this.fill(now)];
  }

  /** Requests on their way, and those that wait for a place. */
  get load(): { readonly outstanding: number; readonly waiting: number } {
    return { outstanding: this.flights.size, waiting: this.waiting.size };
  }

  private ask(id: number, request: RadiusRequest, now: Instant): readonly GroupEffect[] {
    if (this.flights.size < this.options.maxOutstanding) return this.launch(id, request, now);
    if (this.waiting.size >= this.options.maxWaiting) return [failed(id, 'busy')];
    this.waiting.set(id, request);
    return [];
  }

  private cancel(id: number, now: Instant): readonly GroupEffect[] {
    this.waiting.delete(id);
    const flight = this.flights.get(id);
    if (flight === undefined) return [];
    // Perhaps it would have answered yet.
    this.servers[flight.server]?.release(flight.place, 'given-up');
    this.flights.delete(id);
    return this.fill(now);
  }

  private launch(id: number, request: RadiusRequest, now: Instant): readonly GroupEffect[] {
    return this.send(id, request, new Set(), now) ?? [failed(id, 'no-answer')];
  }

  /** Undefined when no server is left. */
  private send(
    id: number,
    request: RadiusRequest,
    tried: Set<number>,
    now: Instant,
  ): readonly GroupEffect[] | undefined {
    const server = this.choose(request, tried, now);
    const place = server === undefined ? undefined : this.servers[server]?.take(id);
    if (server === undefined || place === undefined) return undefined;
    tried.add(server);
    const authenticator = this.random.bytes(AUTHENTICATOR_LENGTH);
    const { code } = request;
    const { secret, signRequests = true } = this.options;
    const attributes = request.attributes({ authenticator, secret });
    const { identifier } = place;
    const bytes = sealRequest({ code, identifier, authenticator, attributes }, secret, signRequests);
    if (bytes === undefined) {
      this.servers[server]?.release(place, 'given-up');
      this.flights.delete(id);
      return [failed(id, 'too-large')];
    }
    this.flights.set(id, {
      id,
      request,
      tried,
      server,
      place,
      authenticator: authenticatorOf(bytes),
      bytes,
      left: this.options.tries - 1,
      deadline: after(now, this.wait()),
      since: now,
    });
    return [{ kind: 'send', server, socket: place.socket, bytes }];
  }

  /** Of the servers that were not tried: the living by weight, then the spare ones, then those that die the longest. */
  private choose(request: RadiusRequest, tried: ReadonlySet<number>, now: Instant): number | undefined {
    const { only } = request;
    if (only !== undefined) return tried.has(only) || this.servers[only] === undefined ? undefined : only;
    const left = [...this.servers.entries()].filter(([at]) => !tried.has(at));
    const alive = left.filter(([, server]) => !server.isDead(now));
    const weighty = alive.filter(([, { weight }]) => weight > 0);
    if (weighty.length > 0) return byWeight(weighty);
    const [spare] = alive;
    if (spare !== undefined) return spare[0];
    return left.toSorted(([, a], [, b]) => a.deadUntil - b.deadUntil)[0]?.[0];
  }

  private wait(): number {
    const [octet = 0] = this.random.bytes(1);
    return this.options.timeoutMs * (1 + JITTER * (octet / 127.5 - 1));
  }

  private expired(flight: Flight, now: Instant): readonly GroupEffect[] {
    if (flight.left > 0) {
      flight.left -= 1;
      flight.deadline = after(now, this.wait());
      const { server, place, bytes } = flight;
      return [{ kind: 'send', server, socket: place.socket, bytes }];
    }
    const silent = this.giveUp(flight, now);
    return [...silent, ...this.moveOn(flight, now)];
  }

  /** Takes the request back from its server, which is dead if it has been silent since. */
  private giveUp({ server: at, place, since }: Flight, now: Instant): readonly GroupEffect[] {
    const server = this.servers[at];
    server?.release(place, 'given-up');
    if (server === undefined || server.lastAnswer >= since) return [];
    return this.bury(at, now);
  }

  private bury(at: number, now: Instant): readonly GroupEffect[] {
    const server = this.servers[at];
    const wasDead = server?.isDead(now);
    server?.die(after(now, this.options.deadTimeMs));
    return wasDead === false ? [{ kind: 'server-dead', server: at }] : [];
  }

  private moveOn({ id, request, tried }: Flight, now: Instant): readonly GroupEffect[] {
    const moved = this.send(id, request, tried, now);
    if (moved !== undefined) return moved;
    this.flights.delete(id);
    return [failed(id, 'no-answer')];
  }

  /** The host of the server says that nobody listens there: who can be asked elsewhere need not wait. */
  private unreachable(at: number, now: Instant): readonly GroupEffect[] {
    const effects: GroupEffect[] = [];
    const concerned = [...this.flights.values()].filter(({ server }) => server === at);
    if (concerned.length > 0) effects.push(...this.bury(at, now));
    for (const flight of concerned) {
      const next = this.choose(flight.request, flight.tried, now);
      if (next === undefined || this.servers[next]?.isDead(now) !== false) continue;
      this.servers[at]?.release(flight.place, 'given-up');
      effects.push(...this.moveOn(flight, now));
    }
    return effects;
  }

  private datagram(at: number, socket: number, bytes: Uint8Array, now: Instant): readonly GroupEffect[] {
    const drop = (why: ReplyDrop): readonly GroupEffect[] => [{ kind: 'dropped', server: at, why }];
    const server = this.servers[at];
    const place = { socket, identifier: bytes[1] ?? 0 };
    const id = server?.holder(place);
    if (server === undefined || bytes.length < 2) return drop('short');
    if (id === undefined) return drop(server.fate(place));
    const flight = this.flights.get(id);
    if (flight === undefined) return drop('unsolicited');
    const { secret, requireMessageAuthenticator } = this.options;
    const { request, authenticator } = flight;
    const required = requireMessageAuthenticator && isAlwaysSigned(request.code);
    const packet = openReply(bytes, authenticator, secret, required);
    if (typeof packet === 'string') return drop(packet);
    if (REPLIES[request.code]?.includes(packet.code) !== true) return drop('wrong-code');
    server.release(place, 'answered');
    this.flights.delete(id);
    const revived = server.live(now);
    return [
      ...(revived ? [{ kind: 'server-alive', server: at } as const] : []),
      { kind: 'answered', id, answer: { packet, server: at, seal: { authenticator, secret } } },
      ...this.fill(now),
    ];
  }

  /** Places that have become free go to those who wait. */
  private fill(now: Instant): readonly GroupEffect[] {
    const effects: GroupEffect[] = [];
    while (this.flights.size < this.options.maxOutstanding) {
      const [next] = this.waiting;
      if (next === undefined) break;
      const [id, request] = next;
      this.waiting.delete(id);
      effects.push(...this.launch(id, request, now));
    }
    return effects;
  }
}

/** Smooth weighted round robin: each gains its weight, the richest is chosen and pays for all. */
const byWeight = (servers: readonly (readonly [number, GroupServer])[]): number | undefined => {
  let total = 0;
  let best: readonly [number, GroupServer] | undefined;
  for (const one of servers) {
    const [, server] = one;
    total += server.weight;
    server.credit += server.weight;
    if (best === undefined || server.credit > best[1].credit) best = one;
  }
  if (best !== undefined) best[1].credit -= total;
  return best?.[0];
};

const failed = (id: number, why: RequestFailure): GroupEffect => ({ kind: 'failed', id, why });
