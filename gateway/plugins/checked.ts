import type { ConfigProblem } from '../../config/problems.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { after } from '../../core/time.ts';
import { declaredBy, type ImportedPlugin } from './import-plugins.ts';
import { sentenceOf } from './plugin-error.ts';

/** Less than a supervisor waits for its workers. */
const HERE_MS = 3_000;

type Options = Readonly<Record<string, unknown>>;

/** A plug-in without settings is given none. */
export const optionsFor = ({ plugin }: ImportedPlugin, options: Options): Options | undefined =>
  plugin.settings === undefined ? undefined : options;

/** What the plug-in itself says of its settings together, without the secrets that it may quote. */
export const checked = (one: ImportedPlugin, options: Options): readonly string[] =>
  sentencesOf(one, options).map(maskedFor(one, options));

const maskedFor = (one: ImportedPlugin, options: Options): ((sentence: string) => string) => {
  const secrets = Object.entries(declaredBy(one).settings)
    .flatMap(([name, setting]) => (setting.secret === true ? [options[name]].flat() : []))
    .filter((value) => typeof value === 'string' && value !== '')
    .map(String)
    .toSorted((a, b) => b.length - a.length);
  return (sentence) => secrets.reduce((rest, secret) => rest.replaceAll(secret, () => '[secret]'), sentence);
};

/** The same as problems of a configuration. */
export const problemsWith = (one: ImportedPlugin, options: Options): readonly ConfigProblem[] =>
  checked(one, options).map(problemOf(one));

/** What it says of its settings on this machine. Never rejects; what is not said in time is a problem. */
export const problemsHere = async (
  one: ImportedPlugin,
  options: Options,
  clock: Clock,
): Promise<readonly ConfigProblem[]> => {
  let forget = (): void => undefined;
  const late = new Promise<readonly string[]>((resolve) => {
    const say = (): void => resolve([`it did not say within ${HERE_MS / 1000} s whether its settings are right`]);
    forget = clock.schedule(after(clock.now(), HERE_MS), say);
  });
  const said = await Promise.race([sentencesHere(one, options), late]);
  forget();
  return said.map(maskedFor(one, options)).map(problemOf(one));
};

const problemOf =
  (one: ImportedPlugin) =>
  (sentence: string): ConfigProblem => ({
    key: `pluginOptions.${one.plugin.name}`,
    message: `${sentence} (${declaredBy(one).from})`,
  });

async function sentencesHere(one: ImportedPlugin, options: Options): Promise<readonly string[]> {
  try {
    const sentences: unknown = (await one.plugin.checkHere?.(optionsFor(one, options))) ?? [];
    return Array.isArray(sentences) ? sentences.map(String) : ['its "checkHere" must give a list of sentences'];
  } catch (cause) {
    return [`checking its settings failed: ${sentenceOf(cause)}`];
  }
}

function sentencesOf(one: ImportedPlugin, options: Options): readonly string[] {
  try {
    const sentences: unknown = one.plugin.check?.(optionsFor(one, options)) ?? [];
    if (sentences instanceof Promise) sentences.catch(() => undefined);
    return Array.isArray(sentences) ? sentences.map(String) : ['its "check" must return a list of sentences'];
  } catch (cause) {
    return [`checking its settings failed: ${sentenceOf(cause)}`];
  }
}
