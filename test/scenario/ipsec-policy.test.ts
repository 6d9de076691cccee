import { describe, expect, it } from 'vitest';
import { readU16, writeU16 } from '../../core/bytes/bytes.ts';
import { parseIpNetwork } from '../../core/bytes/ip-network.ts';
import { type PacketCursor, perPacket } from '../../core/datapath/per-packet.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { withOptions } from '../../gateway/plugin-loader.ts';
import { ipsecEspPlugin } from '../../plugins/ipsec-esp/index.ts';
import { ipsecPolicyPlugin } from '../../plugins/ipsec-policy/index.ts';
import type { IpsecPolicyOptions } from '../../plugins/ipsec-policy/options.ts';
import { arrived } from '../support/arrived.ts';
import { address } from '../support/batches.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { type Ipv4Fields, ipv4Packet } from '../support/ipv4-packets.ts';
import { passing } from '../support/passing.ts';

const PROTECTED = address('10.9.0.5');
const OPEN = address('10.0.0.80');
const ESP = 50;
const AH = 51;

const networks = (...texts: readonly string[]) => texts.map(parseIpNetwork).filter((one) => one !== undefined);

const policy = (differs: Partial<IpsecPolicyOptions> = {}) =>
  withOptions(ipsecPolicyPlugin, {
    destinations: networks('10.9.0.0/16'),
    users: [],
    rules: [],
    icmp: true,
    dns: false,
    ...differs,
  });

const start = async (differs: Partial<IpsecPolicyOptions> = {}) => {
  const lab = await GatewayLab.start({
    plugins: [policy(differs)],
    users: { alice: { password: 'wonderland' }, bob: { password: 'builder' } },
  });
  const client = await lab.connect();
  const up = (fields: Partial<Ipv4Fields>): Uint8Array =>
    ipv4Packet({ source: client.address, destination: PROTECTED, ...fields });
  const down = (fields: Partial<Ipv4Fields>): Uint8Array =>
    ipv4Packet({ source: PROTECTED, destination: client.address, ...fields });
  return { lab, client, ...passing(lab, client), up, down };
};

/** Octets that look like a TCP SYN with an MSS of 1460, for whoever looks at them as such. */
const likeSyn = (): Uint8Array => {
  const b = new Uint8Array(200);
  writeU16(b, 0, 4500);
  b[12] = 0x60;
  b[13] = 0x02;
  b.set([2, 4, 0x05, 0xb4], 20);
  return b;
};

const udp = (source: number, destination: number, length = 60): Uint8Array => {
  const b = Uint8Array.from({ length }, (_, i) => i);
  writeU16(b, 0, source);
  writeU16(b, 2, destination);
  writeU16(b, 4, length);
  return b;
};

describe('IPsec of the hosts themselves (R10)', () => {
  it('passes byte for byte both ways, whatever it looks like: ESP, AH, IKE, NAT traversal, fragments', async () => {
    const { lab, fromClient, toClient, up, down } = await start();
    const up50 = up({ protocol: ESP, payload: likeSyn() });
    const first = up({ protocol: ESP, payload: likeSyn(), identification: 9 });
    first[6] = 0x20;
    const later = up({ protocol: ESP, payload: likeSyn(), identification: 9 });
    later[7] = 25;
    const firstUdp = up({ protocol: 17, payload: udp(500, 500, 200), identification: 10 });
    firstUdp[6] = 0x20;
    const laterUdp = up({ protocol: 17, payload: likeSyn(), identification: 10 });
    laterUdp[7] = 25;
    const sent = [
      up50,
      up({ protocol: AH, payload: Uint8Array.of(6, 4, 0, 0, ...likeSyn()) }),
      up({ protocol: 17, payload: udp(500, 500) }),
      up({ protocol: 17, payload: udp(40_000, 4500, 900) }),
      first,
      later,
      firstUdp,
      laterUdp,
    ];
    expect(await fromClient(...sent)).toEqual(sent);
    const back = [
      down({ protocol: ESP, payload: likeSyn() }),
      down({ protocol: AH, payload: Uint8Array.of(6, 4, 0, 0, ...likeSyn()) }),
      down({ protocol: 17, payload: udp(500, 500) }),
      down({ protocol: 17, payload: udp(4500, 40_000, 900) }),
    ];
    expect(await toClient(...back)).toEqual(back);
    expect([...lab.telemetry.drops]).toEqual([]);
  });

  it('passes so without any hook, too', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    const packets = [ESP, AH].map((protocol) =>
      ipv4Packet({ source: client.address, destination: PROTECTED, protocol, payload: likeSyn() }),
    );
    for (const packet of packets) client.tun.hostSends(packet);
    await lab.clock.advance(50);
    expect(arrived(lab.tun)).toEqual(packets);
    const back = [ESP, AH].map((protocol) =>
      ipv4Packet({ source: PROTECTED, destination: client.address, protocol, payload: likeSyn() }),
    );
    for (const packet of back) lab.tun.hostSends(packet);
    await lab.clock.advance(50);
    expect(arrived(client.tun)).toEqual(back);
  });
});

