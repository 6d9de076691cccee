import { describe, expect, it } from 'vitest';
import { toHex } from '../../core/bytes/hex.ts';
import { parseIpNetwork } from '../../core/bytes/ip-network.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import type { SaEvent, SecurityAssociation, SecurityAssociations } from '../../core/ports/security-associations.ts';
import { TOKENS } from '../../core/tokens.ts';
import { withOptions } from '../../gateway/plugin-loader.ts';
import { ipsecEspPlugin } from '../../plugins/ipsec-esp/index.ts';
import { arrived } from '../support/arrived.ts';
import { address } from '../support/batches.ts';
import { association, CBC_KEYS, espIpv4, espOpen, espSeal, GCM_KEYS } from '../support/esp-peer.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';
import { passing } from '../support/passing.ts';

const HOST = address('10.0.0.80');
const OTHER = address('10.0.0.81');
const UDP = 17;

/** A gateway with `ipsec-esp`, its associations, and the key manager's end of the port. */
const start = async (...associations: readonly SecurityAssociation[]) => {
  let manager: SecurityAssociations | undefined;
  const events: SaEvent[] = [];
  const keys = definePlugin({
    name: 'test-keys',
    api: PLUGIN_API,
    register: ({ bind }) => {
      bind(TOKENS.Lifecycle).toResolvedValue(
        (table) => ({
          name: 'test-keys',
          start: async () => {
            manager = table;
            table.subscribe((event) => events.push(event));
            for (const one of associations) expect(table.add(one)).toBeUndefined();
          },
          stop: async () => undefined,
        }),
        [TOKENS.SecurityAssociations],
      );
    },
  });
  const plugins = [withOptions(ipsecEspPlugin, { file: undefined }), withOptions(keys, undefined)];
  const lab = await GatewayLab.start({
    plugins,
    users: { alice: { password: 'wonderland' }, bob: { password: 'builder' } },
  });
  if (manager === undefined) throw new Error('the key manager was not started');
  const table = manager;
  const client = await lab.connect();
  return { lab, client, table, events, ...passing(lab, client) };
};

const drops = (lab: GatewayLab): Record<string, number> => Object.fromEntries(lab.telemetry.drops);

const cases = [GCM_KEYS, CBC_KEYS].flatMap((algorithm) =>
  (['transport', 'tunnel'] as const).flatMap((mode) => [false, true].map((esn) => ({ algorithm, mode, esn }))),
);

