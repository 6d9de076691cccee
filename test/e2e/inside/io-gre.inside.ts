import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { PacketBatch } from '../../../core/datapath/packet-batch.ts';
import type { GreSocket } from '../../../core/ports/packet-io.ts';
import { emptyGreHeader, parseGre, writeGre } from '../../../core/wire/gre.ts';
import { BatchGreSocket } from '../../../plugins/io-batch-gre/batch-gre-socket.ts';
import { loadGreAddon } from '../../../plugins/io-batch-gre/load-gre-addon.ts';
import { greSocketContract } from '../../../testing/contract/packet-io.ts';
import { runContract } from '../../../testing/suite.ts';
import { address } from '../../support/batches.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryTelemetry } from '../../support/memory-telemetry.ts';
import { TS_HOOK } from '../../support/netns.ts';
import { binary } from '../../unit/native/addon.ts';
import { driverNamed } from './gre-drivers.ts';

/** On lo, 10.200.0.1 to .3; on the veth to a namespace with a peer, see io-gre.test.ts. */
const NEAR = address('10.200.0.1');
const CALLED = address('10.200.0.2');
const FAR = address('10.200.0.3');
const notAborted = { aborted: false, addEventListener: (): void => undefined };

for (const own of ['10.200.0.1', '10.200.0.2', '10.200.0.3']) {
  execFileSync('ip', ['address', 'replace', `${own}/32`, 'dev', 'lo']);
}

const name = process.env['GRE_DRIVER'] ?? '';
const Driver = driverNamed(name);

interface Buffers {
  readonly receiveBuffer?: number;
  readonly sendBuffer?: number;
}
const open = (
  listen: string,
  telemetry = new MemoryTelemetry(),
  buffers: Buffers = {},
  log = new MemoryLog(),
): GreSocket => new Driver({ telemetry, log }, { listen: address(listen), ...buffers });

runContract(
  greSocketContract(name, async () => ({
    // Both sockets see all GRE of the namespace: `near` takes that to any address, as a gateway does.
    near: open('0.0.0.0'),
    far: open('10.200.0.3'),
    nearAddresses: [NEAR, CALLED],
    farAddress: FAR,
    teardown: async () => undefined,
  })),
  { describe, it },
);

const batchTo = (destination: string, source: string, ...packets: readonly Uint8Array[]): PacketBatch => {
  const batch = new PacketBatch(packets.length);
  for (const packet of packets) batch.outerEndpoints(batch.append(packet), address(source), address(destination));
  return batch;
};

/** A marked packet; the mark is its first octet. */
const packet = (mark: number, length = 60): Uint8Array => new Uint8Array(length).fill(mark);

