import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../core/bytes/ascii.ts';
import { concatBytes } from '../../core/bytes/bytes.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { CcpWish } from '../../core/machine/ppp-link-types.ts';
import { address } from '../support/batches.ts';
import { GatewayLab, SERVER } from '../support/gateway-lab.ts';
import { contains, sentFrom } from '../support/gre-packets.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';
import { LinkPair } from '../support/link-pair.ts';

const INTRANET = address('10.0.0.80');
/** Said often enough to be worth compressing. */
const SECRET = asciiBytes('nobody on the way may read this line. '.repeat(12));

const numbered = (source: Ipv4, destination: Ipv4, n: number): Uint8Array =>
  ipv4Packet({ source, destination, payload: concatBytes(Uint8Array.of(n >> 8, n), SECRET), identification: n });

const POLICIES = ['required', 'preferred', 'permitted', 'disabled'] as const;
const STRENGTHS = [40, 56, 128] as const;
const WISHES = ['off', 'prefer'] as const;
const MODES = POLICIES.flatMap((policy) =>
  STRENGTHS.filter((strength) => policy === 'required' || strength === 128).flatMap((strength) =>
    WISHES.flatMap((stateful) => WISHES.map((mppc) => ({ policy, strength, stateful, mppc }))),
  ),
);

interface Mode {
  readonly policy: (typeof POLICIES)[number];
  readonly strength: (typeof STRENGTHS)[number];
  readonly stateful: CcpWish;
  readonly mppc: CcpWish;
}
const envOf = ({ policy, strength, stateful, mppc }: Mode): Readonly<Record<string, string>> => ({
  PPTP_MPPE: policy,
  PPTP_MPPE_STRENGTHS: policy === 'disabled' ? '' : String(strength),
  PPTP_MPPE_STATEFUL: stateful,
  PPTP_MPPC: mppc,
});
/** What the log calls it. Two sides that merely permit encryption agree on it when CCP starts for compression. */
const nameOf = ({ policy, strength, stateful, mppc }: Mode): string => {
  const state = stateful === 'off' ? 'stateless' : 'stateful';
  const compression = mppc === 'prefer';
  const encrypted = policy === 'required' || policy === 'preferred' || (policy === 'permitted' && compression);
  if (encrypted) return `MPPE ${strength} ${state}${compression ? ' + MPPC' : ''}`;
  return compression ? `MPPC ${state}` : 'none';
};

describe('our client and our gateway, each mode', () => {
  it.each(MODES)('$policy, $strength bits, stateful $stateful, MPPC $mppc', async (mode) => {
    const lab = await GatewayLab.start({ env: envOf(mode) });
    const client = await lab.connect();
    expect(lab.log.lines.find(({ event }) => event === 'session.up')?.fields['encryption']).toBe(nameOf(mode));
    lab.wire.seen.length = 0;
    for (let n = 0; n < 20; n += 1) {
      const up = numbered(client.address, INTRANET, n);
      const down = numbered(INTRANET, client.address, n);
      client.tun.hostSends(up);
      lab.tun.hostSends(down);
      await lab.clock.advance(10);
      expect([lab.tun.hostReceives(), client.tun.hostReceives()]).toEqual([up, down]);
    }
    const name = nameOf(mode);
    for (const source of [client.outer, SERVER]) {
      const data = sentFrom(source, lab.wire.seen).filter(({ payload }) => payload.length > 40 || payload[0] === 0xfd);
      expect(data).toHaveLength(20);
      // Neither encrypted nor compressed packets show it whole; compressed ones are much smaller.
      expect(data.some(({ payload }) => contains(payload, SECRET))).toBe(name === 'none');
      expect(data.every(({ payload }) => payload.length < 150)).toBe(name.includes('MPPC'));
      if (name !== 'none') {
        const encrypted = data.map(({ payload }) => ((payload[1] ?? 0) & 0x10) !== 0);
        expect(new Set(encrypted)).toEqual(new Set([name.startsWith('MPPE')]));
      }
    }
    expect([...lab.telemetry.drops]).toEqual([]);
  });
});

