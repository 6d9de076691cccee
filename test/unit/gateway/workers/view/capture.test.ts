import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Ipv4 } from '../../../../../core/bytes/ipv4-address.ts';
import { type AdminReply, adminRequest } from '../../../../../gateway/admin/client.ts';
import {
  CAPTURE_ID_HEADER,
  CAPTURE_SUMMARY_TRAILER,
  type CaptureRequest,
} from '../../../../../gateway/admin/routes/capture.ts';
import type { MergedSummary } from '../../../../../gateway/workers/view/merged-capture.ts';
import { address } from '../../../../support/batches.ts';
import { CrewRig } from '../../../../support/crew-rig.ts';
import { ipv4Packet } from '../../../../support/ipv4-packets.ts';
import { type PcapngFile, readPcapng } from '../../../../support/pcapng.ts';

let rig: CrewRig;
let clients: { send(count: number): Promise<void> }[];

const client = async (index: number): Promise<(typeof clients)[number]> => {
  const { lab } = rig.worker(index);
  const peer: { readonly address: Ipv4 } & Awaited<ReturnType<typeof lab.connect>> = await lab.connect();
  await lab.clock.advance(1_000);
  return {
    send: async (count) => {
      for (let sent = 0; sent < count; sent += 1) {
        peer.tun.hostSends(ipv4Packet({ source: peer.address, destination: address('10.0.0.80') }));
        await lab.clock.advance(1);
      }
    },
  };
};

beforeEach(async () => {
  rig = await CrewRig.start();
  clients = [await client(0), await client(1)];
});
afterEach(() => rig.stop());

const TUN: CaptureRequest = { points: ['tun'], decrypted: true };
const start = (body: CaptureRequest = TUN): Promise<AdminReply> =>
  adminRequest(rig.socket, { method: 'POST', path: '/v1/captures', body });
const ask = async <T>(method: 'GET' | 'DELETE', path: string): Promise<T> =>
  (await adminRequest(rig.socket, { method, path })).json<T>();
const end = (reply: AdminReply): Promise<MergedSummary> =>
  ask('DELETE', `/v1/captures/${String(reply.headers[CAPTURE_ID_HEADER])}`);

const fileOf = async (stream: Readable): Promise<PcapngFile> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return readPcapng(Buffer.concat(chunks));
};
const running = async (worker: number): Promise<number> => {
  const { socket } = rig.worker(worker).rig;
  const reply = await adminRequest(socket, { method: 'GET', path: '/v1/captures' });
  const { captures } = await reply.json<{ readonly captures: readonly { readonly end?: string }[] }>();
  return captures.filter((capture) => capture.end === undefined).length;
};
const written = async (): Promise<number | undefined> =>
  (await ask<MergedSummary>('GET', '/v1/captures/1')).points[0]?.written;

