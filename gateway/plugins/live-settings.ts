import { isLiveChange, parseSettings } from '../../config/plugin-settings.ts';
import { ConfigError, type ConfigProblem } from '../../config/problems.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import { failureFields } from '../session/failure-words.ts';
import { problemsHere, problemsWith } from './checked.ts';
import { declaredBy, type ImportedPlugin } from './import-plugins.ts';
import type { PluginOptions } from './plugin-options.ts';

type Group = Readonly<Record<string, unknown>>;

/** Settings that may come into force. */
export interface PreparedSettings {
  /** What this machine has against it. Does not reject. */
  problemsHere(clock: Clock): Promise<readonly ConfigProblem[]>;
  /** `failed` is given what the plug-in throws. */
  commit(failed: (cause: unknown) => void): void;
}

/** What a reload may change of a plug-in that is loaded. */
export interface LiveSettings {
  /**
   * Looks at settings as given; those that are not live stay what they are. Throws ConfigError with all that is wrong;
   * undefined: nothing is to change.
   */
  prepare(given: unknown): PreparedSettings | undefined;
}

export const sameSetting = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const groupOf = (given: unknown): Group => (typeof given === 'object' && given !== null ? { ...given } : {});

/** Undefined: none of its settings are live. */
export const liveSettings = (
  one: ImportedPlugin,
  start: unknown,
  options: PluginOptions<Group>,
): LiveSettings | undefined => {
  const { settings } = declaredBy(one);
  const live = Object.entries(settings).filter(([, setting]) => setting.live === true);
  if (live.length === 0) return undefined;
  let given = groupOf(start);
  return {
    prepare: (next) => {
      const wanted = groupOf(next);
      const changed = live.flatMap(([name, setting]) => {
        const [from, to] = [given[name], wanted[name]];
        return !sameSetting(from, to) && isLiveChange(setting, from, to) ? [name] : [];
      });
      if (changed.length === 0) return undefined;
      const pick = (group: Group): Group => Object.fromEntries(changed.map((name) => [name, group[name]]));
      const merged = { ...given, ...pick(wanted) };
      const { options: parsed, problems } = parseSettings(declaredBy(one), merged);
      const now = { ...options.current, ...pick(parsed) };
      const wrong = problems.length > 0 ? problems : problemsWith(one, now);
      if (wrong.length > 0) throw new ConfigError(wrong);
      return {
        problemsHere: (clock) => problemsHere(one, now, clock),
        commit: (failed) => {
          given = merged;
          options.set(now, failed);
        },
      };
    },
  };
};

/** Of plug-ins that are loaded. */
export interface Changeable {
  readonly name: string;
  readonly live?: LiveSettings | undefined;
}

/**
 * Settings of all plug-ins, as given, by their names. Rejects with ConfigError where any plug-in refuses its own, with what each
 * of them says, and then nothing has changed; what is returned brings the live ones into force.
 */
export const prepareSettings = async (
  plugins: readonly Changeable[],
  given: Readonly<Record<string, unknown>>,
  { log, telemetry, clock }: { readonly log: Log; readonly telemetry: Pick<Telemetry, 'event'>; readonly clock: Clock },
): Promise<() => void> => {
  const problems: ConfigProblem[] = [];
  const changes = plugins.flatMap(({ name, live }) => {
    try {
      const prepared = live?.prepare(given[name]);
      return prepared === undefined ? [] : [{ name, prepared }];
    } catch (cause) {
      if (!(cause instanceof ConfigError)) throw cause;
      problems.push(...cause.problems);
      return [];
    }
  });
  if (problems.length === 0) {
    problems.push(...(await Promise.all(changes.map(({ prepared }) => prepared.problemsHere(clock)))).flat());
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return () => {
    for (const { name, prepared } of changes) {
      prepared.commit((cause) => {
        telemetry.event('plugin.failed', { plugin: name, port: 'settings', why: 'plugin-threw' });
        // What it said may hold a secret, so only its class and code are told.
        log.error(
          'plugin.settings-failed',
          `the plug-in "${name}" failed when it was given its new settings: see that it works, or restart the gateway`,
          { plugin: name, ...failureFields(cause) },
        );
      });
    }
  };
};
