import { asciiBytes, asciiText } from '../../core/bytes/ascii.ts';
import type { Machine } from '../../core/machine/machine.ts';
import type { AuthContext, AuthEffect, AuthInput, AuthMethod, MppeKeyMaterial } from '../../core/ports/auth.ts';
import { after, type Instant } from '../../core/time.ts';

declare module '../../core/ports/auth.ts' {
  interface AuthKinds {
    'test-password': {
      readonly request: { readonly userName: string; readonly password: string };
      readonly grant: { readonly granted: true };
    };
  }
}

/** Octets of a frame: a kind, then text. */
const ASK = 1;
const ANSWER = 2;
const YES = 3;
const NO = 4;

const REPEAT_MS = 3000;
const KEY_A = new Uint8Array(16).fill(0xaa);
const KEY_B = new Uint8Array(16).fill(0xbb);

export interface PasswordMethodOptions {
  readonly name?: string;
  readonly lcpOption?: Uint8Array;
  readonly preference?: number;
  readonly yieldsKeys?: boolean;
}

/**
 * The simplest method that behaves like a real one: ask, answer "name/password", yes or no. Both sides repeat until
 * they are answered, and repeated answers get the same reply.
 */
export const passwordMethod = (options: PasswordMethodOptions = {}): AuthMethod => {
  const yieldsKeys = options.yieldsKeys ?? true;
  const lcpOption = options.lcpOption ?? Uint8Array.of(0xc2, 0x23, 0x81);
  const protocol = ((lcpOption[0] ?? 0) << 8) | (lcpOption[1] ?? 0);
  return {
    name: options.name ?? 'test-password',
    lcpOption,
    preference: options.preference ?? 100,
    yieldsKeys,
    protocols: [protocol],
    begin: (context) =>
      context.role === 'authenticator' ? new Asker(protocol, yieldsKeys) : new Answerer(protocol, context, yieldsKeys),
  };
};

const keys = (yieldsKeys: boolean, material: MppeKeyMaterial): { readonly keys?: MppeKeyMaterial } =>
  yieldsKeys ? { keys: material } : {};

class Asker implements Machine<AuthInput, AuthEffect> {
  readonly #protocol: number;
  readonly #yieldsKeys: boolean;
  #repeatAt: Instant | undefined;
  #identity = '';
  #asking = false;
  #reply: Uint8Array | undefined;

  constructor(protocol: number, yieldsKeys: boolean) {
    this.#protocol = protocol;
    this.#yieldsKeys = yieldsKeys;
  }

  handle(input: AuthInput, now: Instant): readonly AuthEffect[] {
    if (input.kind === 'start') return this.#ask(now);
    if (input.kind === 'verdict') {
      this.#reply = Uint8Array.of(input.verdict.ok ? YES : NO);
      const reply = this.#send(this.#reply);
      if (!input.verdict.ok) {
        const { denial } = input.verdict;
        const identity = this.#identity;
        return [
          { kind: 'attempt-failed', identity, denial, retriesLeft: 0 },
          { kind: 'reject', identity, denial },
          ...reply,
        ];
      }
      const { identity, profile } = input.verdict;
      return [
        { kind: 'accept', identity, profile, ...keys(this.#yieldsKeys, { send: KEY_A, receive: KEY_B }) },
        ...reply,
      ];
    }
    if (input.kind !== 'frame' || input.bytes[0] !== ANSWER) return [];
    if (this.#reply !== undefined) return this.#send(this.#reply);
    if (this.#asking) return [];
    this.#asking = true;
    this.#repeatAt = undefined;
    const [userName = '', password = ''] = asciiText(input.bytes.subarray(1)).split('/');
    this.#identity = userName;
    return [{ kind: 'verify', method: 'test-password', request: { userName, password } }];
  }

  nextTimeout(): Instant | undefined {
    return this.#repeatAt;
  }

  handleTimeout(now: Instant): readonly AuthEffect[] {
    return this.#repeatAt !== undefined && now >= this.#repeatAt ? this.#ask(now) : [];
  }

  #ask(now: Instant): readonly AuthEffect[] {
    this.#repeatAt = after(now, REPEAT_MS);
    return this.#send(Uint8Array.of(ASK));
  }

  #send(bytes: Uint8Array): readonly AuthEffect[] {
    return [{ kind: 'send', protocol: this.#protocol, bytes }];
  }
}

class Answerer implements Machine<AuthInput, AuthEffect> {
  readonly #protocol: number;
  readonly #answer: Uint8Array;
  readonly #context: AuthContext;
  readonly #yieldsKeys: boolean;
  #repeatAt: Instant | undefined;

  constructor(protocol: number, context: AuthContext, yieldsKeys: boolean) {
    this.#protocol = protocol;
    this.#context = context;
    this.#yieldsKeys = yieldsKeys;
    const text = asciiBytes(`${context.localName}/${context.password ?? ''}`);
    this.#answer = Uint8Array.of(ANSWER, ...text);
  }

  handle(input: AuthInput, now: Instant): readonly AuthEffect[] {
    if (input.kind !== 'frame') return [];
    if (input.bytes[0] === ASK) return this.#send(now);
    const identity = this.#context.localName;
    this.#repeatAt = undefined;
    if (input.bytes[0] === YES) {
      return [{ kind: 'accept', identity, profile: {}, ...keys(this.#yieldsKeys, { send: KEY_B, receive: KEY_A }) }];
    }
    return input.bytes[0] === NO ? [{ kind: 'reject', identity, denial: 'bad-credentials' }] : [];
  }

  nextTimeout(): Instant | undefined {
    return this.#repeatAt;
  }

  handleTimeout(now: Instant): readonly AuthEffect[] {
    return this.#repeatAt !== undefined && now >= this.#repeatAt ? this.#send(now) : [];
  }

  #send(now: Instant): readonly AuthEffect[] {
    this.#repeatAt = after(now, REPEAT_MS);
    return [{ kind: 'send', protocol: this.#protocol, bytes: this.#answer }];
  }
}
