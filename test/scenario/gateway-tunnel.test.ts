import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../core/bytes/ascii.ts';
import { readU16 } from '../../core/bytes/bytes.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { address } from '../support/batches.ts';
import { GatewayLab, SERVER } from '../support/gateway-lab.ts';
import { contains, controlMessages, sentFrom } from '../support/gre-packets.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';

const INTRANET = address('10.0.0.80');
const GATEWAY = address('10.99.0.1');
const FIRST = address('10.99.0.2');
const SECRET = asciiBytes('nobody on the way may read this line');

const ping = (source: Ipv4, destination: Ipv4, payload = SECRET): Uint8Array =>
  ipv4Packet({ source, destination, payload });

describe('a client dials the gateway', () => {
  it('goes through control connection, LCP, authentication, CCP and IPCP', async () => {
    const lab = await GatewayLab.start({ env: { PPTP_DNS: '10.0.0.53' } });
    const client = await lab.dial();
    await lab.clock.advance(1_000);

    expect(client.events).toEqual([
      { kind: 'up', network: { address: FIRST, gateway: GATEWAY, dns: [address('10.0.0.53')] } },
    ]);
    expect(controlMessages(client.pipe.writtenBy('left')).map(({ kind }) => kind)).toEqual([
      'start-control-connection-request',
      'outgoing-call-request',
    ]);
    expect(controlMessages(client.pipe.writtenBy('right')).map(({ kind }) => kind)).toEqual([
      'start-control-connection-reply',
      'outgoing-call-reply',
    ]);
    expect(lab.gateway.sessions()).toBe(1);
    expect(lab.log.lines.map(({ event }) => event)).toEqual(['call.opened', 'session.up']);
    expect(lab.log.lines[1]?.fields).toMatchObject({
      user: 'alice',
      address: '10.99.0.2',
      encryption: 'MPPE 128 stateless',
    });
    expect([...lab.telemetry.drops]).toEqual([]);
  });

  it('leaves one trace with a span for each phase, in order', async () => {
    const lab = await GatewayLab.start();
    await lab.connect();
    expect(lab.telemetry.traces).toHaveLength(1);
    const [trace] = lab.telemetry.traces;
    expect(trace?.phases.map(({ name, ended, failure }) => ({ name, ended, failure }))).toEqual(
      ['control', 'lcp', 'auth', 'address', 'ccp', 'ipcp'].map((name) => ({ name, ended: true, failure: undefined })),
    );
    expect(trace).toMatchObject({ ended: true, failure: undefined });
    expect(trace?.attributes).toMatchObject({
      'client.address': '203.0.113.1',
      'network.local.address': '198.51.100.1',
      'user.name': 'alice',
      'ppp.mppe.key_bits': 128,
      'ppp.mppe.stateless': true,
      'ppp.ipcp.address': '10.99.0.2',
    });
  });

  it('numbers the packets of each direction from 0 and names the other side’s Call ID', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    const [request, reply] = [
      controlMessages(client.pipe.writtenBy('left'))[1],
      controlMessages(client.pipe.writtenBy('right'))[1],
    ];
    if (request?.kind !== 'outgoing-call-request' || reply?.kind !== 'outgoing-call-reply') throw new Error('no call');
    for (const [source, callId] of [
      [SERVER, request.callId],
      [client.outer, reply.callId],
    ] as const) {
      const packets = sentFrom(source, lab.wire.seen);
      const numbers = packets.map(({ sequence }) => sequence).filter((sequence) => sequence >= 0);
      expect(numbers).toEqual(numbers.map((_, position) => position));
      expect(new Set(packets.map((packet) => packet.callId))).toEqual(new Set([callId]));
    }
  });
});

