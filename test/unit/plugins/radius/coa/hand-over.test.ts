import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ipv4 } from '../../../../../core/bytes/ipv4-address.ts';
import { ProvenByRadius } from '../../../../../plugins/radius/accounting/index.ts';
import { CoaServer } from '../../../../../plugins/radius/coa/index.ts';
import { CODE } from '../../../../../plugins/radius/wire/index.ts';
import { facts } from '../../../../support/accounting-rig.ts';
import { CoaRig, is } from '../../../../support/coa-rig.ts';
import { eventuallyTrue } from '../../../../support/eventually.ts';

const LOOPBACK = ipv4(0x7f000001);

let client: Socket;
let servers: CoaServer[];
beforeEach(async () => {
  client = createSocket('udp4');
  client.bind(0, '127.0.0.1');
  await once(client, 'listening');
  servers = [];
});
afterEach(async () => {
  client.close();
  for (const server of servers) await server.stop();
});

/** One process of the gateway. */
const open = (port: number) => {
  const rig = new CoaRig({ clients: [{ network: LOOPBACK, prefixLength: 32 }] });
  rig.directory.sessions.push(facts('s1'));
  const server = new CoaServer({ address: LOOPBACK, port }, rig.service, rig.log, rig.clock);
  servers.push(server);
  return { rig, server };
};
const send = (port: number | undefined, bytes: Uint8Array): void => client.send(bytes, port ?? 0, '127.0.0.1');
const answer = async (): Promise<unknown> => {
  const [bytes] = await once(client, 'message');
  return bytes;
};

it('the port and what was answered are those of the process that takes over; nothing is answered before it serves', async () => {
  const before = open(0);
  await before.server.start();
  const { port = 0 } = before.server;
  const request = before.rig.sealed(CODE.disconnectRequest, [is.session('s1')]);
  send(port, request);
  const first = await answer();
  const after = open(port);
  await after.server.handOver.startBeside?.(new AbortController().signal);
  await before.server.handOver.rest?.();
  const state = structuredClone(await before.server.handOver.release?.());
  await after.server.handOver.takeOver?.(state);
  const other = after.rig.sealed(CODE.disconnectRequest, [is.session('s1'), is.user('alice')]);
  send(port, other);
  // It is in the kernel, or held: what is not acted upon cannot be waited for.
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(after.rig.directory.ended).toEqual([]);
  const second = answer();
  after.server.handOver.serve?.();
  await second;
  expect(after.rig.directory.ended).toHaveLength(1);
  send(port, request);
  expect(await answer()).toEqual(first);
  expect(after.rig.directory.ended).toHaveLength(1);
  await before.server.stop();
});

it('the port is taken back where nobody took over, also when it is free only later', async () => {
  const probe = createSocket('udp4');
  probe.bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  await new Promise<void>((resolve) => void probe.close(resolve));
  const { rig, server } = open(port);
  await server.start();
  await server.handOver.takeBack?.();
  await server.handOver.release?.();
  const thief = createSocket('udp4');
  thief.bind(port, '127.0.0.1');
  await once(thief, 'listening');
  await server.handOver.takeBack?.();
  expect(server.port).toBeUndefined();
  expect(rig.log.events('error')).toEqual(['radius.coa-socket']);
  await new Promise<void>((resolve) => void thief.close(resolve));
  await eventuallyTrue(async () => {
    await rig.clock.advance(2_000);
    return server.port === port;
  });
  send(port, rig.sealed(CODE.disconnectRequest, [is.session('s1')]));
  await answer();
});

it('a port that is new needs nobody to hand it over, and one that is taken is said', async () => {
  const fresh = open(0);
  await fresh.server.handOver.takeOver?.(undefined);
  fresh.server.handOver.serve?.();
  send(fresh.server.port, fresh.rig.sealed(CODE.disconnectRequest, [is.session('s1')]));
  await answer();
  const late = open(fresh.server.port ?? 0);
  await expect(late.server.handOver.takeOver?.(undefined)).rejects.toMatchObject({ code: 'PORT_TAKEN' });
  await expect(late.server.handOver.takeOver?.({ version: 2 })).rejects.toThrow('cannot be read');
});

it('a request that is worked on is waited for', async () => {
  const { rig, server } = open(0);
  await server.start();
  let done: (value: boolean) => void = () => undefined;
  let asked = false;
  rig.directory.disconnect = () => {
    asked = true;
    return new Promise((resolve) => {
      done = resolve;
    });
  };
  send(server.port, rig.sealed(CODE.disconnectRequest, [is.session('s1')]));
  await eventuallyTrue(() => asked);
  let rested = false;
  const resting = server.handOver.rest?.().then(() => {
    rested = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(rested).toBe(false);
  const answered = answer();
  done(true);
  await resting;
  await answered;
});

it('a request that comes after the rest is not begun, and is answered where nobody took over', async () => {
  const { rig, server } = open(0);
  await server.start();
  await server.handOver.rest?.();
  const answered = answer();
  send(server.port, rig.sealed(CODE.disconnectRequest, [is.session('s1')]));
  // It is in the kernel, or held: what is not acted upon cannot be waited for.
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(rig.directory.ended).toEqual([]);
  await server.handOver.takeBack?.();
  await answered;
  expect(rig.directory.ended).toHaveLength(1);
});

it('whose proof a server has judged is known in the next process', async () => {
  const before = new ProvenByRadius();
  const relay = before.relay({ name: 'x', ask: async () => ({ kind: 'accept', identity: 'alice', profile: {} }) });
  await relay.ask({ session: facts('s1') } as never, new AbortController().signal);
  const after = new ProvenByRadius();
  after.restore(structuredClone(before.snapshot()));
  after.restore(undefined);
  expect([after.has(facts('s1').id), after.has(facts('s2').id)]).toEqual([true, false]);
  expect(() => after.restore({ version: 1, sessions: [7] })).toThrow('cannot be read');
});
