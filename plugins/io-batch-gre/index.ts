export { type BatchGreDependencies, type BatchGreOptions, BatchGreSocket, type GreShare } from './batch-gre-socket.ts';
export { loadGreAddon } from './load-gre-addon.ts';
export { batchGrePlugin } from './plugin.ts';
