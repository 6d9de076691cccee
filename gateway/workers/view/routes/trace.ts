import { AdminError } from '../../../admin/route.ts';
import type { TraceRequest } from '../../../admin/routes/trace.ts';
import { fromSpec } from '../../../admin/spec.ts';
import { ADD_TRACE_RULE, REMOVE_TRACE_RULE, TRACE_RULES } from '../../../admin/specs/trace.ts';
import { RATIO_IN_VAIN } from '../../../packet-traces.ts';
import { TraceRules } from '../trace-rules.ts';
import { isGood, refusalOf, type ViewRoute, withMissing } from '../view-route.ts';

export const traceView: ViewRoute = (app, { crew, clock, config, log, traces }) => {
  const rules = new TraceRules(crew, clock);
  const { ratio } = config.packetTraces;
  // The rule of the configuration is one like the others, so that all have their numbers from here.
  if (ratio > 0 && traces) rules.configure(ratio);
  else if (ratio > 0) log.warn('packet-traces.off', RATIO_IN_VAIN);

  app.route({
    ...fromSpec(TRACE_RULES),
    handler: async (request, reply) => {
      const answers = await rules.refresh(request.actor);
      if (!answers.replies.some(isGood)) throw refusalOf(answers);
      return withMissing(reply, rules.state(), answers.missing);
    },
  });

  app.route<{ Body: TraceRequest }>({
    ...fromSpec(ADD_TRACE_RULE),
    handler: async (request, reply) => {
      const added = await rules.add(request.body, request.actor);
      if (added instanceof AdminError) throw added;
      void reply.code(201);
      return withMissing(reply, added.rule, added.missing);
    },
  });

  app.route<{ Params: { readonly id: string } }>({
    ...fromSpec(REMOVE_TRACE_RULE),
    handler: async (request, reply) => {
      const { id } = request.params;
      const missing = await rules.remove(id, request.actor);
      if (missing === undefined) {
        throw new AdminError(404, 'NO_RULE', `There is no rule ${id}; it may have ended by itself.`);
      }
      return withMissing(reply, rules.state(), missing);
    },
  });
};
