import type { LifeView } from './life.ts';

/** The session of an event of `GET /v1/events`. */
interface SessionEvent {
  /** ISO 8601. */
  readonly at: string;
  readonly id: string;
  readonly user: string | null;
  /** The peer's control address and port. */
  readonly peer: string;
  readonly traceId: string;
  /** Index of the worker process that has it, in a gateway with several. */
  readonly worker?: number;
}

/** `session.up`: the network of a session is up for the first time. */
export interface SessionUp extends SessionEvent {
  /** Inner address of the peer. */
  readonly address: string | null;
  readonly encryption: string;
  /** What the set-up took since the call began. */
  readonly seconds: number;
}

/** `session.down`: a session that was up has ended. */
export interface SessionDown extends SessionEvent {
  /** A stable word: "peer-request", "idle", "administrative". */
  readonly reason: string;
  readonly detail: string;
  /** Since the call began. */
  readonly seconds: number;
  /** Of GRE payload; `in` is from the peer. */
  readonly octetsIn: number;
  readonly octetsOut: number;
}

/** `session.failed`: a call has ended before its network was up. */
export interface SessionFailed extends SessionEvent {
  /** A stable word: why the set-up failed, which may be more than why the call ended. */
  readonly error: string;
  readonly detail: string;
  readonly seconds: number;
}

/** An event of `GET /v1/events`: its name, and the JSON behind `data:`. `lost`: so many did not fit into a slow connection. */
export type GatewayEvent =
  | { readonly event: 'session.up'; readonly data: SessionUp }
  | { readonly event: 'session.down'; readonly data: SessionDown }
  | { readonly event: 'session.failed'; readonly data: SessionFailed }
  | { readonly event: 'life'; readonly data: LifeView };

export interface LostEvents {
  readonly events: number;
}
