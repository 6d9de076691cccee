import { asciiText, printable } from '../bytes/ascii.ts';
import { readU16 } from '../bytes/bytes.ts';
import type { AuthContext, AuthDenial, AuthEffect, AuthInput, AuthRefusal, Computed } from '../ports/auth.ts';
import type { CancelSignal } from '../ports/cancel.ts';
import type { EapRelay, EapRelayAnswer, EapRelayRequest } from '../ports/eap-relay.ts';
import type { PhaseSpan } from '../ports/telemetry.ts';
import { after, type Instant } from '../time.ts';
import { EAP_PROTOCOL, EAP_TYPE, parseEap, writeEap } from '../wire/eap.ts';
import type { EapAuthenticator, EapAuthenticatorOptions } from './eap-authenticator.ts';
import type { Machine } from './machine.ts';

/** The Request that waits for its Response. */
interface Outstanding {
  readonly identifier: number;
  readonly bytes: Uint8Array;
  readonly intervalMs: number;
  readonly left: number;
  readonly deadline: Instant;
}

/** Any EapRelay is one. The question may be a step of the span. */
export interface AskedRelay extends EapRelay {
  ask(request: EapRelayRequest, signal: CancelSignal, span?: PhaseSpan): Promise<EapRelayAnswer>;
}

export interface EapRelayOptions extends EapAuthenticatorOptions {
  /** At least one, asked in their order who knows the peer. */
  readonly relays: readonly AskedRelay[];
  /** The gateway's own EAP, for those whom no relay knows; undefined: there is none. */
  readonly own: (() => EapAuthenticator) | undefined;
}

const DEFAULT_MRU = 1400;
/** Of Session-Timeout in a challenge (RFC 3579 section 2.6.2 lets a user think for long). */
const MOST_PATIENCE_SECONDS = 120;

/**
 * The authenticator's side of EAP as a pass-through (RFC 3579 section 2, RFC 3748 section 2.3): asks who is there, and
 * takes each Response to a server and each Request of it to the peer, with the server's identifiers. Copies to the peer,
 * time-outs and the end are the gateway's affair. A peer whom the servers do not know goes on with the gateway's own
 * methods.
 */
export class EapRelayAuthenticator implements Machine<AuthInput, AuthEffect> {
  private readonly context: AuthContext;
  private readonly options: EapRelayOptions;
  private relays: readonly AskedRelay[];
  private own: EapAuthenticator | undefined;
  private started = false;
  private asking = false;
  private identity = '';
  /** The last Response that was taken to a server, and the answer it got. */
  private response: Uint8Array = new Uint8Array(0);
  private state: unknown;
  private identifier: number;
  private requests = 0;
  private outstanding: Outstanding | undefined;
  /** Success or Failure, for a Response that comes again. */
  private last: Uint8Array | undefined;

  constructor(context: AuthContext, options: EapRelayOptions) {
    this.context = context;
    this.options = options;
    this.relays = options.relays;
    this.identifier = context.random.bytes(1)[0] ?? 0;
  }

  handle(input: AuthInput, now: Instant): readonly AuthEffect[] {
    if (this.own !== undefined) return this.own.handle(input, now);
    switch (input.kind) {
      case 'start':
        return this.start(now);
      case 'frame':
        return input.protocol === EAP_PROTOCOL ? this.frame(input.bytes) : [];
      case 'computed':
        return this.computed(input.result, now);
      default:
        return [];
    }
  }

  nextTimeout(): Instant | undefined {
    return this.own === undefined ? this.outstanding?.deadline : this.own.nextTimeout();
  }

  handleTimeout(now: Instant): readonly AuthEffect[] {
    if (this.own !== undefined) return this.own.handleTimeout(now);
    const { outstanding } = this;
    if (outstanding === undefined || now < outstanding.deadline) return [];
    if (outstanding.left === 0) return this.fail('timeout');
    const deadline = after(now, outstanding.intervalMs);
    this.outstanding = { ...outstanding, left: outstanding.left - 1, deadline };
    return [send(outstanding.bytes)];
  }

  private start(now: Instant): readonly AuthEffect[] {
    if (this.started) return [];
    this.started = true;
    this.identifier = (this.identifier + 1) & 0xff;
    const { identifier } = this;
    const bytes = writeEap({ kind: 'request', identifier, type: EAP_TYPE.identity, data: new Uint8Array(0) });
    return this.request(bytes, identifier, this.options.intervalMs, now);
  }

  private request(bytes: Uint8Array, identifier: number, intervalMs: number, now: Instant): readonly AuthEffect[] {
    this.requests += 1;
    if (this.requests > this.options.maxRequests)
      return this.fail('protocol', 'the exchange with the server has no end');
    this.identifier = identifier;
    const left = this.options.maxSends - 1;
    this.outstanding = { identifier, bytes, intervalMs, left, deadline: after(now, intervalMs) };
    return [send(bytes)];
  }

