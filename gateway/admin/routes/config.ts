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
  const ofPlugins = new Map(loaded.pluginSettings.map((one) => [`pluginOptions.${one.plugin}.${one.setting}`, one]));
  return effectiveLines(loaded).map(({ key, value, origin }) => {
    const [own, setting] = [OWN.get(key), ofPlugins.get(key)];
    const env = own?.env ?? setting?.env ?? null;
    return { key, env, value, origin, reload: own?.reload === true || setting?.live === true };
  });
};

/** Of a gateway of one process, or of a supervisor: workers have theirs from it. */
export const configRoute = (app: FastifyInstance, { life }: { readonly life: Life }): void => {
  app.route({
    ...fromSpec(CONFIG),
    handler: (): { readonly config: readonly ConfigLine[] } => ({ config: configLines(life.config()) }),
  });
};