describe('under loss, duplication and reordering', () => {
  it.each(MODES.filter(({ policy, strength }) => strength === 128 && (policy === 'required' || policy === 'disabled')))(
    '$policy, $strength bits, stateful $stateful, MPPC $mppc: only what was sent, once and in order, and most of it',
    async (mode) => {
      const faults = { loss: 0.03, duplicate: 0.05, reorder: 0.05, delayMs: 5 };
      const lab = await GatewayLab.start({ env: envOf(mode), faults, seed: 11 });
      const client = await lab.dial();
      await lab.clock.advance(20_000);
      const inner = client.peer.network?.address;
      if (inner === undefined) throw new Error('no tunnel');
      const total = 300;
      for (let n = 0; n < total; n += 1) {
        client.tun.hostSends(numbered(inner, INTRANET, n));
        lab.tun.hostSends(numbered(INTRANET, inner, n));
        await lab.clock.advance(20);
      }
      await lab.clock.advance(2_000);
      for (const [tun, source, destination] of [
        [lab.tun, inner, INTRANET],
        [client.tun, INTRANET, inner],
      ] as const) {
        const numbers: number[] = [];
        for (let bytes = tun.hostReceives(); bytes !== undefined; bytes = tun.hostReceives()) {
          const n = ((bytes[20] ?? 0) << 8) | (bytes[21] ?? 0);
          expect(bytes).toEqual(numbered(source, destination, n));
          numbers.push(n);
        }
        expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
        // In stateful mode a lost packet costs those that waited behind it, too.
        expect(numbers.length).toBeGreaterThan(total * (mode.stateful === 'off' ? 0.9 : 0.4));
      }
      expect(lab.gateway.sessions()).toBe(1);
    },
  );

  it('thousands of lost packets in a row do not end a tunnel, and their number does not matter', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    const exchange = async (n: number): Promise<boolean> => {
      client.tun.hostSends(numbered(client.address, INTRANET, n));
      await lab.clock.advance(500);
      return lab.tun.hostReceives() !== undefined;
    };
    expect(await exchange(0)).toBe(true);
    for (const lost of [5_000, 12_000]) {
      lab.wire.filter = () => false;
      for (let n = 0; n < lost; n += 1) {
        client.tun.hostSends(numbered(client.address, INTRANET, n & 0xffff));
        if (n % 50 === 49) await lab.clock.advance(1);
      }
      await lab.clock.advance(1);
      lab.wire.filter = () => true;
      const results: boolean[] = [];
      for (let n = 0; n < 6; n += 1) results.push(await exchange(n));
      expect(results.slice(2)).toEqual([true, true, true, true]);
    }
    expect(lab.gateway.sessions()).toBe(1);
  });
});

describe('what the two ends of CCP want', () => {
  const ALL: readonly CcpWish[] = ['off', 'allow', 'prefer'];
  const pairs = ALL.flatMap((ours) => ALL.map((theirs) => [ours, theirs] as const));
  it.each(pairs)('stateful and MPPC: server %s, client %s', (ours, theirs) => {
    for (const what of ['statefulMppe', 'mppc'] as const) {
      for (const encryption of ['required', 'preferred', 'permitted'] as const) {
        let frames = 0;
        const pair = new LinkPair({
          server: { encryption, [what]: ours },
          client: { encryption, [what]: theirs },
          filter: () => {
            frames += 1;
            return true;
          },
        });
        pair.open().run(20_000);
        expect(pair.server.network).toBeDefined();
        expect(pair.client.network).toBeDefined();
        expect(frames).toBeLessThan(60);
        const [server, client] = [pair.server.encryption, pair.client.encryption];
        if (server !== undefined) {
          expect(server.receive).toEqual({ stateless: client?.stateless, compression: client?.compression });
        }
        expect(client?.stateless).toBe(server?.stateless);
        if (encryption === 'permitted') continue;
        expect([server?.strength, client?.strength]).toEqual([128, 128]);
        if (what === 'mppc') {
          // Who asks for compressed packets gets them, unless the other side never compresses.
          expect(server?.compression).toBe(ours !== 'off' && theirs === 'prefer');
          expect(client?.compression).toBe(theirs !== 'off' && ours === 'prefer');
        } else {
          const both = ours !== 'off' && theirs !== 'off' && (ours === 'prefer' || theirs === 'prefer');
          expect(server?.stateless).toBe(!both);
        }
      }
    }
  });
});
