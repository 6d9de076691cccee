export { msChapV2Method } from './method.ts';
export { msChapV2Plugin } from './plugin.ts';
