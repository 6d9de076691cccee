import { describe, expect, it } from 'vitest';
import { parseNetwork } from '../../../../config/formats.ts';
import { checkAddresses, inSettings } from '../../../../gateway/dial/site-host.ts';
import { commandError } from '../../../../plugins/host-network-linux/host-errors.ts';
import { openError } from '../../../../plugins/io-tun-linux/tun-errors.ts';
import { address } from '../../../support/batches.ts';

describe('the addresses that another site gives', () => {
  const range = parseNetwork('10.99.0.0/24');
  if (range === undefined) throw new Error('no network');
  const check =
    (own: string, gateway: string, gatewayAddress = '10.99.0.1') =>
    () =>
      checkAddresses(
        { address: address(own), gateway: address(gateway) },
        { range, gatewayAddress: address(gatewayAddress) },
      );

  it('may be any that are not of the own pool', () => {
    expect(check('10.98.255.2', '10.98.255.1')).not.toThrow();
    expect(check('10.99.1.2', '10.99.1.1')).not.toThrow();
  });

  it.each([
    ['a client of ours may have', '10.99.0.2', '10.1.0.1'],
    ['a client of ours may have, for itself', '10.1.0.2', '10.99.0.77'],
    ['we have', '10.1.0.2', '10.99.0.1'],
  ])('are refused when it is one that %s', (_, own, gateway) => {
    expect(check(own, gateway)).toThrow(
      expect.objectContaining({ code: 'HOST_REFUSED', message: expect.stringMatching(/10\.99\.0\.0\/24.*PPTP_POOL/) }),
    );
  });
});

describe('advice about the tunnel to another site', () => {
  it('names its settings', () => {
    const command = { program: 'ip', args: ['route', 'add'] } as const;
    const failed = (stderr: string) =>
      commandError(command, { code: 2, stdout: '', stderr, missing: false }, 'dial').message;
    expect(inSettings(failed('File exists'))).toContain('check PPTP_DIAL_ROUTES and PPTP_DIAL_TUN against');
    expect(inSettings(failed('Operation not permitted'))).toContain('run the gateway as root');
    const busy = openError('pptp-site0', Object.assign(new Error('busy'), { code: 'EBUSY' }));
    expect(inSettings(busy.message)).toContain('choose another PPTP_DIAL_TUN.');
  });
});
