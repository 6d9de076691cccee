import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where setup/bench.mjs put the programs in C and what it found to compare with. */
const folder = (): string => {
  const found = process.env['PPTP_BENCH_PROGRAMS'];
  if (found === undefined) throw new Error('PPTP_BENCH_PROGRAMS is not set: start this with npm run bench');
  return found;
};

export type NativeProgram = 'forwarder' | 'udp-load' | 'icmp-probe';

/** A program of test/bench/native, compiled. */
export const nativeProgram = (name: NativeProgram): string => join(folder(), name);

/** Another VPN's programs, or why there are none. */
export type Comparator =
  | {
      readonly programs: Readonly<Record<string, string>>;
      /** For LD_LIBRARY_PATH. */
      readonly libraries: string;
      readonly version: string;
    }
  | { readonly reason: string };

export const comparator = (name: 'openvpn' | 'wireguard'): Comparator => {
  const found: Readonly<Record<string, Comparator>> = JSON.parse(
    readFileSync(join(folder(), 'comparators.json'), 'utf8'),
  );
  return found[name] ?? { reason: 'it was not looked for' };
};
