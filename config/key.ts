import type { Format } from './formats.ts';

/** One key as the schema writes it: a convict property with what our own layers need beside it. */
export interface KeySpec<T> {
  readonly default: T;
  readonly doc: string;
  readonly env: string;
  /** A flag of its own (`--port`); every key can also be given as `--set key=value`. */
  readonly flag?: string;
  readonly sensitive?: boolean;
  /** A running gateway can be given another value. */
  readonly reload?: boolean;
  /** Our format; `format` is the same for convict, which wants a function that throws. */
  readonly kind: Format<T>;
  readonly format: (value: unknown) => void;
}

/** A key with its dotted path. */
export interface Key extends KeySpec<unknown> {
  readonly path: string;
}

interface KeyParts<T> {
  readonly default: T;
  readonly doc: string;
  readonly env: string;
  readonly flag?: string;
  readonly sensitive?: boolean;
  readonly reload?: boolean;
}

/** Makes the schema entry of one key. A default that its own format refuses is a bug and throws. */
export const key = <T>(kind: Format<T>, parts: KeyParts<T>): KeySpec<T> => {
  const format = (value: unknown): void => {
    if (kind.parse(value) === undefined) throw new Error(`must be ${kind.expected}`);
  };
  format(parts.default);
  return { ...parts, kind, format };
};

type SchemaNode = { readonly [name: string]: SchemaNode | KeySpec<unknown> };

const isKeySpec = (node: SchemaNode | KeySpec<unknown>): node is KeySpec<unknown> =>
  typeof node['kind'] === 'object' && 'parse' in node['kind'];

/** All keys of a schema, in the order they are written. */
export const listKeys = (schema: object, prefix = ''): Key[] => {
  const keys: Key[] = [];
  for (const [name, node] of Object.entries(schema)) {
    const path = `${prefix}${name}`;
    if (isKeySpec(node)) keys.push({ ...node, path });
    else keys.push(...listKeys(node, `${path}.`));
  }
  return keys;
};
