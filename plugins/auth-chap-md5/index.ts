export { chapMd5Method } from './method.ts';
export { chapMd5Plugin } from './plugin.ts';
