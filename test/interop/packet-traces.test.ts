import { join } from 'node:path';
import { expect, test } from 'vitest';
import { emptyGreHeader, IP_PROTOCOL_GRE, parseGre } from '../../core/wire/gre.ts';
import { type ExportedSpan, inOrder } from '../support/exported-span.ts';
import { faultsOf } from '../support/exported-span-check.ts';
import { readPcap } from '../support/pcap.ts';
import { Collector, SENDS_TRACES } from './support/collector.ts';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { ADDRESSES } from './support/topology.ts';
import { addUser, alice, event } from './support/users.ts';

/** An echo packet of a length that no other packet here has: 20 + 8 + 200 octets. */
const PING = { data: 200, octets: 228 } as const;
const STRANGER = '10.99.99.9';

/** The GRE packet that carried an echo, from a source address, as the wire had it. */
const onTheWire = (file: string, source: string) => {
  const header = emptyGreHeader();
  const found = readPcap(file).flatMap(({ bytes }) => {
    const start = ((bytes[0] ?? 0) & 15) * 4;
    if (bytes[9] !== IP_PROTOCOL_GRE || bytes.subarray(12, 16).join('.') !== source) return [];
    if (parseGre(bytes, start, bytes.length - start, header) !== undefined || header.payloadLength < PING.octets)
      return [];
    const mppe = bytes.subarray(start + header.headerLength + header.payloadLength - PING.octets - 4);
    const coherency = (((mppe[0] ?? 0) << 8) | (mppe[1] ?? 0)) & 0x0fff;
    return [{ octets: bytes.length - start, sequence: header.sequence, coherency }];
  });
  if (found.length !== 1) throw new Error(`${found.length} packets from ${source}`);
  return found[0];
};

