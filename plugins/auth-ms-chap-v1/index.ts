export { msChapV1Method } from './method.ts';
export { msChapV1Plugin } from './plugin.ts';