  private frame(bytes: Uint8Array): readonly AuthEffect[] {
    const packet = parseEap(bytes);
    if (packet?.kind !== 'response') return [];
    // The peer repeats its last Response only because a copy of the Request reached it after the end got lost.
    if (this.last !== undefined) return packet.identifier === this.identifier ? [send(this.last)] : [];
    if (this.outstanding?.identifier !== packet.identifier || this.asking) return [];
    const isFirst = this.requests === 1;
    if (isFirst && packet.type !== EAP_TYPE.identity) return [];
    if (isFirst) this.identity = asciiText(packet.data);
    this.outstanding = undefined;
    this.response = bytes.slice(0, readU16(bytes, 2));
    return this.ask(isFirst);
  }

  private ask(isFirst: boolean): readonly AuthEffect[] {
    const [relay] = this.relays;
    if (relay === undefined) return [];
    this.asking = true;
    const { identity, response: message, state } = this;
    const { mru: mtu = DEFAULT_MRU } = this.context;
    return [
      {
        kind: 'compute',
        task: (signal, { session, peerName }, span) =>
          relay.ask({ identity, message, state, mtu, session, peerName }, signal, span),
        ...(isFirst ? { attempt: { userName: identity } } : {}),
      },
    ];
  }

  private computed(result: Computed, now: Instant): readonly AuthEffect[] {
    if (!this.asking || this.last !== undefined) return [];
    this.asking = false;
    if (!result.ok) return this.fail(result.denial ?? 'unavailable');
    const answer = result.value;
    if (!isAnswer(answer)) return this.fail('unavailable', 'the relay gave an answer that is none');
    switch (answer.kind) {
      case 'challenge':
        return this.challenge(answer, now);
      case 'accept':
        return this.accept(answer);
      case 'reject':
        return this.fail(answer.denial, answer.detail, answer.message);
      case 'not-mine':
        return this.notMine(now);
    }
  }

  private challenge(
    { message, state, patienceSeconds }: EapRelayAnswer & { readonly kind: 'challenge' },
    now: Instant,
  ): readonly AuthEffect[] {
    const packet = parseEap(message);
    if (packet?.kind !== 'request') return this.fail('unavailable', 'the server challenges without an EAP Request');
    const { mru = DEFAULT_MRU } = this.context;
    const length = readU16(message, 2);
    if (length > mru) {
      return this.fail('unavailable', `the server's EAP packet has ${length} octets, and the link takes ${mru}`);
    }
    this.state = state;
    const asked = patienceSeconds === undefined ? 0 : Math.min(patienceSeconds, MOST_PATIENCE_SECONDS) * 1000;
    const intervalMs = Math.max(this.options.intervalMs, asked);
    return this.request(message.slice(0, length), packet.identifier, intervalMs, now);
  }

  private accept(answer: EapRelayAnswer & { readonly kind: 'accept' }): readonly AuthEffect[] {
    const { identity, profile, keys, message } = answer;
    // RFC 3579 section 2.6.3: what the packet says and what the server says must not differ.
    if (message !== undefined && parseEap(message)?.kind !== 'success') {
      return this.fail('unavailable', 'the server accepts with an EAP packet that is no Success');
    }
    return [this.end('success'), { kind: 'accept', identity, profile, ...(keys === undefined ? {} : { keys }) }];
  }

  private notMine(now: Instant): readonly AuthEffect[] {
    if (this.requests > 1) return this.fail('unavailable', 'the relay has given up an exchange that it had begun');
    this.relays = this.relays.slice(1);
    if (this.relays.length > 0) return this.ask(false);
    const own = this.options.own?.();
    if (own === undefined) return this.fail('bad-credentials');
    this.own = own;
    return own.resume(this.identity, this.identifier, now);
  }

  /** What the server said the peer is told, if it is a Failure; else the gateway makes one. */
  private fail(why: AuthRefusal, detail?: string, message?: Uint8Array): readonly AuthEffect[] {
    const identity = printable(this.identity);
    const odd = message !== undefined && parseEap(message)?.kind !== 'failure';
    const failure = this.end('failure');
    const said = odd ? 'the server rejects with an EAP packet that is no Failure' : detail;
    return [
      // After a time-out there is no Response that it would answer.
      ...(why === 'timeout' ? [] : [failure]),
      ...(isDenial(why) ? [{ kind: 'attempt-failed', identity, denial: why, retriesLeft: 0 } as const] : []),
      { kind: 'reject', identity, denial: why, ...(said === undefined ? {} : { detail: said }) },
    ];
  }

  /** With the identifier of the Response that it answers (RFC 3748 section 4.2), whatever the server's has. */
  private end(kind: 'success' | 'failure'): AuthEffect {
    this.outstanding = undefined;
    this.last = writeEap({ kind, identifier: this.identifier });
    return send(this.last);
  }
}

const isDenial = (why: AuthRefusal): why is AuthDenial =>
  why !== 'timeout' && why !== 'protocol' && why !== 'no-common-method';

const KINDS: readonly unknown[] = ['challenge', 'accept', 'reject', 'not-mine'] satisfies EapRelayAnswer['kind'][];

/** The driver knows nothing of what a task gives. What a guard let pass is right in its fields, too. */
const isAnswer = (value: unknown): value is EapRelayAnswer =>
  typeof value === 'object' && value !== null && 'kind' in value && KINDS.includes(value.kind);

const send = (bytes: Uint8Array): AuthEffect => ({ kind: 'send', protocol: EAP_PROTOCOL, bytes });
