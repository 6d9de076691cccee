import { request } from 'node:http';
import { connect } from 'node:net';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import type { Ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { type AdminReply, adminRequest } from '../../../../gateway/admin/client.ts';
import { CAPTURE_ID_HEADER, type CaptureRequest } from '../../../../gateway/admin/routes/capture.ts';
import { type AdminRig, adminRig } from '../../../support/admin-rig.ts';
import { address } from '../../../support/batches.ts';
import { GatewayLab, type LabPeer } from '../../../support/gateway-lab.ts';
import { ipv4Packet } from '../../../support/ipv4-packets.ts';
import { type PcapngFile, readPcapng } from '../../../support/pcapng.ts';

let lab: GatewayLab;
let client: LabPeer & { readonly address: Ipv4 };
let rig: AdminRig;

const open = async (env: Readonly<Record<string, string>> = { PPTP_CAPTURE_DECRYPTED: 'true' }): Promise<void> => {
  const { config } = loadConfig({ env });
  rig = await adminRig({ gateway: lab.gateway, clock: lab.clock, config });
};

beforeEach(async () => {
  lab = await GatewayLab.start();
  client = await lab.connect();
  await lab.clock.advance(1_000);
  await open();
});
afterEach(() => rig.stop());

const start = (body: CaptureRequest = {}): Promise<AdminReply> =>
  adminRequest(rig.socket, { method: 'POST', path: '/v1/captures', body });
const idOf = ({ headers }: AdminReply): string => String(headers[CAPTURE_ID_HEADER]);
const ask = (method: 'GET' | 'DELETE', path: string): Promise<AdminReply> => adminRequest(rig.socket, { method, path });

const fileOf = async (stream: Readable): Promise<PcapngFile> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return readPcapng(Buffer.concat(chunks));
};

const send = async (count: number): Promise<void> => {
  for (let sent = 0; sent < count; sent += 1) {
    client.tun.hostSends(ipv4Packet({ source: client.address, destination: address('10.0.0.80') }));
    await lab.clock.advance(1);
  }
};

