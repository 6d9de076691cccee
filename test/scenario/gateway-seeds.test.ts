import { describe, expect, it } from 'vitest';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { arrived, numbered, numberOf } from '../support/arrived.ts';
import { address } from '../support/batches.ts';
import type { Faults } from '../support/fault-io.ts';
import { GatewayLab, type LabPeer } from '../support/gateway-lab.ts';

const INTRANET = address('10.0.0.80');
const SEEDS = 60;
const TOTAL = 120;

/** The numbers in order of arrival; a test fails on a packet that is not octet for octet what was sent. */
const received = (
  device: { hostReceives(): Uint8Array | undefined },
  source: Ipv4,
  destination: Ipv4,
): readonly number[] => {
  const packets = arrived(device);
  const numbers = packets.map(numberOf);
  expect(packets).toEqual(numbers.map((number) => numbered(source, destination, number)));
  return numbers;
};

/** Every seed has a path of its own: from clean to bad, from short to long. */
const faultsOf = (seed: number): Omit<Faults, 'seed'> => ({
  loss: (seed % 5) * 0.03,
  duplicate: (seed % 4) * 0.07,
  reorder: (seed % 3) * 0.1,
  delayMs: (seed % 7) * 8,
  jitterMs: (seed % 6) * 12,
});

const converse = async (lab: GatewayLab, client: LabPeer, inner: Ipv4): Promise<void> => {
  for (let number = 1; number <= TOTAL; number += 1) {
    client.tun.hostSends(numbered(inner, INTRANET, number));
    lab.tun.hostSends(numbered(INTRANET, inner, number));
    await lab.clock.advance(3);
  }
  await lab.clock.advance(120_000);
  client.gre.flush();
  lab.gre.flush();
  await lab.clock.advance(1_000);
};

describe('our client and our gateway over a path that loses, repeats, reorders and delays', () => {
  it.each(Array.from({ length: SEEDS }, (_, seed) => [seed, seed % 2 === 0 ? 'off' : 'on'] as const))(
    'seed %i, window %s: nothing arrives twice, out of order or changed, and the tunnel stays up',
    async (seed, window) => {
      const faults = faultsOf(seed);
      const lab = await GatewayLab.start({ faults, seed: seed + 1, env: { PPTP_GRE_WINDOW: window } });
      const client = await lab.dial();
      await lab.clock.advance(60_000);
      const inner = client.peer.network?.address;
      if (inner === undefined) throw new Error(`the tunnel did not come up: ${JSON.stringify(client.events)}`);
      await converse(lab, client, inner);

      const atHost = received(lab.tun, inner, INTRANET);
      const atClient = received(client.tun, INTRANET, inner);
      for (const numbers of [atHost, atClient]) {
        for (const [at, number] of numbers.entries()) expect(number).toBeGreaterThan(numbers[at - 1] ?? 0);
        // A lost packet costs itself; only what overtakes by more than the reorder queue bears is lost besides.
        expect(numbers.length).toBeGreaterThan(TOTAL * (1 - (faults.loss ?? 0) * 2 - 0.05));
      }
      if (faults.loss === 0) expect([atHost.length, atClient.length]).toEqual([TOTAL, TOTAL]);
      expect(lab.telemetry.dropsFor('decrypt-failed') + client.telemetry.dropsFor('decrypt-failed')).toBe(0);
      expect(lab.telemetry.dropsFor('stage-fault') + client.telemetry.dropsFor('stage-fault')).toBe(0);
      expect(lab.gateway.sessions()).toBe(1);
    },
  );
});
