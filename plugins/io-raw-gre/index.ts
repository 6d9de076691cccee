export { type GreRefusal, hearGreRefusals, parseGreRefusal } from './gre-refusals.ts';
export { rawGrePlugin } from './plugin.ts';
export { type RawGreDependencies, type RawGreOptions, RawGreSocket } from './raw-gre-socket.ts';
