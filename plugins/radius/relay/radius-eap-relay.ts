import { asciiBytes } from '../../../core/bytes/ascii.ts';
import { formatIpv4 } from '../../../core/bytes/ipv4-address.ts';
import type { CancelSignal } from '../../../core/ports/cancel.ts';
import type { EapRelay, EapRelayAnswer, EapRelayRequest } from '../../../core/ports/eap-relay.ts';
import { parseEap } from '../../../core/wire/eap.ts';
import type { Judgement } from '../auth/index.ts';
import { sessionKeys } from '../auth/index.ts';
import type { RadiusAnswer, RadiusClient } from '../client/index.ts';
import { callAttributes, type NasOptions } from '../nas.ts';
import {
  ATTRIBUTE,
  type Attribute,
  attribute,
  CODE,
  firstOf,
  joinEap,
  MAX_NAME_LENGTH,
  octets,
  splitEap,
} from '../wire/index.ts';

export interface RadiusEapRelayOptions {
  readonly nas: NasOptions;
  /** A user that the server rejects at once may be one of the gateway's own. */
  readonly passRejected: boolean;
}

export interface RadiusEapRelayDeps {
  readonly client: Pick<RadiusClient, 'ask' | 'nameOf'>;
  readonly judgement: Judgement;
}

/** The server that has an exchange, and what it wants to be given back. */
class ExchangeState {
  readonly server: number;
  readonly state: Uint8Array | undefined;

  constructor(server: number, state: Uint8Array | undefined) {
    this.server = server;
    this.state = state;
  }
}

/** Servers count headers of theirs within Framed-MTU, or not; so much of it is kept for them. */
const HEADERS = 10;
/** What servers take for a mistake, and pass over. */
const LEAST_MTU = 110;

/** EAP over RADIUS (RFC 3579): all messages of one exchange go to the server that has answered the first. */
export class RadiusEapRelay implements EapRelay {
  readonly name = 'radius';
  private readonly options: RadiusEapRelayOptions;
  private readonly deps: RadiusEapRelayDeps;

  constructor(options: RadiusEapRelayOptions, deps: RadiusEapRelayDeps) {
    this.options = options;
    this.deps = deps;
  }

  async ask(request: EapRelayRequest, signal: CancelSignal): Promise<EapRelayAnswer> {
    const earlier = request.state instanceof ExchangeState ? request.state : undefined;
    const { client } = this.deps;
    if (request.identity.length > MAX_NAME_LENGTH) return { kind: 'reject', denial: 'bad-credentials' };
    const answer = await client.ask(
      {
        code: CODE.accessRequest,
        attributes: () => this.attributes(request, earlier?.state),
        ...(earlier === undefined ? {} : { only: earlier.server }),
      },
      signal,
    );
    switch (answer.packet.code) {
      case CODE.accessChallenge:
        return this.challenge(answer);
      case CODE.accessAccept:
        return this.accept(request, answer);
      default:
        return this.reject(request, answer, earlier === undefined);
    }
  }

  private attributes(request: EapRelayRequest, state: Uint8Array | undefined): readonly Attribute[] {
    const { identity, message, session, mtu } = request;
    // RFC 3579 section 2.1: a peer without a name is named by where it calls from.
    const name = identity === '' ? formatIpv4(session.call.peer) : identity;
    return [
      octets(ATTRIBUTE.userName, asciiBytes(name)),
      ...callAttributes(this.options.nas, session),
      ...(mtu === undefined ? [] : [attribute(ATTRIBUTE.framedMtu, Math.max(LEAST_MTU, mtu - HEADERS))]),
      ...(state === undefined ? [] : [octets(ATTRIBUTE.state, state)]),
      ...splitEap(message),
    ];
  }

  private challenge({ packet: { attributes }, server }: RadiusAnswer): EapRelayAnswer {
    const message = joinEap(attributes);
    if (message === undefined || parseEap(message)?.kind !== 'request') {
      return { kind: 'reject', denial: 'unavailable', detail: 'the RADIUS server challenges without an EAP Request' };
    }
    const patience = firstOf(attributes, ATTRIBUTE.sessionTimeout);
    return {
      kind: 'challenge',
      message,
      state: new ExchangeState(server, firstOf(attributes, ATTRIBUTE.state)),
      ...(patience === undefined ? {} : { patienceSeconds: patience }),
    };
  }

  private accept({ identity: peer }: EapRelayRequest, { packet: { attributes }, seal }: RadiusAnswer): EapRelayAnswer {
    const { judgement } = this.deps;
    const message = joinEap(attributes);
    const admitted = judgement.admitted(attributes, peer);
    if (admitted === undefined) {
      return { kind: 'reject', denial: 'unavailable', detail: 'the RADIUS server wants what this gateway cannot do' };
    }
    // RFC 3579 section 2.6.3: in doubt nobody comes in.
    if (message !== undefined && parseEap(message)?.kind !== 'success') {
      return {
        kind: 'reject',
        denial: 'unavailable',
        detail: 'the RADIUS server accepts with an EAP packet that is no Success',
      };
    }
    const identity = admitted.identity === '' ? 'unknown' : admitted.identity;
    const keys = judgement.keys(sessionKeys(attributes, seal));
    return {
      kind: 'accept',
      identity,
      profile: admitted.profile,
      ...(message === undefined ? {} : { message }),
      ...(keys.strengths?.length === 0 ? {} : { keys }),
    };
  }

  private reject({ identity }: EapRelayRequest, { packet }: RadiusAnswer, first: boolean): EapRelayAnswer {
    const { attributes } = packet;
    const denial = this.deps.judgement.rejection(attributes, identity) ?? 'bad-credentials';
    if (first && denial === 'bad-credentials' && this.options.passRejected) return { kind: 'not-mine' };
    const message = joinEap(attributes);
    return {
      kind: 'reject',
      denial,
      ...(message !== undefined && parseEap(message)?.kind === 'failure' ? { message } : {}),
    };
  }
}
