import type { ConfigProblem } from '../../config/problems.ts';
import { declaredBy, type ImportedPlugin } from './import-plugins.ts';
import { sentenceOf } from './plugin-error.ts';

type Options = Readonly<Record<string, unknown>>;

/** A plug-in without settings is given none. */
export const optionsFor = ({ plugin }: ImportedPlugin, options: Options): Options | undefined =>
  plugin.settings === undefined ? undefined : options;

/** What the plug-in itself says of its settings together, without the secrets that it may quote. */
export function checked(one: ImportedPlugin, options: Options): readonly string[] {
  const secrets = Object.entries(declaredBy(one).settings)
    .flatMap(([name, setting]) => (setting.secret === true ? [options[name]].flat() : []))
    .filter((value) => typeof value === 'string' && value !== '')
    .map(String)
    .toSorted((a, b) => b.length - a.length);
  const masked = (sentence: string): string =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, () => '[secret]'), sentence);
  return sentencesOf(one, options).map(masked);
}

/** The same as problems of a configuration. */
export const problemsWith = (one: ImportedPlugin, options: Options): readonly ConfigProblem[] => {
  const key = `pluginOptions.${one.plugin.name}`;
  return checked(one, options).map((sentence) => ({ key, message: `${sentence} (${declaredBy(one).from})` }));
};

function sentencesOf(one: ImportedPlugin, options: Options): readonly string[] {
  try {
    const sentences: unknown = one.plugin.check?.(optionsFor(one, options)) ?? [];
    if (sentences instanceof Promise) sentences.catch(() => undefined);
    return Array.isArray(sentences) ? sentences.map(String) : ['its "check" must return a list of sentences'];
  } catch (cause) {
    return [`checking its settings failed: ${sentenceOf(cause)}`];
  }
}
