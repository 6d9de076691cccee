import { execFileSync } from 'node:child_process';

const ip = (...args: readonly string[]): void => {
  execFileSync('ip', [...args], { stdio: ['ignore', 'ignore', 'inherit'] });
};

/** Gives a TUN device of this process' namespace its address, the other end's, and brings it up. */
export const configureTun = (device: string, local: string, remote: string, mtu: number): void => {
  ip('link', 'set', device, 'mtu', String(mtu), 'txqueuelen', '1000', 'up');
  ip('address', 'add', local, 'peer', remote, 'dev', device);
};
