export { MemoryDevice, type MemoryOptions } from './memory-device.ts';
export { MemoryGreNetwork, MemoryGreSocket, memoryGrePair } from './memory-gre-socket.ts';
export { MemoryTunDevice, type MemoryTunOptions } from './memory-tun-device.ts';