describe('protected destinations', () => {
  it('get nothing else from the tunnel, send nothing else into it, and others are not concerned', async () => {
    const { lab, client, fromClient, toClient, up, down } = await start();
    const refused = [
      up({ protocol: 6, payload: likeSyn() }),
      up({ protocol: 17, payload: udp(500, 53) }),
      up({ protocol: 17, payload: udp(4500, 5000) }),
      up({ protocol: 17, payload: Uint8Array.of(1, 0xf4) }),
      up({ protocol: 1, payload: Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0) }),
      up({ protocol: 4, payload: up({ protocol: ESP }) }),
      up({ protocol: 47 }),
    ];
    expect(await fromClient(...refused)).toEqual([]);
    const back = [down({ protocol: 17, payload: udp(53, 500) }), down({ protocol: 6, payload: likeSyn() })];
    expect(await toClient(...back)).toEqual([]);
    expect(Object.fromEntries(lab.telemetry.drops)).toEqual({
      'ipsec-policy in policy': 7,
      'ipsec-policy out policy': 2,
    });
    const plain = ipv4Packet({ source: client.address, destination: OPEN, protocol: 17, payload: udp(1, 2) });
    expect(await fromClient(plain)).toEqual([plain]);
  });

  it('are not reached by a source route either', async () => {
    const { fromClient, client } = await start();
    const routed = Buffer.concat([
      ipv4Packet({ source: client.address, destination: OPEN, protocol: 17 }).subarray(0, 20),
      Uint8Array.of(1, 131, 7, 4, 10, 9, 0, 5),
    ]);
    routed[0] = 0x47;
    routed.writeUInt16BE(routed.length, 2);
    expect(await fromClient(routed)).toEqual([]);
  });

  it('hear that an IPsec packet was too big, and nothing else by ICMP', async () => {
    const { lab, fromClient, toClient, up, down } = await start();
    const tooBig = (quoted: Uint8Array, code = 4): Uint8Array => Uint8Array.of(3, code, 0, 0, 0, 0, 5, 0, ...quoted);
    const good = up({ protocol: 1, payload: tooBig(down({ protocol: ESP })) });
    const ike = up({ protocol: 1, payload: tooBig(down({ protocol: 17, payload: udp(4500, 4500) })) });
    expect(await fromClient(good, ike)).toEqual([good, ike]);
    const back = down({ protocol: 1, payload: tooBig(up({ protocol: AH })) });
    expect(await toClient(back)).toEqual([back]);
    const bad = [tooBig(down({ protocol: 6 })), tooBig(down({ protocol: ESP }), 1), tooBig(new Uint8Array(3))];
    expect(await fromClient(...bad.map((payload) => up({ protocol: 1, payload })))).toEqual([]);
    expect([...lab.telemetry.drops]).toEqual([['ipsec-policy in policy', 3]]);
  });

  it('are those of the user: by name, with or without its domain', async () => {
    const { lab, fromClient, up } = await start({ users: ['BOB'] });
    const clear = up({ protocol: 17, payload: udp(1, 2) });
    expect(await fromClient(clear)).toEqual([clear]);
    const bob = await lab.connect({ user: 'CORP\\bob', password: 'builder' });
    bob.tun.hostSends(ipv4Packet({ source: bob.address, destination: PROTECTED, protocol: 17, payload: udp(1, 2) }));
    await lab.clock.advance(50);
    expect(arrived(lab.tun)).toEqual([]);
    expect(Object.fromEntries(lab.telemetry.drops)).toEqual({ 'ipsec-policy in policy': 1 });
  });

  it('may be asked for names, where the operator says so', async () => {
    const { fromClient, toClient, up, down } = await start({ dns: true });
    const question = up({ protocol: 17, payload: udp(1025, 53) });
    expect(await fromClient(question)).toEqual([question]);
    const answer = down({ protocol: 17, payload: udp(53, 1025) });
    expect(await toClient(answer)).toEqual([answer]);
    expect(await toClient(down({ protocol: 17, payload: udp(1025, 53) }))).toEqual([]);
  });
});

