import type { PacketBatch } from '../core/datapath/packet-batch.ts';
import { Session, type SessionView } from '../core/datapath/session.ts';
import { defineSlot } from '../core/datapath/slots.ts';
import { type BatchStep, STAGE_SLOT, type Stage } from '../core/datapath/stage.ts';
import { GatewayError } from '../core/errors.ts';
import type { IpsecHook } from '../core/ports/ipsec-hook.ts';
import type { SessionEnding, SessionFacts, SessionUsage } from '../core/ports/session-facts.ts';
import type { SessionListener } from '../core/ports/session-listener.ts';
import { checkIpv6, IPV6_DESTINATION, IPV6_SOURCE, isLinkLocal, isMulticast } from '../core/wire/ipv6.ts';

/** Hooks stand from the slot `ipsec` on, the gate on both sides of them. */
const GATE_IN = STAGE_SLOT.ipsec - 1;
const GATE_OUT = STAGE_SLOT.ipsec + 9;
const MOST = GATE_OUT - STAGE_SLOT.ipsec;
const GATE = 'ipsec-gate';
const PPP_IPV6 = 0x0057;

/**
 * Set from when all hooks were told that the session is up until they are told that it is down; `stale`: one of them threw
 * when it was told of a change, and what it knows is of another user or address.
 */
const TOLD = defineSlot<'all' | 'stale'>('ipsec-told');

/** Neighbor Discovery goes on while IPv6 is up and IPv4 is not yet; nothing of it leaves the link (RFC 4291 section 2.5.6). */
const isOfTheLink = (batch: PacketBatch, index: number, address: number): boolean => {
  const { slab } = batch;
  const at = batch.offset[index] ?? 0;
  if (batch.protocol[index] !== PPP_IPV6 || checkIpv6(slab, at, batch.length[index] ?? 0) !== 'ok') return false;
  return isLinkLocal(slab, at + address) || (address === IPV6_DESTINATION && isMulticast(slab, at + address));
};

/** Keeps packets away from the hooks whose session they do not know. `address` is the one that tells packets of the link. */
const gate = (address: number): BatchStep => ({
  process: (batch, from) => {
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] ?? 0;
      if (batch.session[index]?.get(TOLD) === 'all' || isOfTheLink(batch, index, address)) continue;
      batch.drop(index, 'wrong-phase');
    }
  },
});

/**
 * The IPsec hooks of this gateway: the stages they become, and the listener that tells them of sessions. Without hooks
 * there are no stages. A hook that throws in `up` leaves the gate closed, one that throws in `changed` closes it
 * until the next change that it takes: what it is there to protect must not pass.
 */
export class IpsecHooks implements SessionListener {
  readonly name = 'ipsec-hooks';
  readonly stages: readonly Stage[];
  readonly hooks: readonly IpsecHook[];

  constructor(hooks: readonly IpsecHook[]) {
    if (hooks.length > MOST) {
      const names = hooks.map(({ name }) => name).join(', ');
      throw new GatewayError('STAGE_CONFLICT', `there is room for ${MOST} IPsec hooks, and these are bound: ${names}`);
    }
    this.hooks = hooks;
    this.stages = hooks.length === 0 ? [] : [...gates(), ...hooks.map(stageOf)];
  }

  up(facts: SessionFacts, session: SessionView): void {
    this.tell((hook) => hook.up?.(facts, session));
    if (session instanceof Session && this.hooks.length > 0) session.set(TOLD, 'all');
  }

  restored(facts: SessionFacts, session: SessionView): void {
    this.tell((hook) => hook.restored?.(facts, session));
    if (session instanceof Session && this.hooks.length > 0) session.set(TOLD, 'all');
  }

  changed(facts: SessionFacts, session: SessionView): void {
    const isTold = session instanceof Session && session.get(TOLD) !== undefined;
    if (isTold) session.set(TOLD, 'stale');
    this.tell((hook) => hook.changed?.(facts, session));
    if (isTold) session.set(TOLD, 'all');
  }

  down(facts: SessionFacts, ending: SessionEnding, usage: SessionUsage, session: SessionView): void {
    if (session instanceof Session && this.hooks.length > 0) session.set(TOLD, undefined);
    this.tell((hook) => hook.down?.(facts, ending, usage, session));
  }

  /** All are told, whatever one of them throws; the first that threw is for the caller to report. */
  private tell(say: (hook: IpsecHook) => void): void {
    const faults: unknown[] = [];
    for (const hook of this.hooks) {
      try {
        say(hook);
      } catch (cause) {
        faults.push(cause);
      }
    }
    if (faults.length > 0) throw faults[0];
  }
}

const gates = (): readonly Stage[] => [
  { name: GATE, slot: GATE_IN, inbound: gate(IPV6_DESTINATION) },
  { name: GATE, slot: GATE_OUT, outbound: gate(IPV6_SOURCE) },
];

const stageOf = ({ name, inbound, outbound }: IpsecHook, at: number): Stage => ({
  name,
  slot: STAGE_SLOT.ipsec + at,
  ...(inbound === undefined ? {} : { inbound }),
  ...(outbound === undefined ? {} : { outbound }),
});
