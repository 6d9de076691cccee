import { defaultPoints } from '../../../../observability/capture/points.ts';
import { MISSING_HEADER } from '../../../admin/headers.ts';
import { AdminError } from '../../../admin/route.ts';
import { CaptureAnswers, type CaptureRequest, filterOf, noCapture, wantAdmin } from '../../../admin/routes/capture.ts';
import { fromSpec } from '../../../admin/spec.ts';
import { CAPTURE, CAPTURES, END_CAPTURE, START_CAPTURE } from '../../../admin/specs/capture.ts';
import type { MergedSummary } from '../merged-capture.ts';
import { MergedCaptures } from '../merged-captures.ts';
import type { ViewRoute } from '../view-route.ts';

interface OfOne {
  readonly Params: { readonly id: string };
}

export const captureView: ViewRoute = (app, deps) => {
  const captures = new MergedCaptures(deps);
  const answers = new CaptureAnswers(deps.clock);
  const known = async (id: string): Promise<MergedSummary> => {
    const found = await captures.find(id);
    if (found === undefined) throw noCapture(id);
    return found;
  };

  app.route<{ Body: CaptureRequest }>({
    ...fromSpec(START_CAPTURE),
    handler: async (request, reply) => {
      const { points, decrypted = false, packets, seconds } = request.body;
      if (decrypted) wantAdmin(request);
      const started = await captures.start({
        points: points ?? defaultPoints(decrypted),
        decrypted,
        filter: filterOf(request.body),
        packets,
        seconds,
        who: request.actor,
      });
      if (started instanceof AdminError) throw started;
      const { capture, missing } = started;
      if (missing.length > 0) void reply.header(MISSING_HEADER, missing.join(', '));
      return answers.send(request, reply, capture);
    },
  });

  app.route({ ...fromSpec(CAPTURES), handler: async () => ({ captures: await captures.list() }) });
  app.route<OfOne>({ ...fromSpec(CAPTURE), handler: ({ params }) => known(params.id) });
  app.route<OfOne>({
    ...fromSpec(END_CAPTURE),
    handler: async ({ params }) => {
      await captures.end(params.id);
      return known(params.id);
    },
  });

  app.addHook('preClose', async () => {
    captures.stop();
    await answers.finish();
  });
};
