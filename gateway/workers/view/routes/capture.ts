import { defaultPoints } from '../../../../observability/capture/points.ts';
import { MISSING_HEADER } from '../../../admin/headers.ts';
import { AdminError } from '../../../admin/route.ts';
import {
  CaptureAnswers,
  type CaptureRequest,
  captureBody,
  filterOf,
  noCapture,
} from '../../../admin/routes/capture.ts';
import type { MergedSummary } from '../merged-capture.ts';
import { MergedCaptures } from '../merged-captures.ts';
import type { ViewRoute } from '../view-route.ts';

const PATH = '/v1/captures';

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

  app.post<{ Body: CaptureRequest }>(PATH, { schema: { body: captureBody } }, async (request, reply) => {
    const { points, decrypted = false, packets, seconds } = request.body;
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
  });

  app.get(PATH, async () => ({ captures: await captures.list() }));
  app.get<OfOne>(`${PATH}/:id`, ({ params }) => known(params.id));
  app.delete<OfOne>(`${PATH}/:id`, async ({ params }) => {
    await captures.end(params.id);
    return known(params.id);
  });

  app.addHook('preClose', async () => {
    captures.stop();
    await answers.finish();
  });
};
