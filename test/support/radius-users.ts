import { asciiBytes, asciiText } from '../../core/bytes/ascii.ts';
import { concatBytes } from '../../core/bytes/bytes.ts';
import { hashNtPasswordHash, ntPasswordHash } from '../../core/crypto/ms-chap-v2.ts';
import { EapAuthenticator } from '../../core/machine/eap-authenticator.ts';
import type { AuthEffect, AuthKinds } from '../../core/ports/auth.ts';
import type { EapMethod } from '../../core/ports/eap.ts';
import { instant } from '../../core/time.ts';
import { EAP_PROTOCOL, EAP_TYPE, parseEap } from '../../core/wire/eap.ts';
import { eapMsChapV2 } from '../../plugins/auth-eap/index.ts';
import { type MemoryUser, MemoryUsers } from '../../testing/lab/memory-users.ts';
import { ORIGIN } from './proof-origin.ts';
import {
  ATTRIBUTE,
  type Attribute,
  attribute,
  CODE,
  firstOf,
  hideKey,
  hideMsChapKeys,
  joinEap,
  octets,
  octetsOf,
  openRequest,
  type RadiusPacket,
  revealPassword,
  sealReply,
  splitEap,
} from './radius-wire.ts';
import { seededRandom } from './seeded-random.ts';

interface Reply {
  readonly code: number;
  readonly attributes: readonly Attribute[];
}

type Asked = {
  readonly [K in 'pap' | 'chap-md5' | 'ms-chap-v1' | 'ms-chap-v2' | 'ms-chap-v1-change' | 'ms-chap-v2-change']: {
    readonly kind: K;
    readonly request: AuthKinds[K]['request'];
  };
}['pap' | 'chap-md5' | 'ms-chap-v1' | 'ms-chap-v2' | 'ms-chap-v1-change' | 'ms-chap-v2-change'];

const ERRORS: Readonly<Record<string, string>> = {
  expired: 'E=648 R=0 V=3',
  locked: 'E=647 R=0 V=3',
  'change-refused': 'E=709 R=0 V=3',
  'bad-credentials': 'E=691 R=1 C=00112233445566778899AABBCCDDEEFF V=3 M=Wrong',
};

/** A RADIUS server with users in memory, as FreeRADIUS with its module mschap would answer; no sockets. */
export class RadiusUsers {
  readonly requests: RadiusPacket[] = [];
  /** Of each accept, besides what goes with the proof. */
  profile: readonly Attribute[] = [];
  /** Instead of all that. */
  instead: ((request: RadiusPacket) => Reply | 'silent' | undefined) | undefined;
  keys = true;
  private readonly users: MemoryUsers;
  private readonly passwords: ReadonlyMap<string, string>;
  private readonly secret: Uint8Array;
  private readonly random = seededRandom(99);
  private readonly methods: readonly EapMethod[];
  private readonly exchanges = new Map<string, EapAuthenticator>();

  constructor(
    secret: string,
    users: Readonly<Record<string, MemoryUser>>,
    methods: readonly EapMethod[] = [eapMsChapV2()],
  ) {
    this.secret = new TextEncoder().encode(secret);
    this.users = new MemoryUsers(users);
    this.passwords = new Map(Object.entries(users).map(([name, { password }]) => [name, password]));
    this.methods = methods;
  }

  get last(): RadiusPacket {
    const last = this.requests.at(-1);
    if (last === undefined) throw new Error('nobody has asked this server');
    return last;
  }

  async receive(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const request = openRequest(bytes, this.secret, true);
    if (typeof request === 'string') throw new Error(`a request with a fault: ${request}`);
    this.requests.push(request);
    const instead = this.instead?.(request);
    if (instead === 'silent') return undefined;
    const { code, attributes } = instead ?? (await this.judge(request));
    const { identifier, authenticator } = request;
    return sealReply({ code, identifier, attributes }, authenticator, this.secret);
  }

