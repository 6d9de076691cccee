import { constants } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { connect, createServer, type PeerCertificate, type TLSSocket } from 'node:tls';
import { printable } from '../../core/bytes/ascii.ts';
import { concatBytes } from '../../core/bytes/bytes.ts';
import type { AuthDenial } from '../../core/ports/auth.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { TlsCertificate, TlsEngine, TlsProgress, TlsSession } from '../../core/ports/tls-engine.ts';
import { certificateRefusal, isForServers, readCertificate } from './certificate.ts';
import { MemorySocket } from './memory-socket.ts';
import type { TlsFiles, TlsMaterial } from './tls-files.ts';

declare module 'node:tls' {
  interface TLSSocket {
    /** The type definitions lack the call without a context, which makes another key in TLS 1.2 (RFC 5705 section 4). */
    exportKeyingMaterial(length: number, label: string): Buffer;
  }
}

/** Turns of the event loop without anything new after which TLS has said what it had to say; it works within one or two. */
const CALM_TURNS = 4;
/** The same while it has said nothing at all, not even that it failed. */
const SILENT_TURNS = 16;
/** Application data that EAP-TLS knows is one octet. */
const MAX_RECEIVED = 4096;
const HANDSHAKE_TIMEOUT_MS = 120_000;

type Failure = { readonly denial: AuthDenial; readonly reason: string };

/** TLS by node:tls over memory. */
export class NodeTlsEngine implements TlsEngine {
  private readonly files: TlsFiles;
  private readonly serverName: string | undefined;
  /** A link has one handshake at a time; its signal stands for it. */
  private readonly sockets = new WeakMap<CancelSignal, MemorySocket>();

  constructor(files: TlsFiles, serverName?: string) {
    this.files = files;
    this.serverName = serverName;
  }

  open(role: 'server' | 'client'): TlsSession {
    return new Session(role, this.files, this.serverName, (socket, signal) => this.hold(socket, signal));
  }

  /** A handshake that is given up would otherwise be kept until its time is over. */
  private hold(socket: MemorySocket, signal: CancelSignal): void {
    const before = this.sockets.get(signal);
    this.sockets.set(signal, socket);
    if (before === undefined) signal.addEventListener('abort', () => this.sockets.get(signal)?.destroy());
    else before.destroy();
    if (signal.aborted) socket.destroy();
  }
}

type Hold = (socket: MemorySocket, signal: CancelSignal) => void;

class Session implements TlsSession {
  private readonly role: 'server' | 'client';
  private readonly files: TlsFiles;
  private readonly serverName: string | undefined;
  private readonly hold: Hold;
  private readonly socket = new MemorySocket();
  private tls: TLSSocket | undefined;
  private begun = false;
  private secured = false;
  private failure: Failure | undefined;
  private received: Uint8Array = new Uint8Array(0);

  constructor(role: 'server' | 'client', files: TlsFiles, serverName: string | undefined, hold: Hold) {
    this.role = role;
    this.hold = hold;
    this.files = files;
    this.serverName = serverName;
    this.socket.on('error', () => this.fail('TLS was ended'));
  }

  async exchange(input: Uint8Array, signal: CancelSignal): Promise<TlsProgress> {
    if (!this.begun) {
      this.begun = true;
      // Before anything is awaited the octets may be borrowed no more.
      const first = Uint8Array.from(input);
      const material = await this.files.current();
      this.hold(this.socket, signal);
      if (this.socket.destroyed) this.fail('the session is over');
      else if (this.role === 'server') this.accept(material);
      else this.connect(material);
      this.socket.feed(first);
    } else this.socket.feed(input);
    return this.settle();
  }

  async write(data: Uint8Array, _signal: CancelSignal): Promise<TlsProgress> {
    this.tls?.write(data);
    return this.settle();
  }

