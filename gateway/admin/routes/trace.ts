import type { PacketRuleView } from '../../../core/datapath/packet-rules.ts';
import { MOST_PACKET_RULES, type PacketTracing } from '../../../core/datapath/packet-tracing.ts';
import { sessionId } from '../../../core/ports/ids.ts';
import { AdminError, type AdminRoute } from '../route.ts';
import { fromSpec } from '../spec.ts';
import { ADD_TRACE_RULE, REMOVE_TRACE_RULE, TRACE_RULES } from '../specs/trace.ts';

/** The body of `POST /v1/trace/rules`: packets for which all of it holds are traced. */
export interface TraceRequest {
  readonly tunnel?: string;
  readonly user?: string;
  /** Above 0, at most 1. */
  readonly ratio?: number;
  readonly packets?: number;
  readonly drops?: boolean;
  /** For good if left out. */
  readonly seconds?: number;
}

export interface TraceRule extends Omit<TraceRequest, 'seconds'> {
  readonly id: string;
  readonly traced: number;
  readonly suppressed: number;
  readonly secondsLeft?: number;
}

export interface TraceState {
  readonly rules: readonly TraceRule[];
  /** Packets since the gateway started. */
  readonly traced: number;
  /** Packets that were chosen and not traced: more than PPTP_TRACE_PACKETS_PER_SECOND. */
  readonly suppressed: number;
}

/** The header in which a supervisor says which number the rule has in all of its workers. */
export const RULE_NUMBER_HEADER = 'x-trace-rule';
const ruleNumber = (header: unknown): number | undefined =>
  typeof header === 'string' && /^[1-9]\d{0,8}$/.test(header) ? Number(header) : undefined;

const ruleJson = ({
  id,
  traced,
  suppressed,
  user,
  tunnel,
  ratio,
  packets,
  dropsOnly,
  leftMs,
}: PacketRuleView): TraceRule => ({
  id,
  ...(tunnel === undefined ? {} : { tunnel }),
  ...(user === undefined ? {} : { user }),
  ...(ratio === undefined ? {} : { ratio }),
  ...(packets === undefined ? {} : { packets }),
  ...(dropsOnly === undefined ? {} : { drops: dropsOnly }),
  traced,
  suppressed,
  ...(leftMs === undefined ? {} : { secondsLeft: Math.ceil(leftMs / 1000) }),
});

/** Rules for packet traces: adds, lists and removes them. `tracing` is undefined while nobody collects traces. */
export const traceRoute =
  (tracing: PacketTracing | undefined): AdminRoute =>
  (app, { gateway, log }) => {
    const collected = (): PacketTracing => {
      if (tracing !== undefined) return tracing;
      const message =
        'Nobody collects traces: start the gateway with OTEL_EXPORTER_OTLP_ENDPOINT, such as http://127.0.0.1:4318.';
      throw new AdminError(409, 'TRACES_OFF', message);
    };

    app.route({
      ...fromSpec(TRACE_RULES),
      handler: (): TraceState => {
        const rules = collected().rules().map(ruleJson);
        return { rules, ...collected().counts() };
      },
    });

    app.route<{ Body: TraceRequest }>({
      ...fromSpec(ADD_TRACE_RULE),
      handler: (request, reply): TraceRule => {
        const { tunnel, user, ratio, packets, drops, seconds } = request.body;
        const known = collected();
        if (tunnel !== undefined && !gateway.tunnels().some(({ session }) => session.id === tunnel)) {
          throw new AdminError(404, 'NO_TUNNEL', `There is no tunnel ${tunnel}.`);
        }
        const wanted = {
          ...(tunnel === undefined ? {} : { tunnel: sessionId(tunnel) }),
          ...(user === undefined ? {} : { user }),
          ...(ratio === undefined ? {} : { ratio }),
          ...(packets === undefined ? {} : { packets }),
          ...(drops === true ? { dropsOnly: true } : {}),
          ...(seconds === undefined ? {} : { forMs: seconds * 1000 }),
        };
        const handle = known.addRule(wanted, ruleNumber(request.headers[RULE_NUMBER_HEADER]));
        const rule = known.rules().find(({ id }) => id === handle?.id);
        if (rule === undefined) {
          const message = `There are ${MOST_PACKET_RULES} rules already: end one with "trace stop".`;
          throw new AdminError(429, 'TOO_MANY_RULES', message);
        }
        log.info('packet-traces.started', 'packets are traced', { ...request.body, rule: rule.id, by: request.actor });
        void reply.code(201);
        return ruleJson(rule);
      },
    });

    app.route<{ Params: { readonly id: string } }>({
      ...fromSpec(REMOVE_TRACE_RULE),
      handler: (request): TraceState => {
        const { id } = request.params;
        const known = collected();
        if (!known.remove(id))
          throw new AdminError(404, 'NO_RULE', `There is no rule ${id}; it may have ended by itself.`);
        log.info('packet-traces.stopped', 'a rule for packet traces was removed', { rule: id, by: request.actor });
        return { rules: known.rules().map(ruleJson), ...known.counts() };
      },
    });
  };
