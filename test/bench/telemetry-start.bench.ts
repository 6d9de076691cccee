// How long a gateway takes from the start of its process until it accepts calls, and its memory then: without
// OpenTelemetry, with it, and with the metrics page alone, in turn.
import { readFileSync } from 'node:fs';
import { Children } from './support/children.ts';
import { SENDS_TRACES, startCollector } from './support/collector.ts';
import { said } from './support/lines.ts';
import { numberOption, showSpread, spread } from './support/numbers.ts';
import { type Outcome, runBench } from './support/report.ts';
import { gatewayProgram, gatewayState, pidOf } from './support/ways.ts';
import { type Bench, withNamespaces } from './support/with-namespaces.ts';

const ROUNDS = numberOption('rounds', 5);

const MODES: readonly { readonly name: string; readonly env: Readonly<Record<string, string>> }[] = [
  { name: 'off', env: {} },
  { name: 'metrics page', env: { PPTP_METRICS_PORT: '9464' } },
  { name: 'OTLP: traces', env: SENDS_TRACES },
  {
    name: 'OTLP: traces, metrics, log',
    env: { ...SENDS_TRACES, OTEL_METRICS_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'otlp' },
  },
];

const megabytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

const run = async ({ children, namespace, state }: Bench): Promise<Outcome> => {
  const ns = namespace();
  ns.ip('address', 'add', '10.213.0.1/32', 'dev', 'lo');
  await startCollector(children, ns, `${state}/collected.json`);
  const common = await gatewayState(state);
  const cases = MODES.map((mode) => ({ ...mode, milliseconds: [] as number[], megabytes: [] as number[] }));
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const one of cases) {
      const gateway = new Children();
      const before = performance.now();
      const { child } = await gateway.start(
        ns,
        [gatewayProgram, 'run'],
        { ...common, ...one.env },
        said('gateway.ready'),
      );
      const took = performance.now() - before;
      const memory = megabytes(pidOf(child));
      await gateway.stop();
      // The first round brings the files into the cache.
      if (round < 0) continue;
      one.milliseconds.push(took);
      one.megabytes.push(memory);
    }
  }
  const results = cases.map(({ name, milliseconds, megabytes: memory }) => ({
    mode: name,
    milliseconds: spread(milliseconds),
    megabytes: spread(memory),
  }));
  return {
    title: 'Start of the gateway',
    about: [`From process start to gateway.ready; median (min–max) of ${ROUNDS} rounds, the modes in turn.`],
    tables: [
      {
        rows: [
          ['OpenTelemetry', 'ms', 'MB resident'],
          ...results.map((one) => [one.mode, showSpread(one.milliseconds), showSpread(one.megabytes)]),
        ],
      },
    ],
    verdicts: [],
    numbers: { rounds: ROUNDS, results },
  };
};

await runBench('telemetry-start', () => withNamespaces(run));