describe.each(cases)('ESP for a host behind the gateway: $algorithm.name, $mode mode, ESN $esn', (kind) => {
  const into = association(HOST, { direction: 'in', ...kind });
  const out = association(HOST, { direction: 'out', ...kind });
  const text = (source: Ipv4, destination: Ipv4, words: string): Uint8Array =>
    ipv4Packet({ source, destination, protocol: UDP, payload: Buffer.from(words) });
  /** As the client's kernel sends it. */
  const sealed = (packet: Uint8Array, sequence: bigint, source: Ipv4): Uint8Array => {
    const esp =
      kind.mode === 'tunnel' ? espSeal(into, sequence, packet, 4) : espSeal(into, sequence, packet.subarray(20), UDP);
    return espIpv4(source, HOST, esp);
  };

  it('comes out in the clear at the intranet, and goes back as ESP', async () => {
    const { lab, client, fromClient, toClient } = await start(into, out);
    const up = text(client.address, HOST, 'to the host');
    expect(await fromClient(sealed(up, 1n, client.address), sealed(up, 2n, client.address))).toEqual([up, up]);
    const down = text(HOST, client.address, 'to the client');
    const back = await toClient(down, down);
    expect(back).toHaveLength(2);
    for (const [at, packet] of back.entries()) {
      expect(toHex(packet.subarray(9, 10))).toBe('32');
      const { payload, nextHeader } = espOpen(out, BigInt(at + 1), packet.subarray(20));
      expect(nextHeader).toBe(kind.mode === 'tunnel' ? 4 : UDP);
      expect(toHex(payload)).toBe(toHex(kind.mode === 'tunnel' ? down : down.subarray(20)));
    }
    expect(drops(lab)).toEqual({});
  });

  it('counts what is wrong by its name, and lets nothing of it out', async () => {
    const { lab, client, fromClient, toClient } = await start(into, out);
    const up = text(client.address, HOST, 'to the host');
    const good = sealed(up, 1n, client.address);
    expect(await fromClient(good)).toEqual([up]);
    const forged = sealed(up, 5n, client.address);
    forged[40] = (forged[40] ?? 0) ^ 1;
    const other = { ...into, spi: 0x7777 };
    const stranger = espIpv4(client.address, HOST, espSeal(other, 6n, up.subarray(20), UDP));
    const short = espIpv4(client.address, HOST, good.subarray(20, 32));
    const dummy = espIpv4(client.address, HOST, espSeal(into, 7n, new Uint8Array(30), 59));
    expect(await fromClient(good, forged, stranger, short, dummy, up)).toEqual([]);
    expect(drops(lab)).toEqual({
      'ipsec-esp in duplicate': 1,
      'ipsec-esp in decrypt-failed': 1,
      'ipsec-esp in no-sa': 1,
      'ipsec-esp in truncated': 1,
      'ipsec-esp in dummy': 1,
      'ipsec-esp in policy': 1,
    });
    // None of them moved the window.
    expect(await fromClient(sealed(up, 2n, client.address))).toEqual([up]);
    // ESP of others, and what is not protected, passes as it is.
    const foreign = espIpv4(client.address, OTHER, good.subarray(20));
    const plain = text(client.address, OTHER, 'to another');
    expect(await fromClient(foreign, plain)).toEqual([foreign, plain]);
    expect(await toClient(text(OTHER, client.address, 'plain'))).toEqual([text(OTHER, client.address, 'plain')]);
  });

  it('is of one user: another one has no association with the same SPI', async () => {
    const { lab, fromClient, client } = await start(into, out);
    const bob = await lab.connect({ user: 'bob', password: 'builder' });
    const up = text(bob.address, HOST, 'from bob');
    bob.tun.hostSends(sealed(up, 1n, bob.address));
    await lab.clock.advance(50);
    // It is not for the gateway to open, so it is the host's business: not one octet of it is changed.
    expect(arrived(lab.tun)).toEqual([sealed(up, 1n, bob.address)]);
    // And alice cannot speak for bob from within her association.
    const spoof = kind.mode === 'tunnel' ? text(bob.address, HOST, 'as bob') : undefined;
    if (spoof !== undefined) {
      expect(await fromClient(sealed(spoof, 1n, client.address))).toEqual([]);
      expect(drops(lab)).toEqual({ 'ipsec-esp in policy': 1 });
    }
    expect(await fromClient(sealed(text(client.address, HOST, 'x'), 2n, bob.address))).toEqual([]);
    expect(drops(lab)).toMatchObject({ 'ipsec-esp in spoofed-source': 1 });
  });
});

describe('associations of a key manager', () => {
  const into = association(HOST, { direction: 'in' });
  const down = (payload: Uint8Array, to: Ipv4): Uint8Array =>
    ipv4Packet({ source: HOST, destination: to, protocol: UDP, payload });

  it('past their hard lifetime drop what they protected, until there is a new one', async () => {
    const lifetime = { soft: { packets: 1 }, hard: { packets: 2 } };
    const { lab, client, table, events, toClient } = await start(
      into,
      association(HOST, { direction: 'out', lifetime }),
    );
    const packet = down(Buffer.from('down'), client.address);
    expect(await toClient(packet, packet, packet)).toHaveLength(2);
    expect(events.map(({ kind }) => kind)).toEqual(['soft', 'hard']);
    expect(drops(lab)).toEqual({ 'ipsec-esp out no-sa': 1 });
    expect(lab.log.lines.filter(({ event }) => event === 'ipsec.sa-over')).toHaveLength(1);
    const next = association(HOST, { direction: 'out', spi: 0x2002, name: 'next' });
    expect(table.replace('test', next)).toBeUndefined();
    const [fresh] = await toClient(packet);
    expect(espOpen(next, 1n, fresh?.subarray(20) ?? new Uint8Array())).toMatchObject({ nextHeader: UDP });
    expect(table.list().map(({ name, state, packets }) => [name, state, packets])).toEqual([
      ['test', 'usable', 0],
      ['next', 'usable', 1],
    ]);
    expect(table.remove('nobody', 'in')).toBe(false);
  });

  it('end by time, too', async () => {
    const lifetime = { soft: { seconds: 10 }, hard: { seconds: 20 } };
    const { lab, events } = await start(association(HOST, { direction: 'out', lifetime }));
    await lab.clock.advance(12_000);
    expect(events.map(({ kind }) => kind)).toEqual(['soft']);
    await lab.clock.advance(10_000);
    expect(events.map(({ kind }) => kind)).toEqual(['soft', 'hard']);
  });
});

