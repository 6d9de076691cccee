import { ERROR_WORDS } from '../../observability/error-words.ts';
import { PACKET_ATTRIBUTES, PACKET_SPAN } from '../../observability/packet-spans.ts';
import {
  ATTRIBUTES,
  COMMON_ATTRIBUTES,
  describeSpan,
  EVENTS,
  IDENTITY_ATTRIBUTES,
} from '../../observability/span-names.ts';
import type { ExportedSpan } from './exported-span.ts';

const ERROR = 2;
const WORDS: ReadonlySet<string> = new Set(Object.values(ERROR_WORDS).flatMap((words) => Object.keys(words)));
const TYPES: Readonly<Record<string, { readonly type: string }>> = ATTRIBUTES;

const isPacket = ({ name }: ExportedSpan): boolean => name === PACKET_SPAN || name.startsWith(`${PACKET_SPAN}.`);

const typeFits = (type: string, value: unknown): boolean =>
  type === 'int' || type === 'double' ? typeof value === 'number' : typeof value === type;

const wrongAttributes = (owner: string, attributes: object, allowed: ReadonlySet<string>): string[] =>
  Object.entries(attributes).flatMap(([name, value]) => {
    const type = TYPES[name]?.type;
    if (type === undefined || !allowed.has(name)) return [`${owner}: attribute ${name}`];
    return typeFits(type, value) ? [] : [`${owner}: ${name} is no ${type}`];
  });

const wrongPacketSpan = (span: ExportedSpan): string[] =>
  Object.keys(span.attributes).flatMap((name) => (name in PACKET_ATTRIBUTES ? [] : [`${span.name}: ${name}`]));

const wrongTunnelSpan = (span: ExportedSpan, parent: ExportedSpan | undefined): string[] => {
  const row = describeSpan(span.name);
  if (row === undefined) return [`span ${span.name}`];
  const above = parent?.name ?? '';
  const place =
    above === row.parent || row.alsoBelow?.includes(above) === true ? [] : [`${span.name} is below "${above}"`];
  const kinds = (row.events ?? []).map((kind) => EVENTS[kind]);
  const events = span.events.flatMap(({ name, attributes }) => {
    const owner = `${span.name} ${name}`;
    const problems = kinds
      .filter(({ pattern }) => pattern.test(name))
      .map((kind) => wrongAttributes(owner, attributes, new Set(kind.attributes)));
    return problems.some((one) => one.length === 0) ? [] : [`${span.name}: event ${name}`, ...problems.flat()];
  });
  const allowed = new Set<string>([...row.attributes, ...COMMON_ATTRIBUTES, ...IDENTITY_ATTRIBUTES]);
  const word = String(span.attributes['error.type'] ?? '');
  const failed = span.status.code === ERROR;
  const failure = failed === WORDS.has(word) ? [] : [`${span.name}: status ${span.status.code}, error.type "${word}"`];
  return [...place, ...wrongAttributes(span.name, span.attributes, allowed), ...events, ...failure];
};

/** Phases that go on beside IPCP, which ends the set-up. */
const MAY_OUTLAST: ReadonlySet<string> = new Set(['pptp.setup.ccp', 'pptp.setup.ipv6cp']);

/** The parts of a trace lie inside it. */
const wrongTimes = (span: ExportedSpan, parent: ExportedSpan | undefined): string[] => {
  const [start, end] = [BigInt(span.start), BigInt(span.end)];
  const early = parent !== undefined && start < BigInt(parent.start);
  const late = parent !== undefined && end > BigInt(parent.end) && !MAY_OUTLAST.has(span.name);
  return end < start || early || late ? [`${span.name}: its times do not lie within its parent's`] : [];
};

/** What of these spans docs/traces.md and docs/packet-traces.md do not say, and what is wrong with their trees. */
export const faultsOf = (spans: readonly ExportedSpan[]): string[] => {
  const byId = new Map(spans.map((span) => [`${span.traceId} ${span.spanId}`, span]));
  return spans.flatMap((span) => {
    const parent = byId.get(`${span.traceId} ${span.parentSpanId}`);
    if (parent === undefined && span.parentSpanId !== '') return [`${span.name}: its parent never came`];
    const wrong = isPacket(span) ? wrongPacketSpan(span) : wrongTunnelSpan(span, parent);
    return [...wrong, ...wrongTimes(span, parent)];
  });
};
