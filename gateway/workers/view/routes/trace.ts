import { AdminError } from '../../../admin/route.ts';
import { type TraceRequest, traceBody } from '../../../admin/routes/trace.ts';
import { RATIO_IN_VAIN } from '../../../packet-traces.ts';
import { TraceRules } from '../trace-rules.ts';
import { isGood, refusalOf, type ViewRoute, withMissing } from '../view-route.ts';

const PATH = '/v1/trace/rules';

export const traceView: ViewRoute = (app, { crew, clock, config, log, traces }) => {
  const rules = new TraceRules(crew, clock);
  const { ratio } = config.packetTraces;
  // The rule of the configuration is one like the others, so that all have their numbers from here.
  if (ratio > 0 && traces) rules.configure(ratio);
  else if (ratio > 0) log.warn('packet-traces.off', RATIO_IN_VAIN);

  app.get(PATH, async (request, reply) => {
    const answers = await rules.refresh(request.actor);
    if (!answers.replies.some(isGood)) throw refusalOf(answers);
    return withMissing(reply, rules.state(), answers.missing);
  });

  app.post<{ Body: TraceRequest }>(PATH, { schema: { body: traceBody } }, async (request, reply) => {
    const added = await rules.add(request.body, request.actor);
    if (added instanceof AdminError) throw added;
    void reply.code(201);
    return withMissing(reply, added.rule, added.missing);
  });

  app.delete<{ Params: { readonly id: string } }>(`${PATH}/:id`, async (request, reply) => {
    const { id } = request.params;
    const missing = await rules.remove(id, request.actor);
    if (missing === undefined) {
      throw new AdminError(404, 'NO_RULE', `There is no rule ${id}; it may have ended by itself.`);
    }
    return withMissing(reply, rules.state(), missing);
  });
};
