import { printable } from '../../core/bytes/ascii.ts';
import type { Machine } from '../../core/machine/machine.ts';
import type { AuthRefusal, AuthVerdict, MppeKeyMaterial } from '../../core/ports/auth.ts';
import type { EapContext, EapEffect, EapInput } from '../../core/ports/eap.ts';
import type { TlsEngine, TlsSession } from '../../core/ports/tls-engine.ts';
import type { Instant } from '../../core/time.ts';
import { type EapTlsPacket, parseEapTls } from '../../core/wire/eap-tls.ts';
import { type Established, userNameOf } from './keys.ts';
import { emptyPacket, Fragments, Reassembly, startPacket } from './messages.ts';
import { TlsStep, tlsStep } from './step.ts';

/** RFC 9190 section 2.5: the server says with one octet that nothing of the handshake follows. */
const PROTECTED_SUCCESS = Uint8Array.of(0);

type Done = Extract<EapEffect, { readonly kind: 'done' }>;
type Fail = Extract<EapEffect, { readonly kind: 'fail' }>;

type State =
  /** The peer's turn: the next flight, whole or in fragments. */
  | { readonly kind: 'receiving' }
  /** With the TLS engine. */
  | { readonly kind: 'computing' }
  /** Our flight is on its way, fragment by fragment; after its last one comes what is next. */
  | { readonly kind: 'sending'; readonly fragments: Fragments; readonly then: 'receive' | Done | Fail }
  /** The certificate is with the back-end; the handshake is over. */
  | { readonly kind: 'verifying'; readonly session: Established; readonly keys: MppeKeyMaterial }
  /** The user may come in; TLS 1.3 adds the protected success to our last flight. */
  | { readonly kind: 'concluding'; readonly flight: Uint8Array; readonly done: Done }
  | { readonly kind: 'over' };

/** The authenticator's side of EAP-TLS (RFC 2716, RFC 5216, RFC 9190). */
export class EapTlsAuthenticator implements Machine<EapInput, EapEffect> {
  private readonly context: EapContext;
  private readonly session: TlsSession;
  private readonly reassembly = new Reassembly();
  private state: State = { kind: 'receiving' };
  private identity: string;

  constructor(context: EapContext, engine: TlsEngine) {
    this.context = context;
    this.session = engine.open('server');
    this.identity = printable(context.identity);
  }

  handle(input: EapInput): readonly EapEffect[] {
    switch (input.kind) {
      case 'start':
        return [message(startPacket())];
      case 'message': {
        const packet = parseEapTls(input.bytes);
        return packet === undefined || packet.start ? [] : this.packet(packet);
      }
      case 'computed': {
        const { result } = input;
        if (this.state.kind !== 'computing' && this.state.kind !== 'concluding') return [];
        if (!result.ok || !(result.value instanceof TlsStep)) return this.fail('unavailable', 'TLS is out of order');
        return this.progress(result.value);
      }
      case 'verdict':
        return this.verdict(input.verdict);
    }
  }

  nextTimeout(): Instant | undefined {
    return undefined;
  }

  handleTimeout(): readonly EapEffect[] {
    return [];
  }

  private packet(packet: EapTlsPacket): readonly EapEffect[] {
    const { state } = this;
    if (state.kind === 'sending') return this.sent(state, packet);
    if (state.kind !== 'receiving') return [];
    const flight = this.reassembly.add(packet);
    if (flight === 'bad') return this.fail('protocol', 'a TLS message was not put together as announced');
    if (flight === 'more') return [message(emptyPacket())];
    this.state = { kind: 'computing' };
    return [tlsStep('authenticator', (signal) => this.session.exchange(flight, signal))];
  }

  private sent(state: Extract<State, { readonly kind: 'sending' }>, packet: EapTlsPacket): readonly EapEffect[] {
    const { fragments, then } = state;
    // Nothing but an acknowledgment is due, except that a peer answers an alert of ours with what it likes.
    const acknowledged = packet.data.length === 0 && !packet.more;
    if (!fragments.done) return acknowledged ? [message(fragments.next())] : [];
    if (then === 'receive') {
      this.state = { kind: 'receiving' };
      return this.packet(packet);
    }
    if (then.kind === 'done' && !acknowledged) {
      return this.fail('bad-credentials', 'the peer broke off after the handshake: does it trust our certificate?');
    }
    this.state = { kind: 'over' };
    return [then];
  }

  private progress({ progress, keys }: TlsStep): readonly EapEffect[] {
    const { state } = this;
    if (progress.state === 'failed') {
      const { denial, reason: detail, output } = progress;
      const fail: Fail = { kind: 'fail', identity: this.identity, denial, detail };
      return output.length === 0 ? this.end(fail) : this.send(output, fail);
    }
    if (state.kind === 'concluding') {
      const flight = new Uint8Array(state.flight.length + progress.output.length);
      flight.set(state.flight);
      flight.set(progress.output, state.flight.length);
      return this.send(flight, state.done);
    }
    if (progress.state === 'established' && keys !== undefined) return this.verify(progress, keys);
    if (progress.output.length === 0) return this.fail('protocol', 'the peer sent part of a TLS message');
    return this.send(progress.output, 'receive');
  }

  private verify(session: Established, keys: MppeKeyMaterial): readonly EapEffect[] {
    const { subject, fingerprint } = session.certificate;
    const userName = userNameOf(session.certificate, this.context.identity);
    if (userName === undefined) return this.fail('bad-credentials', 'the certificate of the peer has no name in it');
    this.identity = printable(userName);
    this.state = { kind: 'verifying', session, keys };
    return [{ kind: 'verify', method: 'certificate', request: { userName, subject, fingerprint } }];
  }

  private verdict(verdict: AuthVerdict): readonly EapEffect[] {
    const { state } = this;
    if (state.kind !== 'verifying') return [];
    if (!verdict.ok) {
      const detail = verdict.denial === 'bad-credentials' ? 'the certificate is right, but there is no such user' : '';
      return this.fail(verdict.denial, detail);
    }
    const { identity, profile } = verdict;
    const { session, keys } = state;
    const done: Done = { kind: 'done', identity, profile, keys };
    if (session.version === 'TLSv1.2') return this.send(session.output, done);
    this.state = { kind: 'concluding', flight: session.output, done };
    return [tlsStep('authenticator', (signal) => this.session.write(PROTECTED_SUCCESS, signal))];
  }

  private send(flight: Uint8Array, then: 'receive' | Done | Fail): readonly EapEffect[] {
    const fragments = new Fragments(flight, this.context.room);
    this.state = { kind: 'sending', fragments, then };
    return [message(fragments.next())];
  }

  private fail(denial: AuthRefusal, detail: string): readonly EapEffect[] {
    return this.end({ kind: 'fail', identity: this.identity, denial, ...(detail === '' ? {} : { detail }) });
  }

  private end(fail: Fail): readonly EapEffect[] {
    this.state = { kind: 'over' };
    return [fail];
  }
}

const message = (bytes: Uint8Array): EapEffect => ({ kind: 'message', bytes });
