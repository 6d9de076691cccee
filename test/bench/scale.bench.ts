// Many tunnels: memory of one, CPU of idle ones, set-ups per second of one core, and what a storm of calls does.
// `--tunnels=10000`, `--rounds=3` (set-ups, each with a gateway of its own), `--idle=60` (seconds),
// `--parts=setups,idle,storm`: only these. `--parts=idle --idle=600` is the long run.
import 'reflect-metadata';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { silentLog } from '../../core/ports/log.ts';
import { silentTelemetry } from '../support/batches.ts';
import { listOption, numberOption, showSpread, spread } from './support/numbers.ts';
import { type Outcome, runBench } from './support/report.ts';
import { ScaleGateway } from './support/scale-gateway.ts';
import { memoryPerTunnel } from './support/scale-memory.ts';
import { atLeast, atMost, type Verdict } from './support/verdicts.ts';

const TUNNELS = numberOption('tunnels', 10_000);
const ROUNDS = numberOption('rounds', 3);
const IDLE_SECONDS = numberOption('idle', 60);
/** Clients that call at a time while set-ups are measured: enough to keep a core busy, too few to make a queue. */
const TOGETHER = 64;
/** Tunnels that are up before anything is measured, and those that a round of set-ups makes. */
const WARM = 500;
const A_ROUND = 2500;
const PARTS = listOption('parts') ?? ['setups', 'idle', 'storm'];
/** Tunnels that are up before the storm, an echo through one of them every so often, and how long a storm may last. */
const WITNESSES = 20;
const ECHO_MS = 10;
const STORM_MS = 60_000;
const KIB = 1024;
const MINUTE = 60;

const folder = await mkdtemp(join(tmpdir(), 'pptp-scale-'));

/** Tunnels of a gateway that is warm: what each took. */
const setUp = async (gateway: ScaleGateway, tunnels: number) => {
  const before = await gateway.ask('collect');
  const began = performance.now();
  await gateway.dial(tunnels, TOGETHER);
  const seconds = (performance.now() - began) / 1000;
  const busy = await gateway.ask('numbers');
  const after = await gateway.ask('collect');
  const cpuMs = busy.cpuMs - before.cpuMs;
  return {
    perCoreSecond: tunnels / (cpuMs / 1000),
    perSecond: tunnels / seconds,
    cpuMs: cpuMs / tunnels,
    heldKib: (after.held - before.held) / tunnels / KIB,
    residentKib: (after.resident - before.resident) / tunnels / KIB,
  };
};

const setUps = async (tunnels: number) => {
  const gateway = await ScaleGateway.start(folder);
  try {
    await gateway.dial(Math.min(WARM, tunnels), TOGETHER);
    return await setUp(gateway, tunnels);
  } finally {
    await gateway.stop();
  }
};

/** All tunnels at a time, left alone. */
const idle = async () => {
  const gateway = await ScaleGateway.start(folder);
  try {
    const warm = Math.min(WARM, Math.floor(TUNNELS / 2));
    await gateway.dial(warm, TOGETHER);
    const { heldKib, residentKib } = await setUp(gateway, TUNNELS - warm);
    let { cpuMs } = await gateway.ask('numbers');
    const percents: number[] = [];
    let lost = 0;
    for (let left = IDLE_SECONDS; left > 0; left -= MINUTE) {
      const from = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 1000 * Math.min(left, MINUTE)));
      const now = await gateway.ask('numbers');
      percents.push((100 * (now.cpuMs - cpuMs)) / (performance.now() - from));
      cpuMs = now.cpuMs;
      // Either side may know of it first.
      lost = Math.max(TUNNELS - now.tunnels, gateway.ended);
      if (IDLE_SECONDS > MINUTE) console.error(`${lost} lost, ${percents.at(-1)?.toFixed(2)} % of a core`);
    }
    const end = await gateway.ask('collect');
    return { percentOfCore: spread(percents), lost, heldKib, residentKib, residentMib: end.resident / KIB / KIB };
  } finally {
    await gateway.stop();
  }
};

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;

/** Everybody calls at once, as after a power cut, while some tunnels are up and are to stay alive. */
const storm = async (settings: Readonly<Record<string, string>>) => {
  const gateway = await ScaleGateway.start(folder, settings);
  let next = 0;
  const echoes = setInterval(() => {
    gateway.echo((next % WITNESSES) + 1);
    next += 1;
  }, ECHO_MS);
  const own = monitorEventLoopDelay({ resolution: 5 });
  try {
    await gateway.dial(WITNESSES, WITNESSES);
    await gateway.ask('reset');
    gateway.takeRoundTrips();
    own.enable();
    const began = performance.now();
    const rest = gateway.dial(TUNNELS, TUNNELS, STORM_MS).then(() => true);
    const admitted: number[] = [];
    let last = WITNESSES;
    for (let done = false; !done; ) {
      done = await Promise.race([rest, new Promise<boolean>((resolve) => setTimeout(resolve, 1000, false))]);
      const { tunnels } = await gateway.ask('numbers');
      admitted.push(tunnels - last);
      last = tunnels;
    }
    const seconds = (performance.now() - began) / 1000;
    const { cpuMs, delayMaxMs, delayP99Ms } = await gateway.ask('numbers');
    const times = gateway.times().toSorted((a, b) => a - b);
    const roundTrips = gateway.takeRoundTrips().toSorted((a, b) => a - b);
    const up = last - WITNESSES;
    // The last second that brought many: a few that repeat themselves say nothing about the storm.
    const most = admitted.findLastIndex((count) => count >= up / 100) + 1;
    return {
      up,
      failed: TUNNELS - up,
      seconds,
      upPerSecond: up / Math.min(seconds, Math.max(1, most)),
      perSecond: admitted,
      echoMs: { median: percentile(roundTrips, 0.5), p99: percentile(roundTrips, 0.99), max: roundTrips.at(-1) ?? 0 },
      generatorTurnMs: { p99: own.percentile(99) / 1e6, max: own.max / 1e6 },
      cpuMsPerTunnel: cpuMs / TUNNELS,
      setupMs: { median: times[times.length >> 1] ?? 0, max: times.at(-1) ?? 0 },
      turnMs: { p99: delayP99Ms, max: delayMaxMs },
    };
  } finally {
    clearInterval(echoes);
    own.disable();
    await gateway.stop();
  }
};