  /** The server emits the socket only when it knows whether the certificate is right; a bare TLSSocket never does. */
  private accept(material: TlsMaterial): void {
    const server = createServer({
      ...material,
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      // Every session has a server of its own, so a ticket would serve nobody.
      secureOptions: constants.SSL_OP_NO_TICKET,
    });
    server.once('secureConnection', (tls) => this.secure(tls));
    server.on('tlsClientError', (error) => this.fail(reasonOf(error)));
    server.emit('connection', this.socket);
  }

  private connect(material: TlsMaterial): void {
    const tls = connect({
      ...material,
      socket: this.socket,
      rejectUnauthorized: false,
      // There is no host name in EAP; `serverName` is compared below.
      checkServerIdentity: () => undefined,
    });
    tls.once('secureConnect', () => this.secure(tls));
    tls.on('error', (error) => this.fail(reasonOf(error)));
  }

  private secure(tls: TLSSocket): void {
    this.tls = tls;
    this.secured = true;
    this.socket.activity += 1;
    tls.disableRenegotiation();
    tls.on('error', (error) => this.fail(reasonOf(error)));
    tls.on('close', () => this.fail('the other side closed TLS'));
    tls.on('data', (data: Uint8Array) => {
      this.socket.activity += 1;
      this.received = concatBytes(this.received, data);
      if (this.received.length > MAX_RECEIVED) this.socket.destroy();
    });
  }

  private fail(reason: string, denial: AuthDenial = 'bad-credentials'): void {
    this.failure ??= { denial, reason };
    this.socket.activity += 1;
  }

  /** Everything TLS does with what it was given happens within a few turns of the event loop. */
  private async settle(): Promise<TlsProgress> {
    const before = this.socket.activity;
    let seen = before;
    for (let calm = 0; calm < (seen === before ? SILENT_TURNS : CALM_TURNS); ) {
      await turn();
      if (this.socket.activity === seen) calm += 1;
      else {
        calm = 0;
        seen = this.socket.activity;
      }
    }
    return this.report();
  }

  private report(): TlsProgress {
    const output = this.socket.takeOutput();
    if (this.socket.destroyed) this.fail('TLS was ended');
    const { tls, received } = this;
    if (this.failure !== undefined) return { state: 'failed', output, ...this.failure };
    if (!this.secured || tls === undefined) return { state: 'handshaking', output };
    const shown = tls.getPeerCertificate();
    const certificate = readCertificate(shown);
    const nothing = new Uint8Array(0);
    if (certificate === undefined) {
      return { state: 'failed', output: nothing, denial: 'bad-credentials', reason: 'the peer sent no certificate' };
    }
    if (!tls.authorized) {
      return { state: 'failed', output: nothing, ...certificateRefusal(String(tls.authorizationError)) };
    }
    const impostor = this.role === 'client' ? this.whyNoServer(certificate, shown) : undefined;
    if (impostor !== undefined) {
      return { state: 'failed', output: nothing, denial: 'bad-credentials', reason: impostor };
    }
    this.received = nothing;
    const version = tls.getProtocol() === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2';
    return {
      state: 'established',
      output,
      version,
      certificate,
      received,
      exportKeyingMaterial: (length, label, context) =>
        Uint8Array.from(
          context === undefined
            ? tls.exportKeyingMaterial(length, label)
            : tls.exportKeyingMaterial(length, label, Buffer.from(context)),
        ),
    };
  }

  /** An authority often issues to clients and servers alike: one of its clients must not pass for the server. */
  private whyNoServer({ names }: TlsCertificate, shown: PeerCertificate): string | undefined {
    const { serverName } = this;
    if (serverName !== undefined) {
      return names.includes(serverName) ? undefined : `the server's certificate is not for ${serverName}`;
    }
    if (isForServers(shown)) return undefined;
    return "the server's certificate is not marked as a server's (extended key usage serverAuth): set PPTP_EAP_TLS_SERVER_NAME to the name in it";
  }
}

const reasonOf = (error: Error): string => {
  const text = 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
  return `TLS: ${printable(text, 120)}`;
};
