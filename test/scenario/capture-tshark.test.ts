import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asciiBytes } from '../../core/bytes/ascii.ts';
import { concatBytes } from '../../core/bytes/bytes.ts';
import { onesComplement, sumWords } from '../../core/wire/ipv4.ts';
import type { CaptureOrder } from '../../observability/capture/capture.ts';
import { address } from '../support/batches.ts';
import { capturesOf, octetsOf, order, started } from '../support/capture-bench.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';
import { tshark, tsharkUnavailable } from '../support/tshark.ts';

const INTRANET = address('10.0.0.80');
const ICMP = 1;

const echoRequest = (sequence: number): Uint8Array => {
  const message = concatBytes(Uint8Array.of(8, 0, 0, 0, 0x12, 0x34, 0, sequence), asciiBytes('hello'));
  const checksum = onesComplement(sumWords(message, 0, message.length));
  message.set([checksum >> 8, checksum & 0xff], 2);
  return message;
};

const folder = mkdtempSync(join(tmpdir(), 'pptp-tshark-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A tunnel is set up, pings each way, and sends something from an address that is not its own. */
const capture = async (name: string, changes: Partial<CaptureOrder>): Promise<string> => {
  const lab = await GatewayLab.start();
  const running = started(capturesOf(lab).start(order(changes)));
  const octets = octetsOf(running);
  const client = await lab.connect();
  const ping = (from: typeof INTRANET, to: typeof INTRANET, number: number): Uint8Array =>
    ipv4Packet({ source: from, destination: to, protocol: ICMP, payload: echoRequest(number) });
  client.tun.hostSends(ping(client.address, INTRANET, 1));
  await lab.clock.advance(50);
  lab.tun.hostSends(ping(INTRANET, client.address, 2));
  await lab.clock.advance(50);
  client.tun.hostSends(ping(address('192.0.2.1'), INTRANET, 3));
  await lab.clock.advance(50);
  running.end('asked');
  const file = join(folder, name);
  writeFileSync(file, await octets);
  return file;
};

const reason = tsharkUnavailable();
const title = `what Wireshark makes of a capture${reason === undefined ? '' : ` (skipped: ${reason})`}`;

describe.skipIf(reason !== undefined)(title, { timeout: 60_000 }, () => {
  let open = '';
  let closed = '';
  beforeAll(async () => {
    open = await capture('open.pcapng', {});
    closed = await capture('closed.pcapng', { points: ['gre', 'ppp'], decrypted: false });
  });

  it('inner pings are readable inside, and are nowhere outside', () => {
    const fields = ['frame.interface_name', 'frame.packet_flags_direction', 'ip.src', 'ip.dst', 'icmp.seq'] as const;
    const pings = tshark(open, fields, 'icmp').map((one) => [
      one['frame.interface_name'],
      Number(one['frame.packet_flags_direction']) === 1 ? 'in' : 'out',
      `${one['ip.src']} > ${one['ip.dst']}`,
      one['icmp.seq'],
    ]);
    expect(pings).toEqual([
      ['decrypted', 'in', '10.99.0.2 > 10.0.0.80', '1'],
      ['tun', 'in', '10.99.0.2 > 10.0.0.80', '1'],
      ['tun', 'out', '10.0.0.80 > 10.99.0.2', '2'],
      ['decrypted', 'out', '10.0.0.80 > 10.99.0.2', '2'],
      ['decrypted', 'in', '192.0.2.1 > 10.0.0.80', '3'],
    ]);
  });

  it('outside there is enhanced GRE between the outer addresses, with sequence numbers', () => {
    const packets = tshark(open, ['ip.src', 'gre.proto', 'gre.sequence_number'], 'gre');
    expect(packets.length).toBeGreaterThan(20);
    expect(new Set(packets.map((one) => Number(one['gre.proto'])))).toEqual(new Set([0x880b]));
    expect(new Set(packets.map((one) => one['ip.src']))).toEqual(new Set(['203.0.113.1', '198.51.100.1']));
    expect(packets.map((one) => one['gre.sequence_number'])).toContain('0');
  });

  it('the whole negotiation is dissected, and nothing is malformed', () => {
    const packets = tshark(open, ['frame.interface_name', 'frame.protocols', 'ppp.direction']);
    const at = (point: string) => packets.filter((one) => one['frame.interface_name'] === point);
    const protocols = (point: string) => [...new Set(at(point).flatMap((one) => one['frame.protocols'].split(':')))];
    const outside = ['lcp', 'chap', 'ccp', 'ipcp', 'comp_data'];
    expect(protocols('gre')).toEqual(expect.arrayContaining(outside));
    expect(protocols('ppp')).toEqual(expect.arrayContaining(outside));
    expect(protocols('decrypted')).toEqual(expect.arrayContaining(['lcp', 'chap', 'ccp', 'ipcp', 'icmp']));
    expect(packets.filter((one) => one['frame.protocols'].includes('malformed'))).toEqual([]);
    expect(new Set(at('ppp').map((one) => Number(one['ppp.direction'])))).toEqual(new Set([0, 1]));
  });

  it('a dropped packet has its comment', () => {
    const dropped = tshark(open, ['frame.interface_name', 'ip.src', 'frame.comment'], 'frame.comment');
    expect(dropped).toEqual([
      {
        'frame.interface_name': 'decrypted',
        'ip.src': '192.0.2.1',
        'frame.comment': 'dropped by address: spoofed-source',
      },
    ]);
  });

  it('without --decrypted no proof is shown, and each cut frame says that it was cut', () => {
    const packets = tshark(closed, ['frame.protocols', 'frame.cap_len', 'frame.len', 'chap.value', 'frame.comment']);
    const of = (protocol: string) => packets.filter((one) => one['frame.protocols'].split(':').includes(protocol));
    expect(of('chap').length).toBeGreaterThanOrEqual(6);
    for (const frame of of('chap')) {
      expect(Number(frame['frame.cap_len'])).toBeLessThan(Number(frame['frame.len']));
      expect(frame).toMatchObject({ 'chap.value': '', 'frame.comment': expect.stringMatching(/^cut: /) });
    }
    expect(of('comp_data').length).toBeGreaterThan(0);
    expect(of('icmp')).toEqual([]);
  });
});
