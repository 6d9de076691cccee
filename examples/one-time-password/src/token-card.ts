import type { EapContext, EapEffect, EapInput, EapMethod, Machine } from 'pptp-gateway/core';

/** EAP-GTC (RFC 3748 section 5.6): a prompt to show, and what the user typed. */
const TYPE = 6;
const PROMPT = new TextEncoder().encode('Code: ');
const MOST_DIGITS = 16;

/** One character an octet: what arrives may be anything. */
const textOf = (octets: Uint8Array): string => String.fromCharCode(...octets.subarray(0, MOST_DIGITS)).trim();

class Asking implements Machine<EapInput, EapEffect> {
  private readonly identity: string;
  private state: 'waiting' | 'judging' | 'over' = 'waiting';

  constructor({ identity }: EapContext) {
    this.identity = identity;
  }

  handle(input: EapInput): readonly EapEffect[] {
    switch (input.kind) {
      case 'start':
        return [{ kind: 'message', bytes: PROMPT }];
      case 'message':
        if (this.state !== 'waiting') return [];
        this.state = 'judging';
        return [{ kind: 'verify', method: 'totp', request: { userName: this.identity, code: textOf(input.bytes) } }];
      case 'verdict': {
        if (this.state !== 'judging') return [];
        this.state = 'over';
        const { verdict } = input;
        return verdict.ok
          ? [{ kind: 'done', identity: verdict.identity, profile: verdict.profile }]
          : [{ kind: 'fail', identity: this.identity, denial: verdict.denial }];
      }
      case 'computed':
        return [];
    }
  }

  nextTimeout(): undefined {
    return undefined;
  }

  handleTimeout(): readonly EapEffect[] {
    return [];
  }
}

/** The client's side: its password is the code. */
class Answering implements Machine<EapInput, EapEffect> {
  private readonly context: EapContext;

  constructor(context: EapContext) {
    this.context = context;
  }

  handle(input: EapInput): readonly EapEffect[] {
    if (input.kind !== 'message') return [];
    const { identity, password = '' } = this.context;
    return [
      { kind: 'message', bytes: new TextEncoder().encode(password) },
      { kind: 'done', identity, profile: {} },
    ];
  }

  nextTimeout(): undefined {
    return undefined;
  }

  handleTimeout(): readonly EapEffect[] {
    return [];
  }
}

export const tokenCard: EapMethod = {
  name: 'token-card',
  type: TYPE,
  yieldsKeys: false,
  begin: (context) => (context.role === 'peer' ? new Answering(context) : new Asking(context)),
};
