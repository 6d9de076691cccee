import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NativeTun, TunOptions } from '../../../native/tun.d.ts';
import { binary, loadAddon, runWithAddon } from './addon.ts';

/** A descriptor number that is never open: above any limit a test process has. */
const notOpen = 2 ** 30;
const options = { name: '', multiQueue: false, vnetHdr: false } satisfies TunOptions;

let native: NativeTun;
let folder: string;
let fifo: string;

beforeAll(() => {
  native = loadAddon();
  folder = mkdtempSync(join(tmpdir(), 'pptp-native-test-'));
  fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A non-blocking descriptor that needs no rights: reading and writing ends of one FIFO. */
function withFifo(body: (fd: number) => void): void {
  const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    body(fd);
  } finally {
    closeSync(fd);
  }
}

function wrong(call: () => unknown): { name: string; code: unknown; message: string } {
  try {
    call();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { name: error.name, code: 'code' in error ? error.code : undefined, message: error.message };
  }
  throw new Error('nothing was thrown');
}

describe('tunOpen arguments', () => {
  it.each([
    ['no options', undefined],
    ['no name', { multiQueue: false, vnetHdr: false }],
    ['a number as name', { ...options, name: 7 }],
    ['a flag that is not a boolean', { ...options, multiQueue: 1 }],
    ['a missing flag', { name: '', multiQueue: false }],
  ])('refuses %s with EINVAL', (_what, given) => {
    expect(wrong(() => native.tunOpen(given as never))).toMatchObject({ name: 'TypeError', code: 'EINVAL' });
  });

  it.each([
    ['16 bytes', 'abcdefghijklmnop'],
    ['16 bytes in fewer letters', 'ääääääää'],
    ['a NUL inside', 'pptp\0x'],
  ])('refuses a name of %s with EINVAL', (_what, name) => {
    expect(wrong(() => native.tunOpen({ ...options, name }))).toMatchObject({ name: 'RangeError', code: 'EINVAL' });
  });

  it('passes on what a getter throws', () => {
    const given = {
      get name(): string {
        throw new RangeError('mine');
      },
      multiQueue: false,
      vnetHdr: false,
    };
    expect(wrong(() => native.tunOpen(given))).toMatchObject({ name: 'RangeError', message: 'mine' });
  });
});

describe('tunReadBatch', () => {
  const slab = new Uint8Array(4 * 16);
  const lengths = new Int32Array(4);
  type Rest = [slab: Uint8Array, slotSize: number, headroom: number, lengths: Int32Array, max: number, start: number];

  it.each<[what: string, given: Rest]>([
    ['too many slots for the slab', [slab, 32, 0, lengths, 4, 0]],
    ['too many slots for lengths', [slab, 8, 0, lengths, 8, 0]],
    ['a start beyond the end', [slab, 16, 0, lengths, 4, 1]],
    ['a headroom that leaves no room', [slab, 16, 16, lengths, 4, 0]],
    ['a slot size of 0', [slab, 0, 0, lengths, 4, 0]],
    ['a negative start', [slab, 16, 0, lengths, 1, -1]],
    ['a fraction', [slab, 16, 0, lengths, 1.5, 0]],
    ['NaN', [slab, 16, 0, lengths, Number.NaN, 0]],
    ['numbers whose product overflows', [slab, 2 ** 31 - 1, 0, lengths, 2 ** 31 - 1, 2 ** 31 - 1]],
  ])('refuses %s with RangeError EINVAL', (_what, given) => {
    expect(wrong(() => native.tunReadBatch(0, ...given))).toMatchObject({ name: 'RangeError', code: 'EINVAL' });
  });

  it.each([
    ['a missing argument', [0, slab, 16, 0, lengths, 4]],
    ['a string as descriptor', ['0', slab, 16, 0, lengths, 4, 0]],
    ['a plain array as slab', [0, [1], 16, 0, lengths, 4, 0]],
    ['a DataView as slab', [0, new DataView(new ArrayBuffer(64)), 16, 0, lengths, 4, 0]],
    ['another kind of lengths', [0, slab, 16, 0, new Uint32Array(4), 4, 0]],
  ])('refuses %s with TypeError EINVAL', (_what, given) => {
    const call = native.tunReadBatch as (...values: unknown[]) => number;
    expect(wrong(() => call(...given))).toMatchObject({ name: 'TypeError', code: 'EINVAL' });
  });

  it('throws EBADF for a descriptor that is not open', () => {
    expect(wrong(() => native.tunReadBatch(notOpen, slab, 16, 0, lengths, 4, 0))).toMatchObject({ code: 'EBADF' });
  });

  it('returns 0 when there is nothing to read', () => {
    withFifo((fd) => expect(native.tunReadBatch(fd, slab, 16, 0, lengths, 4, 0)).toBe(0));
  });

  it('appends from the start slot, behind the headroom, and leaves the rest alone', () => {
    withFifo((fd) => {
      writeSync(fd, Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
      const into = new Uint8Array(4 * 16).fill(0xee);
      const counts = new Int32Array(4).fill(-1);
      expect(native.tunReadBatch(fd, into, 16, 12, counts, 3, 1)).toBe(3);
      expect([...counts]).toEqual([-1, 4, 4, 2]);
      expect([...into.subarray(16 + 12, 32)]).toEqual([1, 2, 3, 4]);
      expect([...into.subarray(32 + 12, 48)]).toEqual([5, 6, 7, 8]);
      expect([...into.subarray(48 + 12, 50 + 12)]).toEqual([9, 10]);
      expect(into.filter((value) => value === 0xee)).toHaveLength(64 - 10);
    });
  });

  it('honours the offset of a view and reads no more than max', () => {
    withFifo((fd) => {
      writeSync(fd, Uint8Array.from([1, 2, 3, 4]));
      const whole = new Uint8Array(64);
      expect(native.tunReadBatch(fd, whole.subarray(32), 2, 0, lengths, 1, 0)).toBe(1);
      expect([...whole.subarray(30, 36)]).toEqual([0, 0, 1, 2, 0, 0]);
      expect(native.tunReadBatch(fd, whole, 2, 0, lengths, 4, 0)).toBe(1);
    });
  });
});

describe('tunWriteBatch', () => {
  const slab = Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const offsets = Int32Array.from([0, 4, 8]);
  const lengths = Int32Array.from([2, 3, 2]);
  const order = Int32Array.from([2, 0, 1]);
  const result = new Int32Array(2);

  it.each([
    ['more than order holds', { count: 4 }],
    ['a start beyond order', { from: 3, count: 1 }],
    ['an index beyond the batch', { order: Int32Array.from([0, 1, 3]) }],
    ['a negative index', { order: Int32Array.from([0, 1, -1]) }],
    ['an offset beyond the slab', { offsets: Int32Array.from([0, 4, 9]) }],
    ['a negative offset', { offsets: Int32Array.from([0, 4, -1]) }],
    ['a negative length', { lengths: Int32Array.from([2, 3, -2]) }],
    ['an end that overflows', { lengths: Int32Array.from([2, 2 ** 31 - 1, 2]) }],
    ['a result without room', { result: new Int32Array(0) }],
  ])('refuses %s before it writes anything', (_what, change) => {
    const given = { slab, offsets, lengths, order, from: 0, count: 3, result, ...change };
    withFifo((fd) => {
      const failure = wrong(() =>
        native.tunWriteBatch(
          fd,
          given.slab,
          given.offsets,
          given.lengths,
          given.order,
          given.from,
          given.count,
          given.result,
        ),
      );
      expect(failure).toMatchObject({ name: 'RangeError', code: 'EINVAL' });
      expect(native.tunReadBatch(fd, new Uint8Array(16), 16, 0, new Int32Array(1), 1, 0)).toBe(0);
    });
  });

  it('writes in the given order, from the given place', () => {
    withFifo((fd) => {
      expect(native.tunWriteBatch(fd, slab, offsets, lengths, order, 1, 2, result)).toBe(2);
      expect([...result]).toEqual([0, 0]);
      const into = new Uint8Array(16);
      native.tunReadBatch(fd, into, 16, 0, new Int32Array(1), 1, 0);
      expect([...into.subarray(0, 5)]).toEqual([0, 1, 4, 5, 6]);
    });
  });

  it('stops where the kernel has no more room and says how many it took', () => {
    withFifo((fd) => {
      const page = new Uint8Array(4096);
      const many = new Int32Array(1000);
      const taken = native.tunWriteBatch(fd, page, many, many.slice().fill(4096), many, 0, 1000, result);
      expect(taken).toBeGreaterThan(0);
      expect(taken).toBeLessThan(1000);
      expect(result[0]).toBe(0);
    });
  });

  it('throws EBADF for a descriptor that is not open', () => {
    const failure = wrong(() => native.tunWriteBatch(notOpen, slab, offsets, lengths, order, 0, 3, result));
    expect(failure).toMatchObject({ code: 'EBADF' });
  });
});

describe('adoptFd', () => {
  it('takes over a descriptor once, and closes it as its own', () => {
    const fd = openSync('/dev/null', 'r');
    native.adoptFd(fd);
    expect(wrong(() => native.adoptFd(fd))).toMatchObject({ code: 'EEXIST' });
    native.closeFd(fd);
    expect(wrong(() => native.closeFd(fd))).toMatchObject({ code: 'EBADF' });
  });

  it('refuses what is no descriptor', () => {
    expect(wrong(() => native.adoptFd(987_654))).toMatchObject({ code: 'EBADF' });
    expect(wrong(() => native.adoptFd(-1))).toMatchObject({ code: 'EINVAL' });
  });
});

describe('closeFd', () => {
  it('closes only what was opened here', () => {
    withFifo((fd) => {
      expect(wrong(() => native.closeFd(fd))).toMatchObject({ code: 'EBADF' });
      expect(writeSync(fd, 'x')).toBe(1);
    });
    expect(wrong(() => native.closeFd(notOpen))).toMatchObject({ code: 'EBADF' });
    expect(wrong(() => native.closeFd(-1))).toMatchObject({ code: 'EINVAL' });
  });
});

describe('pollStart and pollStop', () => {
  it('refuse wrong arguments', () => {
    expect(wrong(() => native.pollStart(0, undefined as never))).toMatchObject({ name: 'TypeError', code: 'EINVAL' });
    expect(wrong(() => native.pollStart(-1, () => {}))).toMatchObject({ name: 'RangeError', code: 'EINVAL' });
    expect(wrong(() => native.pollStart(notOpen, () => {}))).toMatchObject({ code: 'EBADF' });
    expect(wrong(() => native.pollStop({} as never))).toMatchObject({ name: 'TypeError', code: 'EINVAL' });
  });

  it('refuse a file, which is always readable', () => {
    const fd = openSync(join(folder, 'file'), 'w+');
    expect(wrong(() => native.pollStart(fd, () => {}))).toMatchObject({ code: 'EPERM' });
    closeSync(fd);
  });

  it('report readable data until they are stopped, from inside the callback too', async () => {
    const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    const seen: number[] = [];
    await new Promise<void>((done) => {
      const handle = native.pollStart(fd, () => {
        const counts = new Int32Array(1);
        native.tunReadBatch(fd, new Uint8Array(1), 1, 0, counts, 1, 0);
        seen.push(counts[0] ?? -1);
        if (seen.length < 3) return;
        native.pollStop(handle);
        native.pollStop(handle);
        done();
      });
      writeSync(fd, 'abcdef');
    });
    await new Promise((done) => setImmediate(done));
    expect(seen).toEqual([1, 1, 1]);
    closeSync(fd);
  });

  it('refuse a second watch of the same descriptor with EEXIST', () => {
    withFifo((fd) => {
      const handle = native.pollStart(fd, () => {});
      expect(wrong(() => native.pollStart(fd, () => {}))).toMatchObject({ code: 'EEXIST' });
      native.pollStop(handle);
      native.pollStop(native.pollStart(fd, () => {}));
    });
  });
});

describe('a process with the addon', () => {
  const openFifo = () => `import { openSync, constants, writeSync } from 'node:fs';
    const fd = openSync(${JSON.stringify(fifo)}, constants.O_RDWR | constants.O_NONBLOCK);\n`;

  it('runs microtasks and ticks after each callback and keeps the async context', async () => {
    const { output, status } = await runWithAddon(`${openFifo()}
      import { AsyncLocalStorage } from 'node:async_hooks';
      const order = [];
      const storage = new AsyncLocalStorage();
      const handle = storage.run('mine', () => native.pollStart(fd, () => {
        order.push('callback', storage.getStore());
        process.nextTick(() => order.push('tick'));
        Promise.resolve().then(() => order.push('microtask'));
        setImmediate(() => console.log(order.join(' ')));
        native.pollStop(handle);
      }));
      writeSync(fd, 'x');`);
    expect(output).toBe('callback mine tick microtask\n');
    expect(status).toBe(0);
  });

  it('gets what a callback throws as uncaughtException and goes on', async () => {
    const { output, status } = await runWithAddon(`${openFifo()}
      let thrown = 0;
      process.on('uncaughtException', (error) => {
        console.log(error.message);
        if (thrown === 3) native.pollStop(handle);
      });
      const handle = native.pollStart(fd, () => { throw new Error('number ' + ++thrown); });
      writeSync(fd, 'x');`);
    expect(output).toBe('number 1\nnumber 2\nnumber 3\n');
    expect(status).toBe(0);
  });

  it('ends like any other when nobody handles the exception', async () => {
    const { errors, status } = await runWithAddon(`${openFifo()}
      native.pollStart(fd, () => { throw new Error('unhandled here'); });
      writeSync(fd, 'x');`);
    expect(errors).toContain('Error: unhandled here');
    expect(status).toBe(1);
  });

  it('keeps a watch alive although its handle was collected', async () => {
    const { output, status } = await runWithAddon(
      `${openFifo()}
      let left = 5;
      native.pollStart(fd, () => {
        native.tunReadBatch(fd, new Uint8Array(1), 1, 0, new Int32Array(1), 1, 0);
        globalThis.gc();
        left -= 1;
        console.log(left);
        if (left === 0) process.exit(0);
        setImmediate(() => { globalThis.gc(); writeSync(fd, 'x'); });
      });
      globalThis.gc();
      writeSync(fd, 'x');`,
      ['--expose-gc'],
    );
    expect(output).toBe('4\n3\n2\n1\n0\n');
    expect(status).toBe(0);
  });

  /** A script that runs `body` in `count` workers, each with its own watchable `fd`. */
  const inWorkers = (body: string, { onMessage = '', count = 1 } = {}) => {
    const worker = `
      const { createRequire } = require('node:module');
      const { openSync, constants, writeSync } = require('node:fs');
      const { parentPort } = require('node:worker_threads');
      const native = createRequire('/')(${JSON.stringify(binary)});
      const fd = openSync(${JSON.stringify(fifo)}, constants.O_RDWR | constants.O_NONBLOCK);
      ${body}`;
    // Without execArgv a worker would take its script for a module, as its parent's is.
    return `import { Worker } from 'node:worker_threads';
      for (let i = 0; i < ${count}; i += 1) {
        const worker = new Worker(${JSON.stringify(worker)}, { eval: true, execArgv: [] });
        worker.on('message', (message) => { console.log(message); ${onMessage} });
        worker.on('error', (error) => console.log(error.message));
        worker.on('exit', (code) => console.log('ended', code));
      }`;
  };

  it.each([
    ['exits with a watch open', 'native.pollStart(fd, () => {}); process.exit(3);', 'ended 3\n'],
    ['exits inside a callback', "native.pollStart(fd, () => process.exit(4)); writeSync(fd, 'x');", 'ended 4\n'],
    [
      'exits right after pollStop',
      'native.pollStop(native.pollStart(fd, () => {})); native.pollStart(fd, () => {}); process.exit(5);',
      'ended 5\n',
    ],
    [
      'throws in a callback',
      "native.pollStart(fd, () => { throw new Error('thrown'); }); writeSync(fd, 'x');",
      'thrown\nended 1\n',
    ],
    [
      'is terminated while it waits',
      "native.pollStart(fd, () => {}); parentPort.postMessage('waits');",
      'waits\nended 1\n',
    ],
    [
      'is terminated inside a callback',
      "native.pollStart(fd, () => { parentPort.postMessage('spins'); for (;;); }); writeSync(fd, 'x');",
      'spins\nended 1\n',
    ],
  ])('survives a worker that %s', async (_what, body, expected) => {
    const { output, signal, status } = await runWithAddon(inWorkers(body, { onMessage: 'worker.terminate();' }));
    expect({ output, signal, status }).toEqual({ output: expected, signal: null, status: 0 });
  });

  it('uses the addon in several threads at once', async () => {
    const body = "const handle = native.pollStart(fd, () => native.pollStop(handle)); writeSync(fd, 'x');";
    const { output, status } = await runWithAddon(inWorkers(body, { count: 4 }));
    expect({ output, status }).toEqual({ output: 'ended 0\n'.repeat(4), status: 0 });
  });
});
