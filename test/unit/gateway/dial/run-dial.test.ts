import { describe, expect, it } from 'vitest';
import type { DialledTunnel } from '../../../../gateway/dial/dialler.ts';
import { describeTunnel } from '../../../../gateway/dial/run-dial.ts';
import { address } from '../../../support/batches.ts';

const keys = { send: new Uint8Array(16), receive: new Uint8Array(16) };

const line = (encryption: DialledTunnel['encryption']): string | undefined =>
  describeTunnel('vpn.example', {
    network: { address: address('10.99.0.2'), gateway: address('10.99.0.1'), dns: [] },
    interfaceName: 'pptp-dial0',
    server: address('203.0.113.1'),
    encryption,
    peerMru: 1400,
  })[0];

describe('what is said of a tunnel that is up', () => {
  it.each([
    ['nothing agreed on', undefined, 'NOT encrypted'],
    ['MPPE', { strength: 128, stateless: true, keys }, 'MPPE 128-bit stateless'],
    ['compression alone', { strength: undefined, stateless: true, compression: true, keys }, 'NOT encrypted'],
  ] as const)('%s', (_what, encryption, said) => {
    expect(line(encryption)).toBe(
      `connected to vpn.example (203.0.113.1): address 10.99.0.2, server 10.99.0.1, device pptp-dial0, ${said}`,
    );
  });
});
