import type { Finding } from '../../observability/journal/finding.ts';
import type { RecordDetail } from '../admin/record-json.ts';
import { AdminRefusal } from '../admin/refusal.ts';
import type { ExplainAnswer } from '../admin/routes/explain.ts';
import type { AdminVerbs } from './running-gateway.ts';

const WIDTH = 100;

/** Words in lines of at most WIDTH columns, the first behind `head` and the others below it. */
const wrap = (head: string, text: string): string[] => {
  const indent = ' '.repeat(head.length);
  const lines: string[] = [];
  let line = head;
  for (const word of text.split(' ')) {
    const empty = line.length === head.length && (lines.length === 0 || line === indent);
    if (!empty && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = indent + word;
    } else line += empty ? word : ` ${word}`;
  }
  return [...lines, line];
};

const findingLines = ({ case: name, severity, what, where, todo, code }: Finding): string[] => [
  ...wrap(`${severity.padEnd(8)} `, `${name}${code === undefined ? '' : ` (${code})`}`),
  ...wrap('  what   ', what),
  ...wrap('  where  ', where),
  ...todo.flatMap((one, index) => wrap(index === 0 ? '  do     - ' : '         - ', one)),
];

const clock = (seconds: number): string => `${seconds.toFixed(3).padStart(10)} s`;

const recordLines = (record: RecordDetail): string[] => {
  const { numbers } = record;
  const who = [
    ['client', record.peer],
    ['user', record.user],
    ['method', record.method],
    ['address', record.address],
    ['encryption', record.encryption],
    ['system', record.identification],
    ['trace', record.traceId],
  ].flatMap(([name, value]) => (typeof value === 'string' ? [`  ${String(name).padEnd(10)} ${value}`] : []));
  const phases = record.phases.map(({ name, start, seconds, error, detail }) => {
    const lasted = seconds === null ? 'goes on' : `${seconds.toFixed(3)} s`;
    const message = error === null ? lasted : `failed after ${lasted}, ${error}: ${detail ?? ''}`;
    return { seconds: start, event: `[${name}]`, message };
  });
  // A phase before what happens in it.
  const timeline = [...phases, ...record.timeline].toSorted((a, b) => a.seconds - b.seconds);
  const drops = Object.entries(numbers?.drops ?? {}).map(([key, count]) => `  dropped    ${count} at ${key}`);
  return [
    ...who,
    ...(numbers === null
      ? []
      : [`  packets    ${numbers.packetsIn} in, ${numbers.packetsOut} out, ${numbers.lost} lost on the way in`]),
    ...drops,
    '',
    ...timeline.map(({ seconds, event, message }) => `${clock(seconds)}  ${event}  ${message}`.trimEnd()),
    ...(record.leftOut === 0 ? [] : [`  (${record.leftOut} more lines in between are not kept)`]),
  ];
};

const TITLES = { setup: 'is being set up', up: 'is up', failed: 'failed', closed: 'is closed' } as const;

/** The answer for people. */
export const explainLines = ({ findings, record }: ExplainAnswer): string[] => [
  `${record.kind === 'tunnel' ? 'tunnel' : 'control connection'} ${record.id} ${TITLES[record.outcome]}; it began ${record.startedAt} and ${record.endedAt === null ? 'is there for' : 'lasted'} ${record.seconds.toFixed(1)} s`,
  '',
  ...findings.flatMap((finding) => [...findingLines(finding), '']),
  ...recordLines(record),
];

const LAST_FAILURE = 'last-failure';

/** That nothing has failed is good news, and no failure of who asks. */
const isNothingKnown = (cause: unknown): cause is AdminRefusal =>
  cause instanceof AdminRefusal && cause.reason === 'NOTHING_KNOWN';

/** Adds the verb `explain`. */
export const addExplainVerb = ({ program, terminal, action }: AdminVerbs): void => {
  const verb = program
    .command('explain')
    .description('Says in plain words what happened to a tunnel or to a call that failed, where, and what to do.')
    .argument('<which>', 'id of a tunnel, user, inner or outer address, trace id, or last-failure')
    .option('--json', 'one JSON document for programs');
  action(verb, async (gateway, which = '') => {
    const json = verb.opts<{ readonly json?: true }>().json === true;
    const answer = await gateway
      .get<ExplainAnswer>(`/v1/explain/${encodeURIComponent(which)}`)
      .catch((cause: unknown) => {
        if (json || which !== LAST_FAILURE || !isNothingKnown(cause)) throw cause;
        return cause;
      });
    if (answer instanceof AdminRefusal) terminal.out(answer.message);
    else if (json) terminal.out(JSON.stringify(answer, null, 2));
    else for (const line of explainLines(answer)) terminal.out(line);
  });
};
