import type { JsonSchema } from '../spec.ts';

/** JSON schemas in few words. */
export const text: JsonSchema = { type: 'string' };
export const whole: JsonSchema = { type: 'integer' };
export const decimal: JsonSchema = { type: 'number' };
export const flag: JsonSchema = { type: 'boolean' };
export const moment: JsonSchema = { type: 'string', format: 'date-time' };

export const orNull = (schema: JsonSchema): JsonSchema => ({ ...schema, type: [schema['type'], 'null'] });
export const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
export const oneOf = (values: readonly string[]): JsonSchema => ({ type: 'string', enum: values });
/** Names are data. */
export const mapOf = (values: JsonSchema): JsonSchema => ({ type: 'object', additionalProperties: values });

/** Every property is always there but those of `optional`. */
export const object = (
  properties: Readonly<Record<string, JsonSchema>>,
  optional: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties),
  properties: { ...properties, ...optional },
});

/** Indexes of workers that did not answer; absent when all did. */
export const missing = { missing: list(whole) } as const;

/** Path parameters: words of what was listed before. */
export const named = (...names: readonly string[]): JsonSchema =>
  object(Object.fromEntries(names.map((name) => [name, { type: 'string', minLength: 1, maxLength: 256 }])));
