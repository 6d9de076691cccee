import { asciiText, printable } from '../bytes/ascii.ts';
import type { AuthContext, AuthDenial, AuthEffect, AuthInput, AuthRefusal } from '../ports/auth.ts';
import type { EapEffect, EapInput, EapMethod } from '../ports/eap.ts';
import { after, earliest, type Instant } from '../time.ts';
import { EAP_PROTOCOL, EAP_TYPE, parseEap, writeEap } from '../wire/eap.ts';
import { describeEapTypes, eapRoom } from './eap-methods.ts';
import type { Machine } from './machine.ts';

export interface EapAuthenticatorOptions {
  /** Between two copies of a Request, in ms, and how many of them are sent (RFC 3748 section 4.3). */
  readonly intervalMs: number;
  readonly maxSends: number;
  /** Requests of one exchange, copies not counted. */
  readonly maxRequests: number;
}

/** The Request that waits for its Response. */
interface Outstanding {
  readonly identifier: number;
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly left: number;
  readonly deadline: Instant;
}

/**
 * The authenticator's side of EAP (RFC 3748 sections 2 and 4): asks who is there, lets the first method prove it, gives way to a
 * later one when the peer refuses with a Nak, and ends with Success or Failure. One Request is outstanding at a time; it
 * is sent again unchanged, and each new one has the next identifier.
 */
export class EapAuthenticator implements Machine<AuthInput, AuthEffect> {
  private readonly context: AuthContext;
  private readonly options: EapAuthenticatorOptions;
  /** Not tried yet, best first. */
  private methods: readonly EapMethod[];
  private readonly offered: string;
  private method: { readonly type: number; readonly machine: Machine<EapInput, EapEffect> } | undefined;
  /** The peer has answered the method in its own type, so a Nak is out of place (RFC 3748 section 5.3.1). */
  private agreed = false;
  private identifier: number;
  private identity = '';
  private requests = 0;
  private outstanding: Outstanding | undefined;
  private started = false;
  /** Success or Failure, for a Response that comes again. */
  private last: Uint8Array | undefined;
  private denial: AuthDenial | undefined;

  /** `methods`: at least one, best first. */
  constructor(context: AuthContext, methods: readonly EapMethod[], options: EapAuthenticatorOptions) {
    this.context = context;
    this.methods = methods;
    this.offered = methods.map(({ name }) => name).join(', ');
    this.options = options;
    this.identifier = context.random.bytes(1)[0] ?? 0;
  }

  handle(input: AuthInput, now: Instant): readonly AuthEffect[] {
    switch (input.kind) {
      case 'start':
        if (this.started) return [];
        this.started = true;
        return this.request(EAP_TYPE.identity, new Uint8Array(0), now);
      case 'frame':
        return input.protocol === EAP_PROTOCOL ? this.frame(input.bytes, now) : [];
      case 'verdict':
      case 'computed':
        return this.isOver ? [] : this.apply(this.method?.machine.handle(input, now) ?? [], now);
      case 'network-started':
        return [];
    }
  }

  /** Goes on where somebody else has asked who is there; `identifier` is that of the last Request. */
  resume(identity: string, identifier: number, now: Instant): readonly AuthEffect[] {
    if (this.started) return [];
    this.started = true;
    this.identity = identity;
    this.identifier = identifier;
    return this.begin(now);
  }

  nextTimeout(): Instant | undefined {
    return this.isOver ? undefined : earliest(this.outstanding?.deadline, this.method?.machine.nextTimeout());
  }

  handleTimeout(now: Instant): readonly AuthEffect[] {
    if (this.isOver) return [];
    const own = this.retransmit(now);
    const { method } = this;
    if (this.isOver || method === undefined) return own;
    return [...own, ...this.apply(method.machine.handleTimeout(now), now)];
  }

  private get isOver(): boolean {
    return this.last !== undefined;
  }

  private retransmit(now: Instant): readonly AuthEffect[] {
    const { outstanding } = this;
    if (outstanding === undefined || now < outstanding.deadline) return [];
    if (outstanding.left === 0) return this.fail('timeout');
    const { intervalMs } = this.options;
    this.outstanding = { ...outstanding, left: outstanding.left - 1, deadline: after(now, intervalMs) };
    return [send(outstanding.bytes)];
  }

