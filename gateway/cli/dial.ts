import { type Command, Option } from 'commander';
import type { LoadedConfig } from '../../config/load.ts';
import { type Ipv4, ipv4, parseIpv4 } from '../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../core/errors.ts';
import type { RedialPolicy } from '../../core/machine/redial.ts';
import { MPPE_OVERHEAD } from '../../core/wire/mppe-header.ts';
import type { Cli } from './context.ts';
import { authentication, inFlagNames } from './dial-flags.ts';
import { knownPassword } from './password.ts';

export interface DialRoute {
  readonly network: Ipv4;
  readonly prefixLength: number;
}

/** What `dial` is told besides the configuration. */
export interface DialOrder {
  readonly host: string;
  readonly port: number;
  readonly userName: string;
  readonly password: string;
  /** What to change the password to when the server says that it has expired. */
  readonly newPassword?: string;
  /** Networks to route into the tunnel; 0.0.0.0/0 is everything. */
  readonly routes: readonly DialRoute[];
  readonly policy: RedialPolicy;
  readonly retryAuthentication: boolean;
  /** Announce the call as a PAC does instead of placing it. */
  readonly incoming: boolean;
  readonly verbose: boolean;
}

interface DialFlags {
  readonly user: string;
  readonly passwordFile?: string;
  readonly newPasswordFile?: string;
  readonly mppe: string;
  readonly strength: string;
  readonly auth: string;
  readonly route: readonly string[];
  readonly mtu?: string;
  readonly tun: string;
  readonly port: string;
  readonly reconnect: boolean;
  readonly once?: true;
  readonly retryAuth?: true;
  readonly incoming?: true;
  readonly verbose?: true;
  readonly set: readonly string[];
}

const collect = (value: string, earlier: readonly string[]): readonly string[] => [...earlier, value];
const invalid = (message: string): GatewayError => new GatewayError('CONFIG_INVALID', message);

/** "10.0.0.0/8", "10.1.2.3" or "default". Throws CONFIG_INVALID. */
export const parseRoute = (text: string): DialRoute => {
  if (text === 'default') return { network: ipv4(0), prefixLength: 0 };
  const [address = '', length = '32', more] = text.split('/');
  const network = parseIpv4(address);
  const prefixLength = /^\d{1,2}$/.test(length) ? Number(length) : Number.NaN;
  if (network === undefined || more !== undefined || !(prefixLength >= 0 && prefixLength <= 32)) {
    throw invalid(`--route ${text}: write a network such as 10.0.0.0/8, an address, or "default".`);
  }
  const hostBits = prefixLength === 0 ? network : prefixLength === 32 ? 0 : (network << prefixLength) >>> 0;
  if (hostBits !== 0) throw invalid(`--route ${text}: the address has bits set behind the prefix of ${length} bits.`);
  return { network, prefixLength };
};

const parsePort = (text: string): number => {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) throw invalid(`--port ${text}: write a number from 1 to 65535.`);
  return port;
};

const SMALLEST_MRU = 576;
const LARGEST_MRU = 1456;

/** The client's choices as keys of the configuration. A server's own settings in the environment must not reach it. */
const settings = (flags: DialFlags): readonly string[] => {
  const set = [`mppe.policy=${flags.mppe}`, ...authentication(flags.auth), `tun.name=${flags.tun}`];
  if (flags.mppe !== 'disabled') set.push(`mppe.strengths=${flags.strength}`);
  if (flags.mtu !== undefined) {
    const mtu = Number(flags.mtu);
    set.push(`tun.mtu=${flags.mtu}`);
    if (Number.isInteger(mtu)) {
      set.push(`ppp.mru=${Math.min(LARGEST_MRU, Math.max(SMALLEST_MRU, mtu + MPPE_OVERHEAD))}`);
    }
  }
  return set;
};

const policyOf = ({ once, reconnect }: DialFlags): RedialPolicy => {
  if (once === true) return 'once';
  return reconnect ? 'always' : 'until-up';
};

/** Adds the verb `dial`. */
export const addDialVerb = ({ program, terminal, load, services, finish }: Cli): void => {
  const command = program
    .command('dial')
    .description('Dials a PPTP server and keeps the tunnel up until SIGTERM or SIGINT.')
    .argument('<host>', 'name or IPv4 address of the server')
    .requiredOption('--user <name>', 'user name, with the domain if the server wants one ("CORP\\alice")')
    .option(
      '--password-file <file>',
      'read the password from a file; otherwise it is asked for, or read from standard input',
    )
    .option(
      '--new-password-file <file>',
      'when the server says that the password has expired, change it to the one in this file (MS-CHAP)',
    )
    .addOption(
      new Option('--mppe <policy>', 'encryption: nothing passes without it, or what else is allowed')
        .choices(['required', 'preferred', 'permitted', 'disabled'])
        .default('required'),
    )
    .option('--strength <bits>', 'key lengths that are allowed, separated by commas', '128')
    .option('--auth <methods>', 'authentication methods that are allowed, separated by commas', 'ms-chap-v2')
    .option(
      '--route <network>',
      'route this network into the tunnel, or "default" for everything; may be repeated',
      collect,
      [],
    )
    .option('--mtu <octets>', 'MTU of the tunnel device')
    .option('--tun <name>', 'name of the tunnel device', 'pptp-dial0')
    .option('--port <number>', 'TCP port of the server', '1723')
    .option('--no-reconnect', 'end when the tunnel ends')
    .option('--once', 'one attempt: end when it fails or when the tunnel ends')
    .option('--retry-auth', 'dial again although the server refused the user; this may lock the account')
    .option('--incoming', 'announce the call (Incoming-Call-Request) as a modem bank would, instead of placing it')
    .option('--verbose', 'log what happens')
    .option('--config <file>', 'configuration file for everything else (YAML or JSON; also PPTP_CONFIG)')
    .option('--set <key=value>', 'set any key of the configuration; may be repeated', collect, []);
  const loadWith = async (given: Command, flags: DialFlags): Promise<LoadedConfig> => {
    const ours = settings(flags);
    try {
      return await load(given, ours);
    } catch (error) {
      throw inFlagNames(error, flags.set);
    }
  };
  command.action(async (host: string, flags: DialFlags) => {
    const routes = flags.route.map(parseRoute);
    const port = parsePort(flags.port);
    const loaded = await loadWith(command, flags);
    const password = await knownPassword(terminal, flags.user, flags.passwordFile);
    const { newPasswordFile } = flags;
    const newPassword =
      newPasswordFile === undefined ? undefined : await knownPassword(terminal, flags.user, newPasswordFile);
    const order: DialOrder = {
      host,
      port,
      userName: flags.user,
      password,
      ...(newPassword === undefined ? {} : { newPassword }),
      routes,
      policy: policyOf(flags),
      retryAuthentication: flags.retryAuth === true,
      incoming: flags.incoming === true,
      verbose: flags.verbose === true,
    };
    finish(await services.dial(loaded, order));
  });
};
