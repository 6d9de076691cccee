import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { AccountingSink } from '../../core/ports/accounting.ts';
import type { AddressLease, AddressPool } from '../../core/ports/addresses.ts';
import type { Authenticator, AuthKind, AuthKinds, BackEndAnswer, ProofOrigin } from '../../core/ports/auth.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { EapRelay, EapRelayAnswer, EapRelayRequest } from '../../core/ports/eap-relay.ts';
import type { AdmissionRequest, Attempt, PolicyAnswer, SessionPolicy } from '../../core/ports/policy.ts';
import type { SessionListener } from '../../core/ports/session-listener.ts';
import type { PhaseSpan } from '../../core/ports/telemetry.ts';
import { fitsAdmission, fitsBackEndAnswer, fitsLease, fitsRelayAnswer } from './answers.ts';
import { Guard, type GuardDeps, type Guarded, isThenable } from './guard.ts';
import { PluginFailure } from './plugin-failure.ts';

/** A policy that never throws and never rejects. */
export interface ContainedPolicy {
  readonly name: string;
  /** False also where it throws: what is there to keep people out does not let them in by failing. */
  mayTry(attempt: Attempt): boolean;
  mayPass(attempt: Attempt): boolean;
  tried(attempt: Attempt, denial: Parameters<NonNullable<SessionPolicy['tried']>>[1]): void;
  /** Undefined: it has nothing to say. `unavailable` where it fails. The question is a step of `span`. */
  readonly admit:
    | ((request: AdmissionRequest, signal: CancelSignal, span?: PhaseSpan) => Promise<PolicyAnswer>)
    | undefined;
}

/** Any back-end is one. The question may be a step of the span. */
export interface AskedBackEnd extends Authenticator {
  verify<K extends AuthKind>(
    kind: K,
    request: AuthKinds[K]['request'],
    signal: CancelSignal,
    origin: ProofOrigin,
    span?: PhaseSpan,
  ): Promise<BackEndAnswer<K>>;
}

export interface ContainedRelay {
  readonly name: string;
  /** Rejects with PluginFailure: the caller makes `unavailable` of it. */
  ask(request: EapRelayRequest, signal: CancelSignal, span?: PhaseSpan): Promise<EapRelayAnswer>;
}

/** Any pool is one. The question may be a step of the span. */
export interface AskedPool extends AddressPool {
  lease(wanted?: Ipv4, identity?: string, pool?: string, span?: PhaseSpan): AddressLease | Promise<AddressLease>;
}

export interface ContainedPool extends AskedPool {
  /** Never throws or rejects: `unavailable`. An answer that comes at once is no promise; what comes too late is released. */
  lease(wanted?: Ipv4, identity?: string, pool?: string, span?: PhaseSpan): AddressLease | Promise<AddressLease>;
}

const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const NONE_RESERVED: ReadonlySet<Ipv4> = new Set();

/** Puts a guard before each object of a plug-in that the session code calls. */
export class Containment {
  private readonly deps: GuardDeps;

  constructor(deps: GuardDeps) {
    this.deps = deps;
  }

  /** `verify` rejects with what the back-end threw, or with PluginFailure. The caller logs it. */
  authenticator(backEnd: Authenticator, traced = true): AskedBackEnd {
    return new ContainedBackEnd(
      backEnd,
      this.guard({ name: backEnd.name, port: 'authenticator', quiet: true, traced }),
    );
  }

  policy(policy: SessionPolicy): ContainedPolicy {
    const guard = this.guard({ name: policy.name, port: 'session-policy' });
    const admits = policy.admit !== undefined;
    return {
      name: policy.name,
      mayTry: (attempt) =>
        policy.mayTry === undefined || guard.call(() => policy.mayTry?.(attempt) ?? false, false, isBoolean),
      mayPass: (attempt) =>
        policy.mayPass === undefined || guard.call(() => policy.mayPass?.(attempt) ?? false, false, isBoolean),
      tried: (attempt, denial) => guard.tell(() => policy.tried?.(attempt, denial)),
      admit: admits ? (request, signal, span) => admission(policy, guard, request, signal, span) : undefined,
    };
  }

  relay(relay: EapRelay): ContainedRelay {
    const guard = this.guard({ name: relay.name, port: 'eap-relay' });
    return {
      name: relay.name,
      ask: (request, signal, span) =>
        guard.ask({
          work: (own) => relay.ask(request, own),
          fits: fitsRelayAnswer,
          signal,
          span,
          source: request.session.call.peer,
        }),
    };
  }

  pool(pool: AddressPool, traced = true): ContainedPool {
    return new GuardedPool(pool, this.guard({ name: 'address-pool', port: 'address-pool', traced }));
  }

