import { toHex } from '../../../core/bytes/hex.ts';
import { formatIpv4, type Ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { BoundedLog } from '../../../core/ports/bounded-log.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { InnerNetwork } from '../../../core/ports/profile.ts';
import type { FoundSession, SessionDirectory } from '../../../core/ports/session-directory.ts';
import type { SessionFacts } from '../../../core/ports/session-facts.ts';
import type { Telemetry } from '../../../core/ports/telemetry.ts';
import type { WallClock } from '../../../core/ports/wall-clock.ts';
import { after } from '../../../core/time.ts';
import {
  ATTRIBUTE,
  type Attribute,
  attribute,
  CODE,
  firstOf,
  has,
  openRequest,
  type RadiusPacket,
  type SealFault,
  sealReply,
} from '../wire/index.ts';
import { ERROR_CAUSE, type ErrorCause } from './error-cause.ts';
import { type CoaState, RecentAnswers } from './recent-answers.ts';
import { agrees, type ReadRequest, readRequest } from './request.ts';

/** Looked at anew for each request. */
export interface CoaOptions {
  /** Who may ask. */
  readonly clients: readonly InnerNetwork[];
  readonly secret: string;
  /** A request without Message-Authenticator is dropped. */
  readonly requireMessageAuthenticator: boolean;
  /** A request without Event-Timestamp is dropped. */
  readonly requireEventTimestamp: boolean;
}

export interface CoaDeps {
  readonly sessions: SessionDirectory;
  readonly clock: Clock;
  readonly wall: WallClock;
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, 'event'>;
  /** What accounting says of a session and of the gateway: a request must agree with it. */
  readonly sessionAttributes: (facts: SessionFacts) => readonly Attribute[];
}

/** Why a datagram has no answer (RFC 5176 sections 2.3, 3.4 and 6.3 want silence). */
export type CoaDrop = SealFault | 'stranger' | 'flood' | 'wrong-code' | 'stale' | 'no-timestamp' | 'in-work';

/** The window of RFC 5176 section 6.3. */
const WINDOW_MS = 300_000;
/** A copy is known for longer than its timestamp may be taken, which may lie ahead. */
const REMEMBER_MS = 2 * WINDOW_MS + 1_000;
/** Requests a second in the long run, and at once. */
const RATE = 100;
const BURST = 200;
/** All that may come meanwhile. */
const MOST_REMEMBERED = BURST + (RATE * REMEMBER_MS) / 1000;
/** Requests that are worked on at a time. */
const MOST_IN_WORK = 64;
/** A request that takes longer is refused; the gateway goes on with it. */
const PATIENCE_MS = 8_000;

type Verdict = { readonly ack: true } | { readonly ack: false; readonly cause: ErrorCause; readonly detail: string };
const no = (cause: ErrorCause, detail: string): Verdict => ({ ack: false, cause, detail });

const ANSWERS: Readonly<Record<number, { readonly ack: number; readonly nak: number; readonly name: string }>> = {
  [CODE.disconnectRequest]: { ack: CODE.disconnectAck, nak: CODE.disconnectNak, name: 'disconnect' },
  [CODE.coaRequest]: { ack: CODE.coaAck, nak: CODE.coaNak, name: 'coa' },
};

/** Disconnect-Request and CoA-Request (RFC 5176): what is to be answered to a datagram. An ACK means that it is done. */
export class CoaService {
  private readonly options: CoaOptions;
  private readonly deps: CoaDeps;
  private readonly recent = new RecentAnswers(MOST_REMEMBERED, REMEMBER_MS);
  private readonly warnings: BoundedLog;
  private tokens = BURST;
  private filledAt: number;
  private inWork = 0;

  constructor(options: CoaOptions, deps: CoaDeps) {
    this.options = options;
    this.deps = deps;
    this.warnings = new BoundedLog(deps.log, () => deps.clock.now());
    this.filledAt = deps.clock.now();
  }

  /** What was answered lately, for another process: a copy of a request does nothing there, either. */
  snapshot(): CoaState {
    return { version: 1, recent: this.recent.snapshot() };
  }

  restore({ recent }: CoaState): void {
    this.recent.restore(recent);
  }

  /** The answer; undefined: none. Never rejects. */
  async handle(bytes: Uint8Array, source: Ipv4, port: number): Promise<Uint8Array | undefined> {
    // The answer is made with it, too, whatever the secret is by then.
    const secret = new TextEncoder().encode(this.options.secret);
    const packet = this.admit(bytes, source, secret);
    if (typeof packet === 'string') return this.drop(packet, source);
    const key = keyOf(packet, source, port);
    const seen = this.recent.seen(key, this.deps.clock.now());
    if (seen === 'in-work') return this.drop('in-work', source);
    if (seen !== 'new') return seen;
    const verdict = await this.decide(packet, source);
    const answer = this.answer(packet, verdict, secret);
    if (answer !== undefined) this.recent.answered(key, answer);
    return answer;
  }

  private admit(bytes: Uint8Array, source: Ipv4, secret: Uint8Array): RadiusPacket | CoaDrop {
    const { clients, requireMessageAuthenticator } = this.options;
    if (!clients.some((client) => contains(client, source))) return 'stranger';
    if (ANSWERS[bytes[0] ?? 0] === undefined) return 'wrong-code';
    const packet = openRequest(bytes, secret, requireMessageAuthenticator);
    if (typeof packet === 'string') return packet;
    // Behind the look at the secret: who forges an address must not use up what its owner may ask.
    if (!this.hasToken()) return 'flood';
    const at = firstOf(packet.attributes, ATTRIBUTE.eventTimestamp);
    if (at === undefined) return this.options.requireEventTimestamp ? 'no-timestamp' : packet;
    return Math.abs(this.deps.wall.now() - at * 1000) > WINDOW_MS ? 'stale' : packet;
  }

  private hasToken(): boolean {
    const now = this.deps.clock.now();
    this.tokens = Math.min(BURST, this.tokens + ((now - this.filledAt) * RATE) / 1000);
    this.filledAt = now;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }

  private async decide(packet: RadiusPacket, source: Ipv4): Promise<Verdict> {
    if (this.inWork >= MOST_IN_WORK) return no(ERROR_CAUSE.resourcesUnavailable, 'too many requests at a time');
    const reading = readRequest(packet);
    if (!reading.ok) return this.told(packet, source, reading.cause, reading.detail);
    this.inWork += 1;
    const work = this.carryOut(reading.request, source).finally(() => {
      this.inWork -= 1;
    });
    try {
      const verdict = await this.inTime(work);
      return verdict.ack ? verdict : this.told(packet, source, verdict.cause, verdict.detail);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      return this.told(packet, source, ERROR_CAUSE.resourcesUnavailable, why);
    }
  }

  private inTime(work: Promise<Verdict>): Promise<Verdict> {
    const { clock } = this.deps;
    return new Promise((resolve, reject) => {
      const cancel = clock.schedule(after(clock.now(), PATIENCE_MS), () =>
        resolve(no(ERROR_CAUSE.resourcesUnavailable, 'it takes too long')),
      );
      work.then(resolve, reject).finally(cancel);
    });
  }

  private async carryOut(request: ReadRequest, source: Ipv4): Promise<Verdict> {
    const { sessions, sessionAttributes } = this.deps;
    const known = await sessions.find(request.query);
    const meant = known.filter(({ facts }) => agrees(request.session, sessionAttributes(facts)));
    const ours = meant.filter(({ facts }) => agrees(request.nas, sessionAttributes(facts)));
    const [one, ...more] = ours;
    if (one === undefined && meant.length > 0) return no(ERROR_CAUSE.nasMismatch, 'another gateway is meant');
    if (one === undefined) return no(ERROR_CAUSE.sessionNotFound, 'there is no such session');
    if (more.length > 0) return no(ERROR_CAUSE.severalSessions, `${ours.length} sessions are meant`);
    const verdict =
      request.kind === 'disconnect' ? await this.disconnect(one, source) : await this.change(one, request);
    if (verdict.ack) {
      const { id, identity } = one.facts;
      const fields = { session: id, user: identity, client: formatIpv4(source) };
      if (request.kind === 'disconnect') {
        this.deps.log.info('radius.disconnected', 'A Disconnect-Request has ended a session.', fields);
      } else this.deps.log.info('radius.changed', 'A CoA-Request has changed a session.', fields);
    }
    return verdict;
  }

  private async disconnect({ facts }: FoundSession, source: Ipv4): Promise<Verdict> {
    const detail = `Disconnect-Request from ${formatIpv4(source)}`;
    const done = await this.deps.sessions.disconnect(facts.id, { reason: 'administrative', detail });
    return done ? { ack: true } : no(ERROR_CAUSE.sessionNotFound, 'the session has ended meanwhile');
  }

  private async change({ facts }: FoundSession, request: ReadRequest): Promise<Verdict> {
    const answer = await this.deps.sessions.change(facts.id, request.change(facts.profile));
    if (answer.ok) return { ack: true };
    return no(answer.why === 'gone' ? ERROR_CAUSE.sessionNotFound : ERROR_CAUSE.invalidValue, answer.detail);
  }

  /** A refusal, which the log tells, too. */
  private told(packet: RadiusPacket, source: Ipv4, cause: ErrorCause, detail: string): Verdict {
    const name = ANSWERS[packet.code]?.name ?? '';
    this.warnings.warn(`radius.${name}-refused`, `A request of a RADIUS server was refused: ${detail}.`, {
      client: formatIpv4(source),
      cause,
    });
    return no(cause, detail);
  }

  private answer(packet: RadiusPacket, verdict: Verdict, secret: Uint8Array): Uint8Array | undefined {
    const { code, identifier, authenticator, attributes } = packet;
    const kinds = ANSWERS[code];
    if (kinds === undefined) return undefined;
    this.deps.telemetry.event(`radius.${kinds.name}`, { result: verdict.ack ? 'ack' : String(verdict.cause) });
    // RFC 5176 sections 3.1 and 3.3: given back as they came.
    const echoed = attributes.filter(
      ({ vendor, type }) => vendor === 0 && (type === ATTRIBUTE.proxyState.type || type === ATTRIBUTE.state.type),
    );
    const own = verdict.ack ? [] : [attribute(ATTRIBUTE.errorCause, verdict.cause)];
    const reply = { code: verdict.ack ? kinds.ack : kinds.nak, identifier, attributes: [...own, ...echoed] };
    return sealReply(reply, authenticator, secret);
  }

  private drop(why: CoaDrop, source: Ipv4): undefined {
    this.deps.telemetry.event('radius.coa-dropped', { why });
    this.warnings.warn('radius.coa-dropped', `A datagram at the port for CoA was dropped: ${HINTS[why] ?? why}.`, {
      client: formatIpv4(source),
      why,
    });
    return undefined;
  }
}

/**
 * What copies have in common. The authenticator covers all of the packet. Who asks for the same again has another
 * timestamp, so with one a copy is a copy wherever it comes from; without, another port is all that tells them apart.
 */
const keyOf = ({ authenticator, attributes }: RadiusPacket, source: Ipv4, port: number): string =>
  has(attributes, ATTRIBUTE.eventTimestamp) ? toHex(authenticator) : `${source}:${port}:${toHex(authenticator)}`;

const contains = ({ network, prefixLength }: InnerNetwork, address: Ipv4): boolean =>
  prefixLength === 0 || (network ^ address) >>> (32 - prefixLength) === 0;

const HINTS: Readonly<Partial<Record<CoaDrop, string>>> = {
  stranger: 'its sender is not in PPTP_RADIUS_COA_CLIENTS',
  flood: `there are more than ${RATE} a second`,
  'wrong-code': 'it is no Disconnect-Request and no CoA-Request',
  'bad-authenticator': 'it was not made with our secret; compare the secrets on both sides',
  'bad-message-authenticator': 'its Message-Authenticator is wrong; compare the secrets on both sides',
  stale: 'its Event-Timestamp is more than 300 s away; compare the clocks on both sides, or it is a replay',
  'no-timestamp': 'it has no Event-Timestamp, and PPTP_RADIUS_COA_REQUIRE_TIMESTAMP asks for one',
  'in-work': 'it is a copy of a request that is being carried out',
};
