import { asciiBytes } from '../bytes/ascii.ts';
import { equalBytes } from '../bytes/bytes.ts';
import type { AuthContext, AuthDenial, AuthEffect, AuthInput } from '../ports/auth.ts';
import type { EapEffect, EapInput, EapMethod } from '../ports/eap.ts';
import type { Instant } from '../time.ts';
import { EAP_PROTOCOL, EAP_TYPE, parseEap, writeEap } from '../wire/eap.ts';
import { describeEapTypes, eapRoom } from './eap-methods.ts';
import type { Machine } from './machine.ts';

/** A Request that was taken, and the Response once there is one. */
interface Answered {
  readonly identifier: number;
  readonly type: number;
  readonly data: Uint8Array;
  response: Uint8Array | undefined;
}

interface Running {
  readonly method: EapMethod;
  readonly machine: Machine<EapInput, EapEffect>;
  /** We have answered in its type: the authenticator cannot change the method any more (RFC 3748 section 2.1). */
  answered: boolean;
}

/**
 * The peer's side of EAP (RFC 3748 sections 2 and 4). It never sends of its own accord: the authenticator repeats, a repeated
 * Request gets the same Response again, and the link ends an authentication that takes too long. A Success counts only
 * after a method was satisfied; since it may be lost, the authenticator's first packet of a network protocol counts as one
 * (section 4.2).
 */
export class EapPeer implements Machine<AuthInput, AuthEffect> {
  private readonly context: AuthContext;
  private readonly methods: readonly EapMethod[];
  private last: Answered | undefined;
  private running: Running | undefined;
  private done: Extract<EapEffect, { readonly kind: 'done' }> | undefined;
  private denial: AuthDenial | undefined;
  /** Types that we answered with a Nak. */
  private readonly declined = new Set<number>();
  private over = false;

  /** `methods`: best first. */
  constructor(context: AuthContext, methods: readonly EapMethod[]) {
    this.context = context;
    this.methods = methods;
  }

  handle(input: AuthInput, now: Instant): readonly AuthEffect[] {
    if (this.over) return [];
    switch (input.kind) {
      case 'start':
        return [];
      case 'frame':
        return input.protocol === EAP_PROTOCOL ? this.frame(input.bytes, now) : [];
      case 'verdict':
      case 'computed':
        return this.apply(this.running?.machine.handle(input, now) ?? []);
      case 'network-started':
        return this.success();
    }
  }

  nextTimeout(): Instant | undefined {
    return this.over ? undefined : this.running?.machine.nextTimeout();
  }

  handleTimeout(now: Instant): readonly AuthEffect[] {
    return this.over ? [] : this.apply(this.running?.machine.handleTimeout(now) ?? []);
  }

  private frame(bytes: Uint8Array, now: Instant): readonly AuthEffect[] {
    const packet = parseEap(bytes);
    switch (packet?.kind) {
      case 'request':
        return this.request(packet.identifier, packet.type, packet.data, now);
      case 'success':
        return this.endsLast(packet.identifier) ? this.success() : [];
      case 'failure':
        return this.endsLast(packet.identifier) ? this.failure() : [];
      default:
        return [];
    }
  }

  /** The identifier is to be that of the last Response; some authenticators count on. */
  private endsLast(identifier: number): boolean {
    const { last } = this;
    return last !== undefined && (identifier === last.identifier || identifier === ((last.identifier + 1) & 0xff));
  }

  private request(identifier: number, type: number, data: Uint8Array, now: Instant): readonly AuthEffect[] {
    const { last } = this;
    if (last?.identifier === identifier && last.type === type && equalBytes(last.data, data)) {
      return last.response === undefined ? [] : [send(last.response)];
    }
    // The answer to another Request is still being worked out.
    if (last !== undefined && last.response === undefined) return [];
    const taken: Answered = { identifier, type, data, response: undefined };
    switch (type) {
      case EAP_TYPE.identity:
        // Also how an authenticator begins anew (RFC 3748 section 5.1).
        this.running = undefined;
        this.done = undefined;
        this.declined.clear();
        return this.respond(taken, EAP_TYPE.identity, asciiBytes(this.context.localName));
      case EAP_TYPE.notification:
        return this.respond(taken, EAP_TYPE.notification, new Uint8Array(0));
      case EAP_TYPE.nak:
        return [];
      default:
        return this.methodRequest(taken, now);
    }
  }

