import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../core/errors.ts';
import { Dialler } from '../../../../gateway/dial/dialler.ts';
import type { ClientEvent, PptpClient } from '../../../../gateway/dial/pptp-client.ts';
import type { DialledPipe } from '../../../../plugins/control-pptp/index.ts';
import { address } from '../../../support/batches.ts';
import { GatewayLab, type LabLine } from '../../../support/gateway-lab.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

interface Host {
  up(): Promise<void>;
  down(): Promise<void>;
}

const dial = (lab: GatewayLab, createClient: (client: PptpClient) => PptpClient, host: Host) => {
  const line = lab.line();
  let closed = false;
  line.pipe.right.read({ bytes: () => undefined, closed: () => (closed = true) });
  const dialler = new Dialler(
    {
      clock: lab.clock,
      random: seededRandom(7),
      connect: async () => line.dialled,
      createClient: () => createClient(lab.client({}, line).peer),
      host,
      report: { dialling: () => undefined, up: () => undefined, failed: () => undefined },
    },
    {},
  );
  return { dialler, done: dialler.run(), closed: () => closed };
};

const NO_HOST: Host = { up: async () => undefined, down: async () => undefined };

describe('one attempt', () => {
  it('leaves no connection to the server open when a device cannot be opened', async () => {
    const lab = await GatewayLab.start();
    const refused = new GatewayError('TUN_BUSY', 'The device is in use.');
    const start = async (): Promise<void> => {
      throw refused;
    };
    const it = dial(lab, (client) => Object.assign(client, { start }), NO_HOST);
    await lab.clock.advance(5_000);
    expect(await it.done).toBe(refused);
    expect(it.closed()).toBe(true);
  });

  it('leaves none open when the client cannot even be made', async () => {
    const lab = await GatewayLab.start();
    const wrong = new GatewayError('CONFIG_INVALID', 'Nothing fits.');
    const it = dial(
      lab,
      () => {
        throw wrong;
      },
      NO_HOST,
    );
    await lab.clock.advance(5_000);
    expect(await it.done).toBe(wrong);
    expect(it.closed()).toBe(true);
  });

  it.each([
    ['dials again after HOST_NETWORK, which may pass', 'HOST_NETWORK', ['HOST_NETWORK, again', 'up']],
    ['ends with HOST_REFUSED, which does not pass', 'HOST_REFUSED', ['HOST_REFUSED, over']],
  ] as const)('%s', async (_what, code, expected) => {
    const lab = await GatewayLab.start();
    const story: string[] = [];
    const lines = new Map<DialledPipe, LabLine>();
    let changes = 0;
    const dialler = new Dialler(
      {
        clock: lab.clock,
        random: seededRandom(7),
        connect: async () => {
          const line = lab.line();
          lines.set(line.dialled, line);
          return line.dialled;
        },
        createClient: (dialled) => lab.client({}, lines.get(dialled) ?? lab.line()).peer,
        host: {
          up: async () => {
            changes += 1;
            if (changes === 1) throw new GatewayError(code, 'The route cannot be set.');
          },
          down: async () => undefined,
        },
        report: {
          dialling: () => undefined,
          up: () => story.push('up'),
          failed: (why, retryInMs) => story.push(`${why.code}, ${retryInMs === undefined ? 'over' : 'again'}`),
        },
      },
      {},
    );
    const done = dialler.run();
    await lab.clock.advance(20_000);
    expect(story).toEqual(expected);
    const stopping = dialler.stop();
    await lab.clock.advance(5_000);
    await stopping;
    expect(await done).toEqual(code === 'HOST_REFUSED' ? expect.objectContaining({ code }) : undefined);
  });

  it('makes only the last of the changes that came while the host was being changed', async () => {
    const lab = await GatewayLab.start();
    const events = new Subject<ClientEvent>();
    const story: string[] = [];
    let ready: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const host: Host = {
      up: async () => {
        story.push('up');
        await slow;
      },
      down: async () => void story.push('down'),
    };
    const it = dial(lab, (client) => Object.defineProperty(client, 'events$', { value: events }), host);
    await lab.clock.advance(10);
    const network = { address: address('10.99.0.2'), gateway: address('10.99.0.1'), dns: [] };
    events.next({ kind: 'up', network });
    await lab.clock.advance(10);
    for (let i = 0; i < 1_000; i += 1) {
      events.next({ kind: 'down' });
      events.next({ kind: 'up', network });
    }
    await lab.clock.advance(10);
    ready();
    await lab.clock.advance(10);
    expect(story).toEqual(['up', 'down', 'up']);
    const stopping = it.dialler.stop();
    await lab.clock.advance(5_000);
    await stopping;
    expect(story.slice(3)).toEqual(['down']);
  });
});
