import { withoutDomain } from '../../core/crypto/ms-chap-v2.ts';
import type { PacketBatch } from '../../core/datapath/packet-batch.ts';
import { PassedDatagrams } from '../../core/datapath/passed-datagrams.ts';
import type { SessionView } from '../../core/datapath/session.ts';
import type { BatchStep } from '../../core/datapath/stage.ts';
import type { IpsecHook } from '../../core/ports/ipsec-hook.ts';
import type { SessionEnding, SessionFacts, SessionUsage } from '../../core/ports/session-facts.ts';
import { type Concerned, Judge, type Side } from './judge.ts';
import type { IpsecPolicyOptions, PolicyRule } from './options.ts';

/**
 * End to end or not at all: between a user and its protected destinations only IPsec passes, untouched; everything else
 * is dropped as `policy`. It is the gateway that is sure of it, whatever the client's own rules are.
 */
export class IpsecPolicyHook implements IpsecHook {
  readonly name = 'ipsec-policy';
  readonly inbound: BatchStep = { process: (batch, from) => this.process(batch, from, 'destination') };
  readonly outbound: BatchStep = { process: (batch, from) => this.process(batch, from, 'source') };
  private readonly rules: readonly PolicyRule[];
  private readonly judge: Judge;
  /** Sessions that have protected destinations. */
  private readonly sessions = new Map<SessionView, Concerned>();

  constructor({ destinations, users, rules, icmp, dns }: IpsecPolicyOptions) {
    this.rules = destinations.length === 0 ? rules : [{ users, destinations }, ...rules];
    this.judge = new Judge({ icmp, dns });
  }

  up(facts: SessionFacts, session: SessionView): void {
    const destinations = this.rules
      .filter(({ users }) => concerns(users, facts.identity))
      .flatMap((one) => one.destinations);
    if (destinations.length > 0) this.sessions.set(session, { destinations, passed: new PassedDatagrams() });
    else this.sessions.delete(session);
  }

  restored(facts: SessionFacts, session: SessionView): void {
    this.up(facts, session);
  }

  changed(facts: SessionFacts, session: SessionView): void {
    this.up(facts, session);
  }

  down(_facts: SessionFacts, _ending: SessionEnding, _usage: SessionUsage, session: SessionView): void {
    this.sessions.delete(session);
  }

  private process(batch: PacketBatch, from: number, side: Side): void {
    if (this.sessions.size === 0) return;
    const { slab, offset, length } = batch;
    let known: SessionView | undefined;
    let concerned: Concerned | undefined;
    this.judge.now = batch.now;
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] ?? 0;
      const session = batch.session[index];
      // Packets of a batch come in runs of one session.
      if (session !== known) {
        known = session;
        concerned = session === undefined ? undefined : this.sessions.get(session);
      }
      if (concerned === undefined) continue;
      if (!this.judge.mayPass(slab, offset[index] ?? 0, length[index] ?? 0, side, concerned)) {
        batch.drop(index, 'policy');
      }
    }
  }
}

/** Names are compared as Windows does, with and without a domain: who might be meant is concerned. */
const concerns = (users: readonly string[], identity: string): boolean => {
  if (users.length === 0) return true;
  const names = [identity, withoutDomain(identity)].map((name) => name.toLowerCase());
  return users.some((user) => names.includes(user.toLowerCase()));
};
