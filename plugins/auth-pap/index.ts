export { papMethod } from './method.ts';
export { papPlugin } from './plugin.ts';
