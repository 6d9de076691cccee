import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../core/errors.ts';
import { Dialler } from '../../../../gateway/dial/dialler.ts';
import type { ClientEvent, PptpClient } from '../../../../gateway/dial/pptp-client.ts';
import { address } from '../../../support/batches.ts';
import { GatewayLab } from '../../../support/gateway-lab.ts';
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