describe('a capture of two workers', () => {
  test('is one file: one head, all packets, each with a number of its own, sums at the end', async () => {
    const reply = await start();
    const file = fileOf(reply.stream);
    await clients[0]?.send(3);
    await clients[1]?.send(2);
    await expect.poll(written).toBe(5);
    await end(reply);
    const { application, comment, interfaces, packets, statistics } = await file;
    expect(application).toBe('pptp-gateway 1.2.3');
    expect(comment).toContain('every tunnel');
    expect(interfaces.map(({ name }) => name)).toEqual(['tun']);
    expect(packets).toHaveLength(5);
    expect(new Set(packets.map(({ packetId }) => packetId)).size).toBe(5);
    expect(statistics).toEqual([{ point: 'tun', received: 5, dropped: 0, delivered: 5, comment: undefined }]);
    const summary = JSON.parse(decodeURIComponent(reply.trailers()[CAPTURE_SUMMARY_TRAILER] ?? '')) as MergedSummary;
    expect(summary).toMatchObject({ id: '1', end: 'asked', points: [{ point: 'tun', written: 5 }] });
    expect(await ask('GET', '/v1/captures')).toMatchObject({ captures: [{ id: '1', end: 'asked' }] });
    expect([await running(0), await running(1)]).toEqual([0, 0]);
  });

  test('ends after the packets asked for, whichever worker has them', async () => {
    const reply = await start({ ...TUN, packets: 4 });
    const file = fileOf(reply.stream);
    await clients[0]?.send(3);
    await clients[1]?.send(3);
    expect((await file).packets).toHaveLength(4);
    expect(await ask('GET', '/v1/captures/1')).toMatchObject({ end: 'packets', points: [{ written: 4 }] });
  });

  test('ends after its time', async () => {
    const reply = await start({ ...TUN, seconds: 5 });
    const file = fileOf(reply.stream);
    await rig.clock.advance(5_000);
    expect((await file).packets).toEqual([]);
    expect(await ask('GET', '/v1/captures/1')).toMatchObject({ end: 'seconds', seconds: 5 });
  });

  test('ends with its reader, in all workers', async () => {
    const reply = await start();
    expect([await running(0), await running(1)]).toEqual([1, 1]);
    reply.stream.destroy();
    await expect.poll(async () => [await running(0), await running(1)]).toEqual([0, 0]);
    await expect.poll(async () => (await ask<MergedSummary>('GET', '/v1/captures/1')).end).toBe('reader-gone');
  });

  test('goes on when a worker dies, and takes its successor in', async () => {
    const reply = await start();
    const file = fileOf(reply.stream);
    await clients[0]?.send(1);
    await clients[1]?.send(1);
    await expect.poll(written).toBe(2);
    await rig.crash(1);
    expect(rig.log.events('warn')).toContain('capture.worker-lost');
    await clients[0]?.send(1);
    await rig.restart(1);
    const again = await client(1);
    await again.send(2);
    await expect.poll(written).toBe(5);
    expect(await end(reply)).toMatchObject({ lostWorkers: [1] });
    const { packets, statistics } = await file;
    expect(packets).toHaveLength(5);
    expect(statistics).toMatchObject([{ delivered: 5, comment: 'worker 1 died' }]);
  });

  test('of one tunnel is at its worker alone, and ends with it', async () => {
    const id = rig.worker(1).lab.gateway.tunnels()[0]?.session.id ?? '';
    const reply = await start({ ...TUN, tunnel: id });
    const file = fileOf(reply.stream);
    await clients[0]?.send(1);
    await clients[1]?.send(2);
    await expect.poll(written).toBe(2);
    expect([await running(0), await running(1)]).toEqual([0, 1]);
    await rig.crash(1);
    expect((await file).packets).toHaveLength(2);
    expect(await ask('GET', '/v1/captures/1')).toMatchObject({ end: 'tunnel-ended' });
    await expect(start({ ...TUN, tunnel: id })).rejects.toMatchObject({ cause: 'NO_TUNNEL' });
  });

  test('ends in order when the workers stop in order', async () => {
    const reply = await start();
    const file = fileOf(reply.stream);
    await clients[0]?.send(1);
    await expect.poll(written).toBe(1);
    await rig.kill(0);
    await rig.kill(1);
    expect((await file).packets).toHaveLength(1);
    expect(await ask('GET', '/v1/captures/1')).toMatchObject({ end: 'shutdown' });
  });

  test('is refused as each worker refuses it, and then runs nowhere', async () => {
    await expect(start({ points: ['tun'] })).rejects.toMatchObject({ cause: 'NEEDS_DECRYPTED' });
    await expect(start({ points: [] })).rejects.toMatchObject({ cause: 'INVALID_REQUEST' });
    const replies = await Promise.all([start(), start(), start(), start()]);
    await expect(start()).rejects.toMatchObject({ cause: 'TOO_MANY_CAPTURES' });
    expect([await running(0), await running(1)]).toEqual([4, 4]);
    const { captures } = await ask<{ readonly captures: readonly unknown[] }>('GET', '/v1/captures');
    expect(captures).toHaveLength(4);
    for (const { stream } of replies) stream.destroy();
  });
});
