import type { GatewayConfig } from '../../../config/types.ts';
import { explain } from '../../../observability/journal/explain.ts';
import type { ExplainSettings } from '../../../observability/journal/facts.ts';
import type { Finding } from '../../../observability/journal/finding.ts';
import type { Gateway } from '../../bootstrap.ts';
import { journalNumbers } from '../journal-numbers.ts';
import { type RecordDetail, type RecordSummary, recordDetail, recordSummary } from '../record-json.ts';
import { type AdminDeps, AdminError, type AdminRoute } from '../route.ts';
import { fromSpec } from '../spec.ts';
import { EXPLAIN, FAILURES } from '../specs/explain.ts';

/** What `GET /v1/explain/:which` answers; the first finding is the main one. */
export interface ExplainAnswer {
  readonly findings: readonly Finding[];
  readonly record: RecordDetail;
}

interface ExplainRequest {
  readonly Params: { readonly which: string };
  /** `besides`: a supervisor says how many tunnels of the same client other workers had. */
  readonly Querystring: { readonly besides?: number };
}

/** What of the configuration an explanation names. */
export const explainSettings = ({ auth, mppe, pool, calls, ppp, tun }: GatewayConfig): ExplainSettings => ({
  authMethods: auth.methods,
  encryption: mppe.policy,
  strengths: mppe.strengths,
  pool: pool.range.text,
  maxCalls: calls.max,
  mru: ppp.mru,
  tunMtu: tun.mtu,
});

/** The numbers of what lives are those of the moment. */
const refresh = (gateway: Gateway, { journal }: AdminDeps, id: string): void => {
  const view = gateway.tunnels().find(({ session }) => session.id === id);
  if (view !== undefined) journal.numbers(id, journalNumbers(view));
};

export const explainRoute: AdminRoute = (app, deps) => {
  const { journal, gateway, clock, config } = deps;
  const settings = explainSettings(config);

  app.route({
    ...fromSpec(FAILURES),
    handler: (): { readonly failures: readonly RecordSummary[] } => ({
      failures: journal.failures().map((record) => recordSummary(record, clock)),
    }),
  });

  app.route<ExplainRequest>({
    ...fromSpec(EXPLAIN),
    handler: (request): ExplainAnswer => {
      const { which } = request.params;
      const found = journal.find(which);
      if (found === undefined) {
        const message =
          which === 'last-failure'
            ? 'No set-up has failed since the gateway started, as far as it remembers.'
            : `Nothing is known of ${which}: give the id of a tunnel, a user, an address, a trace id, or last-failure. The gateway forgets what is long over.`;
        throw new AdminError(404, 'NOTHING_KNOWN', message);
      }
      refresh(gateway, deps, found.id);
      const findings = explain(found, {
        settings,
        besides: journal.besides(found),
        besidesElsewhere: request.query.besides ?? 0,
        wrongPeer: journal.sawWrongPeer(found),
        now: clock.now(),
      });
      return { findings, record: recordDetail(found, clock) };
    },
  });
};
