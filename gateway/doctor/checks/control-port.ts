import type { GatewayConfig } from '../../../config/types.ts';
import { type Finding, reporter } from '../finding.ts';

export interface Holder {
  readonly pid: number;
  /** Name of the program. */
  readonly name: string;
  /** It is a gateway of ours. */
  readonly isGateway: boolean;
}

export interface Listener {
  /** Dotted address, or `::` and the like. */
  readonly address: string;
  readonly port: number;
  /** Undefined: a process that cannot be seen from here. */
  readonly holder: Holder | undefined;
}

export interface ControlPortFacts {
  /** Listening TCP sockets of this network namespace. */
  readonly listeners: readonly Listener[];
  /** IPv4 addresses of this host. */
  readonly addresses: readonly string[];
}

const { ok, fail } = reporter('control-port');
const ANY = '0.0.0.0';
/** A socket on it takes IPv4 too, unless its program asked otherwise. */
const ANY_V6 = '::';

/** Whether the gateway can, or does, listen where it is told to. */
export const checkControlPort = (
  { listeners, addresses }: ControlPortFacts,
  { listen }: Pick<GatewayConfig, 'listen'>,
): readonly Finding[] => {
  const { address, port } = listen;
  if (address !== ANY && !address.startsWith('127.') && !addresses.includes(address)) {
    const advice = `Set PPTP_LISTEN to one of ${addresses.join(', ') || 'its addresses'}, or to 0.0.0.0 for all.`;
    return [fail(`This host does not have the address ${address} to listen on.`, advice)];
  }
  const where = `TCP ${address} port ${port}`;
  const meets = (other: string): boolean =>
    other === ANY || other === ANY_V6 || (address === ANY ? other.includes('.') : other === address);
  const taken = listeners.filter((one) => one.port === port && meets(one.address));
  const [other] = taken.filter(({ holder }) => holder?.isGateway !== true);
  if (other !== undefined) {
    const { holder } = other;
    const by =
      holder === undefined ? 'a program that cannot be seen from here' : `${holder.name} (process ${holder.pid})`;
    const advice =
      holder === undefined
        ? `Run the doctor as root on the host (not in a container): ss -ltnp "sport = :${port}" names it; stop it, or set PPTP_PORT.`
        : `Stop ${holder.name}, or choose another port with PPTP_PORT (most clients can only use 1723).`;
    return [fail(`${where} is held by ${by}.`, advice)];
  }
  const [own] = taken;
  return [
    ok(own === undefined ? `${where} is free.` : `${where} is held by a running gateway (process ${own.holder?.pid}).`),
  ];
};
