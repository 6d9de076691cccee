import { RandomCallIds } from '../../core/machine/call-ids.ts';
import type { CollisionOutcome } from '../../core/machine/pptp-collision.ts';
import { PptpControl } from '../../core/machine/pptp-control.ts';
import type {
  CallRefusal,
  ControlEffect,
  ControlInput,
  ControlOptions,
  ControlRole,
} from '../../core/machine/pptp-control-types.ts';
import { type CallId, type CallIds, callId } from '../../core/ports/ids.ts';
import { type Instant, instant } from '../../core/time.ts';
import { type PptpMessage, parsePptpMessage, writePptpMessage } from '../../core/wire/pptp-message.ts';
import { seededRandom } from './seeded-random.ts';

export type Unsent = Exclude<ControlEffect, { kind: 'send' | 'note' }>;

/** The messages of the `send` effects; a test fails on octets that are no message. */
export const sentBy = (effects: readonly ControlEffect[]): PptpMessage[] =>
  effects.flatMap((effect) => {
    if (effect.kind !== 'send') return [];
    const message = parsePptpMessage(effect.bytes);
    if (typeof message === 'string') throw new Error(`the machine sent octets that are no message: ${message}`);
    return [message];
  });

export interface RigOptions {
  readonly role?: ControlRole;
  readonly options?: Partial<ControlOptions>;
  readonly callIds?: CallIds;
  readonly admit?: () => CallRefusal | undefined;
  readonly collide?: () => CollisionOutcome;
  readonly seed?: number;
}

/** One control machine in virtual time; every verb returns the effects and adds them to `effects`. */
export class ControlRig {
  readonly machine: PptpControl;
  readonly callIds: CallIds;
  readonly effects: ControlEffect[] = [];
  now: Instant = instant(0);

  constructor(init: RigOptions = {}) {
    const random = seededRandom(init.seed ?? 7);
    this.callIds = init.callIds ?? new RandomCallIds({ random, now: () => this.now });
    const { admit, collide } = init;
    this.machine = new PptpControl(
      {
        callIds: this.callIds,
        random,
        ...(admit === undefined ? {} : { admit }),
        ...(collide === undefined ? {} : { collide }),
      },
      { role: init.role ?? 'pac', ...init.options },
    );
  }

  input(input: ControlInput): readonly ControlEffect[] {
    return this.keep(this.machine.handle(input, this.now));
  }

  receives(...messages: readonly PptpMessage[]): readonly ControlEffect[] {
    return messages.flatMap((message) => this.input({ kind: 'bytes', bytes: writePptpMessage(message) }));
  }

  /** Moves to `ms` after the beginning, stopping at every deadline before it. */
  at(ms: number): readonly ControlEffect[] {
    const seen: ControlEffect[] = [];
    for (let turn = 0; turn < 10_000; turn += 1) {
      const next = this.machine.nextTimeout();
      if (next === undefined || next > ms) {
        this.now = instant(ms);
        return seen;
      }
      this.now = instant(Math.max(next, this.now));
      seen.push(...this.keep(this.machine.handleTimeout(this.now)));
    }
    throw new Error('the machine never runs out of deadlines');
  }

  get sent(): PptpMessage[] {
    return sentBy(this.effects);
  }

  /** Effects of one kind since the beginning. */
  all<K extends ControlEffect['kind']>(kind: K): Extract<ControlEffect, { kind: K }>[] {
    return this.effects.filter((effect): effect is Extract<ControlEffect, { kind: K }> => effect.kind === kind);
  }

  private keep(effects: readonly ControlEffect[]): readonly ControlEffect[] {
    this.effects.push(...effects);
    return effects;
  }
}

/** What is told about calls, connection and peer: everything but the octets and the log. */
export const told = (effects: readonly ControlEffect[]): Unsent[] =>
  effects.filter((effect): effect is Unsent => effect.kind !== 'send' && effect.kind !== 'note');

