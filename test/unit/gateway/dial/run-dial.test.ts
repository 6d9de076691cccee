import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../core/errors.ts';
import type { DialledTunnel } from '../../../../gateway/dial/dialler.ts';
import { describeTunnel, ownWords } from '../../../../gateway/dial/run-dial.ts';
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

describe('what the end of a dial is told as', () => {
  const expired = new GatewayError('DIAL_AUTH', 'Authentication with a failed: ms-chap-v2: the password has expired.');
  const wrong = new GatewayError('DIAL_AUTH', 'Authentication with a failed: ms-chap-v2: wrong user name or password.');
  const said = (error: GatewayError, newPassword?: string): string =>
    ownWords(error, newPassword === undefined ? {} : { newPassword }, 'work').message;

  it('an expired password: with the flag that changes it, unless it was given', () => {
    expect(said(expired)).toBe(`${expired.message} Give the next one with --new-password-file.`);
    expect(said(expired, 'better')).toBe(expired.message);
    expect(said(wrong)).toBe(wrong.message);
  });

  it('a device that is taken: with the flag that names it', () => {
    expect(said(new GatewayError('TUN_BUSY', 'choose another PPTP_TUN_NAME.'))).toMatch(
      /"work" .*choose another --tun/,
    );
  });
});
