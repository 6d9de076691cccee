/** Why a plug-in gave no answer that counts. */
export const PLUGIN_FAILURES = [
  'plugin-threw',
  'plugin-timeout',
  'plugin-resting',
  'plugin-answer',
  'cancelled',
] as const;
export type PluginFailureWord = (typeof PLUGIN_FAILURES)[number];

const SENTENCES: Readonly<Record<PluginFailureWord, string>> = {
  'plugin-threw': 'it failed',
  'plugin-timeout': 'it did not answer in time',
  'plugin-resting': 'it has failed too often and is not asked for a while',
  'plugin-answer': 'its answer is none that the port allows',
  cancelled: 'nobody waits for the answer any more',
};

/** A call of a plug-in that gave no answer; `cause` is what the plug-in threw, if it did. */
export class PluginFailure extends Error {
  override readonly name = 'PluginFailure';
  /** A stable word: error.type of the span. */
  readonly code: PluginFailureWord;

  constructor(plugin: string, code: PluginFailureWord, options?: { readonly cause?: unknown }) {
    super(`${plugin}: ${SENTENCES[code]}`, options);
    this.code = code;
  }
}
