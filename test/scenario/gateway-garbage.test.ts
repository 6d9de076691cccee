import { describe, expect, it } from 'vitest';
import type { Machine } from '../../core/machine/machine.ts';
import type { AuthEffect, AuthInput, AuthMethod } from '../../core/ports/auth.ts';
import { msChapV2Method } from '../../plugins/auth-ms-chap-v2/index.ts';
import { address } from '../support/batches.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';

const INTRANET = address('10.0.0.80');

/** MS-CHAPv2 of a client that gets the key wrong which it sends with. */
const wrongKeys = (): AuthMethod => {
  const method = msChapV2Method();
  const spoil = (effects: readonly AuthEffect[]): readonly AuthEffect[] =>
    effects.map((effect) =>
      effect.kind === 'accept' && effect.keys !== undefined
        ? { ...effect, keys: { ...effect.keys, send: effect.keys.send.map((octet) => octet ^ 0xff) } }
        : effect,
    );
  return {
    ...method,
    begin: (context): Machine<AuthInput, AuthEffect> => {
      const machine = method.begin(context);
      return {
        handle: (input, now) => spoil(machine.handle(input, now)),
        nextTimeout: () => machine.nextTimeout(),
        handleTimeout: (now) => spoil(machine.handleTimeout(now)),
      };
    },
  };
};

describe('a client that encrypts with another key', () => {
  it.each([
    { mode: 'stateless', env: {} },
    { mode: 'stateful', env: { PPTP_MPPE_STATEFUL: 'prefer' } },
    { mode: 'stateless, compressed', env: { PPTP_MPPC: 'prefer' } },
  ])('loses its tunnel, which says why: $mode', async ({ env }) => {
    const lab = await GatewayLab.start({ env });
    const client = await lab.connect({ method: wrongKeys() });
    const up = ipv4Packet({ source: client.address, destination: INTRANET, payload: new Uint8Array(80) });
    // In stateful mode each attempt waits for a new start of the tables, of which there are two in a second.
    for (let n = 0; n < 1500 && lab.gateway.sessions() > 0; n += 1) {
      client.tun.hostSends(up);
      await lab.clock.advance(50);
    }
    expect(lab.gateway.sessions()).toBe(0);
    const later = lab.telemetry.traces[0]?.later.filter(({ name }) => name !== 'mppe_reset') ?? [];
    expect(later.map(({ name, ended, failure }) => [name, ended, failure?.error])).toEqual([
      ['limit_reached', true, undefined],
      ['end', true, 'negotiation-failed'],
    ]);
    expect(later[0]?.attributes).toMatchObject({
      'pptp.limit': 'undecryptable',
      'pptp.note': '100 packets in a row could not be decrypted: the keys differ',
    });
  });
});
