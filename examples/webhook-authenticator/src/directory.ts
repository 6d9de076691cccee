import { randomUUID } from 'node:crypto';
import { after, type Clock, type Ipv4, parseIpv4 } from 'pptp-gateway/core';
import type { AcmeOptions } from './settings.ts';
import { isSigned, sign } from './signature.ts';

/** What the directory knows of a user. */
export interface Person {
  readonly ntHash: Uint8Array;
  readonly address?: Ipv4;
}

const MOST_OCTETS = 4096;

/** Any failure is an exception: the gateway makes `unavailable` of it. Its text holds no secret, for it may be logged. */
export class Directory {
  private readonly options: AcmeOptions;
  private readonly clock: Clock;

  constructor(options: AcmeOptions, clock: Clock) {
    this.options = options;
    this.clock = clock;
  }

  /** Undefined: there is no such user. */
  async find(user: string, signal: AbortSignal): Promise<Person | undefined> {
    // The gateway's clock, so that tests can let the time pass.
    const late = new AbortController();
    const { timeoutSeconds } = this.options;
    const done = this.clock.schedule(after(this.clock.now(), timeoutSeconds * 1000), () =>
      late.abort(new Error(`the directory took more than ${timeoutSeconds} s`)),
    );
    try {
      return await this.ask(user, AbortSignal.any([signal, late.signal]));
    } finally {
      done();
    }
  }

  private async ask(user: string, signal: AbortSignal): Promise<Person | undefined> {
    const { url, secret } = this.options;
    const nonce = randomUUID();
    const body = JSON.stringify({ user, nonce });
    const headers = { 'content-type': 'application/json', 'x-signature': sign(secret, 'question', body) };
    const response = await fetch(url, { method: 'POST', body, headers, redirect: 'error', signal });
    const text = await readText(response);
    // The nonce is signed, too: an answer from before, to another question, does not fit.
    if (!isSigned(response.headers.get('x-signature'), secret, 'answer', nonce, text)) {
      throw new Error(`the directory answered ${response.status} without a signature that fits`);
    }
    if (response.status === 404) return undefined;
    if (response.status !== 200) throw new Error(`the directory answered ${response.status}`);
    return readPerson(JSON.parse(text));
  }
}

/** The whole text of an answer, if it is not too long. */
const readText = async (response: Response): Promise<string> => {
  const parts: Uint8Array[] = [];
  let octets = 0;
  for await (const part of response.body ?? []) {
    octets += part.length;
    if (octets > MOST_OCTETS) throw new Error('the answer of the directory is too long');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
};

/** What comes from outside is looked at before it is believed, even with a good signature. */
const readPerson = (value: unknown): Person => {
  const { ntHash, address } = Object(value) as { readonly ntHash?: unknown; readonly address?: unknown };
  if (typeof ntHash !== 'string' || !/^[0-9a-f]{32}$/i.test(ntHash)) throw new Error('the directory gave no NT hash');
  const person = { ntHash: new Uint8Array(Buffer.from(ntHash, 'hex')) };
  if (address === undefined) return person;
  const fixed = typeof address === 'string' ? parseIpv4(address) : undefined;
  if (fixed === undefined) throw new Error('the directory gave an address that is none');
  return { ...person, address: fixed };
};