  private frame(bytes: Uint8Array, now: Instant): readonly AuthEffect[] {
    const packet = parseEap(bytes);
    if (packet?.kind !== 'response') return [];
    // The peer repeats its last Response only because a copy of our Request reached it after the end got lost.
    if (this.last !== undefined) return packet.identifier === this.identifier ? [send(this.last)] : [];
    const { outstanding, method } = this;
    if (outstanding?.identifier !== packet.identifier) return [];
    if (packet.type === EAP_TYPE.nak) return this.nak(packet.data, now);
    if (packet.type !== outstanding.type) return [];
    if (method === undefined) {
      this.outstanding = undefined;
      this.identity = asciiText(packet.data);
      return this.begin(now);
    }
    const effects = method.machine.handle({ kind: 'message', identifier: packet.identifier, bytes: packet.data }, now);
    if (effects.length === 0) return [];
    this.agreed = true;
    this.outstanding = undefined;
    return this.apply(effects, now);
  }

  private begin(now: Instant): readonly AuthEffect[] {
    const [method, ...rest] = this.methods;
    if (method === undefined) return this.fail('no-common-method');
    this.methods = rest;
    const { localName, random, mru } = this.context;
    const { identity } = this;
    const machine = method.begin({ role: 'authenticator', localName, identity, room: eapRoom(mru), random });
    this.method = { type: method.type, machine };
    return this.apply(machine.handle({ kind: 'start' }, now), now);
  }

  /** RFC 3748 section 5.3.1: the peer names what it would rather use; only what is configured counts. */
  private nak(wanted: Uint8Array, now: Instant): readonly AuthEffect[] {
    if (this.method === undefined || this.agreed) return [];
    this.outstanding = undefined;
    this.methods = this.methods.filter(({ type }) => wanted.includes(type));
    if (this.methods.length > 0) return this.begin(now);
    return this.fail(
      'no-common-method',
      `no common EAP method: we allow ${this.offered}; the peer wants ${describeEapTypes(wanted)}`,
    );
  }

  private apply(effects: readonly EapEffect[], now: Instant): readonly AuthEffect[] {
    return effects.flatMap((effect) => (this.isOver ? [] : this.translate(effect, now)));
  }

  private translate(effect: EapEffect, now: Instant): readonly AuthEffect[] {
    switch (effect.kind) {
      case 'message':
        return this.request(this.method?.type ?? 0, effect.bytes, now);
      case 'verify':
      case 'compute':
        return [effect];
      case 'attempt-failed':
        this.denial = effect.denial;
        return [effect];
      case 'done': {
        const { identity, profile, keys } = effect;
        return [this.end('success'), { kind: 'accept', identity, profile, ...(keys === undefined ? {} : { keys }) }];
      }
      case 'fail':
        return this.fail(effect.denial, effect.detail, effect.identity);
    }
  }

  private request(type: number, data: Uint8Array, now: Instant): readonly AuthEffect[] {
    this.requests += 1;
    if (this.requests > this.options.maxRequests) return this.fail('protocol');
    this.identifier = (this.identifier + 1) & 0xff;
    const { identifier, options } = this;
    const bytes = writeEap({ kind: 'request', identifier, type, data });
    this.outstanding = {
      identifier,
      type,
      bytes,
      left: options.maxSends - 1,
      deadline: after(now, options.intervalMs),
    };
    return [send(bytes)];
  }

  /** A refusal that was reported already stays the reason, whatever the peer does about it. */
  private fail(why: AuthRefusal, detail?: string, name = printable(this.identity)): readonly AuthEffect[] {
    const refused: AuthRefusal = this.denial ?? why;
    const effects: AuthEffect[] = [];
    const failure = this.end('failure');
    // After a time-out there is no Response that it would answer.
    if (why !== 'timeout') effects.push(failure);
    if (this.denial === undefined && isDenial(why)) {
      effects.push({ kind: 'attempt-failed', identity: name, denial: why, retriesLeft: 0 });
    }
    effects.push({ kind: 'reject', identity: name, denial: refused, ...(detail === undefined ? {} : { detail }) });
    return effects;
  }

  /** Carries the identifier of the last Response (RFC 3748 section 4.2), which is that of the last Request. */
  private end(kind: 'success' | 'failure'): AuthEffect {
    this.outstanding = undefined;
    this.last = writeEap({ kind, identifier: this.identifier });
    return send(this.last);
  }
}

const isDenial = (why: AuthRefusal): why is AuthDenial =>
  why !== 'timeout' && why !== 'protocol' && why !== 'no-common-method';

const send = (bytes: Uint8Array): AuthEffect => ({ kind: 'send', protocol: EAP_PROTOCOL, bytes });
