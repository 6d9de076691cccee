export type { Seal } from '../../plugins/radius/client/index.ts';
export * from '../../plugins/radius/wire/index.ts';
