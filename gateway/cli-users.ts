import type { Command } from 'commander';
import { formatIpv4, type Ipv4, parseIpv4 } from '../core/bytes/ipv4-address.ts';
import { GatewayError } from '../core/errors.ts';
import { type CliTerminal, obtainPassword } from './cli-password.ts';

export interface NewUser {
  readonly name: string;
  readonly password: string;
  /** Fixed inner address. */
  readonly address?: Ipv4;
}

export interface UserSummary {
  readonly name: string;
  readonly address?: Ipv4;
}

/** The user file as the `users` verbs need it. Throws GatewayError USERS_FILE, USER_EXISTS, USER_UNKNOWN, USER_INVALID. */
export interface UserAdmin {
  list(): Promise<readonly UserSummary[]>;
  add(user: NewUser): Promise<void>;
  setPassword(name: string, password: string): Promise<void>;
  remove(name: string): Promise<void>;
}

type PasswordOptions = { readonly passwordFile?: string; readonly generate?: true };

const parseAddress = (text: string): Ipv4 => {
  const address = parseIpv4(text);
  if (address === undefined) throw new GatewayError('USER_INVALID', `${text} is not an IPv4 address.`);
  return address;
};

const describeUsers = (users: readonly UserSummary[]): string[] => {
  const width = Math.max(...users.map((user) => user.name.length));
  return users.map(({ name, address }) =>
    `${name.padEnd(width)}  ${address === undefined ? 'address from the pool' : formatIpv4(address)}`.trimEnd(),
  );
};

/** `action` wraps a verb: it loads the configuration, hands over the users of its file and maps errors to exit codes. */
export type UserAction = (
  command: Command,
  work: (users: UserAdmin, file: string, ...args: readonly string[]) => Promise<void>,
) => Command;

/** Adds the verbs `users add|passwd|remove|list`. */
export const addUserVerbs = (program: Command, terminal: CliTerminal, action: UserAction): void => {
  const users = program.command('users').description('Manages the user file.');

  const withPassword = (verb: string, description: string): Command =>
    users
      .command(verb)
      .description(`${description} The password is asked for, or read from standard input.`)
      .argument('<name>')
      .option('--password-file <file>', 'read the password from a file')
      .option('--generate', 'make a password and print it');

  const password = async (command: Command, name: string): Promise<string> =>
    obtainPassword(terminal, name, command.opts<PasswordOptions>());
  const printGenerated = (command: Command, name: string, made: string): void => {
    if (command.opts<PasswordOptions>().generate === true) terminal.out(`password of ${name}: ${made}`);
  };

  const add = withPassword('add', 'Adds a user.').option('--address <address>', 'give the user this fixed address');
  action(add, async (admin, file, name = '') => {
    const { address } = add.opts<{ readonly address?: string }>();
    const fixed = address === undefined ? {} : { address: parseAddress(address) };
    const made = await password(add, name);
    await admin.add({ name, password: made, ...fixed });
    terminal.out(`user ${name} added to ${file}`);
    printGenerated(add, name, made);
  });

  const passwd = withPassword('passwd', "Changes a user's password.");
  action(passwd, async (admin, file, name = '') => {
    const made = await password(passwd, name);
    await admin.setPassword(name, made);
    terminal.out(`password of ${name} changed in ${file}`);
    printGenerated(passwd, name, made);
  });

  const remove = users.command('remove').description('Removes a user.').argument('<name>');
  action(remove, async (admin, file, name = '') => {
    await admin.remove(name);
    terminal.out(`user ${name} removed from ${file}`);
  });

  const list = users.command('list').description('Lists the users.');
  action(list, async (admin, file) => {
    const found = await admin.list();
    if (found.length === 0) terminal.out(`no users in ${file}`);
    for (const line of describeUsers(found)) terminal.out(line);
  });
};
