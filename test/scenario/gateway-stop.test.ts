import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { PacketBatch } from '../../core/datapath/packet-batch.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { withOptions } from '../../gateway/plugin-loader.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { controlMessages } from '../support/gre-packets.ts';

const USERS = { alice: { password: 'a' }, bob: { password: 'b' } };

/** A stage with streams of its own on both ways: who still listens to them has not let go of the pipeline. */
const eavesdropper = () => {
  const inbound = new Subject<PacketBatch>();
  const outbound = new Subject<PacketBatch>();
  const plugin = definePlugin({
    name: 'eavesdropper',
    api: PLUGIN_API,
    register: ({ bind }) => {
      bind(TOKENS.Stage).toConstantValue({
        name: 'eavesdropper',
        slot: 790,
        inbound: { process: () => undefined, released$: inbound },
        outbound: { process: () => undefined, released$: outbound },
      });
    },
  });
  return { inbound, outbound, plugin: withOptions(plugin, undefined) };
};

describe('a gateway that is stopped', () => {
  it('clears every call as its own shutdown and stops the control connections in order', async () => {
    const lab = await GatewayLab.start({ users: USERS });
    const clients = [await lab.connect({ password: 'a' }), await lab.connect({ user: 'bob', password: 'b' })];
    await lab.stop();

    expect(lab.gateway.sessions()).toBe(0);
    const closed = lab.log.lines.filter(({ event }) => event === 'session.closed');
    expect(closed.map(({ fields }) => fields['reason'])).toEqual(['shutdown', 'shutdown']);
    for (const client of clients) {
      expect(
        controlMessages(client.pipe.writtenBy('right'))
          .slice(-2)
          .map(({ kind }) => kind),
      ).toEqual(['call-disconnect-notify', 'stop-control-connection-request']);
      expect(client.events.find(({ kind }) => kind === 'call-closed')).toEqual({
        kind: 'call-closed',
        reason: 'peer-disconnect',
        detail: 'Call-Disconnect-Notify: admin-shutdown',
      });
    }
    expect(lab.log.events('error')).toEqual([]);
  });

  it('leaves nobody on its streams and no timer in the clock', async () => {
    const { inbound, outbound, plugin } = eavesdropper();
    const lab = await GatewayLab.start({ plugins: [plugin] });
    const completed: string[] = [];
    lab.tun.batches$.subscribe({ complete: () => completed.push('tun') });
    lab.gre.batches$.subscribe({ complete: () => completed.push('gre') });
    const client = await lab.connect();
    expect([inbound.observed, outbound.observed]).toEqual([true, true]);

    await lab.stop();
    await client.peer.stop();
    expect([inbound.observed, outbound.observed]).toEqual([false, false]);
    expect(completed).toEqual(['gre', 'tun']);
    expect(lab.clock.pending).toBe(0);
  });

  it('before anybody called is just stopped', async () => {
    const lab = await GatewayLab.start();
    await lab.stop();
    expect(lab.clock.pending).toBe(0);
    expect(lab.log.lines).toEqual([]);
  });

  it('refuses calls that come while it stops', async () => {
    const lab = await GatewayLab.start({ users: USERS });
    await lab.connect({ password: 'a' });
    const late = await lab.dial({ user: 'bob', password: 'b' });
    await lab.stop();
    expect(late.peer.network).toBeUndefined();
    expect(lab.log.lines.filter(({ event }) => event === 'call.opened')).toHaveLength(1);
    await late.peer.stop();
    expect(lab.clock.pending).toBe(0);
  });

  it('whose GRE socket dies says so and can still be stopped', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    lab.killGre(new Error('gone'));
    expect(lab.deaths).toEqual(['gre-socket']);
    await lab.stop();
    await client.peer.stop();
    expect(lab.clock.pending).toBe(0);
    expect(lab.gateway.sessions()).toBe(0);
  });
});

describe('a gateway that nobody leaves', () => {
  it('keeps one timer for all its sessions', async () => {
    const lab = await GatewayLab.start({ users: USERS });
    const before = lab.clock.pending;
    const alice = await lab.connect({ password: 'a' });
    const one = lab.clock.pending - before;
    const bob = await lab.connect({ user: 'bob', password: 'b' });
    const two = lab.clock.pending - before;
    // Per client: its own driver's timer and both ends of its control connection. One more: the gateway's driver.
    expect([one, two]).toEqual([3 + 1, 6 + 1]);
    await lab.stop();
    await Promise.all([alice.peer.stop(), bob.peer.stop()]);
    expect(lab.clock.pending).toBe(0);
  });
});
