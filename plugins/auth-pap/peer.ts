import { denialIn } from '../../core/machine/greeting.ts';
import type { Machine } from '../../core/machine/machine.ts';
import type { AuthContext, AuthEffect, AuthInput, AuthRefusal } from '../../core/ports/auth.ts';
import { after, type Instant } from '../../core/time.ts';
import { PAP_FIELD_MAX, parsePap, writePap } from '../../core/wire/pap.ts';
import { PPP } from '../../core/wire/ppp.ts';

const INTERVAL_MS = 3000;
const MAX_REQUESTS = 10;

/**
 * The peer's side of PAP: the request is sent until an answer comes, each copy with an identifier of its own (RFC 1334
 * section 2.2.1); an answer to any of them counts.
 */
export class PapPeer implements Machine<AuthInput, AuthEffect> {
  private readonly context: AuthContext;
  private readonly password: Uint8Array;
  private first = 0;
  private sent = 0;
  private deadline: Instant | undefined;
  private over = false;

  constructor(context: AuthContext) {
    this.context = context;
    this.password = new TextEncoder().encode(context.password ?? '');
  }

  handle(input: AuthInput, now: Instant): readonly AuthEffect[] {
    if (this.over) return [];
    if (input.kind === 'start') return this.start(now);
    if (input.kind === 'frame' && input.protocol === PPP.pap) return this.frame(input.bytes);
    return [];
  }

  nextTimeout(): Instant | undefined {
    return this.deadline;
  }

  handleTimeout(now: Instant): readonly AuthEffect[] {
    if (this.deadline === undefined || now < this.deadline) return [];
    return this.sent < MAX_REQUESTS ? this.request(now) : this.reject('timeout');
  }

  private start(now: Instant): readonly AuthEffect[] {
    if (this.sent > 0) return [];
    // A password that was cut would only be refused.
    if (this.password.length > PAP_FIELD_MAX) return this.reject('protocol');
    this.first = this.context.random.bytes(1)[0] ?? 0;
    return this.request(now);
  }

  private request(now: Instant): readonly AuthEffect[] {
    const identifier = (this.first + this.sent) & 0xff;
    this.sent += 1;
    this.deadline = after(now, INTERVAL_MS);
    const { localName: peerId } = this.context;
    const bytes = writePap({ kind: 'request', identifier, peerId, password: this.password });
    return [{ kind: 'send', protocol: PPP.pap, bytes }];
  }

  private frame(bytes: Uint8Array): readonly AuthEffect[] {
    const packet = parsePap(bytes);
    if (packet === undefined || packet.kind === 'request') return [];
    if (((packet.identifier - this.first) & 0xff) >= this.sent) return [];
    const { localName: identity } = this.context;
    if (packet.kind === 'ack') {
      this.over = true;
      this.deadline = undefined;
      return [{ kind: 'accept', identity, profile: {} }];
    }
    const denial = denialIn(packet.message);
    return [{ kind: 'attempt-failed', identity, denial, retriesLeft: 0 }, ...this.reject(denial)];
  }

  private reject(denial: AuthRefusal): readonly AuthEffect[] {
    this.over = true;
    this.deadline = undefined;
    return [{ kind: 'reject', identity: this.context.localName, denial }];
  }
}
