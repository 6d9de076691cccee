import type { Machine } from '../../core/machine/machine.ts';
import type { AuthRefusal } from '../../core/ports/auth.ts';
import type { EapContext, EapEffect, EapInput } from '../../core/ports/eap.ts';
import type { TlsEngine, TlsSession } from '../../core/ports/tls-engine.ts';
import type { Instant } from '../../core/time.ts';
import { type EapTlsPacket, parseEapTls } from '../../core/wire/eap-tls.ts';
import { emptyPacket, Fragments, Reassembly } from './messages.ts';
import { TlsStep, tlsStep } from './step.ts';

/** The peer's side of EAP-TLS (RFC 2716, RFC 5216, RFC 9190). */
export class EapTlsPeer implements Machine<EapInput, EapEffect> {
  private readonly context: EapContext;
  private readonly engine: TlsEngine;
  private session: TlsSession | undefined;
  private reassembly = new Reassembly();
  private fragments: Fragments | undefined;
  private computing = false;

  constructor(context: EapContext, engine: TlsEngine) {
    this.context = context;
    this.engine = engine;
  }

  handle(input: EapInput): readonly EapEffect[] {
    switch (input.kind) {
      case 'message': {
        const packet = parseEapTls(input.bytes);
        return packet === undefined || this.computing ? [] : this.packet(packet);
      }
      case 'computed': {
        const { result } = input;
        if (!this.computing) return [];
        this.computing = false;
        if (!result.ok || !(result.value instanceof TlsStep)) return this.fail('unavailable', 'TLS is out of order');
        return this.progress(result.value);
      }
      default:
        return [];
    }
  }

  nextTimeout(): Instant | undefined {
    return undefined;
  }

  handleTimeout(): readonly EapEffect[] {
    return [];
  }

  private packet(packet: EapTlsPacket): readonly EapEffect[] {
    if (packet.start) {
      this.session = this.engine.open('client');
      this.reassembly = new Reassembly();
      this.fragments = undefined;
      return this.step(this.session, new Uint8Array(0));
    }
    const { session, fragments } = this;
    if (session === undefined) return [];
    if (fragments !== undefined && !fragments.done) {
      return packet.data.length === 0 && !packet.more ? [message(fragments.next())] : [];
    }
    const flight = this.reassembly.add(packet);
    if (flight === 'bad') return this.fail('protocol', 'a TLS message was not put together as announced');
    return flight === 'more' ? [message(emptyPacket())] : this.step(session, flight);
  }

  private step(session: TlsSession, flight: Uint8Array): readonly EapEffect[] {
    this.computing = true;
    return [tlsStep('peer', (signal) => session.exchange(flight, signal))];
  }

  private progress({ progress, keys }: TlsStep): readonly EapEffect[] {
    const { output } = progress;
    const flight = output.length === 0 ? undefined : new Fragments(output, this.context.room);
    this.fragments = flight;
    const reply = message(flight === undefined ? emptyPacket() : flight.next());
    if (progress.state === 'failed') {
      const fail = this.fail(progress.denial, progress.reason);
      return flight === undefined ? fail : [reply, ...fail];
    }
    // TLS 1.3 is over for us before the server has seen our certificate; only the protected success says that it has.
    const finished =
      progress.state === 'established' && (progress.version === 'TLSv1.2' || progress.received.length > 0);
    if (!finished) return [reply];
    const done = { kind: 'done', identity: this.context.localName, profile: {} } as const;
    return [reply, keys === undefined ? done : { ...done, keys }];
  }

  private fail(denial: AuthRefusal, detail: string): readonly EapEffect[] {
    return [{ kind: 'fail', identity: this.context.localName, denial, detail }];
  }
}

const message = (bytes: Uint8Array): EapEffect => ({ kind: 'message', bytes });
