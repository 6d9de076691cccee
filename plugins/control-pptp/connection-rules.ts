import { AccessList, type AccessLists } from './access-list.ts';

/**
 * How many control connections there may be at once, in all and from one source address (NAT: several clients share one),
 * and how many new ones. One source gets no more calls than connections.
 */
export interface ConnectionLimitOptions {
  readonly maxConnections: number;
  readonly maxConnectionsPerSource: number;
  /** Of these, and of calls: those whose user has not proven itself; undefined: as many as there may be. */
  readonly maxUnproven?: number | undefined;
  readonly maxUnprovenPerSource?: number | undefined;
  /** New connections of one source in a minute; undefined: what it may have at once, and 60 more. */
  readonly connectRatePerSource?: number | undefined;
}

export interface ConnectionRuleSet {
  readonly limits: ConnectionLimitOptions;
  readonly access: AccessLists;
}

/** What decides whether a connection is taken; asked for each one, so that new rules hold at once. */
export class ConnectionRules {
  private currentLimits: ConnectionLimitOptions;
  private currentAccess: AccessList;

  constructor(limits: ConnectionLimitOptions, access?: AccessLists) {
    this.currentLimits = limits;
    this.currentAccess = access === undefined ? AccessList.EVERYBODY : new AccessList(access);
  }

  get limits(): ConnectionLimitOptions {
    return this.currentLimits;
  }

  get access(): AccessList {
    return this.currentAccess;
  }

  /** For connections that come from now on; those that are there stay. */
  update({ limits, access }: ConnectionRuleSet): void {
    this.currentLimits = limits;
    this.currentAccess = new AccessList(access);
  }
}
