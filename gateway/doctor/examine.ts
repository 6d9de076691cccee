import type { LoadedConfig } from '../../config/load.ts';
import { checkCertificates } from './checks/certificates.ts';
import { checkClock } from './checks/clock.ts';
import { checkConntrack, knowsPptp } from './checks/conntrack.ts';
import { checkControlPort } from './checks/control-port.ts';
import { checkDevices } from './checks/devices.ts';
import { checkFirewall, saysGreIsFiltered } from './checks/firewall.ts';
import { checkForwarding } from './checks/forwarding.ts';
import { checkGreSocket } from './checks/gre-socket.ts';
import { checkGreUsers } from './checks/gre-users.ts';
import { checkMtu } from './checks/mtu.ts';
import { checkPeer } from './checks/peer.ts';
import { checkPool } from './checks/pool.ts';
import { checkRights } from './checks/rights.ts';
import { checkRunning } from './checks/running.ts';
import { checkStateFolder } from './checks/state-folder.ts';
import { checkTelemetry } from './checks/telemetry.ts';
import { checkUsers } from './checks/users.ts';
import { type Finding, reporter } from './finding.ts';
import {
  lookAtCertificates,
  lookAtClock,
  lookAtDevices,
  lookAtRights,
  lookAtRunning,
  lookAtStateFolder,
  lookAtTelemetry,
  lookAtUsers,
} from './host/look-local.ts';
import {
  lookAtConntrack,
  lookAtControlPort,
  lookAtFirewall,
  lookAtForwarding,
  lookAtGreSocket,
  lookAtGreUsers,
  lookAtMtu,
  lookAtPool,
} from './host/look-network.ts';
import { probePeer } from './host/peer-probe.ts';
import { visibleProcesses } from './host/processes.ts';
import { messageOf } from './host/system.ts';

/** A PPTP server to try a call to. */
export interface Peer {
  readonly host: string;
  readonly port: number;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Check = readonly [name: string, check: () => Promise<readonly Finding[]>];

/** Looks at this host as a gateway with this configuration needs it. Changes nothing on it. */
export const examine = async (
  { config, warnings }: LoadedConfig,
  peer: Peer | undefined,
  env: Environment,
): Promise<readonly Finding[]> => {
  const processes = await visibleProcesses();
  const firewall = lookAtFirewall(config);
  const conntrack = firewall.then(lookAtConntrack);
  const judged = Promise.all([firewall, conntrack]).then(([rules, tracking]) =>
    checkFirewall(rules, config, knowsPptp(tracking)),
  );
  // What follows from a rule of the firewall must not look like a fault of its own.
  const isFiltered = judged.then(saysGreIsFiltered, () => false);
  const checks: readonly Check[] = [
    ['rights', async () => checkRights(await lookAtRights(), config)],
    ['devices', async () => checkDevices(await lookAtDevices())],
    ['state-folder', async () => checkStateFolder(await lookAtStateFolder(config), config)],
    ['users', async () => checkUsers(await lookAtUsers(config), config)],
    ['certificates', async () => checkCertificates(await lookAtCertificates(config))],
    ['control-port', async () => checkControlPort(await lookAtControlPort(processes), config)],
    ['gre', async () => checkGreSocket(await lookAtGreSocket(config), await isFiltered)],
    ['gre-users', async () => checkGreUsers(await lookAtGreUsers(processes))],
    ['firewall', () => judged],
    ['conntrack', async () => checkConntrack(await conntrack, await isFiltered)],
    ['forwarding', async () => checkForwarding(await lookAtForwarding(), config)],
    ['mtu', async () => checkMtu(lookAtMtu(config), config)],
    ['pool', async () => checkPool(await lookAtPool(), config)],
    ['clock', async () => checkClock(await lookAtClock(config, processes))],
    ['telemetry', async () => checkTelemetry(await lookAtTelemetry(env))],
    ['running', async () => checkRunning(await lookAtRunning(config))],
    ...(peer === undefined ? [] : [peerCheck(peer, config)]),
  ];
  // What the configuration says of the outer MTU, the check `mtu` says too.
  const others = warnings.filter((warning) => !warning.startsWith('ppp.mru '));
  const findings: Finding[] = others.map((warning) =>
    reporter('configuration').warn(warning, 'Keep it if it is meant so; docs/configuration.md says more.'),
  );
  for (const [name, check] of checks) findings.push(...(await attempt(name, check)));
  return findings;
};

const peerCheck = (peer: Peer, { hostName, vendor, gre }: LoadedConfig['config']): Check => {
  const name = peer.port === 1723 ? peer.host : `${peer.host} port ${peer.port}`;
  return ['peer', async () => checkPeer(name, await probePeer({ ...peer, hostName, vendor, driver: gre.driver }))];
};

/** One check that cannot be made must not hide what the others find. */
const attempt = async (name: string, check: Check[1]): Promise<readonly Finding[]> => {
  try {
    return await check();
  } catch (cause) {
    const advice = 'Run the doctor as root; if this stays, report it as a bug.';
    return [reporter(name).warn(`This could not be looked at (${messageOf(cause)}).`, advice)];
  }
};
