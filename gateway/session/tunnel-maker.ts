import { formatIpv4 } from '../../core/bytes/ipv4-address.ts';
import { PEER_WINDOW } from '../../core/datapath/gre-channel.ts';
import { PEER_HOST_NAME, Session } from '../../core/datapath/session.ts';
import { SETUP_SPAN } from '../../core/datapath/setup-span.ts';
import type { LinkSnapshot } from '../../core/machine/link-snapshot.ts';
import type { Machine } from '../../core/machine/machine.ts';
import type { LinkEffect, LinkInput } from '../../core/machine/ppp-link-types.ts';
import type { CallEvent } from '../../core/ports/control.ts';
import type { CallEndpoint, SessionId } from '../../core/ports/ids.ts';
import type { Attributes, SpanReference, TunnelTrace } from '../../core/ports/telemetry.ts';
import { type Instant, instant } from '../../core/time.ts';
import { connectionAttributes, controlEvents, peerAttributes } from './control-events.ts';
import type { DriverDeps } from './driver-deps.ts';
import { SessionLog } from './session-log.ts';
import { Tunnel } from './tunnel.ts';
import type { TunnelContext } from './tunnel-context.ts';
import type { TunnelSnapshot } from './tunnel-snapshot.ts';
import { TunnelSpans } from './tunnel-spans.ts';

const ended = (trace: TunnelTrace): TunnelTrace => {
  trace.end();
  return trace;
};

/** Makes tunnels with their session, their trace and their log; no stage knows of them yet. */
export class TunnelMaker {
  private readonly deps: Pick<DriverDeps, 'telemetry' | 'log' | 'createLink'>;
  private readonly context: TunnelContext;
  private readonly newId: () => SessionId;

  constructor(
    deps: Pick<DriverDeps, 'telemetry' | 'log' | 'createLink'>,
    context: TunnelContext,
    newId: () => SessionId,
  ) {
    this.deps = deps;
    this.context = context;
    this.newId = newId;
  }

  /** For a call that has just been opened. */
  fresh(event: Extract<CallEvent, { kind: 'opened' }>): Tunnel {
    const { call, peerName, control } = event;
    const session = new Session(this.newId(), call);
    session.set(PEER_WINDOW, { packets: event.window, processingDelay: event.processingDelay });
    const hostName = control?.hostName ?? '';
    if (hostName !== '') session.attribute(PEER_HOST_NAME, hostName);
    const since = instant(event.since);
    const attributes = this.attributes(session, peerName, peerAttributes(control));
    const trace = this.deps.telemetry.tunnel(attributes, since, this.context.role);
    session.set(SETUP_SPAN, trace.root);
    const connection = trace.phase('control', {}, since);
    controlEvents(connection, control);
    connection.end();
    return this.tunnel(session, peerName, this.deps.createLink(), trace, trace.traceId, trace.root);
  }

  /** In a process that takes over: what another one has written down. */
  again(snapshot: TunnelSnapshot, restoreLink: (snapshot: LinkSnapshot) => Machine<LinkInput, LinkEffect>): Tunnel {
    const { telemetry } = this.deps;
    const { role } = this.context;
    const { id, call, peerName, openedAt, trace: root, user } = snapshot;
    const session = new Session(id, call);
    session.set(PEER_WINDOW, snapshot.window);
    for (const { name, value } of snapshot.attributes) session.attribute(name, value);
    session.restoreDrops(snapshot.drops.map(({ key, count }) => [key, count]));
    session.set(SETUP_SPAN, root);
    const attributes = {
      ...this.attributes(session, peerName),
      'ppp.auth.protocol': user.method,
      'user.name': user.identity,
      'ppp.ipcp.address': formatIpv4(snapshot.address),
    };
    const trace =
      telemetry.resumed?.(root, attributes, openedAt, snapshot.upAt) ??
      ended(telemetry.tunnel(attributes, openedAt, role));
    return this.tunnel(session, peerName, restoreLink(snapshot.link), trace, root.traceId, root, openedAt);
  }

  private attributes({ id, call }: { id: SessionId; call: CallEndpoint }, peerName: string, peer?: Attributes) {
    return {
      'session.id': id,
      ...connectionAttributes(this.context.role, call.local, call.peer, peerName),
      ...peer,
      'pptp.call.id': call.localCallId,
      'pptp.peer_call.id': call.peerCallId,
    };
  }

  private tunnel(
    session: Session,
    peerName: string,
    link: Machine<LinkInput, LinkEffect>,
    trace: TunnelTrace,
    traceId: string,
    root: SpanReference,
    openedAt?: Instant,
  ): Tunnel {
    const { now, roundTrip } = this.context;
    const fields = {
      session: session.id,
      peer: peerName,
      trace_id: traceId,
      ...(root.sampled ? { span_id: root.spanId } : {}),
    };
    const log = new SessionLog(this.deps.log, fields, now);
    return new Tunnel(session, peerName, link, new TunnelSpans(trace, now, roundTrip), this.context, log, openedAt);
  }
}
