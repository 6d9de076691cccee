import { InvalidArgumentError, Option } from 'commander';
import type { TraceRequest, TraceRule, TraceState } from '../admin/routes/trace.ts';
import { parseDuration } from './log-level.ts';
import { type AdminVerbs, ignoreAnswer } from './running-gateway.ts';
import { type Column, tableOf } from './table.ts';

const PATH = '/v1/trace/rules';
const DEFAULT_SECONDS = 600;

interface StartFlags {
  readonly tunnel?: string;
  readonly user?: string;
  readonly ratio?: number;
  readonly packets?: number;
  readonly drops?: true;
  readonly for: number;
  readonly json?: true;
}

const parseRatio = (text: string): number => {
  const ratio = /^\d(\.\d{1,9})?$/.test(text) ? Number(text) : 0;
  if (ratio <= 0 || ratio > 1) throw new InvalidArgumentError('A number above 0, 1 at most, such as 0.001.');
  return ratio;
};

const parsePackets = (text: string): number => {
  const packets = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (packets < 1 || packets > 1_000_000) throw new InvalidArgumentError('A whole number from 1 to 1000000.');
  return packets;
};

const requestOf = ({ tunnel, user, ratio, packets, drops, for: seconds }: StartFlags): TraceRequest => ({
  ...(tunnel === undefined ? {} : { tunnel }),
  ...(user === undefined ? {} : { user }),
  ...(ratio === undefined ? {} : { ratio }),
  ...(packets === undefined ? {} : { packets }),
  ...(drops === undefined ? {} : { drops }),
  seconds,
});

/** "the next 100 packets of user alice that are dropped, a share of 0.01, for 600 s" */
export const describeRule = ({ tunnel, user, ratio, packets, drops, secondsLeft }: TraceRule): string => {
  const what = packets === undefined ? 'packets' : `the next ${packets} packets`;
  const whose = tunnel !== undefined ? ` of tunnel ${tunnel}` : user !== undefined ? ` of user ${user}` : '';
  const which = drops === true ? ' that are dropped' : '';
  const share = ratio === undefined ? '' : `, a share of ${ratio}`;
  return `${what}${whose}${which}${share}${secondsLeft === undefined ? '' : `, for ${secondsLeft} s`}`;
};

const COLUMNS: readonly Column<TraceRule>[] = [
  { title: 'RULE', cell: ({ id }) => id },
  { title: 'TRACED', right: true, cell: ({ traced }) => traced },
  { title: 'NOT TRACED', right: true, cell: ({ suppressed }) => suppressed },
  { title: 'WHAT', cell: (rule) => describeRule(rule) },
];

const showRules = ({ rules, traced, suppressed }: TraceState): readonly string[] => {
  const total = `since the start ${traced} packets were traced`;
  const lost = suppressed === 0 ? '' : `, and ${suppressed} not: more than PPTP_TRACE_PACKETS_PER_SECOND`;
  return [...(rules.length === 0 ? ['no rules'] : tableOf(COLUMNS, rules)), total + lost];
};

/** Adds the verbs `trace start` (also `trace` alone), `trace list` and `trace stop`. */
export const addTraceVerb = ({ program, terminal, action }: AdminVerbs): void => {
  const trace = program
    .command('trace')
    .description('Traces packets of the running gateway through its stages, as spans for OpenTelemetry.');

  const start = trace
    .command('start', { isDefault: true })
    .description('Traces packets from now on. What is given must all hold; nothing given is every packet.')
    .option('--tunnel <id>', 'only of this tunnel')
    .addOption(new Option('--user <name>', 'only of this user').conflicts('tunnel'))
    .option('--ratio <share>', 'only this share, chosen at random (0.001)', parseRatio)
    .option('--packets <number>', 'only the next so many', parsePackets)
    .option('--drops', 'only those that are dropped')
    .option('--for <time>', 'for this long (90s, 10m, 2h)', parseDuration, DEFAULT_SECONDS)
    .option('--json', 'one JSON document for programs');
  action(start, async (gateway) => {
    const flags = start.opts<StartFlags>();
    const rule = await (
      await gateway.request({ method: 'POST', path: PATH, body: requestOf(flags) })
    ).json<TraceRule>();
    if (flags.json === true) terminal.out(JSON.stringify(rule));
    else terminal.out(`rule ${rule.id} traces ${describeRule(rule)}; its spans have pptp.packet.rule = ${rule.id}`);
  });

  const list = trace
    .command('list')
    .description('Shows the rules in force and how many packets were traced.')
    .option('--json', 'one JSON document for programs');
  action(list, async (gateway) => {
    const state = await gateway.get<TraceState>(PATH);
    if (list.opts<{ readonly json?: true }>().json === true) terminal.out(JSON.stringify(state, null, 2));
    else for (const line of showRules(state)) terminal.out(line);
  });

  const stop = trace
    .command('stop')
    .description('Ends rules; packets under way are traced to their end.')
    .argument('[rules...]', 'their numbers; all of them if left out');
  action(stop, async (gateway, ...given) => {
    const ids = given.length > 0 ? given : (await gateway.get<TraceState>(PATH)).rules.map(({ id }) => id);
    for (const id of ids) {
      ignoreAnswer(await gateway.request({ method: 'DELETE', path: `${PATH}/${encodeURIComponent(id)}` }));
      terminal.out(`rule ${id} has ended`);
    }
    if (ids.length === 0) terminal.out('no rules');
  });
};