  private methodRequest(taken: Answered, now: Instant): readonly AuthEffect[] {
    if (this.running?.method.type !== taken.type) {
      if (this.running?.answered === true) return [];
      const method = this.methods.find(({ type }) => type === taken.type);
      if (method === undefined) {
        this.declined.add(taken.type);
        return this.respond(taken, EAP_TYPE.nak, this.wanted());
      }
      this.running = { method, machine: this.begin(method), answered: false };
    }
    const { running } = this;
    if (running === undefined) return [];
    const before = this.last;
    this.last = taken;
    const effects = running.machine.handle({ kind: 'message', identifier: taken.identifier, bytes: taken.data }, now);
    if (effects.length === 0) this.last = before;
    return this.apply(effects);
  }

  private begin(method: EapMethod): Machine<EapInput, EapEffect> {
    const { localName, password, random, mru } = this.context;
    return method.begin({
      role: 'peer',
      localName,
      ...(password === undefined ? {} : { password }),
      identity: localName,
      room: eapRoom(mru),
      random,
    });
  }

  /** RFC 3748 section 5.3.1: zero says that there is nothing we would rather use. */
  private wanted(): Uint8Array {
    return this.methods.length === 0 ? Uint8Array.of(0) : Uint8Array.from(this.methods, ({ type }) => type);
  }

  private apply(effects: readonly EapEffect[]): readonly AuthEffect[] {
    return effects.flatMap((effect) => (this.over ? [] : this.translate(effect)));
  }

  private translate(effect: EapEffect): readonly AuthEffect[] {
    switch (effect.kind) {
      case 'message': {
        const { last, running } = this;
        if (last === undefined || running === undefined || last.response !== undefined) return [];
        running.answered = true;
        return this.respond(last, running.method.type, effect.bytes);
      }
      case 'verify':
      case 'compute':
        return [effect];
      case 'attempt-failed':
        this.denial = effect.denial;
        return [effect];
      case 'done':
        this.done = effect;
        return [];
      case 'fail':
        this.over = true;
        return [
          {
            kind: 'reject',
            identity: effect.identity,
            denial: effect.denial,
            ...(effect.detail === undefined ? {} : { detail: effect.detail }),
          },
        ];
    }
  }

  private respond(request: Answered, type: number, data: Uint8Array): readonly AuthEffect[] {
    request.response = writeEap({ kind: 'response', identifier: request.identifier, type, data });
    this.last = request;
    return [send(request.response)];
  }

  private success(): readonly AuthEffect[] {
    const { done } = this;
    if (done === undefined) return [];
    const { identity, profile, keys } = done;
    return [{ kind: 'accept', identity, profile, ...(keys === undefined ? {} : { keys }) }];
  }

  private failure(): readonly AuthEffect[] {
    this.over = true;
    const { localName: identity } = this.context;
    if (this.denial !== undefined) return [{ kind: 'reject', identity, denial: this.denial }];
    if (this.declined.size > 0 && this.running?.answered !== true) {
      const ours = describeEapTypes(Uint8Array.from(this.methods, ({ type }) => type));
      const theirs = describeEapTypes(Uint8Array.from(this.declined));
      const detail = `no common EAP method: we allow ${ours}; the peer asks for ${theirs}`;
      return [{ kind: 'reject', identity, denial: 'no-common-method', detail }];
    }
    const denial = 'bad-credentials';
    return [
      { kind: 'attempt-failed', identity, denial, retriesLeft: 0 },
      { kind: 'reject', identity, denial },
    ];
  }
}

const send = (bytes: Uint8Array): AuthEffect => ({ kind: 'send', protocol: EAP_PROTOCOL, bytes });
