import { describe, expect, it } from 'vitest';
import type { Ipv4 } from '../../../../../core/bytes/ipv4-address.ts';
import type { Session } from '../../../../../core/datapath/session.ts';
import { AddressStage } from '../../../../../core/datapath/stages/address.stage.ts';
import type { SessionLookup } from '../../../../../core/ports/sessions.ts';
import { address, batchOf, livePackets, openSession, run } from '../../../../support/batches.ts';
import { ipv4Packet } from '../../../../support/ipv4-packets.ts';

const IPV4 = 0x0021;
const IPV6 = 0x0057;
const ALICE = address('10.99.0.2');
const BOB = address('10.99.0.3');
const SERVER = address('198.51.100.80');

const sessionAt = (inner: Ipv4 | undefined): Session => {
  const session = openSession();
  session.address = inner;
  return session;
};
const lookup = (...sessions: readonly Session[]): SessionLookup => ({
  byCallId: () => undefined,
  byAddress: (inner) => sessions.find((session) => session.address === inner),
});

describe('source guard (inbound)', () => {
  const { inbound } = new AddressStage(lookup());
  const packet = ipv4Packet({ source: ALICE, destination: SERVER, payload: new Uint8Array(30) });

  it('lets a peer speak as the address it was given', () => {
    const batch = batchOf([packet], { session: sessionAt(ALICE), protocol: IPV4 });
    expect(run(inbound, batch)).toEqual({});
    expect(livePackets(batch)).toEqual([packet]);
  });

  it.each<[string, Uint8Array, Ipv4 | undefined, number, string]>([
    ['another source', packet, BOB, IPV4, 'spoofed-source'],
    ['no address yet', packet, undefined, IPV4, 'wrong-phase'],
    ['IPv6', packet, ALICE, IPV6, 'unsupported'],
    ['a packet cut short', packet.subarray(0, 40), ALICE, IPV4, 'malformed'],
    ['no packet at all', new Uint8Array(0), ALICE, IPV4, 'malformed'],
    ['a header of another version', new Uint8Array(40).fill(0x66), ALICE, IPV4, 'malformed'],
  ])('drops %s by name', (_, bytes, inner, protocol, reason) => {
    expect(run(inbound, batchOf([bytes], { session: sessionAt(inner), protocol }))).toEqual({ [reason]: 1 });
  });

  it('judges each packet of a batch by its own session', () => {
    const batch = batchOf([packet, packet], { protocol: IPV4 });
    batch.session[0] = sessionAt(BOB);
    batch.session[1] = sessionAt(ALICE);
    expect(run(inbound, batch)).toEqual({ 'spoofed-source': 1 });
    expect(batch.session[batch.order[0] ?? -1]?.address).toBe(ALICE);
  });
});

describe('route lookup (outbound)', () => {
  const alice = sessionAt(ALICE);
  const bob = sessionAt(BOB);
  const { outbound } = new AddressStage(lookup(alice, bob));
  const towards = (destination: Ipv4): Uint8Array =>
    ipv4Packet({ source: SERVER, destination, payload: new Uint8Array(8) });

  it('gives each packet the session of its destination, and the PPP protocol', () => {
    const batch = batchOf([towards(BOB), towards(ALICE)]);
    expect(run(outbound, batch, 'out')).toEqual({});
    expect(batch.session.slice(0, 2)).toEqual([bob, alice]);
    expect([...batch.protocol.slice(0, 2)]).toEqual([IPV4, IPV4]);
  });

  it.each<[string, Uint8Array, string]>([
    ['nobody has the address', towards(address('10.99.0.77')), 'no-route'],
    ['it is multicast', towards(address('224.0.0.251')), 'no-route'],
    ['it is IPv6', new Uint8Array(40).fill(0x60), 'unsupported'],
    ['it is empty', new Uint8Array(0), 'unsupported'],
    ['it is cut short', towards(ALICE).subarray(0, 25), 'malformed'],
  ])('drops a packet when %s', (_, packet, reason) => {
    expect(run(outbound, batchOf([packet]), 'out')).toEqual({ [reason]: 1 });
  });
});
