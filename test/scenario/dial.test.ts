import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../core/errors.ts';
import type { RedialOptions } from '../../core/machine/redial.ts';
import { type DialledTunnel, Dialler } from '../../gateway/dial/dialler.ts';
import { address } from '../support/batches.ts';
import { type DialOptions, GatewayLab, type LabLine, type LabPeer, SERVER } from '../support/gateway-lab.ts';
import { controlMessages, grePacket, sentFrom } from '../support/gre-packets.ts';
import { seededRandom } from '../support/seeded-random.ts';

/** A dialler that calls the lab's gateway, and what it said and did to the host, in order. */
const dial = (lab: GatewayLab, options: DialOptions = {}, redial: Partial<RedialOptions> = {}) => {
  const story: string[] = [];
  const failures: GatewayError[] = [];
  const tunnels: DialledTunnel[] = [];
  const clients: LabPeer[] = [];
  const lines: LabLine[] = [];
  const times: number[] = [];
  const server: { unreachable: GatewayError | undefined } = { unreachable: undefined };
  const dialler = new Dialler(
    {
      clock: lab.clock,
      random: seededRandom(7),
      connect: async () => {
        times.push(lab.clock.now());
        if (server.unreachable !== undefined) throw server.unreachable;
        const line = lab.line();
        lines.push(line);
        return line.dialled;
      },
      createClient: (dialled) => {
        const line = lines.find((one) => one.dialled === dialled);
        if (line === undefined) throw new Error('no such line');
        const client = lab.client(options, line);
        clients.push(client);
        return client.peer;
      },
      host: {
        up: async ({ network }) => void story.push(`host up ${network.address}`),
        down: async () => {
          if (story.at(-1) !== 'host down') story.push('host down');
        },
      },
      report: {
        dialling: () => undefined,
        up: (tunnel) => {
          tunnels.push(tunnel);
          story.push('up');
        },
        failed: (why, retryInMs) => {
          failures.push(why);
          story.push(`${why.code}${retryInMs === undefined ? ', over' : ''}`);
        },
      },
    },
    redial,
  );
  return { dialler, story, failures, tunnels, clients, lines, times, server, done: dialler.run() };
};

const ADDRESS = address('10.99.0.2');
const NEXT = address('10.99.0.3');

