import type { Command } from 'commander';
import { isHostOf } from '../../config/formats.ts';
import type { GatewayConfig } from '../../config/types.ts';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../core/errors.ts';
import type { Disconnected } from '../admin/api/sessions.ts';
import { NoAnswer } from '../admin/client.ts';
import { addConfigOptions } from './config-options.ts';
import { addConnectionOptions, patienceOf, remoteTarget } from './connection.ts';
import type { Cli } from './context.ts';
import { EXIT } from './exit.ts';
import { obtainPassword } from './password.ts';
import { gatewayAt, type RunningGateway, SOME_TIME } from './running-gateway.ts';
import { padRight, safeText, textWidth } from './text.ts';
import { countText } from './units.ts';
import { gatewayUsers, type UserAdmin, type UserSummary } from './user-admin.ts';

type PasswordOptions = { readonly passwordFile?: string; readonly generate?: true; readonly storePassword?: true };

/** The users that a verb is about, and where they are. */
interface Users {
  readonly admin: UserAdmin;
  /** Undefined where the gateway is elsewhere. */
  readonly pool: GatewayConfig['pool'] | undefined;
  /** "/var/lib/…", "the running gateway": for "added to", "changed in". */
  readonly place: string;
  /** The gateway that has them, where one answers. */
  readonly gateway: RunningGateway | undefined;
}

const parseAddress = (text: string): Ipv4 => {
  const address = parseIpv4(text);
  if (address === undefined) throw new GatewayError('USER_INVALID', `${text} is not an IPv4 address.`);
  return address;
};

/** Throws USER_INVALID: with such an address the gateway would have none for the user, and refuse the call. */
const checkAddress = (address: Ipv4, { range, gatewayAddress }: GatewayConfig['pool']): void => {
  const text = formatIpv4(address);
  if (!isHostOf(range, address)) {
    throw new GatewayError(
      'USER_INVALID',
      `${text} is no client address of the pool ${range.text}: choose one in it, or set PPTP_POOL here to what the ` +
        'gateway has.',
    );
  }
  if (address === gatewayAddress) {
    throw new GatewayError(
      'USER_INVALID',
      `${text} is the gateway's own address (PPTP_GATEWAY_ADDRESS): choose another in the pool ${range.text}.`,
    );
  }
};

const describeUsers = (users: readonly UserSummary[]): string[] => {
  const width = Math.max(...users.map(({ name }) => textWidth(safeText(name))));
  return users.map((user) => {
    const { name, address, sessions = 0 } = user;
    const notes = [address === undefined ? 'address from the pool' : formatIpv4(address)];
    if (user.disabled === true) notes.push('disabled');
    if (user.mustChange === true) notes.push('password expired');
    if (user.storesPassword === true) notes.push('password stored readably');
    if (sessions > 0) notes.push(countText(sessions, 'session'));
    return `${padRight(safeText(name), width)}  ${notes.join(', ')}`;
  });
};

const userJson = ({ name, address, disabled, mustChange, storesPassword, sessions }: UserSummary) => ({
  name,
  address: address === undefined ? null : formatIpv4(address),
  expired: mustChange === true,
  ...(disabled === undefined ? {} : { disabled }),
  ...(storesPassword === undefined ? {} : { storesPassword }),
  ...(sessions === undefined ? {} : { sessions }),
});

/** One that hangs is there, and would not hear of what is done behind its back. */
const isNotThere = (error: unknown): boolean =>
  error instanceof GatewayError && error.code === 'ADMIN_UNREACHABLE' && !(error instanceof NoAnswer);

/**
 * Through the gateway where one answers, so that it is in its audit; else in the file. Also in the file when a flag names
 * one, which need not be the gateway's, and for passwords that are to be readable, which no gateway takes.
 */
const usersOf = async (command: Command, { services, terminal, load }: Cli): Promise<Users> => {
  const remote = await remoteTarget(command, services.env, terminal.err);
  const asking = { warn: terminal.err, withinMs: patienceOf(command) };
  if (remote !== undefined) {
    const gateway = gatewayAt(remote, asking);
    return { admin: gatewayUsers(gateway), pool: undefined, place: remote.url.host, gateway };
  }
  const { config, origins } = await load(command);
  const { file } = config.users;
  const inFile = async (): Promise<Users> => {
    return { admin: await services.openUsers(file), pool: config.pool, place: file, gateway: undefined };
  };
  const stores = command.opts<PasswordOptions>().storePassword === true;
  const named = origins.get('users.file')?.kind === 'flag';
  if (config.admin.socket === undefined || config.users.source !== 'file' || named || stores) return inFile();
  const gateway = gatewayAt(config.admin.socket, asking);
  try {
    await gateway.get('/v1/users');
    return { admin: gatewayUsers(gateway), pool: config.pool, place: 'the running gateway', gateway };
  } catch (error) {
    if (isNotThere(error)) return inFile();
    throw error;
  }
};

