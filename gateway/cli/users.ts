import type { Command } from 'commander';
import { isHostOf } from '../../config/formats.ts';
import type { GatewayConfig } from '../../config/types.ts';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../core/errors.ts';
import { type CliTerminal, obtainPassword } from './password.ts';

export interface NewUser {
  readonly name: string;
  readonly password: string;
  /** Fixed inner address. */
  readonly address?: Ipv4;
  /** Keep the password itself, for CHAP-MD5. */
  readonly storePassword?: boolean;
  readonly mustChange?: boolean;
}

export interface UserSummary {
  readonly name: string;
  readonly address?: Ipv4;
  readonly disabled?: boolean;
  readonly storesPassword?: boolean;
  readonly mustChange?: boolean;
}

/** The user file as the `users` verbs need it. Throws GatewayError USERS_FILE, USER_EXISTS, USER_UNKNOWN, USER_INVALID. */
export interface UserAdmin {
  list(): Promise<readonly UserSummary[]>;
  add(user: NewUser): Promise<void>;
  setPassword(name: string, password: string, storePassword: boolean): Promise<void>;
  expire(name: string): Promise<void>;
  remove(name: string): Promise<void>;
}

type PasswordOptions = { readonly passwordFile?: string; readonly generate?: true; readonly storePassword?: true };

const parseAddress = (text: string): Ipv4 => {
  const address = parseIpv4(text);
  if (address === undefined) throw new GatewayError('USER_INVALID', `${text} is not an IPv4 address.`);
  return address;
};

/** Throws USER_INVALID: with such an address the gateway would have none for the user, and refuse the call. */
const checkAddress = (address: Ipv4, { range, gatewayAddress }: UserConfig['pool']): void => {
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
  const width = Math.max(...users.map((user) => user.name.length));
  return users.map((user) => {
    const { name, address } = user;
    const notes = [address === undefined ? 'address from the pool' : formatIpv4(address)];
    if (user.disabled === true) notes.push('disabled');
    if (user.mustChange === true) notes.push('password expired');
    if (user.storesPassword === true) notes.push('password stored readably');
    return `${name.padEnd(width)}  ${notes.join(', ')}`;
  });
};

/** What the verbs need of the configuration. */
export type UserConfig = Pick<GatewayConfig, 'users' | 'pool'>;

/** `action` wraps a verb: it loads the configuration, hands over the users of its file and maps errors to exit codes. */
export type UserAction = (
  command: Command,
  work: (users: UserAdmin, config: UserConfig, ...args: readonly string[]) => Promise<void>,
) => Command;

/** Adds the verbs `users add|passwd|expire|remove|list`. */
export const addUserVerbs = (program: Command, terminal: CliTerminal, action: UserAction): void => {
  const users = program.command('users').description('Manages the user file.');

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

  const password = async (command: Command, name: string): Promise<string> =>
    obtainPassword(terminal, name, command.opts<PasswordOptions>());
  const printGenerated = (command: Command, name: string, made: string): void => {
    if (command.opts<PasswordOptions>().generate === true) terminal.out(`password of ${name}: ${made}`);
  };

  const add = withPassword('add', 'Adds a user.')
    .option('--address <address>', 'give the user this fixed address of the pool')
    .option('--must-change', 'the user has to change the password at the first call');
  action(add, async (admin, { users: { file }, pool }, name = '') => {
    const { address, mustChange } = add.opts<{ readonly address?: string; readonly mustChange?: true }>();
    const fixed = address === undefined ? {} : { address: parseAddress(address) };
    if (fixed.address !== undefined) checkAddress(fixed.address, pool);
    const made = await password(add, name);
    await admin.add({
      name,
      password: made,
      ...fixed,
      ...(stores(add) ? { storePassword: true } : {}),
      ...(mustChange === undefined ? {} : { mustChange }),
    });
    terminal.out(`user ${name} added to ${file}`);
    printGenerated(add, name, made);
  });

  const passwd = withPassword('passwd', "Changes a user's password.");
  action(passwd, async (admin, { users: { file } }, name = '') => {
    const made = await password(passwd, name);
    await admin.setPassword(name, made, stores(passwd));
    terminal.out(`password of ${name} changed in ${file}`);
    printGenerated(passwd, name, made);
  });

  const expire = users
    .command('expire')
    .description('Makes a user change the password at the next call (MS-CHAP only; other methods refuse the user).')
    .argument('<name>');
  action(expire, async (admin, { users: { file } }, name = '') => {
    await admin.expire(name);
    terminal.out(`password of ${name} expired in ${file}`);
  });

  const remove = users.command('remove').description('Removes a user.').argument('<name>');
  action(remove, async (admin, { users: { file } }, name = '') => {
    await admin.remove(name);
    terminal.out(`user ${name} removed from ${file}`);
  });

  const list = users.command('list').description('Lists the users.');
  action(list, async (admin, { users: { file } }) => {
    const found = await admin.list();
    if (found.length === 0) terminal.out(`no users in ${file}`);
    for (const line of describeUsers(found)) terminal.out(line);
  });
};
