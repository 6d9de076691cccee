import type { GatewayConfig } from '../../../config/types.ts';
import { type Finding, reporter } from '../finding.ts';

export interface ForwardingFacts {
  /** net.ipv4.ip_forward; undefined where it cannot be read. */
  readonly forward: string | undefined;
  /** The setting can be changed by this process. */
  readonly canChange: boolean;
  /** net.ipv4.conf.*.rp_filter by interface, `all` included. */
  readonly rpFilter: ReadonlyMap<string, string>;
  /** Interfaces with a default route. */
  readonly defaultInterfaces: readonly string[];
}

const forwarding = reporter('forwarding');
const rpFilter = reporter('rp-filter');
const STRICT = 1;

const checkForward = ({ forward, canChange }: ForwardingFacts, manages: boolean): Finding => {
  if (forward === '1') return forwarding.ok('The kernel forwards IPv4.');
  if (manages && canChange)
    return forwarding.ok('The kernel does not forward IPv4 yet; the gateway turns it on when it starts.');
  const advice = manages
    ? 'Run the gateway as root; in a container whose /proc/sys is read-only, start it with --sysctl net.ipv4.ip_forward=1.'
    : 'Set it (sysctl -w net.ipv4.ip_forward=1), or let the gateway do it with PPTP_NETWORK_MANAGE=true.';
  return forwarding.fail('The kernel does not forward IPv4: clients will reach nothing behind the gateway.', advice);
};

/** The kernel uses the higher one of `all` and the interface. */
const isStrict = (values: ReadonlyMap<string, string>, name: string): boolean =>
  Math.max(Number(values.get('all') ?? 0), Number(values.get(name) ?? 0)) === STRICT;

/** Whether the kernel passes packets on, and does not throw away what comes another way than it would answer. */
export const checkForwarding = (
  facts: ForwardingFacts,
  { network }: Pick<GatewayConfig, 'network'>,
): readonly Finding[] => {
  const { defaultInterfaces, rpFilter: values } = facts;
  const strict = [...new Set(defaultInterfaces)].filter((name) => isStrict(values, name));
  return [
    checkForward(facts, network.manage),
    strict.length > 0 && new Set(defaultInterfaces).size > 1
      ? rpFilter.warn(
          `There are several default routes, and the strict source check (rp_filter=1) on ${strict.join(' and ')} drops calls that come in by the one not in use.`,
          `Use the loose check: sysctl -w ${strict.map((name) => `net.ipv4.conf.${name}.rp_filter=2`).join(' ')}.`,
        )
      : rpFilter.ok('The source check (rp_filter) is not in the way.'),
  ];
};
