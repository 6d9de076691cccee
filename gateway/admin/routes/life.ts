import type { FastifyInstance } from 'fastify';
import { ConfigError } from '../../../config/problems.ts';
import type { Life } from '../../life/life.ts';
import type { DrainRequest, LifeView, ReloadReport } from '../api/life.ts';
import { AdminError } from '../route.ts';
import { fromSpec } from '../spec.ts';
import { DRAIN, LIFE, RELOAD, RESUME } from '../specs/life.ts';

/** All that is wrong, key by key. */
const refusalOf = ({ code, message, problems }: ConfigError): AdminError =>
  new AdminError(409, code, message, {
    errors: problems.map(({ key, message: what }) => ({ path: key ?? '', message: what })),
  });

/** Of a gateway of one process, or of a supervisor with its workers. */
export const lifeRoute = (app: FastifyInstance, { life }: { readonly life: Life }): void => {
  app.route({ ...fromSpec(LIFE), handler: (): LifeView => life.view() });

  app.route<{ Body: DrainRequest | null }>({
    ...fromSpec(DRAIN),
    handler: ({ body, actor }): LifeView => life.drain(body ?? {}, actor),
  });

  app.route({
    ...fromSpec(RESUME),
    handler: ({ actor }): LifeView => {
      const view = life.resume(actor);
      if (view !== undefined) return view;
      throw new AdminError(409, 'STOPPING', 'The gateway stops already: it takes no calls any more. Start it again.');
    },
  });

  app.route({
    ...fromSpec(RELOAD),
    handler: async ({ actor }): Promise<ReloadReport> => {
      try {
        return await life.reload(actor);
      } catch (cause) {
        throw cause instanceof ConfigError ? refusalOf(cause) : cause;
      }
    },
  });
};
