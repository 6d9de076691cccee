import type { FastifyInstance } from 'fastify';
import { effectiveLines } from '../../../config/describe.ts';
import type { LoadedConfig } from '../../../config/load.ts';
import { KEYS } from '../../../config/schema.ts';
import type { Life } from '../../life/life.ts';
import type { ConfigLine } from '../api/operations.ts';
import { fromSpec } from '../spec.ts';
import { CONFIG } from '../specs/operations.ts';

const OWN = new Map(KEYS.map((key) => [key.path, key]));

/** In schema order, those of plug-ins behind the gateway's own; secrets are masked whether set or not. */
export const configLines = (loaded: LoadedConfig): readonly ConfigLine[] => {
  const ofPlugins = new Map(
    loaded.pluginSettings.map(({ plugin, setting, env }) => [`pluginOptions.${plugin}.${setting}`, env]),
  );
  return effectiveLines(loaded).map(({ key, value, origin }) => {
    const own = OWN.get(key);
    return { key, env: own?.env ?? ofPlugins.get(key) ?? null, value, origin, reload: own?.reload === true };
  });
};

/** Of a gateway of one process, or of a supervisor: workers have theirs from it. */
export const configRoute = (app: FastifyInstance, { life }: { readonly life: Life }): void => {
  app.route({
    ...fromSpec(CONFIG),
    handler: (): { readonly config: readonly ConfigLine[] } => ({ config: configLines(life.config()) }),
  });
};
