import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../core/errors.ts';
import { greDriver, greSocket, isGreDriver } from '../../../gateway/gre-driver.ts';
import { LOCAL, silentTelemetry } from '../../support/batches.ts';

const broken = (): never => {
  throw new GatewayError('NATIVE_MISSING', 'The native addon cannot be loaded.');
};
const works = (): object => ({});

describe('PPTP_GRE_DRIVER', () => {
  it.each([
    ['batch', works, 'io-batch-gre'],
    // Who asks for it by name is told at the start that it is missing.
    ['batch', broken, 'io-batch-gre'],
    ['raw-socket', works, 'io-raw-gre'],
    ['auto', works, 'io-batch-gre'],
    ['auto', broken, 'io-raw-gre'],
  ] as const)('%s', (wanted, load, plugin) => {
    const chosen = greDriver(wanted, LOCAL, load);
    expect(chosen.name).toBe(plugin);
    expect(isGreDriver(chosen.name)).toBe(true);
    const { driver } = greSocket(wanted, silentTelemetry, load);
    expect(driver).toBe(plugin === 'io-batch-gre' ? 'batch' : 'raw-socket');
  });

  it.each(['auto', 'batch'] as const)('%s: a worker has its share, and no driver takes the place of ours', (wanted) => {
    const shard = { index: 2, count: 4 };
    expect(greDriver(wanted, LOCAL, works, shard).name).toBe('io-batch-gre');
    expect(() => greDriver(wanted, LOCAL, broken, shard)).toThrow(
      'The native addon cannot be loaded. Without it only PPTP_WORKERS=1 can run; now it is 4.',
    );
  });

  it('raw-socket: is refused to workers', () => {
    const choose = (): unknown => greDriver('raw-socket', LOCAL, works, { index: 0, count: 2 });
    expect(choose).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(choose).toThrow('set PPTP_GRE_DRIVER=auto, or PPTP_WORKERS=1');
  });

  it('does not take a defect for a missing addon', () => {
    const defect = (): never => {
      throw new TypeError('defect');
    };
    expect(() => greDriver('auto', undefined, defect)).toThrow('defect');
  });

  it('knows other plug-ins from a GRE driver', () => {
    expect(['io-tun-linux', 'control-pptp'].filter(isGreDriver)).toEqual([]);
  });
});
