import { callId, sessionId } from '../../core/ports/ids.ts';
import type { ChangeAnswer, FoundSession, SessionDirectory, SessionQuery } from '../../core/ports/session-directory.ts';
import type { SessionFacts } from '../../core/ports/session-facts.ts';
import { GONE } from '../../gateway/session/local-sessions.ts';
import {
  type Ask,
  AskError,
  type SupervisorLink,
  type WorkerLink,
  type WorkerLinks,
} from '../../gateway/workers/ask.ts';
import type { RequestMessage, ResponseMessage } from '../../gateway/workers/messages.ts';
import { Answerers, Requests } from '../../gateway/workers/requests.ts';
import { SessionDesk } from '../../gateway/workers/session-desk.ts';
import { SharedSessions, WorkerFleet } from '../../gateway/workers/shared-sessions.ts';
import { address } from './batches.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryLog } from './memory-log.ts';

type Message = RequestMessage | ResponseMessage;

export const facts = (index: number, number: number, identity: string): SessionFacts => ({
  id: sessionId(`${index}${String(number).padStart(11, '0')}`),
  call: {
    local: address('198.51.100.1'),
    peer: address(`203.0.113.${number}`),
    localCallId: callId(number),
    peerCallId: callId(1000 + number),
  },
  peerName: `203.0.113.${number}:40000`,
  identity,
  method: 'ms-chap-v2',
  address: address(`10.99.0.${number}`),
  ipv6Prefix: undefined,
  encryption: 'MPPE 128 stateless',
  profile: { classes: [Uint8Array.of(1, 2)], rate: { up: { bitsPerSecond: 1e6 } } },
  startedAt: 1_700_000_000_000,
  upAt: 1_700_000_001_000,
  traceId: '0'.repeat(32),
});

/** Sessions of one process that a test makes up. */
class MadeUpSessions implements SessionDirectory {
  readonly sessions: SessionFacts[] = [];
  readonly did: string[] = [];
  answer: ChangeAnswer = { ok: true };

  async find({ id, identity }: SessionQuery): Promise<readonly FoundSession[]> {
    return this.sessions
      .filter((one) => (id === undefined || one.id === id) && (identity === undefined || one.identity === identity))
      .map((one) => ({ facts: one, usage: { octetsIn: 1, octetsOut: 2, packetsIn: 3, packetsOut: 4 } }));
  }

  async disconnect(id: string, { reason }: { readonly reason: string }): Promise<boolean> {
    this.did.push(`disconnect ${id} ${reason}`);
    return this.sessions.some((one) => one.id === id);
  }

  async change(id: string, change: object): Promise<ChangeAnswer> {
    this.did.push(`change ${id} ${JSON.stringify(Object.entries(change).map(([name]) => name))}`);
    return this.sessions.some((one) => one.id === id) ? this.answer : GONE;
  }
}

export interface RigWorker extends WorkerLink {
  alive: boolean;
  /** Hears, and says nothing. */
  hung: boolean;
  readonly own: MadeUpSessions;
  readonly directory: SharedSessions;
  readonly fleet: WorkerFleet;
  readonly log: MemoryLog;
}

/** Workers with the supervisor's desk between them; what passes is cloned as between processes. */
export class FleetRig implements WorkerLinks {
  readonly clock = new FakeClock();
  readonly workers: readonly RigWorker[];
  private readonly answerers = new Answerers();

  constructor(count: number) {
    this.workers = Array.from({ length: count }, (_, index) => this.worker(index, count));
    new SessionDesk(this).attach();
  }

  answer<Body, Answer>(ask: Ask<Body, Answer>, answerer: (body: Body, from: number) => Answer | Promise<Answer>): void {
    this.answerers.set(ask, answerer);
  }

  onStarted(): void {}

  onEnded(): void {}

  private worker(index: number, count: number): RigWorker {
    const answerers = new Answerers();
    const own = new MadeUpSessions();
    const log = new MemoryLog();
    const pass = (message: Message, to: (message: Message) => void): void => {
      const copy = structuredClone(message);
      this.clock.defer(() => to(copy));
    };
    const up = new Requests(this.clock, (message) => pass(message, (asked) => void this.ask(asked, index, up)));
    const down = new Requests(this.clock, (message) =>
      pass(message, (asked) => {
        if (worker.hung || asked.kind !== 'request') return;
        void answerers.answer(asked, 0).then((answer) => pass(answer, (copy) => void take(down, copy)));
      }),
    );
    const link: SupervisorLink = {
      request: (ask, body, timeout) => up.request(ask, body, timeout),
      answer: (ask, answerer) => answerers.set(ask, answerer),
    };
    const worker: RigWorker = {
      index,
      alive: true,
      hung: false,
      own,
      log,
      directory: new SharedSessions(own, link, { index, count }),
      fleet: new WorkerFleet({ index, count }, false, link, log),
      request: (ask, body, timeout) =>
        worker.alive ? down.request(ask, body, timeout) : Promise.reject(new AskError('GONE', 'not there')),
    };
    return worker;
  }

  private async ask(message: Message, from: number, requests: Requests): Promise<void> {
    if (message.kind !== 'request') return;
    const answer = structuredClone(await this.answerers.answer(message, from));
    this.clock.defer(() => take(requests, answer));
  }
}

const take = (requests: Requests, message: Message): void => {
  if (message.kind === 'response') requests.take(message);
};