describe('a client that keeps a tunnel up', () => {
  it('sets the host up with what the server gave, and takes it back when it hangs up', async () => {
    const lab = await GatewayLab.start({ env: { PPTP_DNS: '10.0.0.53' } });
    const it = dial(lab);
    await lab.clock.advance(1_000);
    expect(it.story).toEqual([`host up ${ADDRESS}`, 'up']);
    expect(it.tunnels[0]).toMatchObject({
      network: { address: ADDRESS, gateway: address('10.99.0.1'), dns: [address('10.0.0.53')] },
      server: SERVER,
      encryption: { strength: 128, stateless: true },
      peerMru: 1400,
    });

    const stopping = it.dialler.stop();
    await lab.clock.advance(5_000);
    await stopping;
    expect(await it.done).toBeUndefined();
    expect(it.story.slice(2)).toEqual(['host down']);
    const said = it.lines[0]?.pipe.writtenBy('left') ?? new Uint8Array(0);
    expect(controlMessages(said).map(({ kind }) => kind)).toEqual([
      'start-control-connection-request',
      'outgoing-call-request',
      'call-clear-request',
      'stop-control-connection-request',
    ]);
    const farewell = sentFrom(it.clients[0]?.outer ?? SERVER, lab.wire.seen).map(({ payload }) => payload);
    expect(farewell.some((ppp) => isLcp(ppp, TERMINATE_REQUEST))).toBe(true);
    expect(lab.gateway.sessions()).toBe(0);
    expect(it.clients[0]?.tun.isRunning).toBe(false);
  });

  it('dials again when the server stops, with longer and longer waits, and is up when the server is back', async () => {
    const lab = await GatewayLab.start();
    const it = dial(lab);
    await lab.clock.advance(1_000);
    it.server.unreachable = new GatewayError('DIAL_FAILED', 'Cannot connect.');
    const stopping = lab.gateway.stop();
    await lab.clock.advance(200_000);
    await stopping;
    expect(it.failures[0]).toMatchObject({
      code: 'DIAL_LOST',
      message: 'The tunnel to server ended: Call-Disconnect-Notify: admin-shutdown.',
    });
    expect(new Set(it.failures.slice(1).map(({ code }) => code))).toEqual(new Set(['DIAL_FAILED']));
    const waits = it.times.slice(2).map((at, i) => at - (it.times[i + 1] ?? 0));
    expect(waits.length).toBeGreaterThan(4);
    waits.forEach((wait, i) => {
      const bound = Math.min(60_000, 2_000 * 2 ** i);
      expect(wait).toBeGreaterThanOrEqual(bound / 2);
      expect(wait).toBeLessThanOrEqual(bound);
    });
    const stop = it.dialler.stop();
    await lab.clock.advance(5_000);
    await stop;
    expect(lab.clock.pending).toBe(0);
  });

  it('is up again after the server cleared its call', async () => {
    const lab = await GatewayLab.start();
    const it = dial(lab);
    await lab.clock.advance(1_000);
    it.lines[0]?.pipe.right.end();
    await lab.clock.advance(10_000);
    expect(it.story).toEqual([`host up ${ADDRESS}`, 'up', 'host down', 'DIAL_LOST', `host up ${NEXT}`, 'up']);
    expect(it.times[1]).toBeGreaterThanOrEqual((it.times[0] ?? 0) + 1_000);
  });

  it('notices that the server has vanished without a word, and dials again', async () => {
    const lab = await GatewayLab.start();
    const it = dial(lab);
    await lab.clock.advance(1_000);
    it.lines[0]?.pipe.cut();
    lab.wire.filter = () => false;
    await lab.clock.advance(300_000);
    expect(it.failures[0]).toMatchObject({ code: 'DIAL_LOST', message: expect.stringContaining('did not answer') });
    lab.wire.filter = () => true;
    await lab.clock.advance(120_000);
    expect(it.story.at(-1)).toBe('up');
  });

  it('gives up when the server refuses the user', async () => {
    const lab = await GatewayLab.start();
    const it = dial(lab, { password: 'wrong' });
    await lab.clock.advance(20_000);
    expect(await it.done).toMatchObject({
      code: 'DIAL_AUTH',
      message: 'Authentication with server failed: ms-chap-v2: wrong user name or password.',
    });
    expect(it.times).toHaveLength(1);
    expect(it.story).toEqual(['host down', 'DIAL_AUTH, over']);
    expect(lab.clock.pending).toBeLessThanOrEqual(1);
  });

  it('goes on after that only when told to', async () => {
    const lab = await GatewayLab.start();
    const it = dial(lab, { password: 'wrong' }, { retryAuthentication: true });
    await lab.clock.advance(20_000);
    expect(it.times.length).toBeGreaterThan(2);
    const stop = it.dialler.stop();
    await lab.clock.advance(5_000);
    await stop;
  });

  it('leaves a server that does not know the password: a wrong authenticator response ends the link', async () => {
    const lab = await GatewayLab.start();
    lab.wire.filter = ({ bytes }) => {
      const at = Buffer.from(bytes).indexOf('S=');
      if (at > 0) bytes[at + 2] = bytes[at + 2] === 0x41 ? 0x42 : 0x41;
      return true;
    };
    const it = dial(lab);
    await lab.clock.advance(20_000);
    expect(await it.done).toMatchObject({
      code: 'DIAL_AUTH',
      message: expect.stringContaining('did not prove that it knows the password'),
    });
    expect(it.tunnels).toEqual([]);
    expect(it.story).toEqual(['host down', 'DIAL_AUTH, over']);
  });

  it('says that GRE does not get through', async () => {
    const lab = await GatewayLab.start();
    lab.wire.filter = () => false;
    const it = dial(lab, {}, { policy: 'once' });
    await lab.clock.advance(60_000);
    expect(await it.done).toMatchObject({
      code: 'DIAL_NO_GRE',
      message: expect.stringContaining('IP protocol 47 (GRE)'),
    });
  });

  it('names the result code of a refused call', async () => {
    const lab = await GatewayLab.start();
    lab.refuse = { resultCode: 4, errorCode: 0 };
    const it = dial(lab, {}, { policy: 'once' });
    await lab.clock.advance(5_000);
    expect(await it.done).toMatchObject({
      code: 'DIAL_REFUSED',
      message: 'The server server did not take the call: Outgoing-Call-Reply: busy.',
    });
  });

  describe('with its call announced as by a PAC', () => {
    it('has a tunnel like any other, and ends it with Call-Disconnect-Notify', async () => {
      const lab = await GatewayLab.start({ env: { PPTP_ACCEPT_INCOMING_CALLS: 'true' } });
      const it = dial(lab, { incoming: true });
      await lab.clock.advance(1_000);
      expect(it.story).toEqual([`host up ${ADDRESS}`, 'up']);
      expect(it.tunnels[0]?.encryption).toMatchObject({ strength: 128 });
      const stopping = it.dialler.stop();
      await lab.clock.advance(5_000);
      await stopping;
      const kinds = (end: 'left' | 'right') =>
        controlMessages(it.lines[0]?.pipe.writtenBy(end) ?? new Uint8Array(0)).map(({ kind }) => kind);
      expect(kinds('left')).toEqual([
        'start-control-connection-request',
        'incoming-call-request',
        'incoming-call-connected',
        'call-disconnect-notify',
        'stop-control-connection-request',
      ]);
      expect(kinds('right')).toEqual([
        'start-control-connection-reply',
        'incoming-call-reply',
        'stop-control-connection-reply',
      ]);
      expect(lab.gateway.sessions()).toBe(0);
    });

    it('is cleared with Call-Clear-Request by a server that stops, and dials again', async () => {
      const lab = await GatewayLab.start({ env: { PPTP_ACCEPT_INCOMING_CALLS: 'true' } });
      const it = dial(lab, { incoming: true });
      await lab.clock.advance(1_000);
      it.server.unreachable = new GatewayError('DIAL_FAILED', 'Cannot connect.');
      await lab.stop();
      const said = controlMessages(it.lines[0]?.pipe.writtenBy('right') ?? new Uint8Array(0));
      expect(said.map(({ kind }) => kind)).toContain('call-clear-request');
      expect(it.failures[0]).toMatchObject({ code: 'DIAL_LOST' });
    });

    it('is refused by a server that is not told to take such calls', async () => {
      const lab = await GatewayLab.start();
      const it = dial(lab, { incoming: true }, { policy: 'once' });
      await lab.clock.advance(5_000);
      expect(await it.done).toMatchObject({
        code: 'DIAL_REFUSED',
        message:
          'The server server did not take the call: Incoming-Call-Reply: do-not-accept. It has to be told to take ' +
          'announced calls: a pptp-gateway with PPTP_ACCEPT_INCOMING_CALLS=true.',
      });
    });
  });

  it('hears nobody but the server: a stranger who knows the Call ID is dropped', async () => {
    const lab = await GatewayLab.start();
    const it = dial(lab);
    await lab.clock.advance(1_000);
    const [client] = it.clients;
    const call = client?.peer.call;
    if (client === undefined || call === undefined) throw new Error('no call');
    const terminate = Uint8Array.of(0xff, 0x03, 0xc0, 0x21, TERMINATE_REQUEST, 9, 0, 4);
    const stranger = address('192.0.2.66');
    lab.wire.carry({
      bytes: grePacket(call.localCallId, 500, terminate),
      outerSource: stranger,
      outerDestination: client.outer,
    });
    await lab.clock.advance(5_000);
    expect([...client.telemetry.drops]).toEqual([['call-demux in wrong-peer', 1]]);
    expect(it.story).toEqual([`host up ${ADDRESS}`, 'up']);
  });

  it('gives up at once when this host is at fault', async () => {
    const lab = await GatewayLab.start();
    const it = dial(lab);
    await lab.clock.advance(1_000);
    it.server.unreachable = new GatewayError('NOT_ROOT', 'Run it as root.');
    it.lines[0]?.pipe.right.end();
    await lab.clock.advance(5_000);
    expect(await it.done).toMatchObject({ code: 'NOT_ROOT' });
  });

  it('ends with its tunnel when it shall not come back', async () => {
    const lab = await GatewayLab.start();
    const it = dial(lab, {}, { policy: 'until-up' });
    await lab.clock.advance(1_000);
    it.lines[0]?.pipe.right.end();
    await lab.clock.advance(10_000);
    expect(await it.done).toMatchObject({ code: 'DIAL_LOST' });
    expect(it.times).toHaveLength(1);
  });

  it('hangs up within five seconds, whatever the server does', async () => {
    const lab = await GatewayLab.start();
    const it = dial(lab);
    await lab.clock.advance(1_000);
    it.lines[0]?.pipe.cut();
    lab.wire.filter = () => false;
    let stopped = false;
    const stop = it.dialler.stop().then(() => {
      stopped = true;
    });
    await lab.clock.advance(5_000);
    expect(stopped).toBe(true);
    await stop;
    expect(it.story.at(-1)).toBe('host down');
  });

  it('can be stopped while it waits, and in the middle of a call', async () => {
    for (const after of [0, 1, 3, 10, 30, 100]) {
      const lab = await GatewayLab.start();
      const it = dial(lab);
      await lab.clock.advance(after);
      const stop = it.dialler.stop();
      await lab.clock.advance(5_000);
      await stop;
      expect(await it.done).toBeUndefined();
      expect(it.clients.every(({ tun }) => !tun.isRunning)).toBe(true);
    }
  });
});

const TERMINATE_REQUEST = 5;

const isLcp = (ppp: Uint8Array, code: number): boolean => {
  const at = ppp[0] === 0xff ? 2 : 0;
  return ppp[at] === 0xc0 && ppp[at + 1] === 0x21 && ppp[at + 2] === code;
};