await describeWithLab('the traces of packets', (lab) => {
  let collector: Collector;
  let gateway: GatewayProcess;
  let client: Guest;
  let stateDirectory: string;
  let setUp: ExportedSpan;

  const command = async (...args: readonly string[]): Promise<void> => {
    const { status, errors } = await lab().gatewayCommand(args, stateDirectory);
    expect({ status, errors }).toEqual({ status: 0, errors: '' });
  };
  const ping = (...options: readonly string[]) =>
    client.exec(`ping -s ${PING.data} -W 2 ${options.join(' ')} ${ADDRESSES.intranet}`);
  const sizesOf = (root: ExportedSpan): readonly string[] =>
    inOrder(collector.spans, root)
      .slice(1)
      .map(({ span: { name, attributes } }) => {
        const sizes = [attributes['pptp.packet.octets_in'], attributes['pptp.packet.octets_out']];
        return `${name.replace('pptp.packet.', '')} ${sizes.join(' > ')}`;
      });
  const whose = () => ({
    'session.id': setUp.attributes['session.id'],
    'network.peer.address': client.address,
    'network.type': 'ipv4',
    'ppp.protocol': '0x0021',
  });
  const linkToSetUp = () => [{ traceId: setUp.traceId, spanId: setUp.spanId }];

  test('nothing is traced while nobody asks', async () => {
    stateDirectory = await lab().temporaryDirectory();
    await addUser(lab(), stateDirectory, alice);
    collector = await Collector.start(lab());
    [gateway, client] = await Promise.all([
      lab().startGateway({ stateDirectory, env: SENDS_TRACES }),
      lab().guest('c1'),
    ]);
    setUp = await collector.setUp(() => client.mustDial(alice));
    await ping('-c 2', '-i 0.2');
    await command('trace', '--user', 'nobody', '--packets', '1');
    await ping('-c 2', '-i 0.2');
    await command('trace', 'stop');
  });

  test('a rule about the user: one packet each way, a span per stage in order, sizes and numbers as on the wire', async () => {
    const file = join(stateDirectory, 'wire.pcap');
    const capture = await lab().captureGateway(file);
    await command('trace', '--user', alice.user);
    expect((await ping('-c 1')).status).toBe(0);
    const inbound = await collector.span('pptp.packet', { 'pptp.packet.octets_out': PING.octets });
    const outbound = await collector.span('pptp.packet', { 'pptp.packet.octets_in': PING.octets });
    await command('trace', 'stop');
    await capture.stop();

    const request = onTheWire(file, client.address);
    const answer = onTheWire(file, ADDRESSES.gateway);
    expect(sizesOf(inbound)).toEqual([
      `gre ${request?.octets} > 233`,
      'call-demux 233 > 233',
      'sequence 233 > 233',
      'ppp 233 > 232',
      'mppe 232 > 228',
      'mss-clamp 228 > 228',
      'address 228 > 228',
      'tun 228 > 228',
    ]);
    expect(sizesOf(outbound)).toEqual([
      'address 228 > 228',
      'mtu 228 > 228',
      'mss-clamp 228 > 228',
      'mppe 228 > 232',
      'ppp 232 > 233',
      `gre 233 > ${answer?.octets}`,
      `gre-socket ${answer?.octets} > ${answer?.octets}`,
    ]);
    for (const [root, direction, wire] of [
      [inbound, 'in', request],
      [outbound, 'out', answer],
    ] as const) {
      expect(root).toMatchObject({ parentSpanId: '', service: 'pptp-gateway', links: linkToSetUp() });
      expect(root.status.code ?? 0).toBe(0);
      expect(root.attributes).toMatchObject({
        ...whose(),
        'pptp.packet.direction': direction,
        'pptp.packet.outcome': 'delivered',
        'pptp.packet.rule': '2',
        'gre.sequence': wire?.sequence,
        'mppe.coherency_count': wire?.coherency,
        'mppe.encrypted': true,
        'mppe.compressed': false,
      });
    }
    expect(outbound.attributes['gre.acknowledgment']).toBe(request?.sequence);
    expect(new Set([setUp, inbound, outbound].map(({ traceId }) => traceId)).size).toBe(3);
    // The earlier pings, for which there was no rule, left nothing.
    const rules = collector.spans.filter(({ name }) => name === 'pptp.packet');
    expect(new Set(rules.map(({ attributes }) => attributes['pptp.packet.rule']))).toEqual(new Set(['2']));
  });

  test('a rule for drops: the packet of a stranger is an error, at the stage that dropped it', async () => {
    await command('trace', '--drops', '--packets', '1');
    await client.must(`ip address add ${STRANGER}/32 dev lo`);
    expect((await ping('-c 1', `-I ${STRANGER}`)).status).not.toBe(0);
    const root = await collector.span('pptp.packet', { 'pptp.packet.outcome': 'spoofed-source' });
    const status = { code: 2, message: expect.stringContaining('spoofed-source') };
    expect(root).toMatchObject({ status, links: linkToSetUp() });
    expect(root.attributes).toMatchObject({
      ...whose(),
      'pptp.packet.direction': 'in',
      'error.type': 'spoofed-source',
    });
    expect(collector.tree(root)).toEqual([
      'pptp.packet ! spoofed-source',
      ...['gre', 'call-demux', 'sequence', 'ppp', 'mppe', 'mss-clamp'].map((stage) => `  pptp.packet.${stage}`),
      '  pptp.packet.address ! spoofed-source',
    ]);
    await client.hangUp();
  });

  test('a ratio: a share of the packets of every tunnel, each way', async () => {
    await gateway.stop();
    const env = { ...SENDS_TRACES, PPTP_TRACE_PACKETS_RATIO: '0.5', PPTP_TRACE_PACKETS_PER_SECOND: '10000' };
    gateway = await lab().startGateway({ stateDirectory, env });
    setUp = await collector.setUp(() => client.mustDial(alice));
    const COUNT = 100;
    expect((await ping(`-c ${COUNT}`, '-i 0.01')).status).toBe(0);
    await client.hangUp();
    await gateway.waitForLog(event('session.closed'));
    await gateway.stop();
    const { 'session.id': session } = whose();
    const pings = collector.spans.filter(
      ({ name, attributes }) => name === 'pptp.packet' && attributes['session.id'] === session && isPing(attributes),
    );
    for (const direction of ['in', 'out']) {
      const traced = pings.filter(({ attributes }) => attributes['pptp.packet.direction'] === direction);
      // Neither none nor all, but for a chance of one in 2^99.
      expect(traced.length).toBeGreaterThan(0);
      expect(traced.length).toBeLessThan(COUNT);
    }
    expect(pings.every(({ links }) => links[0]?.spanId === setUp.spanId)).toBe(true);
    expect(faultsOf(collector.spans)).toEqual([]);
  });
});

const isPing = (attributes: ExportedSpan['attributes']): boolean =>
  [attributes['pptp.packet.octets_in'], attributes['pptp.packet.octets_out']].includes(PING.octets);