  private async judge(request: RadiusPacket): Promise<Reply> {
    const message = joinEap(request.attributes);
    if (message !== undefined) return this.eap(request, message);
    const asked = this.read(request);
    if (asked === undefined) return { code: CODE.accessReject, attributes: [] };
    const verdict = await this.users.verify(asked.kind, asked.request);
    if (!verdict.ok) {
      const text = concatBytes(Uint8Array.of(1), asciiBytes(ERRORS[verdict.denial] ?? 'E=691 R=0 V=3'));
      const error = asked.kind.startsWith('ms-chap') ? [octets(ATTRIBUTE.msChapError, text)] : [];
      return { code: CODE.accessReject, attributes: error };
    }
    return { code: CODE.accessAccept, attributes: [...this.profile, ...this.granted(request, asked, verdict.grant)] };
  }

  private granted({ authenticator }: RadiusPacket, { kind, request }: Asked, grant: object): readonly Attribute[] {
    const found: Attribute[] = [];
    if ('authenticatorResponse' in grant && typeof grant.authenticatorResponse === 'string') {
      const text = concatBytes(Uint8Array.of(1), asciiBytes(grant.authenticatorResponse));
      found.push(octets(ATTRIBUTE.msChap2Success, text));
    }
    if (!this.keys) return found;
    if (kind === 'ms-chap-v1' || kind === 'ms-chap-v1-change') {
      const hash = hashNtPasswordHash(ntPasswordHash(this.passwordOf(request.userName)));
      const hidden = hideMsChapKeys(new Uint8Array(8), hash, this.secret, authenticator);
      found.push(octets(ATTRIBUTE.msChapMppeKeys, hidden));
    } else if ('keys' in grant) {
      const { keys } = grant as AuthKinds['ms-chap-v2']['grant'];
      found.push(...this.hidden(keys.send, keys.receive, authenticator));
    }
    return found;
  }

  private hidden(send: Uint8Array, receive: Uint8Array, authenticator: Uint8Array): readonly Attribute[] {
    const hide = (key: Uint8Array, salt: number): Uint8Array =>
      hideKey(key, Uint8Array.of(0x90, salt), this.secret, authenticator);
    return [octets(ATTRIBUTE.msMppeSendKey, hide(send, 1)), octets(ATTRIBUTE.msMppeRecvKey, hide(receive, 2))];
  }

  /** After a change the old password is what the user record still holds here, so tests ask for keys with the new one. */
  newPassword: string | undefined;

  private passwordOf(name: string): string {
    return this.newPassword ?? this.passwords.get(name) ?? '';
  }

  /** RFC 2865 sections 5.2 and 5.3, RFC 2548 section 2: by the offsets there. */
  private read({ attributes, authenticator }: RadiusPacket): Asked | undefined {
    const userName = asciiText(octetsOf(attributes, ATTRIBUTE.userName)[0] ?? new Uint8Array(0));
    const value = (type: Parameters<typeof octetsOf>[1]): Uint8Array | undefined => octetsOf(attributes, type)[0];
    const hidden = value(ATTRIBUTE.userPassword);
    if (hidden !== undefined) {
      const password = revealPassword(hidden, this.secret, authenticator) ?? new Uint8Array(0);
      return { kind: 'pap', request: { userName, password } };
    }
    const chap = value(ATTRIBUTE.chapPassword);
    const chapChallenge = value(ATTRIBUTE.chapChallenge) ?? authenticator;
    if (chap !== undefined) {
      const [identifier = 0] = chap;
      return {
        kind: 'chap-md5',
        request: { userName, identifier, challenge: chapChallenge, response: chap.slice(1) },
      };
    }
    const challenge = value(ATTRIBUTE.msChapChallenge) ?? new Uint8Array(0);
    const first = value(ATTRIBUTE.msChapResponse);
    if (first !== undefined) {
      return { kind: 'ms-chap-v1', request: { userName, challenge, ntResponse: first.slice(26, 50) } };
    }
    const parts = octetsOf(attributes, ATTRIBUTE.msChapNtEncPw).toSorted((a, b) => (a[3] ?? 0) - (b[3] ?? 0));
    const encryptedPassword = concatBytes(...parts.map((part) => part.slice(4)));
    const second = value(ATTRIBUTE.msChap2Response);
    if (second !== undefined) {
      const [peerChallenge, ntResponse] = [second.slice(2, 18), second.slice(26, 50)];
      return {
        kind: 'ms-chap-v2',
        request: { userName, authenticatorChallenge: challenge, peerChallenge, ntResponse },
      };
    }
    const change1 = value(ATTRIBUTE.msChapCpw2);
    if (change1 !== undefined) {
      const [encryptedHash, ntResponse] = [change1.slice(2, 18), change1.slice(58, 82)];
      return {
        kind: 'ms-chap-v1-change',
        request: { userName, challenge, encryptedPassword, encryptedHash, ntResponse },
      };
    }
    const change2 = value(ATTRIBUTE.msChap2Cpw);
    if (change2 === undefined) return undefined;
    const [encryptedHash, peerChallenge] = [change2.slice(2, 18), change2.slice(18, 34)];
    const ntResponse = change2.slice(42, 66);
    return {
      kind: 'ms-chap-v2-change',
      request: {
        userName,
        authenticatorChallenge: challenge,
        peerChallenge,
        ntResponse,
        encryptedPassword,
        encryptedHash,
      },
    };
  }

