import { printable } from '../../core/bytes/ascii.ts';
import { equalBytes } from '../../core/bytes/bytes.ts';
import { greeting, refusalText } from '../../core/machine/greeting.ts';
import type { Machine } from '../../core/machine/machine.ts';
import type { AuthEffect, AuthInput, AuthVerdict } from '../../core/ports/auth.ts';
import { after, type Instant } from '../../core/time.ts';
import { type PapPacket, parsePap, writePap } from '../../core/wire/pap.ts';
import { PPP } from '../../core/wire/ppp.ts';

type Request = Extract<PapPacket, { readonly kind: 'request' }>;

type State =
  | { readonly kind: 'waiting'; readonly deadline: Instant | undefined }
  | { readonly kind: 'verifying'; readonly request: Request; readonly identifier: number }
  | { readonly kind: 'done'; readonly reply: 'ack' | 'nak'; readonly message: string };

/** How long the first request may take, in ms: ten times three seconds, what a peer needs to give up. */
const PATIENCE_MS = 30_000;

/**
 * The authenticator's side of PAP (RFC 1334 section 2). It waits for the peer, asks about the first request, and answers
 * every later one with the code of that answer, since the answer may have been lost. A Nak is the end of the link.
 */
export class PapAuthenticator implements Machine<AuthInput, AuthEffect> {
  private state: State = { kind: 'waiting', deadline: undefined };

  handle(input: AuthInput, now: Instant): readonly AuthEffect[] {
    switch (input.kind) {
      case 'start':
        if (this.state.kind === 'waiting') this.state = { kind: 'waiting', deadline: after(now, PATIENCE_MS) };
        return [];
      case 'frame':
        return input.protocol === PPP.pap ? this.frame(input.bytes) : [];
      case 'verdict':
        return this.verdict(input.verdict);
      default:
        return [];
    }
  }

  nextTimeout(): Instant | undefined {
    return this.state.kind === 'waiting' ? this.state.deadline : undefined;
  }

  handleTimeout(now: Instant): readonly AuthEffect[] {
    const deadline = this.nextTimeout();
    if (deadline === undefined || now < deadline) return [];
    this.state = { kind: 'done', reply: 'nak', message: '' };
    return [{ kind: 'reject', identity: '', denial: 'timeout' }];
  }

  private frame(bytes: Uint8Array): readonly AuthEffect[] {
    const packet = parsePap(bytes);
    if (packet?.kind !== 'request') return [];
    const { state } = this;
    switch (state.kind) {
      case 'waiting':
        this.state = { kind: 'verifying', request: packet, identifier: packet.identifier };
        return [{ kind: 'verify', method: 'pap', request: { userName: packet.peerId, password: packet.password } }];
      case 'verifying':
        // Each copy has an identifier of its own, and the peer may look for an answer to the last one only.
        if (state.request.peerId === packet.peerId && equalBytes(state.request.password, packet.password)) {
          this.state = { ...state, identifier: packet.identifier };
        }
        return [];
      case 'done':
        return [reply(state.reply, packet.identifier, state.message)];
    }
  }

  private verdict(verdict: AuthVerdict): readonly AuthEffect[] {
    const { state } = this;
    if (state.kind !== 'verifying') return [];
    if (verdict.ok) {
      const { identity, profile } = verdict;
      const message = greeting(profile);
      this.state = { kind: 'done', reply: 'ack', message };
      return [reply('ack', state.identifier, message), { kind: 'accept', identity, profile }];
    }
    const { denial } = verdict;
    const message = refusalText[denial];
    const identity = printable(state.request.peerId);
    this.state = { kind: 'done', reply: 'nak', message };
    return [
      reply('nak', state.identifier, message),
      { kind: 'attempt-failed', identity, denial, retriesLeft: 0 },
      { kind: 'reject', identity, denial },
    ];
  }
}

const reply = (kind: 'ack' | 'nak', identifier: number, message: string): AuthEffect => ({
  kind: 'send',
  protocol: PPP.pap,
  bytes: writePap({ kind, identifier, message }),
});
