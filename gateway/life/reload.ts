import type { ConfigSources, LoadedConfig } from '../../config/load.ts';
import { keyByPath } from '../../config/schema.ts';
import { GatewayError } from '../../core/errors.ts';
import type { Log } from '../../core/ports/log.ts';
import type { ChangedKey, ReloadReport } from '../admin/api/life.ts';
import { changesOf, type KeyChange, keptOf, settingsNow } from './config-changes.ts';
import type { Reload } from './gateway-life.ts';

/** Reads a configuration with all that belongs to it. Rejects with ConfigError, or with what a plug-in says. */
export type ReadAgain = (sources: ConfigSources) => Promise<LoadedConfig>;

const readWithPlugins: ReadAgain = async (sources) => {
  const { loadConfigWithPlugins } = await import('../plugins/configure.ts');
  return loadConfigWithPlugins(sources);
};

/** As if an operator had written exactly this: files that names and secrets were read from need not be there any more. */
const inputsOf = (options: LoadedConfig['config']['pluginOptions']): LoadedConfig['pluginInputs'] => ({
  env: {},
  unknown: [],
  groups: [{ options, origin: { kind: 'file', name: 'pluginOptions' } }],
  assignments: [],
});

const told = ({ key, env, from, to }: KeyChange): ChangedKey => ({ key, env, from, to });

/** Reads the sources again, brings into force what can be, and says in the log what came of it. */
export const reloader =
  (log: Log, read: ReadAgain = readWithPlugins): Reload =>
  async (before, by, enforce) => {
    try {
      const next = await read(before.sources);
      const changes = changesOf(before, next);
      const live = changes.filter(({ reload }) => reload);
      const later = changes.filter(({ reload }) => !reload);
      const kept = keptOf(
        before,
        later.map(({ key }) => key).filter((key) => keyByPath.has(key)),
      );
      const { pluginOptions, pluginSettings } = settingsNow(before, next);
      // Checked as it will be in force, with what a restart would change left as it is.
      const keep = { kept, keptInputs: inputsOf(pluginOptions) };
      const inForce = later.length === 0 ? next : await read({ ...before.sources, ...keep });
      const loaded = { ...inForce, pluginSettings, sources: before.sources };
      await enforce(loaded);
      const report: ReloadReport = { changed: live.map(told), needRestart: later.map(told), warnings: loaded.warnings };
      note(log, report, by);
      return { loaded, report };
    } catch (cause) {
      const text = cause instanceof GatewayError ? cause.message : String(cause);
      log.error('config.refused', `the configuration was not read again, and the one before stays in force: ${text}`, {
        by,
      });
      throw cause;
    }
  };

const note = (log: Log, { changed, needRestart, warnings }: ReloadReport, by: string): void => {
  for (const warning of warnings) log.warn('config.warning', warning);
  const names = (keys: readonly ChangedKey[]): string[] => keys.map(({ key }) => key);
  const now = changed.length === 0 ? 'nothing has changed' : `${names(changed).join(', ')} changed`;
  const later = needRestart.length === 0 ? '' : `; needs a restart: ${names(needRestart).join(', ')}`;
  log.info('config.reloaded', `the configuration was read again: ${now}${later}`, {
    by,
    changed: names(changed),
    needRestart: names(needRestart),
  });
};