  private async eap({ attributes, authenticator }: RadiusPacket, message: Uint8Array): Promise<Reply> {
    const packet = parseEap(message);
    const state = firstOf(attributes, ATTRIBUTE.state);
    const now = instant(0);
    if (packet?.kind !== 'response') return { code: CODE.accessReject, attributes: [] };
    if (state === undefined) {
      if (packet.type !== EAP_TYPE.identity) return { code: CODE.accessReject, attributes: [] };
      const context = { role: 'authenticator', localName: 'radius', random: this.random } as const;
      const machine = new EapAuthenticator(context, this.methods, { intervalMs: 1, maxSends: 1, maxRequests: 50 });
      const key = this.random.bytes(8);
      this.exchanges.set(asciiText(key), machine);
      return this.settle(machine, key, machine.resume(asciiText(packet.data), packet.identifier, now), authenticator);
    }
    const machine = this.exchanges.get(asciiText(state));
    if (machine === undefined) return { code: CODE.accessReject, attributes: [] };
    const effects = machine.handle({ kind: 'frame', protocol: EAP_PROTOCOL, bytes: message }, now);
    return this.settle(machine, state, effects, authenticator);
  }

  private async settle(
    machine: EapAuthenticator,
    state: Uint8Array,
    effects: readonly AuthEffect[],
    authenticator: Uint8Array,
  ): Promise<Reply> {
    const queue = [...effects];
    let sent: Uint8Array | undefined;
    for (let effect = queue.shift(); effect !== undefined; effect = queue.shift()) {
      if (effect.kind === 'send') sent = effect.bytes;
      if (effect.kind === 'compute') {
        const value = await effect.task(new AbortController().signal, ORIGIN);
        queue.push(...machine.handle({ kind: 'computed', result: { ok: true, value } }, instant(0)));
      }
      if (effect.kind === 'verify') {
        const verdict = await this.users.verify(effect.method, effect.request);
        queue.push(...machine.handle({ kind: 'verdict', verdict }, instant(0)));
      }
      if (effect.kind === 'accept') {
        const { send, receive } = effect.keys ?? { send: new Uint8Array(0), receive: new Uint8Array(0) };
        const pad = new Uint8Array(16).fill(0xee);
        const keys = this.keys && effect.keys !== undefined;
        return {
          code: CODE.accessAccept,
          attributes: [
            ...this.profile,
            ...(keys ? this.hidden(concatBytes(send, pad), concatBytes(receive, pad), authenticator) : []),
            attribute(ATTRIBUTE.userName, effect.identity),
            ...splitEap(sent ?? new Uint8Array(0)),
          ],
        };
      }
      if (effect.kind === 'reject') {
        return { code: CODE.accessReject, attributes: splitEap(sent ?? new Uint8Array(0)) };
      }
    }
    return {
      code: CODE.accessChallenge,
      attributes: [octets(ATTRIBUTE.state, state), ...splitEap(sent ?? new Uint8Array(0))],
    };
  }
}
