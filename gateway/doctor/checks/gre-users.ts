import { type Finding, reporter } from '../finding.ts';
import type { Holder } from './control-port.ts';

export interface GreUsersFacts {
  /** Processes with a raw socket of IP protocol 47; undefined where one cannot be seen. */
  readonly rawSockets: readonly (Holder | undefined)[];
  /** Running programs that serve PPTP. */
  readonly servers: readonly Holder[];
  /** Loaded kernel modules. */
  readonly modules: readonly string[];
}

const { ok, warn } = reporter('gre-users');

const named = (holders: readonly Holder[]): string =>
  [...new Map(holders.map((one) => [one.pid, `${one.name} (process ${one.pid})`])).values()].join(', ');

/** Who else takes IP protocol 47 here. */
export const checkGreUsers = ({ rawSockets, servers, modules }: GreUsersFacts): readonly Finding[] => {
  const others = rawSockets.filter((one) => one !== undefined).filter((one) => !one.isGateway);
  const all = [...servers, ...others];
  const [first] = all;
  if (first !== undefined) {
    return [
      warn(
        `Other programs use GRE here: ${named(all)}.`,
        `Stop ${first.name} if it serves PPTP on the same addresses: each hears the other's packets, and its kernel or its clients may refuse ours.`,
      ),
    ];
  }
  if (rawSockets.some((one) => one === undefined)) {
    return [
      warn(
        'A program that cannot be seen from here uses GRE.',
        'Run the doctor as root, on the host and not in a container.',
      ),
    ];
  }
  const own = rawSockets.length > 0 ? 'Only a running gateway uses GRE.' : 'Nobody else uses GRE.';
  const module = modules.includes('pptp')
    ? ' The kernel module pptp is loaded; it takes nothing from the gateway.'
    : '';
  return [ok(`${own}${module}`)];
};