export const startRequest = (
  changes: Partial<Extract<PptpMessage, { kind: 'start-control-connection-request' }>> = {},
) =>
  ({
    kind: 'start-control-connection-request',
    protocolVersion: 0x0100,
    framingCapabilities: 1,
    bearerCapabilities: 1,
    maximumChannels: 0,
    firmwareRevision: 0,
    hostName: 'peer',
    vendorName: 'vendor',
    ...changes,
  }) as const;

export const startReply = (changes: Partial<Extract<PptpMessage, { kind: 'start-control-connection-reply' }>> = {}) =>
  ({ ...startRequest(), kind: 'start-control-connection-reply', resultCode: 1, errorCode: 0, ...changes }) as const;

export const callRequest = (
  callId: number,
  changes: Partial<Extract<PptpMessage, { kind: 'outgoing-call-request' }>> = {},
) =>
  ({
    kind: 'outgoing-call-request',
    callId,
    callSerialNumber: 1,
    minimumBps: 300,
    maximumBps: 100_000_000,
    bearerType: 3,
    framingType: 3,
    packetReceiveWindow: 64,
    packetProcessingDelay: 0,
    phoneNumberLength: 0,
    phoneNumber: '',
    subaddress: '',
    ...changes,
  }) as const;

export const callReply = (
  callId: number,
  peerCallId: number,
  changes: Partial<Extract<PptpMessage, { kind: 'outgoing-call-reply' }>> = {},
) =>
  ({
    kind: 'outgoing-call-reply',
    callId,
    peerCallId,
    resultCode: 1,
    errorCode: 0,
    causeCode: 0,
    connectSpeed: 64_000,
    packetReceiveWindow: 16_384,
    packetProcessingDelay: 0,
    physicalChannelId: 0,
    ...changes,
  }) as const;

export const disconnect = (callId: number, resultCode = 4) =>
  ({ kind: 'call-disconnect-notify', callId, resultCode, errorCode: 0, causeCode: 0, callStatistics: '' }) as const;

/** A server that has answered SCCRQ. */
export const establishedServer = (init: RigOptions = {}): ControlRig => {
  const rig = new ControlRig({ ...init, role: 'pac' });
  rig.input({ kind: 'open' });
  rig.receives(startRequest());
  rig.effects.length = 0;
  return rig;
};

/** A client whose SCCRQ was answered. */
export const establishedClient = (init: RigOptions = {}): ControlRig => {
  const rig = new ControlRig({ ...init, role: 'pns' });
  rig.input({ kind: 'open' });
  rig.receives(startReply());
  rig.effects.length = 0;
  return rig;
};

/** What the peers of `withCall` and `withPlacedCall` call their call. */
export const CLIENT_CALL = callId(0xfaea);
export const SERVER_CALL = callId(0xe40a);

export interface RigWithCall {
  readonly rig: ControlRig;
  /** Ours. */
  readonly id: CallId;
}

/** A server with one call from a peer that calls it CLIENT_CALL. */
export const withCall = (init: RigOptions = {}): RigWithCall => {
  const rig = establishedServer(init);
  rig.receives(callRequest(CLIENT_CALL));
  const opened = rig.all('call-opened')[0];
  if (opened === undefined) throw new Error('the call did not open');
  rig.effects.length = 0;
  return { rig, id: opened.localCallId };
};

/** Asks for a call, and returns the Call ID of the request. */
export const placeCall = (rig: ControlRig, tag: number): CallId => {
  const [request] = sentBy(rig.input({ kind: 'place-call', tag }));
  if (request?.kind !== 'outgoing-call-request') throw new Error('no request');
  return callId(request.callId);
};

/** A client that has asked for a call, with the Call ID of its request. */
export const placingCall = (): RigWithCall => {
  const rig = establishedClient();
  return { rig, id: placeCall(rig, 1) };
};

/** A client whose call the server calls SERVER_CALL. */
export const withPlacedCall = (): RigWithCall => {
  const { rig, id } = placingCall();
  rig.receives(callReply(SERVER_CALL, id));
  rig.effects.length = 0;
  return { rig, id };
};