/** Adds the verbs `users add|passwd|expire|remove|list`. */
export const addUserVerbs = (cli: Cli): void => {
  const { program, terminal, finish } = cli;
  const users = program.command('users').description('Manages the user file, through the gateway where one runs.');

  const action = (command: Command, work: (found: Users, name: string) => Promise<void>): Command =>
    addConfigOptions(addConnectionOptions(command)).action(async () => {
      await work(await usersOf(command, cli), command.args[0] ?? '');
      finish(EXIT.done);
    });

  const withPassword = (verb: string, description: string): Command =>
    users
      .command(verb)
      .description(`${description} The password is asked for, or read from standard input.`)
      .argument('<name>')
      .option('--password-file <file>', 'read the password from a file')
      .option('--generate', 'make a password and print it')
      .option(
        '--store-password',
        'keep the password itself in the file, readable: chap-md5 and EAP-MD5 need it, nothing else does',
      );
  const stores = (command: Command): boolean => command.opts<PasswordOptions>().storePassword === true;
  const withDisconnect = (command: Command): Command =>
    command.option('--disconnect', 'end the sessions of the user, too (a gateway must run)');

  const password = async (command: Command, name: string): Promise<string> =>
    obtainPassword(terminal, name, command.opts<PasswordOptions>());
  const printGenerated = (command: Command, name: string, made: string): void => {
    if (command.opts<PasswordOptions>().generate === true) terminal.out(`password of ${name}: ${made}`);
  };

  /** Before anything is changed: nothing to end sessions with is found out early. */
  const disconnector = (command: Command, { gateway }: Users, reason: string) => {
    if (command.opts<{ readonly disconnect?: true }>().disconnect !== true) return async () => undefined;
    if (gateway === undefined) {
      throw new GatewayError(
        'ADMIN_UNREACHABLE',
        'no gateway answers that could end sessions; leave --disconnect out.',
      );
    }
    return async (user: string): Promise<void> => {
      const order = { user, reason };
      const { disconnected } = await gateway.send<Disconnected>('POST', '/v1/sessions/disconnect', order, SOME_TIME);
      terminal.out(`ended ${countText(disconnected.length, 'session')} of ${user}`);
    };
  };

  const add = withPassword('add', 'Adds a user.')
    .option('--address <address>', 'give the user this fixed address of the pool')
    .option('--must-change', 'the user has to change the password at the first call');
  action(add, async ({ admin, pool, place }, name) => {
    const { address, mustChange } = add.opts<{ readonly address?: string; readonly mustChange?: true }>();
    const fixed = address === undefined ? {} : { address: parseAddress(address) };
    if (fixed.address !== undefined && pool !== undefined) checkAddress(fixed.address, pool);
    const made = await password(add, name);
    await admin.add({
      name,
      password: made,
      ...fixed,
      ...(stores(add) ? { storePassword: true } : {}),
      ...(mustChange === undefined ? {} : { mustChange }),
    });
    terminal.out(`user ${name} added to ${place}`);
    printGenerated(add, name, made);
  });

  const passwd = withDisconnect(withPassword('passwd', "Changes a user's password."));
  action(passwd, async (found, name) => {
    const disconnect = disconnector(passwd, found, 'password changed');
    const made = await password(passwd, name);
    await found.admin.setPassword(name, made, stores(passwd));
    terminal.out(`password of ${name} changed in ${found.place}`);
    printGenerated(passwd, name, made);
    await disconnect(name);
  });

  const expire = users
    .command('expire')
    .description('Makes a user change the password at the next call (MS-CHAP only; other methods refuse the user).')
    .argument('<name>');
  action(expire, async ({ admin, place }, name) => {
    await admin.expire(name);
    terminal.out(`password of ${name} expired in ${place}`);
  });

  const remove = withDisconnect(users.command('remove').description('Removes a user.').argument('<name>'));
  action(remove, async (found, name) => {
    const disconnect = disconnector(remove, found, 'user removed');
    await found.admin.remove(name);
    terminal.out(`user ${name} removed from ${found.place}`);
    await disconnect(name);
  });

  const list = users.command('list').description('Lists the users.').option('--json', 'one JSON document for programs');
  action(list, async ({ admin, place }) => {
    const found = await admin.list();
    if (list.opts<{ readonly json?: true }>().json === true) {
      terminal.out(JSON.stringify({ users: found.map(userJson) }, null, 2));
    } else if (found.length === 0) terminal.out(`no users in ${place}`);
    else for (const line of describeUsers(found)) terminal.out(line);
  });
};
