import { beforeAll, describe, expect, test } from 'vitest';
import { MppeSessionKey } from '../../../../core/crypto/mppe-keys.ts';
import { MppeWork } from '../../../../core/datapath/mppe-kernel.ts';
import { GatewayError } from '../../../../core/errors.ts';
import type { NativeMppe } from '../../../../native/mppe.d.ts';
import { MppeAccelerator } from '../../../../plugins/mppe-native/index.ts';
import { loadAddonWith } from '../../../../plugins/native-addon/load-addon.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { loadAddon } from '../../native/addon.ts';

let native: NativeMppe;
beforeAll(() => {
  loadAddon();
  native = loadAddonWith<NativeMppe>(['mppeBatch']);
}, 120_000);

const started = async (load: () => NativeMppe, kernel: 'auto' | 'typescript' = 'auto') => {
  const log = new MemoryLog();
  const accelerator = new MppeAccelerator({ log, load }, { kernel });
  await accelerator.start();
  return { accelerator, log };
};

const said = (log: MemoryLog) =>
  log.lines.map(({ level, event, fields }) => [level, event, fields['kernel'], fields['why']]);

/** Two packets of one stream. */
const someWork = (): MppeWork => {
  const work = new MppeWork(4);
  work.slab = Uint8Array.from({ length: 200 }, (_, i) => i);
  const key = new MppeSessionKey(new Uint8Array(16).fill(7), 128);
  work.add(key, 3, 90);
  work.add(key, 100, 60);
  return work;
};

const done = (kernel: { run(work: MppeWork): void }): Uint8Array => {
  const work = someWork();
  kernel.run(work);
  return work.slab;
};

describe('MppeAccelerator', () => {
  test('uses an addon that agrees with the reference, and says so', async () => {
    const { accelerator, log } = await started(() => native);
    expect(said(log)).toEqual([
      ['info', 'mppe.kernel', 'native', 'auto: the native addon has it, and agrees with the reference'],
    ]);
    const { accelerator: plain } = await started(() => native, 'typescript');
    expect(done(accelerator)).toEqual(done(plain));
  });

  test('leaves the addon alone when it is told to', async () => {
    const { log } = await started(() => {
      throw new Error('nobody may load it');
    }, 'typescript');
    expect(said(log)).toEqual([['info', 'mppe.kernel', 'typescript', 'PPTP_MPPE_KERNEL']]);
  });

  test('says why an addon cannot be loaded', async () => {
    const { log } = await started(() => {
      throw new GatewayError('NATIVE_MISSING', 'it is not built');
    });
    expect(said(log)).toEqual([['warn', 'mppe.kernel', 'typescript', 'it is not built']]);
  });

  const broken: [string, NativeMppe['mppeBatch'], RegExp][] = [
    ['does nothing', () => undefined, /^its packets differ from the reference/],
    [
      'is wrong in one octet of one long packet',
      (slab, packets, count, ...rest) => {
        native.mppeBatch(slab, packets, count, ...rest);
        for (let at = 0; at < count; at += 1) {
          const place = (packets[3 * at] ?? 0) + 1599;
          if (packets[3 * at + 1] === 1600) slab[place] = (slab[place] ?? 0) ^ 1;
        }
      },
      /^its packets differ/,
    ],
    [
      'gives wrong keys',
      (slab, packets, count, streams, streamCount, keys) => {
        native.mppeBatch(slab, packets, count, streams, streamCount, keys);
        keys[15] = (keys[15] ?? 0) ^ 1;
      },
      /^its keys differ/,
    ],
    [
      'throws',
      () => {
        throw new RangeError('no');
      },
      /^it threw: no/,
    ],
  ];
  test.each(broken)('does not use an addon that %s', async (_what, mppeBatch, why) => {
    const { accelerator, log } = await started(() => ({ mppeBatch }));
    expect(said(log)).toEqual([['warn', 'mppe.kernel', 'typescript', expect.stringMatching(why)]]);
    expect(done(accelerator)).toEqual(done((await started(() => native)).accelerator));
  });

  test('does the work itself when the addon throws later, and from then on', async () => {
    let calls = 0;
    let fails = false;
    const { accelerator, log } = await started(() => ({
      mppeBatch: (...all) => {
        calls += 1;
        if (fails) throw new RangeError('later');
        native.mppeBatch(...all);
      },
    }));
    const right = done(accelerator);
    fails = true;
    expect(done(accelerator)).toEqual(right);
    const before = calls;
    expect(done(accelerator)).toEqual(right);
    expect(calls).toBe(before);
    expect(said(log).slice(1)).toEqual([['warn', 'mppe.kernel', 'typescript', 'it threw: later']]);
  });

  test('works before its start and after its stop', async () => {
    const { accelerator } = await started(() => native);
    const right = done(accelerator);
    await accelerator.stop();
    expect(done(accelerator)).toEqual(right);
    expect(done(new MppeAccelerator({ log: new MemoryLog() }, { kernel: 'auto' }))).toEqual(right);
  });
});
