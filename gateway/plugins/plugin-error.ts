import { GatewayError } from '../../core/errors.ts';

/** `what`: the plug-in or packages that are concerned; `why` says what to do. */
export const pluginError = (what: string, why: string, cause?: unknown): GatewayError =>
  new GatewayError(
    'PLUGIN_INVALID',
    `plug-in ${what} cannot be used: ${why}`,
    cause === undefined ? undefined : { cause },
  );

/** The first line of what was thrown, whatever it was. */
export const sentenceOf = (cause: unknown): string => {
  try {
    const text = cause instanceof Error ? cause.message : String(cause);
    return text.split('\n', 1)[0] ?? '';
  } catch {
    return 'something that cannot be shown was thrown';
  }
};
