import { SETUP_PHASES } from '../../core/ports/telemetry.ts';
import { ERROR_WORDS } from '../../observability/error-words.ts';
import {
  ATTRIBUTES,
  COMMON_ATTRIBUTES,
  describeSpan,
  EVENTS,
  IDENTITY_ATTRIBUTES,
} from '../../observability/span-names.ts';
import type { RecordedSpan, RecordedTrace } from './memory-telemetry.ts';

const PHASES: ReadonlySet<string> = new Set(SETUP_PHASES);
const WORDS: ReadonlySet<string> = new Set(Object.values(ERROR_WORDS).flatMap((words) => Object.keys(words)));

/** A recorded span with the name that it has outside. */
export interface NamedSpan {
  readonly name: string;
  readonly span: RecordedSpan;
}

const below = (span: RecordedSpan): NamedSpan[] =>
  span.steps.flatMap((step) => [
    { name: PHASES.has(step.name) ? `pptp.renegotiation.${step.name}` : `pptp.${step.name}`, span: step },
    ...below(step),
  ]);

/** Every span of a tunnel, the root first. */
export const spansOf = (trace: RecordedTrace): readonly NamedSpan[] => [
  { name: trace.name, span: trace },
  ...trace.phases.flatMap((phase) => [{ name: `pptp.setup.${phase.name}`, span: phase }, ...below(phase)]),
  ...trace.later.flatMap((one) => [{ name: `pptp.tunnel.${one.name}`, span: one }, ...below(one)]),
];

const typeFits = (type: string, value: unknown): boolean =>
  type === 'int' || type === 'double' ? typeof value === 'number' : typeof value === type;

const wrongAttributes = (owner: string, attributes: object, allowed: ReadonlySet<string>): string[] =>
  Object.entries(attributes).flatMap(([name, value]) => {
    const known: Readonly<Record<string, { readonly type: string }>> = ATTRIBUTES;
    const row = known[name];
    if (row === undefined || !allowed.has(name)) return [`${owner}: attribute ${name}`];
    return typeFits(row.type, value) ? [] : [`${owner}: ${name} is no ${row.type}`];
  });

const wrongSpan = ({ name, span }: NamedSpan): string[] => {
  const row = describeSpan(name);
  if (row === undefined) return [`span ${name}`];
  const kinds = (row.events ?? []).map((kind) => EVENTS[kind]);
  const events = span.events.flatMap((event) => {
    const fitting = kinds.filter(({ pattern }) => pattern.test(event.name));
    const problems = fitting.map(({ attributes }) =>
      wrongAttributes(`${name} ${event.name}`, event.attributes, new Set(attributes)),
    );
    return problems.some((one) => one.length === 0) ? [] : [`${name}: event ${event.name}`, ...problems.flat()];
  });
  const allowed = new Set<string>([...row.attributes, ...COMMON_ATTRIBUTES, ...IDENTITY_ATTRIBUTES]);
  const failure = span.failure === undefined || WORDS.has(span.failure.error) ? [] : [`${name}: ${span.failure.error}`];
  return [...wrongAttributes(name, span.attributes, allowed), ...events, ...failure];
};

/** What of these traces docs/traces.md does not know. */
export const undocumented = (traces: readonly RecordedTrace[]): string[] => traces.flatMap(spansOf).flatMap(wrongSpan);

/** Names of spans and events as an indented tree, failed spans with their word. */
export const treeOf = (trace: RecordedTrace): string[] => {
  const lines = (span: RecordedSpan, depth: number): string[] => [
    `${'  '.repeat(depth)}${span.name}${span.failure === undefined ? '' : ` (${span.failure.error})`}`,
    ...span.events.map(({ name }) => `${'  '.repeat(depth + 1)}- ${name}`),
    ...span.steps.flatMap((step) => lines(step, depth + 1)),
  ];
  return [...lines(trace, 0), ...trace.phases.flatMap((phase) => lines(phase, 1))];
};
