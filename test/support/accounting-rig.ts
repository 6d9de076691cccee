import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { AccountingRecord } from '../../core/ports/accounting.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { ClearReason } from '../../core/ports/control.ts';
import type { Fleet } from '../../core/ports/fleet.ts';
import { callId, sessionId } from '../../core/ports/ids.ts';
import type { SessionFacts } from '../../core/ports/session-facts.ts';
import { Accounting, factAttributes } from '../../plugins/radius/accounting/index.ts';
import { type RadiusAnswer, RadiusFailure, type RadiusRequest } from '../../plugins/radius/client/index.ts';
import { ATTRIBUTE, type Attribute, attribute, firstOf } from '../../plugins/radius/wire/index.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryLog } from './memory-log.ts';
import { MemoryTelemetry } from './memory-telemetry.ts';

const STATUS: ReadonlyMap<number | undefined, string> = new Map([
  [1, 'start'],
  [2, 'stop'],
  [3, 'interim'],
  [7, 'on'],
  [8, 'off'],
]);
const SEAL = { secret: new Uint8Array(4), authenticator: new Uint8Array(16) };

/** "start aaa", "on". */
export const nameOf = (attributes: readonly Attribute[]): string => {
  const kind = STATUS.get(firstOf(attributes, ATTRIBUTE.acctStatusType)) ?? '?';
  const id = firstOf(attributes, ATTRIBUTE.acctSessionId);
  return kind === 'on' || kind === 'off' ? kind : `${kind} ${id}`;
};

/** The servers, as the client shows them: one that answers, is silent, or answers only some. */
export class FakeServers {
  /** Records that were confirmed, in that order. */
  readonly got: (readonly Attribute[])[] = [];
  /** Also those that nobody confirmed. */
  readonly asked: string[] = [];
  answers: (name: string) => boolean = () => true;
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** What was confirmed, by name. */
  get names(): readonly string[] {
    return this.got.map(nameOf);
  }

  readonly ask = (request: RadiusRequest): Promise<RadiusAnswer> => {
    const attributes = request.attributes(SEAL);
    this.asked.push(nameOf(attributes));
    return new Promise((resolve, reject) => {
      this.clock.schedule(this.clock.now(), () => {
        if (!this.answers(nameOf(attributes))) return reject(new RadiusFailure('no-answer'));
        this.got.push(attributes);
        const packet = { code: 5, identifier: 0, authenticator: new Uint8Array(16), attributes: [] };
        return resolve({ packet, server: 0, seal: SEAL });
      });
    });
  };
}

export const facts = (id: string, changes: Partial<SessionFacts> = {}): SessionFacts => ({
  id: sessionId(id),
  call: { local: ipv4(0xc6336401), peer: ipv4(0xcb007109), localCallId: callId(7), peerCallId: callId(9) },
  peerName: '203.0.113.9:51234',
  identity: 'alice',
  method: 'ms-chap-v2',
  address: ipv4(0x0a4e0002),
  ipv6Prefix: undefined,
  encryption: 'MPPE 128 stateless',
  profile: { classes: [Uint8Array.of(1, 2, 3)] },
  startedAt: 1_700_000_000_000,
  upAt: 1_700_000_001_000,
  traceId: '0123456789abcdef0123456789abcdef',
  ...changes,
});

/** Fleets of one gateway whose messages arrive at once. */
export const fleets = (count: number, restarted: readonly number[] = []): readonly Fleet[] => {
  const listeners: { index: number; topic: string; listener: (message: unknown) => void }[] = [];
  return Array.from({ length: count }, (_, index) => ({
    index,
    count,
    restarted: restarted.includes(index),
    publish: (topic: string, message: unknown) => {
      for (const one of [...listeners]) if (one.index !== index && one.topic === topic) one.listener(message);
    },
    subscribe: (topic: string, listener: (message: unknown) => void) => {
      listeners.push({ index, topic, listener });
    },
  }));
};

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'pptp-radius-'));

export interface AccountingRigOptions {
  readonly folder?: string;
  readonly limit?: number;
  readonly onOff?: boolean;
  readonly fleet?: Fleet | undefined;
  readonly clock?: FakeClock;
}

/** Accounting with servers in memory and a spool in a temporary folder. */
export class AccountingRig {
  readonly clock: FakeClock;
  readonly log = new MemoryLog();
  readonly telemetry = new MemoryTelemetry();
  readonly servers: FakeServers;
  readonly folder: string;
  readonly accounting: Accounting;
  /** In ms since 1970. */
  wallStart = 1_700_000_000_000;

  constructor(options: AccountingRigOptions = {}) {
    this.clock = options.clock ?? new FakeClock();
    this.servers = new FakeServers(this.clock);
    this.folder = options.folder ?? temporaryFolder();
    const { limit = 1 << 20, onOff = false, fleet = fleets(1)[0] } = options;
    if (fleet === undefined) throw new Error('no such fleet');
    this.accounting = new Accounting(
      { folder: this.folder, limit, onOff },
      {
        client: this.servers,
        clock: this.clock,
        wall: { now: () => this.now },
        log: this.log,
        telemetry: this.telemetry,
        fleet,
        sessionAttributes: (one) => [
          ...this.gateway(),
          attribute(ATTRIBUTE.acctSessionId, one.id),
          ...factAttributes(one, true),
        ],
        gatewayAttributes: () => this.gateway(),
      },
    );
  }

  get now(): number {
    return this.wallStart + this.clock.now() - 1_000;
  }

  record(id: string, changes: Partial<AccountingRecord> = {}): AccountingRecord {
    const usage = { octetsIn: 0, octetsOut: 0, packetsIn: 0, packetsOut: 0 };
    return { facts: facts(id), at: this.now, seconds: 0, usage, ...changes };
  }

  start(): Promise<void> {
    return this.accounting.lifecycle.start(new AbortController().signal);
  }

  started(id: string, changes: Partial<AccountingRecord> = {}): void {
    this.accounting.sink.start(this.record(id, changes));
  }

  interim(id: string, changes: Partial<AccountingRecord> = {}): void {
    this.accounting.sink.interim(this.record(id, changes));
  }

  stopped(id: string, reason: ClearReason = 'peer-request', changes: Partial<AccountingRecord> = {}): void {
    this.accounting.sink.stop(this.record(id, changes), { reason, detail: 'it ended' });
  }

  /** Stops in order; the clock runs meanwhile. */
  async stop(): Promise<void> {
    const stopping = this.accounting.lifecycle.stop();
    await this.clock.advance(5_000);
    await stopping;
  }

  private gateway(): readonly Attribute[] {
    return [attribute(ATTRIBUTE.nasIdentifier, 'gw1')];
  }
}
