export { rawGrePlugin } from './plugin.ts';
export { type RawGreDependencies, type RawGreOptions, RawGreSocket } from './raw-gre-socket.ts';