describe('what does not fit the tunnel any more as ESP', () => {
  const out = association(HOST, { direction: 'out' });
  const into = association(HOST, { direction: 'in' });

  it('is answered with the MTU that fits where it must not be cut', async () => {
    const { lab, client, toClient } = await start(into, out);
    const big = (length: number): Uint8Array => {
      const packet = ipv4Packet({
        source: HOST,
        destination: client.address,
        protocol: UDP,
        payload: new Uint8Array(length - 20),
      });
      packet[6] = 0x40;
      return packet;
    };
    expect(await toClient(big(1396))).toEqual([]);
    const [answer] = arrived(lab.tun);
    expect([...(answer?.subarray(20, 22) ?? [])]).toEqual([3, 4]);
    const mtu = Buffer.from(answer ?? []).readUInt16BE(26);
    expect(mtu).toBeGreaterThan(1300);
    const [whole, ...none] = await toClient(big(mtu));
    expect(none).toEqual([]);
    expect(whole?.length).toBeLessThanOrEqual(1396);
    expect(espOpen(out, 1n, whole?.subarray(20) ?? new Uint8Array()).payload).toHaveLength(mtu - 20);
    expect(await toClient(big(mtu + 1))).toEqual([]);
    expect(drops(lab)).toEqual({ 'ipsec-esp out too-big': 2 });
  });

  it('is cut where it may be, and what the client cuts is put together', async () => {
    const { lab, client, fromClient, toClient } = await start(into, out);
    const payload = Uint8Array.from({ length: 1370 }, (_, i) => i);
    const down = ipv4Packet({ source: HOST, destination: client.address, protocol: UDP, payload });
    const pieces = await toClient(down);
    expect(pieces).toHaveLength(2);
    const esp = Buffer.concat(pieces.map((piece) => piece.subarray(20)));
    expect(toHex(espOpen(out, 1n, esp).payload)).toBe(toHex(payload));
    // The same way back, as a kernel would cut it, and in the wrong order.
    const back = espSeal(into, 1n, payload, UDP);
    const cut = (at: number, end: number, more: boolean): Uint8Array => {
      const piece = ipv4Packet({
        source: client.address,
        destination: HOST,
        protocol: 50,
        payload: back.subarray(at, end),
        identification: 77,
      });
      piece[6] = (more ? 0x20 : 0) | (at >> 11);
      piece[7] = (at >> 3) & 0xff;
      return piece;
    };
    const [whole, ...none] = await fromClient(cut(800, back.length, false), cut(0, 800, true));
    expect(none).toEqual([]);
    expect(toHex(whole?.subarray(20) ?? new Uint8Array())).toBe(toHex(payload));
    expect(drops(lab)).toEqual({});
  });
});

it('a network behind the gateway is reached in tunnel mode through the gateway itself', async () => {
  const networks = [parseIpNetwork('10.0.0.0/24')].filter((one) => one !== undefined);
  const gateway = address('10.99.0.1');
  const pair = (['in', 'out'] as const).map((direction) =>
    association(gateway, { direction, mode: 'tunnel', networks, algorithm: CBC_KEYS }),
  );
  const { client, lab, fromClient, toClient } = await start(...pair);
  const [into, out] = pair;
  if (into === undefined || out === undefined) throw new Error('no pair');
  const up = ipv4Packet({ source: client.address, destination: OTHER, payload: Buffer.from('up') });
  const outside = ipv4Packet({ source: client.address, destination: address('10.1.0.1'), payload: Buffer.from('x') });
  const seal = (packet: Uint8Array, sequence: bigint): Uint8Array =>
    espIpv4(client.address, gateway, espSeal(into, sequence, packet, 4));
  expect(await fromClient(seal(up, 1n), seal(outside, 2n))).toEqual([up]);
  const down = ipv4Packet({ source: OTHER, destination: client.address, payload: Buffer.from('down') });
  const [back] = await toClient(down);
  expect(toHex(espOpen(out, 1n, back?.subarray(20) ?? new Uint8Array()).payload)).toBe(toHex(down));
  expect(drops(lab)).toEqual({ 'ipsec-esp in policy': 1 });
});
