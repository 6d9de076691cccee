import type { BindToFluentSyntax, ServiceIdentifier } from 'inversify';
import { GatewayError } from '../../core/errors.ts';
import { pluginError, sentenceOf } from './plugin-error.ts';

/** A plug-in wants to be given something. */
export interface Need {
  /** The plug-in, for people. */
  readonly who: string;
  readonly token: ServiceIdentifier;
}

/** Runs a plug-in's code; what it throws becomes PLUGIN_INVALID with its name, unless it is an operator's mistake already. */
export const attributed = <T>(who: string, what: string, work: () => T): T => {
  try {
    return work();
  } catch (cause) {
    throw cause instanceof GatewayError ? cause : pluginError(who, `${what}: ${sentenceOf(cause)}`, cause);
  }
};

type Factory = (...args: readonly unknown[]) => unknown;
const isFunction = (value: unknown): value is Factory => typeof value === 'function';

/**
 * The syntax that `bind` returns, watched: what its factories throw is given the plug-in's name, and what they want to be given is
 * noted in `needs`.
 */
export const watchBinding = <T>(
  syntax: BindToFluentSyntax<T>,
  who: string,
  token: string,
  needs: Need[],
): BindToFluentSyntax<T> =>
  new Proxy(syntax, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key);
      if (!isFunction(method)) return method;
      return (first: unknown, second: unknown) => {
        if (key === 'toResolvedValue') needs.push(...needsOf(second, who));
        if (key === 'toService' && isIdentifier(first)) needs.push({ who, token: first });
        const isFactory = key === 'toResolvedValue' || key === 'toDynamicValue';
        const argument =
          isFactory && isFunction(first)
            ? (...args: readonly unknown[]) => attributed(who, `making its ${token} failed`, () => first(...args))
            : first;
        return Reflect.apply(method, target, second === undefined ? [argument] : [argument, second]);
      };
    },
  });

const isIdentifier = (value: unknown): value is ServiceIdentifier =>
  typeof value === 'symbol' || typeof value === 'string' || typeof value === 'function';

/** Of a list of what a factory is to be given: those that must be there. */
const needsOf = (wanted: unknown, who: string): readonly Need[] =>
  Array.isArray(wanted)
    ? wanted.flatMap((one: unknown): readonly Need[] => {
        if (isIdentifier(one)) return [{ who, token: one }];
        if (typeof one !== 'object' || one === null || !('serviceIdentifier' in one)) return [];
        const spared = ('optional' in one && one.optional === true) || ('isMultiple' in one && one.isMultiple === true);
        const { serviceIdentifier } = one;
        return !spared && isIdentifier(serviceIdentifier) ? [{ who, token: serviceIdentifier }] : [];
      })
    : [];
