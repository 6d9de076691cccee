// Many tunnels: memory of one, CPU of idle ones, set-ups per second of one core, and what a storm of calls does.
// `--tunnels=10000`, `--rounds=3` (set-ups, each with a gateway of its own), `--idle=60` (seconds).
import 'reflect-metadata';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../core/ports/log.ts';
import { silentTelemetry } from '../support/batches.ts';
import { numberOption, showSpread, spread } from './support/numbers.ts';
import { type Outcome, runBench } from './support/report.ts';
import { ScaleGateway } from './support/scale-gateway.ts';
import { memoryPerTunnel } from './support/scale-memory.ts';
import { atLeast, atMost } from './support/verdicts.ts';

const TUNNELS = numberOption('tunnels', 10_000);
const ROUNDS = numberOption('rounds', 3);
const IDLE_SECONDS = numberOption('idle', 60);
/** Clients that call at a time while set-ups are measured: enough to keep a core busy, too few to make a queue. */
const TOGETHER = 64;
const KIB = 1024;

const folder = await mkdtemp(join(tmpdir(), 'pptp-scale-'));

/** Set-ups of a gateway that is warm, and then what an idle tunnel costs. */
const steady = async (idle: boolean) => {
  const gateway = await ScaleGateway.start(folder);
  try {
    const warm = Math.min(500, TUNNELS);
    await gateway.dial(warm, TOGETHER);
    const before = await gateway.ask('collect');
    const began = performance.now();
    await gateway.dial(TUNNELS, TOGETHER);
    const seconds = (performance.now() - began) / 1000;
    const busy = await gateway.ask('numbers');
    const after = await gateway.ask('collect');
    const setups = {
      perCoreSecond: TUNNELS / ((busy.cpuMs - before.cpuMs) / 1000),
      perSecond: TUNNELS / seconds,
      cpuMs: (busy.cpuMs - before.cpuMs) / TUNNELS,
      heldKib: (after.held - before.held) / TUNNELS / KIB,
      residentKib: (after.resident - before.resident) / TUNNELS / KIB,
    };
    if (!idle) return { setups, idle: undefined };
    const start = await gateway.ask('numbers');
    const from = performance.now();
    await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000));
    const end = await gateway.ask('numbers');
    const percent = (100 * (end.cpuMs - start.cpuMs)) / (performance.now() - from);
    return { setups, idle: { percentOfCore: percent, lost: TUNNELS + warm - end.tunnels } };
  } finally {
    await gateway.stop();
  }
};

/** Everybody calls at once, as after a power cut. */
const storm = async () => {
  const gateway = await ScaleGateway.start(folder);
  try {
    await gateway.ask('reset');
    const began = performance.now();
    const rest = gateway.dial(TUNNELS, TUNNELS, 120_000).then(() => true);
    const admitted: number[] = [];
    let last = 0;
    for (let done = false; !done; ) {
      done = await Promise.race([rest, new Promise<boolean>((resolve) => setTimeout(resolve, 1000, false))]);
      const { tunnels } = await gateway.ask('numbers');
      admitted.push(tunnels - last);
      last = tunnels;
    }
    const seconds = (performance.now() - began) / 1000;
    const { cpuMs, delayMaxMs, delayP99Ms } = await gateway.ask('numbers');
    const times = gateway.times().toSorted((a, b) => a - b);
    return {
      up: last,
      failed: TUNNELS - last,
      seconds,
      perSecond: admitted,
      cpuMsPerTunnel: cpuMs / TUNNELS,
      setupMs: { median: times[times.length >> 1] ?? 0, max: times.at(-1) ?? 0 },
      turnMs: { p99: delayP99Ms, max: delayMaxMs },
    };
  } finally {
    await gateway.stop();
  }
};

const run = async (): Promise<Outcome> => {
  const memory: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    memory.push((await memoryPerTunnel(Math.min(2000, TUNNELS), silentLog, silentTelemetry)) / KIB);
  }
  const rounds: Awaited<ReturnType<typeof steady>>[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await steady(round === ROUNDS - 1));
  const of = (name: keyof (typeof rounds)[number]['setups']) => spread(rounds.map(({ setups }) => setups[name]));
  const memoryKib = { sessionAlone: spread(memory), held: of('heldKib'), resident: of('residentKib') };
  const setups = { perCoreSecond: of('perCoreSecond'), perSecond: of('perSecond'), cpuMs: of('cpuMs') };
  const { percentOfCore = 0, lost = 0 } = rounds.at(-1)?.idle ?? {};
  const calls = await storm();
  return {
    title: 'Many tunnels',
    about: [
      `${TUNNELS} tunnels, MS-CHAPv2, MPPE-128; median (min–max) of ${ROUNDS} rounds.`,
      'Clients and gateway are a process each; GRE goes over a pipe between them.',
    ],
    tables: [
      {
        rows: [
          ['figure', 'value'],
          ['session, link and data path of a tunnel, KiB', showSpread(memoryKib.sessionAlone)],
          ['a tunnel in the process (log, journal, TCP), after gc, KiB', showSpread(memoryKib.held)],
          ['a tunnel in the process, resident, KiB', showSpread(memoryKib.resident)],
          ['set-ups per second of one core', showSpread(setups.perCoreSecond)],
          ['set-ups per second by the clock', showSpread(setups.perSecond)],
          ['CPU of a set-up, ms', showSpread(setups.cpuMs)],
          [`idle tunnels, ${IDLE_SECONDS} s: % of one core`, percentOfCore.toFixed(1)],
          ['idle tunnels lost', String(lost)],
          ['storm: tunnels up, failed', `${calls.up}, ${calls.failed}`],
          ['storm: seconds', calls.seconds.toFixed(1)],
          [
            'storm: set-up in ms, median and longest',
            `${calls.setupMs.median.toFixed(0)}, ${calls.setupMs.max.toFixed(0)}`,
          ],
          [
            'storm: turn of the event loop in ms, p99 and longest',
            `${calls.turnMs.p99.toFixed(0)}, ${calls.turnMs.max.toFixed(0)}`,
          ],
          ['storm: tunnels up in each second', calls.perSecond.join(' ')],
        ],
      },
    ],
    verdicts: [
      atLeast('setups', 'complete set-ups per second of one core', setups.perCoreSecond, 500),
      atMost('idle', 'KiB of an idle tunnel, all of the process', memoryKib.held, 16),
      atMost('idle', `% of one core for ${TUNNELS} idle tunnels`, spread([percentOfCore]), 10),
      atMost('idle', `of ${TUNNELS} idle tunnels lost in ${IDLE_SECONDS} s`, spread([lost]), 0),
    ],
    numbers: {
      ...{ tunnels: TUNNELS, rounds: ROUNDS, memoryKib, setups },
      idle: { seconds: IDLE_SECONDS, percentOfCore, lost },
      storm: calls,
    },
  };
};

try {
  await runBench('scale', run);
} finally {
  await rm(folder, { recursive: true });
}
process.exit(0);
