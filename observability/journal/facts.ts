import type { DropReason } from '../../core/outcome.ts';
import type { Instant } from '../../core/time.ts';
import type { JournalNote, JournalPhase, JournalRecord } from './record.ts';

/** What of the configuration an explanation names. */
export interface ExplainSettings {
  readonly authMethods: readonly string[];
  /** The policy, as PPTP_MPPE has it. */
  readonly encryption: string;
  readonly strengths: readonly number[];
  readonly pool: string;
  readonly maxCalls: number;
  readonly mru: number;
  readonly tunMtu: number;
}

/** What is known beside the record itself. */
export interface ExplainContext {
  readonly settings: ExplainSettings;
  /** Other tunnels that were there at the same time with the same outer address of the client. */
  readonly besides: readonly JournalRecord[];
  /** How many more of them other processes of the gateway had. */
  readonly besidesElsewhere?: number;
  /** GRE of a call came from another address than the call's peer meanwhile. */
  readonly wrongPeer: boolean;
  readonly now: Instant;
}

const withoutStop = (text: string): string => text.replace(/\.$/, '');

/** A record, asked in the words of the cases. */
export class Facts {
  readonly record: JournalRecord;
  readonly context: ExplainContext;
  /** The stable word of what went wrong: of the set-up, else of the end of the call. */
  readonly error: string;
  /** What is said about it, to be put into a sentence: without a full stop. */
  readonly detail: string;
  /** The same of the end of the call. */
  readonly endDetail: string;

  constructor(record: JournalRecord, context: ExplainContext) {
    this.record = record;
    this.context = context;
    this.error = record.failure?.error ?? record.end?.reason ?? '';
    this.endDetail = withoutStop(record.end?.detail ?? '');
    this.detail = record.failure === undefined ? this.endDetail : withoutStop(record.failure.message);
  }

  get settings(): ExplainSettings {
    return this.context.settings;
  }

  get wasUp(): boolean {
    return this.record.upAt !== undefined;
  }

  get over(): boolean {
    return this.record.endedAt !== undefined;
  }

  /** From its beginning to its end, or to now. */
  get seconds(): number {
    return ((this.record.endedAt ?? this.context.now) - this.record.startedAt) / 1000;
  }

  /** The address of the client for sentences. */
  get client(): string {
    return this.record.peer?.split(':')[0] ?? 'the client';
  }

  get user(): string {
    return this.record.user === undefined ? 'the user' : `"${this.record.user}"`;
  }

  /** Other tunnels with the same outer address of the client. */
  get besides(): number {
    return this.context.besides.length + (this.context.besidesElsewhere ?? 0);
  }

  get packetsIn(): number {
    return this.record.numbers?.packetsIn ?? 0;
  }

  get packetsOut(): number {
    return this.record.numbers?.packetsOut ?? 0;
  }

  drops(reason: DropReason, direction?: 'in' | 'out', stage?: string): number {
    let sum = 0;
    for (const [key, count] of Object.entries(this.record.numbers?.drops ?? {})) {
      const [where, way, why] = key.split(' ');
      if (why !== reason || (direction !== undefined && way !== direction)) continue;
      if (stage === undefined || where === stage) sum += count;
    }
    return sum;
  }

  /** Whether the detail, of the failure or of the end, has these words. */
  says(pattern: RegExp): boolean {
    return pattern.test(this.detail) || pattern.test(this.endDetail);
  }

  note(event: string): JournalNote | undefined {
    return this.record.notes.findLast((note) => note.event === event);
  }

  /** Why the last attempt to authenticate was refused. */
  get denial(): string | undefined {
    return (this.note('auth.failed') ?? this.note('auth.refused'))?.fields['denial'];
  }

  /** Whether a user store knows the name; undefined: none was asked, as far as is remembered. */
  get knownUser(): boolean | undefined {
    const asked = this.record.notes.filter(({ event }) => event === 'auth.backend');
    if (asked.length === 0) return undefined;
    return asked.some(({ fields }) => fields['pptp.backend.answer'] !== 'unknown-user');
  }

  /** The phase in which the set-up failed, or in which it was when it ended. */
  get phase(): JournalPhase | undefined {
    const { phases } = this.record;
    const failed = phases.filter(({ failure }) => failure !== undefined);
    return failed.find(({ failure }) => failure?.error === this.error) ?? failed.at(-1) ?? phases.at(-1);
  }

  phaseFailed(name: string): boolean {
    return this.record.phases.some((phase) => phase.name === name && phase.failure !== undefined);
  }

  /** The phase was reached and went well. */
  phaseDone(name: string): boolean {
    return this.record.phases.some(
      (phase) => phase.name === name && phase.endedAt !== undefined && phase.failure === undefined,
    );
  }
}

/** "lcp" in words. */
export const PHASE_WORDS: Readonly<Record<string, string>> = {
  control: 'the control connection (TCP 1723)',
  lcp: 'LCP, the agreement on the link',
  auth: 'authentication',
  address: 'the lease of an address',
  ccp: 'CCP, the agreement on encryption',
  ipcp: 'IPCP, the agreement on IPv4 addresses',
  ipv6cp: 'IPV6CP, the agreement on IPv6',
};