describe(`${name} on a real kernel`, () => {
  it('answers from the secondary address a peer on another host called (R38)', async () => {
    const socket = open('0.0.0.0');
    await socket.start(notAborted);
    socket.batches$.subscribe((batch) => {
      for (let at = 0; at < batch.count; at += 1) {
        const index = batch.order[at] ?? 0;
        batch.outerEndpoints(index, address('10.201.0.2'), address('10.201.0.9'));
      }
      socket.write(batch);
    });
    const peer = process.env['PEER_NETNS'] ?? '';
    const script = new URL('../peers/gre-caller.mjs', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)('ip', ['netns', 'exec', peer, process.execPath, script, '10.201.0.2']);
    expect(JSON.parse(stdout)).toEqual({ source: '10.201.0.2', destination: '10.201.0.9', payload: 'hello' });
    await socket.stop();
  });

  it('counts a packet that the outer path cannot take as too-big and sends the rest', async () => {
    const telemetry = new MemoryTelemetry();
    const socket = open('0.0.0.0', telemetry);
    await socket.start(notAborted);
    // The veth has an MTU of 1500.
    const written = socket.write(
      batchTo('10.201.0.9', '10.201.0.1', new Uint8Array(60), new Uint8Array(1500), new Uint8Array(60)),
    );
    expect(written).toBe(3);
    expect(telemetry.drops).toEqual(new Map([['gre-socket out too-big', 1]]));
    await socket.stop();
  });

  it('counts a packet without a route as refused and lives on', async () => {
    const telemetry = new MemoryTelemetry();
    const socket = open('0.0.0.0', telemetry);
    await socket.start(notAborted);
    expect(socket.write(batchTo('192.0.2.77', '10.201.0.1', new Uint8Array(60)))).toBe(1);
    expect(telemetry.drops).toEqual(new Map([['gre-socket out device-refused', 1]]));
    expect(socket.write(batchTo('10.200.0.3', '10.200.0.1', new Uint8Array(60)))).toBe(1);
    expect(telemetry.drops.size).toBe(1);
    await socket.stop();
  });

  it('does not open the socket again when it is used after stop', async () => {
    const sockets = (): number =>
      execFileSync('cat', ['/proc/net/raw'], { encoding: 'utf8' }).trim().split('\n').length - 1;
    const before = sockets();
    const socket = open('0.0.0.0');
    await socket.start(notAborted);
    expect(sockets()).toBe(before + 1);
    await socket.stop();
    expect(socket.write(batchTo('10.200.0.3', '10.200.0.1', new Uint8Array(60)))).toBe(0);
    expect(sockets()).toBe(before);
  });

  it('survives garbage collection while nobody else holds it', async () => {
    const script = new URL('../peers/gre-under-gc.ts', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--import', TS_HOOK, script, name]);
    expect(stdout.trim()).toBe('2000');
  });

  it('takes only packets to the address it listens on', async () => {
    const [near, far] = [open('10.200.0.1'), open('10.200.0.3')];
    const arrived: number[] = [];
    const last = new Promise<void>((resolve) => {
      near.batches$.subscribe((batch) => {
        for (let at = 0; at < batch.count; at += 1) arrived.push(batch.view(batch.order[at] ?? 0)[0] ?? 0);
        if (arrived.includes(3)) resolve();
      });
    });
    await near.start(notAborted);
    await far.start(notAborted);
    far.write(batchTo('10.200.0.1', '10.200.0.3', packet(1)));
    far.write(batchTo('10.200.0.2', '10.200.0.3', packet(2)));
    far.write(batchTo('10.200.0.1', '10.200.0.3', packet(3)));
    await last;
    expect(arrived).toEqual([1, 3]);
    await near.stop();
    await far.stop();
  });

  it('names every refused packet of a batch and sends all others, in order', async () => {
    const telemetry = new MemoryTelemetry();
    const [socket, far] = [open('0.0.0.0', telemetry), open('10.200.0.3')];
    const arrived: number[] = [];
    const all = new Promise<void>((resolve) => {
      far.batches$.subscribe((batch) => {
        for (let at = 0; at < batch.count; at += 1) arrived.push(batch.view(batch.order[at] ?? 0)[0] ?? 0);
        if (arrived.length === 40) resolve();
      });
    });
    await socket.start(notAborted);
    await far.start(notAborted);
    const batch = new PacketBatch(120);
    const fates: string[] = [];
    for (let i = 0; i < 120; i += 1) {
      const fate = ['live', 'too-big', 'device-refused'][i % 3] ?? '';
      fates.push(fate);
      const to = { live: '10.200.0.3', 'too-big': '10.201.0.9' }[fate] ?? '192.0.2.77';
      const index = batch.append(packet(i, fate === 'too-big' ? 1500 : 60));
      batch.outerEndpoints(index, address(fate === 'live' ? '10.200.0.1' : '10.201.0.1'), address(to));
    }
    expect(socket.write(batch)).toBe(120);
    await all;
    expect(fates.map((_, i) => batch.fate(i))).toEqual(fates);
    expect(arrived).toEqual(Array.from({ length: 40 }, (_, i) => 3 * i));
    expect(Object.fromEntries(telemetry.drops)).toEqual({
      'gre-socket out too-big': 40,
      'gre-socket out device-refused': 40,
    });
    await socket.stop();
    await far.stop();
  });

  it('counts what a firewall of this host rejects as refused', async () => {
    const telemetry = new MemoryTelemetry();
    const socket = open('0.0.0.0', telemetry);
    await socket.start(notAborted);
    const nft = (...rule: readonly string[]) => execFileSync('nft', [...rule], { stdio: 'pipe' });
    nft('add table ip pgt; add chain ip pgt out { type filter hook output priority 0; };');
    nft('add rule ip pgt out ip daddr 10.200.0.3 ip protocol gre drop');
    expect(socket.write(batchTo('10.200.0.3', '10.200.0.1', packet(1), packet(2)))).toBe(2);
    nft('delete table ip pgt');
    expect(socket.write(batchTo('10.200.0.3', '10.200.0.1', packet(3)))).toBe(1);
    expect(Object.fromEntries(telemetry.drops)).toEqual({ 'gre-socket out device-refused': 2 });
    await socket.stop();
  });

  it('accepts a prefix and never blocks when the device does not keep up', async () => {
    const telemetry = new MemoryTelemetry();
    const socket = open('0.0.0.0', telemetry, { sendBuffer: 20_000 });
    await socket.start(notAborted);
    execFileSync('tc', 'qdisc add dev gw0 root tbf rate 8kbit burst 3000 limit 1000000'.split(' '));
    const packets = Array.from({ length: 64 }, (_, i) => packet(i, 1400));
    const accepted = socket.write(batchTo('10.201.0.9', '10.201.0.1', ...packets));
    execFileSync('tc', 'qdisc del dev gw0 root'.split(' '));
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(64);
    expect(telemetry.drops.size).toBe(0);
    await socket.stop();
  });

  it('lets timers and other sockets have their turn while it is flooded', async () => {
    const [near, far] = [open('10.200.0.1'), open('10.200.0.3')];
    const turns: number[] = [];
    let turn = 0;
    const all = new Promise<void>((resolve) => {
      far.batches$.subscribe((batch) => {
        for (let at = 0; at < batch.count; at += 1) turns.push(turn);
        if (turns.length === 2000) resolve();
      });
    });
    await near.start(notAborted);
    await far.start(notAborted);
    for (let i = 0; i < 2000; i += 50) {
      near.write(batchTo('10.200.0.3', '10.200.0.1', ...Array.from({ length: 50 }, () => packet(1))));
    }
    const others = (): void => {
      turn += 1;
      if (turns.length < 2000) setImmediate(others);
    };
    setImmediate(others);
    await all;
    const perTurn = new Map<number, number>();
    for (const one of turns) perTurn.set(one, (perTurn.get(one) ?? 0) + 1);
    expect(Math.max(...perTurn.values())).toBeLessThanOrEqual(512);
    await near.stop();
    await far.stop();
  });

  it('says how large its buffers are', async () => {
    const log = new MemoryLog();
    const socket = open('10.200.0.1', new MemoryTelemetry(), { receiveBuffer: 3_000_000, sendBuffer: 2_000_000 }, log);
    await socket.start(notAborted);
    expect(log.lines.map(({ event, fields }) => ({ event, ...fields }))).toEqual([
      // The kernel's accounting counts twice what was asked for.
      { event: 'gre.open', driver: name, listen: '10.200.0.1', receiveBuffer: 6_000_000, sendBuffer: 4_000_000 },
    ]);
    await socket.stop();
  });
});

/** Enhanced GRE with sequence number for a Call ID. */
const pptp = (callId: number, payload = 20): Uint8Array => {
  const bytes = new Uint8Array(12 + payload);
  writeGre(bytes, 0, callId, payload, 7, -1);
  return bytes;
};

/** The sockets of three workers, and what each was given: Call IDs, or the length of what has none. */
const threeShares = async () => {
  const telemetry = new MemoryTelemetry();
  const given: number[][] = [[], [], []];
  const ends: Promise<void>[] = [];
  const sockets = given.map((packets, residue) => {
    const log = new MemoryLog();
    const socket = new BatchGreSocket({ telemetry, log }, { share: { modulus: 3, residue } });
    ends.push(
      new Promise((resolve) => {
        socket.batches$.subscribe((batch) => {
          for (let at = 0; at < batch.count; at += 1) {
            const bytes = batch.view(batch.order[at] ?? 0);
            const callId = parseGre(bytes, 0, bytes.length, header) === undefined ? header.callId : -bytes.length;
            if (callId === LAST + residue) resolve();
            else packets.push(callId);
          }
        });
      }),
    );
    return socket;
  });
  for (const socket of sockets) await socket.start(notAborted);
  const far = open('10.200.0.3');
  await far.start(notAborted);
  return {
    far,
    /** Everything that was sent before has arrived, and everything is closed. */
    all: async (): Promise<readonly (readonly number[])[]> => {
      far.write(batchTo('10.200.0.1', '10.200.0.3', ...[0, 1, 2].map((residue) => pptp(LAST + residue))));
      await Promise.all(ends);
      for (const socket of [...sockets, far]) await socket.stop();
      expect(telemetry.drops.size).toBe(0);
      return given;
    },
  };
};
const header = emptyGreHeader();
/** Divisible by three, and the largest. */
const LAST = 65_532;
const sender = new URL('../peers/gre-sender.mjs', import.meta.url).pathname;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe.runIf(name === 'batch')('the shares of three workers on a real kernel', () => {
  it('each get the packets of their Call IDs, all of them together each packet once', async () => {
    const { far, all } = await threeShares();
    const ids = Array.from({ length: 600 }, (_, i) => (i * 109) % LAST);
    for (let at = 0; at < ids.length; at += 60) {
      far.write(batchTo('10.200.0.1', '10.200.0.3', ...ids.slice(at, at + 60).map((id) => pptp(id))));
    }
    expect(await all()).toEqual([0, 1, 2].map((residue) => ids.filter((id) => id % 3 === residue)));
  });

  it('find the Call ID behind IP options, and in packets that came in fragments', async () => {
    const { all } = await threeShares();
    const noOperations = (words: number): string => '01'.repeat(4 * words);
    const near = [0, 1, 2, 5, 10].map((words, i) => ({ gre: hex(pptp(301 + i)), options: noOperations(words) }));
    execFileSync(process.execPath, [sender, '10.200.0.1', JSON.stringify(near)]);
    const fromPeer = [401, 402, 403].map((id) => ({ gre: hex(pptp(id, 1700)) }));
    const inside = ['netns', 'exec', process.env['PEER_NETNS'] ?? '', process.execPath, sender];
    execFileSync('ip', [...inside, '10.201.0.1', JSON.stringify(fromPeer)]);
    expect(await all()).toEqual([
      [303, 402],
      [301, 304, 403],
      [302, 305, 401],
    ]);
  });

  it('leave what names no Call ID to the first worker, that it is counted once', async () => {
    const { all } = await threeShares();
    const shapes = [
      '2001880b00000001',
      '3000880b000000010000',
      '300108000000000100000000',
      'b001880b00000001',
      '1001880b',
    ];
    const cut = [0, 1, 4, 7].map((length) => hex(pptp(1).subarray(0, length)));
    execFileSync(process.execPath, [sender, '10.200.0.1', JSON.stringify([...shapes, ...cut].map((gre) => ({ gre })))]);
    const [first = [], second, third] = await all();
    expect([second, third]).toEqual([[-8], []]);
    expect(first).toEqual([-10, -12, -8, -4, -0, -1, -4, -7]);
  });

  it('get nothing that came before they were there', async () => {
    const flood = spawn(process.execPath, [sender, '10.200.0.1', JSON.stringify([{ gre: hex(pptp(1)) }]), 'on'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(flood.stdout, 'data');
    const native = loadGreAddon();
    const opened = Array.from({ length: 50 }, () => native.greOpen(0, 1 << 20, 1 << 20, 2, 0));
    const one = native.greOpen(0, 1 << 20, 1 << 20, 1, 0);
    const slots = [new Int32Array(1), new Int32Array(1), new Uint32Array(1), new Uint32Array(1)] as const;
    const receive = (fd: number): number =>
      native.greReceiveBatch(fd, new Uint8Array(256), 256, 64, ...slots, 1, 0, new Uint32Array(1));
    while (receive(one.fd) === 0) await new Promise((resolve) => setImmediate(resolve));
    flood.kill();
    expect(opened.map(({ fd }) => receive(fd))).toEqual(opened.map(() => 0));
    for (const { fd } of [...opened, one]) native.closeFd(fd);
  });
});

describe.runIf(name === 'batch')('the batch driver on a real kernel', () => {
  it('warns when the kernel had no room for what arrived', async () => {
    const log = new MemoryLog();
    const far = open('10.200.0.3', new MemoryTelemetry(), { receiveBuffer: 150_000 }, log);
    const near = open('10.200.0.1');
    let arrived = 0;
    const warned = new Promise<void>((resolve) => {
      far.batches$.subscribe((batch) => {
        arrived += batch.count;
        setImmediate(() => (log.events('warn').length > 0 ? resolve() : undefined));
      });
    });
    await near.start(notAborted);
    await far.start(notAborted);
    for (let i = 0; i < 1000; i += 50) {
      near.write(batchTo('10.200.0.3', '10.200.0.1', ...Array.from({ length: 50 }, () => packet(1, 1000))));
    }
    await warned;
    const { event, fields } = log.lines.find(({ level }) => level === 'warn') ?? {};
    expect(event).toBe('gre.overrun');
    // What the buffer held comes in several turns; all the rest are those of the warning.
    const dropped = Number(fields?.['packets']);
    while (arrived < 1000 - dropped) await new Promise((resolve) => setImmediate(resolve));
    expect([dropped > 0, arrived + dropped]).toEqual([true, 1000]);
    await near.stop();
    await far.stop();
  });

  it('fails to start at an address that the host lacks, with what to do', async () => {
    await expect(open('192.0.2.1').start(notAborted)).rejects.toMatchObject({
      code: 'ADDRESS_UNAVAILABLE',
      message: expect.stringContaining('has the address 192.0.2.1. Set PPTP_LISTEN'),
    });
  });

  it('leaves no socket behind when its thread ends, and the process lives on', async () => {
    const sockets = (): number =>
      execFileSync('cat', ['/proc/net/raw'], { encoding: 'utf8' }).trim().split('\n').length - 1;
    const before = sockets();
    const script = `const native = require('node:module').createRequire('/')(${JSON.stringify(binary)});
      const { parentPort } = require('node:worker_threads');
      native.pollStart(native.greOpen(0, 1 << 20, 1 << 20, 1, 0).fd, () => process.exit(4));
      parentPort.postMessage('open');`;
    const near = open('10.200.0.1');
    await near.start(notAborted);
    for (const ends of ['inside a callback', 'by terminate']) {
      const worker = new Worker(script, { eval: true, execArgv: [] });
      await once(worker, 'message');
      expect(sockets()).toBe(before + 2);
      const exit = once(worker, 'exit');
      if (ends === 'by terminate') void worker.terminate();
      else near.write(batchTo('10.200.0.3', '10.200.0.1', packet(1)));
      expect(await exit).toEqual([ends === 'by terminate' ? 1 : 4]);
      expect(sockets()).toBe(before + 1);
    }
    await near.stop();
  });
});