  sink(sink: AccountingSink): AccountingSink {
    const guard = this.guard({ name: sink.name, port: 'accounting-sink' });
    return {
      name: sink.name,
      start: (record) => guard.tell(() => sink.start(record)),
      interim: (record) => guard.tell(() => sink.interim(record)),
      stop: (record, ending) => guard.tell(() => sink.stop(record, ending)),
    };
  }

  listener(listener: SessionListener): Required<SessionListener> {
    const guard = this.guard({ name: listener.name, port: 'session-listener' });
    return {
      name: listener.name,
      up: (...told) => guard.tell(() => listener.up?.(...told)),
      restored: (...told) => guard.tell(() => listener.restored?.(...told)),
      changed: (...told) => guard.tell(() => listener.changed?.(...told)),
      down: (...told) => guard.tell(() => listener.down?.(...told)),
    };
  }

  private guard(guarded: Guarded): Guard {
    return new Guard(this.deps, guarded);
  }
}

async function admission(
  policy: SessionPolicy,
  guard: Guard,
  request: AdmissionRequest,
  signal: CancelSignal,
  span: PhaseSpan | undefined,
): Promise<PolicyAnswer> {
  try {
    const work = (own: AbortSignal): PolicyAnswer | Promise<PolicyAnswer> =>
      policy.admit === undefined ? { admit: true } : policy.admit(request, own);
    const source = request.session.call.peer;
    return await guard.ask({ work, fits: fitsAdmission, signal, span, source });
  } catch (cause) {
    const why = cause instanceof PluginFailure ? cause.message : policy.name;
    return { admit: false, denial: 'unavailable', detail: `the policy could not be asked: ${why}` };
  }
}

class ContainedBackEnd implements AskedBackEnd {
  readonly name: string;
  private readonly backEnd: Authenticator;
  private readonly guard: Guard;

  constructor(backEnd: Authenticator, guard: Guard) {
    this.name = backEnd.name;
    this.backEnd = backEnd;
    this.guard = guard;
  }

  /** A back-end that cannot say it is asked, and fails then: its users must not be looked for elsewhere. */
  supports(kind: AuthKind): boolean {
    return this.guard.call(() => this.backEnd.supports(kind), true, isBoolean);
  }

  reservedAddresses(): ReadonlySet<Ipv4> {
    const ask = (): ReadonlySet<Ipv4> => this.backEnd.reservedAddresses?.() ?? NONE_RESERVED;
    return this.guard.call(ask, NONE_RESERVED, (answer) => answer instanceof Set);
  }

  async verify<K extends AuthKind>(
    kind: K,
    request: AuthKinds[K]['request'],
    signal: CancelSignal,
    origin: ProofOrigin,
    span?: PhaseSpan,
  ): Promise<BackEndAnswer<K>> {
    const { backEnd } = this;
    const work = (own: AbortSignal): Promise<BackEndAnswer<K>> => backEnd.verify(kind, request, own, origin);
    try {
      return await this.guard.ask({
        work,
        fits: fitsBackEndAnswer(kind),
        signal,
        span,
        source: origin.session.call.peer,
      });
    } catch (cause) {
      throw cause instanceof PluginFailure && cause.code === 'plugin-threw' ? cause.cause : cause;
    }
  }
}

class GuardedPool implements ContainedPool {
  private readonly pool: AddressPool;
  private readonly guard: Guard;

  constructor(pool: AddressPool, guard: Guard) {
    this.pool = pool;
    this.guard = guard;
  }

  get gatewayAddress(): Ipv4 {
    return this.pool.gatewayAddress;
  }

  get size(): number {
    return this.guard.call(() => this.pool.size ?? 0, 0);
  }

  get inUse(): number {
    return this.guard.call(() => this.pool.inUse ?? 0, 0);
  }

  lease(wanted?: Ipv4, identity?: string, pool?: string, span?: PhaseSpan): AddressLease | Promise<AddressLease> {
    if (this.guard.rests) return UNAVAILABLE;
    const asked = this.guard.call<AddressLease | Promise<AddressLease>>(() => {
      const answer = this.pool.lease(wanted, identity, pool);
      if (!isThenable(answer) && !fitsLease(answer)) throw new TypeError('no lease');
      return answer;
    }, UNAVAILABLE);
    return isThenable(asked) ? this.awaited(asked, span) : asked;
  }

  release(address: Ipv4): void {
    this.guard.tell(() => this.pool.release(address));
  }

  private async awaited(asked: Promise<AddressLease>, span: PhaseSpan | undefined): Promise<AddressLease> {
    const late = (lease: AddressLease): void => {
      if (lease.ok) this.release(lease.address);
    };
    try {
      return await this.guard.ask({ work: () => asked, fits: fitsLease, span, late });
    } catch (cause) {
      // It was not waited for at all: the answer comes all the same.
      if (cause instanceof PluginFailure && cause.code === 'plugin-resting') asked.then(late, () => undefined);
      return UNAVAILABLE;
    }
  }
}

const UNAVAILABLE: AddressLease = { ok: false, why: 'unavailable' };