describe('user data', () => {
  it('reaches the other side as it was, and is unreadable on the way', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    lab.wire.seen.length = 0;

    const request = ping(client.address, INTRANET);
    client.tun.hostSends(request);
    await lab.clock.advance(10);
    expect(lab.tun.hostReceives()).toEqual(request);

    const answer = ping(INTRANET, client.address);
    lab.tun.hostSends(answer);
    await lab.clock.advance(10);
    expect(client.tun.hostReceives()).toEqual(answer);

    const [up] = sentFrom(client.outer, lab.wire.seen);
    const [down] = sentFrom(SERVER, lab.wire.seen);
    for (const packet of [up, down]) {
      if (packet === undefined) throw new Error('nothing on the wire');
      // PPP protocol 0x00FD, compressed to one octet, then MPPE flushed and encrypted (stateless, RFC 3078 section 7).
      expect(packet.payload[0]).toBe(0xfd);
      expect(readU16(packet.payload, 1) & 0xf000).toBe(0x9000);
      expect(contains(packet.payload, SECRET)).toBe(false);
      expect(packet.payload.length).toBe(1 + 2 + 2 + request.length);
    }
    // The answer carries the acknowledgment of the request.
    expect(down?.acknowledgment).toBe(up?.sequence);
    expect([...lab.telemetry.drops]).toEqual([]);
  });

  it('that nothing answers is acknowledged alone after 100 ms', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    lab.wire.seen.length = 0;

    client.tun.hostSends(ping(client.address, INTRANET));
    await lab.clock.advance(99);
    const [up] = sentFrom(client.outer, lab.wire.seen);
    expect(sentFrom(SERVER, lab.wire.seen)).toEqual([]);
    await lab.clock.advance(1);
    expect(sentFrom(SERVER, lab.wire.seen)).toEqual([
      {
        at: (up?.at ?? 0) + 100,
        callId: client.peer.call?.localCallId,
        sequence: -1,
        acknowledgment: up?.sequence,
        payload: new Uint8Array(0),
      },
    ]);
    await lab.clock.advance(1_000);
    expect(sentFrom(SERVER, lab.wire.seen)).toHaveLength(1);
  });

  it('of two tunnels goes to the right one', async () => {
    const lab = await GatewayLab.start({
      users: { alice: { password: 'wonderland' }, bob: { password: 'builder' } },
    });
    const alice = await lab.connect();
    const bob = await lab.connect({ user: 'bob', password: 'builder' });
    expect([alice.address, bob.address]).toEqual([FIRST, address('10.99.0.3')]);

    const toAlice = ping(INTRANET, alice.address, asciiBytes('for alice'));
    const toBob = ping(INTRANET, bob.address, asciiBytes('for bob'));
    const fromAlice = ping(alice.address, INTRANET, asciiBytes('from alice'));
    const fromBob = ping(bob.address, INTRANET, asciiBytes('from bob'));
    lab.tun.hostSends(toBob);
    lab.tun.hostSends(toAlice);
    bob.tun.hostSends(fromBob);
    alice.tun.hostSends(fromAlice);
    await lab.clock.advance(10);

    expect([alice.tun.hostReceives(), alice.tun.hostReceives()]).toEqual([toAlice, undefined]);
    expect([bob.tun.hostReceives(), bob.tun.hostReceives()]).toEqual([toBob, undefined]);
    const received = [lab.tun.hostReceives(), lab.tun.hostReceives()];
    expect(received).toContainEqual(fromAlice);
    expect(received).toContainEqual(fromBob);
    expect([...lab.telemetry.drops]).toEqual([]);
  });

  it('from one tunnel to the other goes through the host and is not cut short in the gateway', async () => {
    const lab = await GatewayLab.start({ users: { alice: { password: 'a' }, bob: { password: 'b' } } });
    const alice = await lab.connect({ password: 'a' });
    const bob = await lab.connect({ user: 'bob', password: 'b' });
    const packet = ping(alice.address, bob.address);
    alice.tun.hostSends(packet);
    await lab.clock.advance(10);
    expect(lab.tun.hostReceives()).toEqual(packet);
    expect(bob.tun.hostReceives()).toBeUndefined();
    lab.tun.hostSends(packet);
    await lab.clock.advance(10);
    expect(bob.tun.hostReceives()).toEqual(packet);
  });
});
