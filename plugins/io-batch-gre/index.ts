export { type BatchGreDependencies, type BatchGreOptions, BatchGreSocket } from './batch-gre-socket.ts';
export { loadGreAddon } from './load-gre-addon.ts';
export { batchGrePlugin } from './plugin.ts';
