import type { FastifyRequest } from 'fastify';
import type { RecordDetail, RecordSummary } from '../../../admin/record-json.ts';
import type { ExplainAnswer } from '../../../admin/routes/explain.ts';
import { EXPLAIN, FAILURES } from '../../../admin/specs/explain.ts';
import { everyWorker, isGood, type Part, partOf, passOn, type ViewDeps, type ViewRoute } from '../view-route.ts';

interface FailuresAnswer {
  readonly failures: readonly RecordSummary[];
}

const time = (iso: string | null): number => (iso === null ? Number.POSITIVE_INFINITY : Date.parse(iso));

const allFailures = (parts: readonly Part<FailuresAnswer>[]): FailuresAnswer => ({
  failures: parts
    .flatMap(({ worker, body }) => body.failures.map((failure) => ({ ...failure, worker })))
    .toSorted((a, b) => time(b.endedAt) - time(a.endedAt)),
});

/** As the journal of one process chooses: a tunnel, or what the gateway refused, before who only knocked. */
const isOfInterest = ({ kind, error }: RecordDetail): boolean =>
  kind === 'tunnel' || error === 'call-refused' || error === 'connection-refused';

/** Each worker has chosen by the same rules among what it knows. */
const best = (parts: readonly Part<ExplainAnswer>[], which: string): Part<ExplainAnswer> | undefined => {
  const records = [...parts];
  if (which === 'last-failure') {
    records.sort(
      ({ body: { record: a } }, { body: { record: b } }) =>
        Number(isOfInterest(b)) - Number(isOfInterest(a)) || time(b.endedAt) - time(a.endedAt),
    );
  } else {
    records.sort(
      ({ body: { record: a } }, { body: { record: b } }) =>
        Number(b.endedAt === null) - Number(a.endedAt === null) || time(b.startedAt) - time(a.startedAt),
    );
  }
  return records[0];
};

/** Tunnels of other workers that came from the same address at the same time. */
const countBesides = async (
  { worker, body: { record } }: Part<ExplainAnswer>,
  { crew }: ViewDeps,
  actor: string,
): Promise<number> => {
  if (record.peer === null) return 0;
  const query = new URLSearchParams({ peer: record.peer, from: record.startedAt });
  if (record.endedAt !== null) query.set('to', record.endedAt);
  const { replies } = await crew.all({ method: 'GET', path: `/v1/besides?${query}`, actor });
  return replies
    .filter((reply) => isGood(reply) && reply.worker !== worker)
    .map(partOf<{ readonly tunnels: number }>)
    .reduce((sum, { body }) => sum + body.tunnels, 0);
};

const theExplanation = async (
  parts: readonly Part<ExplainAnswer>[],
  deps: ViewDeps,
  request: FastifyRequest,
): Promise<object> => {
  const { which } = request.params as { readonly which: string };
  const found = best(parts, which);
  if (found === undefined) return {};
  const { actor } = request;
  const besides = await countBesides(found, deps, actor);
  const answer = { ...found.body, worker: found.worker };
  if (besides === 0) return answer;
  const path = `/v1/explain/${encodeURIComponent(found.body.record.id)}?besides=${besides}`;
  const again = await deps.crew.one(found.worker, { ...passOn(request), path });
  return again === undefined || !isGood(again)
    ? answer
    : { ...partOf<ExplainAnswer>(again).body, worker: found.worker };
};

export const explainViews: readonly ViewRoute[] = [
  everyWorker(FAILURES, allFailures),
  everyWorker(EXPLAIN, theExplanation),
];
