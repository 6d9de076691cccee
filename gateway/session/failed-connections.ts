import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { CallEvent } from '../../core/ports/control.ts';
import type { Telemetry, TunnelRole } from '../../core/ports/telemetry.ts';
import { after, type Instant, instant } from '../../core/time.ts';
import { connectionAttributes, controlEvents, peerAttributes } from './control-events.ts';

/** Traces of control connections without a call, in a minute: of all sources together, and of one. */
const TRACES_A_MINUTE = 20;
const TRACES_PER_SOURCE = 3;
const MINUTE_MS = 60_000;

/**
 * Traces of control connections that ended without a call. Whoever scans ports makes as many as it likes, so they are few
 * in a minute, and none for a connection on which nothing was said; what is not traced is counted, and the next trace
 * says how much it was.
 */
export class FailedConnections {
  private readonly telemetry: Telemetry;
  private readonly now: () => Instant;
  private readonly role: TunnelRole;
  /** Of this minute; at most as many entries as traces. */
  private readonly bySource = new Map<Ipv4, number>();
  private made = 0;
  private suppressed = 0;
  private minuteEnd: Instant | undefined;

  constructor(telemetry: Telemetry, now: () => Instant, role: TunnelRole = 'server') {
    this.telemetry = telemetry;
    this.now = now;
    this.role = role;
  }

  report({ local, peer, peerName, since, error, detail, control }: Extract<CallEvent, { kind: 'no-call' }>): void {
    this.telemetry.event('control.no-call', { error });
    if (since === undefined) return;
    if (!this.admits(peer)) {
      this.suppressed += 1;
      return;
    }
    const began = instant(since);
    const missed = this.suppressed > 0 ? { 'pptp.trace.suppressed': this.suppressed } : {};
    this.suppressed = 0;
    const attributes = {
      ...connectionAttributes(this.role, local, peer, peerName),
      ...peerAttributes(control),
      ...missed,
    };
    const failure = { error, message: detail };
    const trace = this.telemetry.tunnel(attributes, began, this.role);
    const phase = trace.phase('control', {}, began);
    controlEvents(phase, control);
    phase.end(failure);
    trace.end(failure);
  }

  private admits(peer: Ipv4): boolean {
    const now = this.now();
    if (this.minuteEnd === undefined || now >= this.minuteEnd) {
      this.minuteEnd = after(now, MINUTE_MS);
      this.made = 0;
      this.bySource.clear();
    }
    const ofSource = this.bySource.get(peer) ?? 0;
    if (this.made >= TRACES_A_MINUTE || ofSource >= TRACES_PER_SOURCE) return false;
    this.made += 1;
    this.bySource.set(peer, ofSource + 1);
    return true;
  }
}
