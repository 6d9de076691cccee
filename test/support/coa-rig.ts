import { type Ipv4, ipv4, parseIpv4 } from '../../core/bytes/ipv4-address.ts';
import type { SessionId } from '../../core/ports/ids.ts';
import type { ProfileChange } from '../../core/ports/profile.ts';
import type { ChangeAnswer, FoundSession, SessionDirectory, SessionQuery } from '../../core/ports/session-directory.ts';
import type { SessionEnding, SessionFacts } from '../../core/ports/session-facts.ts';
import { factAttributes } from '../../plugins/radius/accounting/index.ts';
import { type CoaOptions, CoaService } from '../../plugins/radius/coa/index.ts';
import { callAttributes } from '../../plugins/radius/nas.ts';
import {
  ATTRIBUTE,
  type Attribute,
  attribute,
  authenticatorOf,
  firstOf,
  openReply,
  type RadiusPacket,
  sealRequest,
} from '../../plugins/radius/wire/index.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryLog } from './memory-log.ts';
import { MemoryTelemetry } from './memory-telemetry.ts';

const NO_USAGE = { octetsIn: 0, octetsOut: 0, packetsIn: 0, packetsOut: 0 };

/** Sessions in memory; what is done to them can be held back. */
export class MemoryDirectory implements SessionDirectory {
  readonly sessions: SessionFacts[] = [];
  readonly ended: { readonly id: SessionId; readonly ending: SessionEnding }[] = [];
  readonly changed: { readonly id: SessionId; readonly change: ProfileChange }[] = [];
  /** Before anything is done. */
  before: () => Promise<void> = () => Promise.resolve();
  changeAnswer: ChangeAnswer = { ok: true };

  async find(query: SessionQuery): Promise<readonly FoundSession[]> {
    await this.before();
    return this.sessions
      .filter(({ id, identity, address }) => {
        if (query.id !== undefined && query.id !== id) return false;
        if (query.identity !== undefined && query.identity !== identity) return false;
        return query.address === undefined || query.address === address;
      })
      .map((one) => ({ facts: one, usage: NO_USAGE }));
  }

  async disconnect(id: SessionId, ending: SessionEnding): Promise<boolean> {
    await this.before();
    const at = this.sessions.findIndex((one) => one.id === id);
    if (at < 0) return false;
    this.sessions.splice(at, 1);
    this.ended.push({ id, ending });
    return true;
  }

  async change(id: SessionId, change: ProfileChange): Promise<ChangeAnswer> {
    await this.before();
    if (this.changeAnswer.ok) this.changed.push({ id, change });
    return this.changeAnswer;
  }
}

export const SECRET = 'a shared secret';
const secret = new TextEncoder().encode(SECRET);
export const CLIENT = parseIpv4('192.0.2.1') ?? ipv4(0);
const NAS = { identifier: 'gw1', address: parseIpv4('198.51.100.1'), portType: 5 };

/** "44", or 503 of "45 503". */
export interface Answered {
  readonly code: number;
  readonly cause: number | undefined;
  readonly packet: RadiusPacket;
}

export class CoaRig {
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  readonly telemetry = new MemoryTelemetry();
  readonly directory = new MemoryDirectory();
  readonly service: CoaService;
  /** In ms since 1970. */
  readonly now = 1_700_000_000_000;
  private identifier = 0;

  constructor(options: Partial<CoaOptions> = {}) {
    this.service = new CoaService(
      {
        clients: [{ network: CLIENT, prefixLength: 32 }],
        secret: SECRET,
        requireMessageAuthenticator: false,
        requireEventTimestamp: false,
        ...options,
      },
      {
        sessions: this.directory,
        clock: this.clock,
        wall: { now: () => this.now + this.clock.now() - 1_000 },
        log: this.log,
        telemetry: this.telemetry,
        sessionAttributes: (one) => [...callAttributes(NAS, one), ...factAttributes(one, true)],
      },
    );
  }

  /** A datagram as a client with our secret makes it. */
  sealed(code: number, attributes: readonly Attribute[], signed = true): Uint8Array {
    this.identifier = (this.identifier + 1) & 0xff;
    const authenticator = new Uint8Array(16);
    const bytes = sealRequest({ code, identifier: this.identifier, authenticator, attributes }, secret, signed);
    if (bytes === undefined) throw new Error('too large');
    return bytes;
  }

  /** The answer, verified; undefined: silence. */
  async send(bytes: Uint8Array, source: Ipv4 = CLIENT, port = 40_000): Promise<Answered | undefined> {
    const answer = await this.service.handle(bytes, source, port);
    if (answer === undefined) return undefined;
    const packet = openReply(answer, authenticatorOf(bytes), secret, true);
    if (typeof packet === 'string') throw new Error(`the answer is ${packet}`);
    return { code: packet.code, cause: firstOf(packet.attributes, ATTRIBUTE.errorCause), packet };
  }

  ask(code: number, ...attributes: readonly Attribute[]): Promise<Answered | undefined> {
    return this.send(this.sealed(code, attributes));
  }

  /** Why datagrams had no answer. */
  get drops(): readonly unknown[] {
    return this.telemetry.events
      .filter(({ name }) => name === 'radius.coa-dropped')
      .map(({ attributes }) => attributes['why']);
  }
}

export const is = {
  session: (id: string): Attribute => attribute(ATTRIBUTE.acctSessionId, id),
  user: (name: string): Attribute => attribute(ATTRIBUTE.userName, name),
};
