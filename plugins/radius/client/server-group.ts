import type { Machine } from '../../../core/machine/machine.ts';
import type { RandomSource } from '../../../core/ports/random.ts';
import { after, earliest, type Instant } from '../../../core/time.ts';
import { ATTRIBUTE, authenticatorOf, CODE, has, isAlwaysSigned, openReply, sealRequest } from '../wire/index.ts';
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
  /** Answers without Message-Authenticator are dropped. */
  signed: boolean;
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
 * left; so that each dead one is noticed, a request that nobody waits for any more stays with its server until that is known,
 * as long as no other needs its place. So many requests are on their way and so many wait; what comes then is refused.
 */
export class ServerGroup implements Machine<GroupInput, GroupEffect> {
  private readonly options: GroupOptions;
  private readonly random: RandomSource;
  private readonly servers: readonly GroupServer[];
  private readonly flights = new Map<number, Flight>();
  /** Cancelled, and with servers that have said nothing since. */
  private readonly abandoned = new Map<number, Flight>();
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
    for (const flights of [this.flights, this.abandoned]) {
      for (const { deadline } of flights.values()) next = earliest(next, deadline);
    }
    return next;
  }

  handleTimeout(now: Instant): readonly GroupEffect[] {
    const isDue = ({ deadline }: Flight): boolean => deadline <= now;
    const due = [...this.flights.values()].filter(isDue);
    const given = [...this.abandoned.values()].filter(isDue);
    return [
      ...given.flatMap((flight) => this.watched(flight, now)),
      ...due.flatMap((flight) => this.expired(flight, now)),
      ...this.fill(now),
    ];
  }

  /** Requests on their way, and those that wait for a place. */
  get load(): { readonly outstanding: number; readonly waiting: number } {
    return { outstanding: this.flights.size, waiting: this.waiting.size };
  }

  /** Those that wait for a place. */
  get unsent(): readonly number[] {
    return [...this.waiting.keys()];
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
    this.flights.delete(id);
    this.abandoned.set(id, flight);
    return this.fill(now);
  }

  /** A wait is over for a request that nobody waits for. */
  private watched(flight: Flight, now: Instant): readonly GroupEffect[] {
    const { id, server } = flight;
    const silent = (this.servers[server]?.lastAnswer ?? now) < flight.since;
    if (silent && flight.left > 0) return [this.copy(flight, now)];
    this.abandoned.delete(id);
    return this.giveUp(flight, now);
  }

  private makeRoom(): void {
    if (this.flights.size + this.abandoned.size < this.options.maxOutstanding) return;
    const [oldest] = this.abandoned.values();
    if (oldest === undefined) return;
    this.abandoned.delete(oldest.id);
    this.servers[oldest.server]?.release(oldest.place, 'given-up');
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
    this.makeRoom();
    const server = this.choose(request, tried, now);
    const place = server === undefined ? undefined : this.servers[server]?.take(id);
    if (server === undefined || place === undefined) return undefined;
    tried.add(server);
    const authenticator = this.random.bytes(AUTHENTICATOR_LENGTH);
    const { code } = request;
    const { secret, signRequests = true, requireMessageAuthenticator } = this.options;
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
      // RFC 3579 section 3.1: an answer to EAP has one, whatever else the server signs.
      signed: isAlwaysSigned(code) && (requireMessageAuthenticator || has(attributes, ATTRIBUTE.eapMessage)),
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
    if (flight.left > 0) return [this.copy(flight, now)];
    const silent = this.giveUp(flight, now);
    return [...silent, ...this.moveOn(flight, now)];
  }

  private copy(flight: Flight, now: Instant): GroupEffect {
    flight.left -= 1;
    flight.deadline = after(now, this.wait());
    const { server, place, bytes } = flight;
    return { kind: 'send', server, socket: place.socket, bytes };
  }

  /** Takes the request back from its server, which is dead if it has been silent since. */
  private giveUp({ server: at, place, since }: Flight, now: Instant): readonly GroupEffect[] {
    const server = this.servers[at];
    server?.release(place, 'given-up');
    if (server === undefined || server.lastAnswer >= since) return [];
    return [...this.bury(at, now), { kind: 'silent', server: at }];
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
    const isConcerned = ({ server }: Flight): boolean => server === at;
    const concerned = [...this.flights.values()].filter(isConcerned);
    const given = [...this.abandoned.values()].filter(isConcerned);
    if (concerned.length + given.length > 0) effects.push(...this.bury(at, now));
    for (const { id, place } of given) {
      this.abandoned.delete(id);
      this.servers[at]?.release(place, 'given-up');
    }
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
    const flight = this.flights.get(id) ?? this.abandoned.get(id);
    if (flight === undefined) return drop('unsolicited');
    const { secret } = this.options;
    const { request, authenticator } = flight;
    const packet = openReply(bytes, authenticator, secret, flight.signed);
    if (typeof packet === 'string') return drop(packet);
    if (REPLIES[request.code]?.includes(packet.code) !== true) return drop('wrong-code');
    server.release(place, 'answered');
    const revived: readonly GroupEffect[] = server.live(now) ? [{ kind: 'server-alive', server: at }] : [];
    if (this.abandoned.delete(id)) return [...revived, ...drop('late')];
    this.flights.delete(id);
    return [
      ...revived,
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