describe('POST /v1/captures', () => {
  it('answers with a pcapng file that ends when it is told to', async () => {
    const reply = await start({ points: ['tun', 'decrypted'], decrypted: true });
    expect(reply.headers['content-type']).toBe('application/x-pcapng');
    const file = fileOf(reply.stream);
    await send(3);
    expect(await (await ask('DELETE', `/v1/captures/${idOf(reply)}`)).json()).toMatchObject({ end: 'asked' });
    const { interfaces, packets } = await file;
    expect(interfaces.map(({ name }) => name)).toEqual(['tun', 'decrypted']);
    expect(packets).toHaveLength(6);
    expect(await (await ask('GET', '/v1/captures')).json()).toMatchObject({
      captures: [{ id: idOf(reply), end: 'asked', points: [{ written: 3 }, { written: 3 }] }],
    });
  });

  it('looks at GRE when it is not told where, and at the clear frames too when it may', async () => {
    const names = async (body: CaptureRequest): Promise<readonly string[]> => {
      const reply = await start({ ...body, packets: 1 });
      const file = fileOf(reply.stream);
      await send(1);
      return (await file).interfaces.map(({ name }) => name);
    };
    expect(await names({})).toEqual(['gre']);
    expect(await names({ decrypted: true })).toEqual(['gre', 'decrypted']);
  });

  it('takes one user, or one tunnel', async () => {
    const [tunnel] = lab.gateway.tunnels();
    const filters: readonly CaptureRequest[] = [
      { user: 'alice' },
      { user: 'bob' },
      { tunnel: tunnel?.session.id ?? '' },
    ];
    const replies = await Promise.all(filters.map((filter) => start({ ...filter, points: ['ppp'] })));
    const files = replies.map(({ stream }) => fileOf(stream));
    await send(2);
    for (const reply of replies) await ask('DELETE', `/v1/captures/${idOf(reply)}`);
    expect((await Promise.all(files)).map(({ packets }) => packets.length)).toEqual([2, 0, 2]);
  });

  it('writes down who asked', async () => {
    const reply = await start();
    reply.stream.destroy();
    const begun = rig.log.lines.find(({ event }) => event === 'capture.started');
    expect(begun).toMatchObject({ level: 'warn', fields: { who: expect.stringMatching(/./), points: ['gre'] } });
    expect(begun?.fields['who']).not.toBe('unknown');
  });

  it.each<[string, unknown, string]>([
    ['a point that there is not', { points: ['ether'] }, 'INVALID_REQUEST'],
    ['no point', { points: [] }, 'INVALID_REQUEST'],
    ['a point twice', { points: ['gre', 'gre'] }, 'INVALID_REQUEST'],
    ['no packets', { packets: 0 }, 'INVALID_REQUEST'],
    ['no time', { seconds: 0 }, 'INVALID_REQUEST'],
    ['what it does not know', { color: 'red' }, 'INVALID_REQUEST'],
    ['tunnel and user', { tunnel: 'a', user: 'b' }, 'INVALID_REQUEST'],
    ['a clear point without the switch', { points: ['tun'] }, 'NEEDS_DECRYPTED'],
    ['a tunnel that there is not', { tunnel: 'a' }, 'NO_TUNNEL'],
  ])('refuses %s', async (_what, body, code) => {
    const refusal = adminRequest(rig.socket, { method: 'POST', path: '/v1/captures', body });
    await expect(refusal).rejects.toMatchObject({ code: 'ADMIN_REFUSED', cause: code });
    expect(lab.gateway.probes.active).toBeUndefined();
  });

  it('refuses to show what tunnels encrypt where the configuration does not allow it', async () => {
    await rig.stop();
    await open({});
    await expect(start({ decrypted: true })).rejects.toMatchObject({
      cause: 'DECRYPTED_NOT_ALLOWED',
      message: expect.stringContaining('PPTP_CAPTURE_DECRYPTED=true'),
    });
  });

  it('refuses the fifth at once', async () => {
    const replies = await Promise.all([start(), start(), start(), start()]);
    await expect(start()).rejects.toMatchObject({ cause: 'TOO_MANY_CAPTURES' });
    for (const { stream } of replies) stream.destroy();
  });
});

describe('a capture over the socket', () => {
  it('ends with its reader', async () => {
    const socket = rig.socket;
    const reading = new Promise<void>((resolve, reject) => {
      const asked = request({ socketPath: socket, method: 'POST', path: '/v1/captures' }, (response) => {
        response.destroy();
        resolve();
      });
      asked.setHeader('content-type', 'application/json');
      asked.on('error', reject);
      asked.end('{}');
    });
    await reading;
    await expect
      .poll(async () => (await (await ask('GET', '/v1/captures/1')).json<{ end?: string }>()).end)
      .toBe('reader-gone');
    expect(lab.gateway.probes.active).toBeUndefined();
  });

  it('ends with the gateway, and its reader has a whole file', async () => {
    const file = fileOf((await start({ points: ['ppp'] })).stream);
    await send(2);
    await rig.server.stop();
    expect(await file).toMatchObject({ packets: [{}, {}], statistics: [{ delivered: 2 }] });
  });

  it('that nobody knows is not found', async () => {
    for (const method of ['GET', 'DELETE'] as const) {
      await expect(ask(method, '/v1/captures/77')).rejects.toMatchObject({ cause: 'NO_CAPTURE' });
    }
  });
});

it('ends what was asked for one behind the other on a connection, when the connection ends', async () => {
  const socket = connect(rig.socket);
  const order =
    'POST /v1/captures HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}';
  const running = async (): Promise<number> => {
    const { captures } = await (await ask('GET', '/v1/captures')).json<{ captures: readonly { end?: string }[] }>();
    return captures.filter(({ end }) => end === undefined).length;
  };
  socket.write(order.repeat(4));
  await expect.poll(running).toBe(4);
  socket.destroy();
  await expect.poll(running).toBe(0);
});
