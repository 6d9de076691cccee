/** Columns that `GET /v1/sessions` sorts by; `-` in front is descending. */
export const SESSION_SORTS = [
  'openedAt',
  'user',
  'peer',
  'address',
  'state',
  'seconds',
  'octetsIn',
  'octetsOut',
  'rateIn',
  'rateOut',
  'dropped',
] as const;
export type SessionSort = (typeof SESSION_SORTS)[number];

export const SESSION_STATES = ['setup', 'up'] as const;
export type SessionState = (typeof SESSION_STATES)[number];

/** Query of `GET /v1/sessions` and of its stream. All of what is given must agree. */
export interface SessionsQuery {
  readonly state?: SessionState;
  /** Without case. */
  readonly user?: string;
  /** Inner address. */
  readonly address?: string;
  /** Outer address of the peer, without port. */
  readonly peer?: string;
  /** Part of id, user, inner or outer address; without case. */
  readonly search?: string;
  readonly worker?: number;
  /** "user" or "-rateIn"; "openedAt" if left out. */
  readonly sort?: string;
  /** 0 if left out. */
  readonly offset?: number;
  /** 1 to 1000; 100 if left out. */
  readonly limit?: number;
}

/** A session in a line. */
export interface SessionRow {
  readonly id: string;
  readonly state: SessionState;
  /** The peer's control address and port. */
  readonly peer: string;
  readonly user: string | null;
  /** Authentication method by its name; null until it is known. */
  readonly method: string | null;
  /** Inner address of the peer. */
  readonly address: string | null;
  readonly encryption: string;
  /** ISO 8601. */
  readonly openedAt: string;
  readonly upAt: string | null;
  /** Since the call began. */
  readonly seconds: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  /** Of GRE payload; `in` is from the peer. */
  readonly octetsIn: number;
  readonly octetsOut: number;
  /** Octets a second, of the last second that was looked at; 0 until there were two looks. */
  readonly rateIn: number;
  readonly rateOut: number;
  /** Packets of the tunnel that were dropped, whatever the reason. */
  readonly dropped: number;
  readonly traceId: string;
  /** Index of the worker process that has it, in a gateway with several. */
  readonly worker?: number;
}

export interface SessionsPage {
  /** Of all sessions that fit the query. */
  readonly total: number;
  readonly offset: number;
  readonly limit: number;
  readonly sessions: readonly SessionRow[];
  /** Indexes of workers that did not answer; absent when all did. */
  readonly missing?: readonly number[];
}

export interface TimelineEntry {
  /** Since the beginning, of the gateway's clock. */
  readonly seconds: number;
  readonly event: string;
  readonly message: string;
}

export interface SessionPhase {
  readonly name: string;
  /** Since the beginning. */
  readonly start: number;
  /** Null: it goes on. */
  readonly seconds: number | null;
  readonly error: string | null;
  readonly detail: string | null;
}

/** `GET /v1/sessions/:id`. */
export interface SessionDetail extends SessionRow {
  readonly callId: number;
  readonly peerCallId: number;
  /** Our outer address. */
  readonly local: string;
  readonly ipv6: string | null;
  /** GRE numbers that were waited for in vain. */
  readonly lost: number;
  /** Since the last GRE packet of the peer; null when none came. */
  readonly silentSeconds: number | null;
  /** By "stage direction reason". */
  readonly drops: Readonly<Record<string, number>>;
  /** What the peer said of itself. */
  readonly attributes: Readonly<Record<string, string>>;
  /** As in force now; null until the user has proven who it is. */
  readonly profile: SessionProfile | null;
  readonly phases: readonly SessionPhase[];
  /** What was noted and what the protocols said, in the order of time. */
  readonly timeline: readonly TimelineEntry[];
}

export interface SessionProfile {
  /** Bits a second; null: no limit. */
  readonly rateUp: number | null;
  readonly rateDown: number | null;
  readonly filter: string | null;
  readonly idleSeconds: number | null;
  readonly sessionSeconds: number | null;
  readonly quotaOctets: number | null;
  /** "10.1.0.0/16". */
  readonly routes: readonly string[];
}

/** Body of `PATCH /v1/sessions/:id`; what is left out stays, null puts back what the configuration says. */
export interface SessionChange {
  readonly rateUp?: number | null;
  readonly rateDown?: number | null;
  readonly filter?: string | null;
  readonly idleSeconds?: number | null;
  readonly sessionSeconds?: number | null;
  readonly quotaOctets?: number | null;
}

/** Body of `POST /v1/sessions/disconnect`: a query that must not be empty; how many it ended is in the answer. */
export interface DisconnectOrder {
  readonly id?: string;
  readonly user?: string;
  readonly address?: string;
  readonly peer?: string;
  /** For the log, the peer's accounting and the audit. */
  readonly reason?: string;
}

export interface Disconnected {
  readonly disconnected: readonly string[];
  /** Worker processes that did not answer: their part is not here. */
  readonly missing?: readonly number[];
}