const measureSetUps = async () => {
  const alone: number[] = [];
  const rounds: Awaited<ReturnType<typeof setUps>>[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    alone.push((await memoryPerTunnel(Math.min(A_ROUND, TUNNELS), silentLog, silentTelemetry)) / KIB);
    rounds.push(await setUps(Math.min(A_ROUND, TUNNELS)));
  }
  const of = (name: keyof (typeof rounds)[number]) => spread(rounds.map((round) => round[name]));
  return {
    aloneKib: spread(alone),
    perCoreSecond: of('perCoreSecond'),
    perSecond: of('perSecond'),
    cpuMs: of('cpuMs'),
  };
};

const run = async (): Promise<Outcome> => {
  const setups = PARTS.includes('setups') ? await measureSetUps() : undefined;
  const rest = PARTS.includes('idle') ? await idle() : undefined;
  const calls = PARTS.includes('storm') ? await storm({}) : undefined;
  const unchecked = PARTS.includes('storm') ? await storm({ PPTP_SETUPS_AT_ONCE: '0' }) : undefined;
  const rows: string[][] = [['figure', 'value']];
  const verdicts: Verdict[] = [];
  if (setups !== undefined) {
    rows.push(
      ['session, link and data path of a tunnel, KiB', showSpread(setups.aloneKib)],
      ['set-ups per second of one core', showSpread(setups.perCoreSecond)],
      ['set-ups per second by the clock', showSpread(setups.perSecond)],
      ['CPU of a set-up, ms', showSpread(setups.cpuMs)],
    );
    verdicts.push(atLeast('setups', 'complete set-ups per second of one core', setups.perCoreSecond, 500));
  }
  if (rest !== undefined) {
    const { heldKib, residentKib, percentOfCore, lost, residentMib } = rest;
    rows.push(
      ['a tunnel in the process (log, journal, TCP), after gc, KiB', heldKib.toFixed(2)],
      ['a tunnel in the process, resident, KiB', residentKib.toFixed(2)],
      ['the process with all of them, resident, MiB', residentMib.toFixed(0)],
      [`${IDLE_SECONDS} s idle, % of one core in each minute`, showSpread(percentOfCore)],
      ['idle tunnels lost', String(lost)],
    );
    verdicts.push(
      atMost('idle', 'KiB of an idle tunnel, all of the process, after gc', spread([heldKib]), 16),
      atMost('idle', 'KiB of an idle tunnel, all of the process, resident', spread([residentKib]), 16),
      atMost('idle', `% of one core for ${TUNNELS} idle tunnels`, percentOfCore, 10),
      atMost('idle', `of ${TUNNELS} idle tunnels lost in ${IDLE_SECONDS} s`, spread([lost]), 0),
    );
  }
  for (const [name, result] of [
    ['storm', calls],
    ['storm, nobody waits', unchecked],
  ] as const) {
    if (result === undefined) continue;
    const { setupMs, turnMs, echoMs, generatorTurnMs } = result;
    rows.push(
      [`${name}: tunnels up, failed`, `${result.up}, ${result.failed}`],
      [`${name}: seconds until all are up or have failed`, result.seconds.toFixed(1)],
      [`${name}: tunnels up a second`, result.upPerSecond.toFixed(0)],
      [`${name}: tunnels up in each second`, result.perSecond.join(' ')],
      [`${name}: set-up in ms, median and longest`, `${setupMs.median.toFixed(0)}, ${setupMs.max.toFixed(0)}`],
      [
        `${name}: echo through a tunnel that is up, ms, median, p99 and longest`,
        [echoMs.median, echoMs.p99, echoMs.max].map((ms) => ms.toFixed(1)).join(', '),
      ],
      [`${name}: turn of the gateway in ms, p99 and longest`, `${turnMs.p99.toFixed(0)}, ${turnMs.max.toFixed(0)}`],
      [
        `${name}: turn of the clients in ms, p99 and longest (part of every echo)`,
        `${generatorTurnMs.p99.toFixed(0)}, ${generatorTurnMs.max.toFixed(0)}`,
      ],
    );
  }
  return {
    title: 'Many tunnels',
    about: [
      `${TUNNELS} tunnels, MS-CHAPv2, MPPE-128; set-ups: median (min–max) of ${ROUNDS} rounds.`,
      'Clients and gateway are a process each; GRE goes over a pipe between them. Echo timers are the defaults.',
    ],
    tables: [{ rows }],
    verdicts,
    numbers: {
      tunnels: TUNNELS,
      rounds: ROUNDS,
      setups,
      idle: rest && { seconds: IDLE_SECONDS, ...rest },
      storm: calls,
      stormUnchecked: unchecked,
    },
  };
};

try {
  await runBench('scale', run);
} finally {
  await rm(folder, { recursive: true });
}
process.exit(0);