describe('the stages of hooks', () => {
  const names = (lab: GatewayLab): string[] => lab.gateway.stages.map(({ slot, name }) => `${slot} ${name}`);

  it('are there only with a hook, in binding order, with the gate on both sides', async () => {
    expect(names(new GatewayLab()).filter((name) => name.includes('ipsec'))).toEqual([]);
    const both = [policy(), withOptions(ipsecEspPlugin, { file: undefined })];
    expect(names(new GatewayLab({ plugins: both })).filter((name) => name.includes('ipsec'))).toEqual([
      '699 ipsec-gate',
      '700 ipsec-policy',
      '701 ipsec-esp',
      '709 ipsec-gate',
    ]);
  });

  it('see nothing of a session before `up` and after `down`, and a hook that throws in `up` lets nothing pass', async () => {
    const told: string[] = [];
    let fails = false;
    const note = (word: string) => ({
      process: (batch: { count: number }, from: number) => void told.push(...Array(batch.count - from).fill(word)),
    });
    const hook = definePlugin({
      name: 'test-hook',
      api: PLUGIN_API,
      register: ({ bind }) => {
        bind(TOKENS.IpsecHook).toConstantValue({
          name: 'test-hook',
          inbound: note('in'),
          outbound: note('out'),
          up: () => {
            told.push('up');
            if (fails) throw new Error('not today');
          },
          down: () => void told.push('down'),
        });
      },
    });
    const lab = await GatewayLab.start({ plugins: [withOptions(hook, undefined)] });
    const client = await lab.connect();
    client.tun.hostSends(ipv4Packet({ source: client.address, destination: OPEN }));
    lab.tun.hostSends(ipv4Packet({ source: OPEN, destination: client.address }));
    await lab.clock.advance(50);
    const hangingUp = client.peer.stop();
    await lab.clock.advance(5_000);
    await hangingUp;
    expect(told[0]).toBe('up');
    expect(told.slice(1, -1).toSorted()).toEqual(['in', 'out']);
    expect(told.at(-1)).toBe('down');

    fails = true;
    told.length = 0;
    const second = await lab.connect();
    second.tun.hostSends(ipv4Packet({ source: second.address, destination: OPEN }));
    await lab.clock.advance(50);
    expect(told).toEqual(['up']);
    expect(lab.telemetry.drops.get('ipsec-gate in wrong-phase')).toBe(1);
  });
});

it('a fault in one hook costs one packet, and the next hook sees the others', async () => {
  const seen: number[] = [];
  const hooks = definePlugin({
    name: 'test-hooks',
    api: PLUGIN_API,
    register: ({ bind }) => {
      const last = ({ bytes }: PacketCursor): number => bytes.at(-1) ?? 0;
      bind(TOKENS.IpsecHook).toConstantValue({
        name: 'thrower',
        inbound: perPacket((packet) => {
          if (last(packet) === 2) throw new Error('not this one');
          return undefined;
        }),
      });
      bind(TOKENS.IpsecHook).toConstantValue({
        name: 'watcher',
        inbound: perPacket((packet) => void seen.push(last(packet))),
      });
    },
  });
  const lab = await GatewayLab.start({ plugins: [withOptions(hooks, undefined)] });
  const client = await lab.connect();
  for (const number of [1, 2, 3]) {
    client.tun.hostSends(ipv4Packet({ source: client.address, destination: OPEN, payload: Uint8Array.of(number) }));
  }
  await lab.clock.advance(50);
  expect(seen).toEqual([1, 3]);
  expect(arrived(lab.tun)).toHaveLength(2);
  expect([...lab.telemetry.drops]).toEqual([['thrower in stage-fault', 1]]);
});

it('IPv6 comes up with hooks as without them: Neighbor Discovery does not wait for `up`', async () => {
  const lab = await GatewayLab.start({ env: { PPTP_IPV6_POOL: 'fd00:99::/48' }, plugins: [policy()] });
  const client = await lab.connect({ link: { ipv6: true } });
  const [advertisement] = arrived(client.tun);
  expect([advertisement?.[6], advertisement?.[40]]).toEqual([58, 134]);
  expect([...lab.telemetry.drops]).toEqual([]);
});

it('the MSS of what is in the clear is lowered with the hook as without it', async () => {
  const { client, fromClient } = await start();
  const syn = ipv4Packet({ source: client.address, destination: OPEN, protocol: 6, payload: likeSyn() });
  const [clamped] = await fromClient(syn);
  expect(clamped && readU16(clamped, 42)).toBeLessThan(1460);
});
