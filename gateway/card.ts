import { networkInterfaces } from 'node:os';

export interface CardFacts {
  readonly addresses: readonly string[];
  readonly port: number;
  /** The user made on first start, with its password; undefined when there was a user file already. */
  readonly firstUser: { readonly name: string; readonly password: string } | undefined;
  readonly users: readonly string[];
  /** Undefined: only back-ends of plug-ins know users. */
  readonly usersFile: string | undefined;
  readonly pool: string;
  readonly encryption: string;
  /** Where the dashboard is, and the file with the token for it if that is not in the configuration. */
  readonly admin?: { readonly url: string; readonly tokenFile: string | undefined } | undefined;
}

/** IPv4 addresses a client could call, for a gateway that listens on all of them. */
export function callableAddresses(listen: string): readonly string[] {
  if (listen !== '0.0.0.0') return [listen];
  const found = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
  return found.length > 0 ? found : ['127.0.0.1'];
}

const NAMES_SHOWN = 3;

const usersLine = ({ users, usersFile }: CardFacts): string => {
  if (usersFile === undefined) return 'those that the plug-ins know: npx pptp-gateway plugins list';
  if (users.length === 0) return 'none yet: npx pptp-gateway users add NAME';
  const more = users.length > NAMES_SHOWN ? `, and ${users.length - NAMES_SHOWN} more` : '';
  return `${users.slice(0, NAMES_SHOWN).join(', ')}${more} (new password: npx pptp-gateway users passwd NAME)`;
};

const adminLines = ({ admin }: CardFacts): readonly string[] => {
  if (admin === undefined) return [];
  const { url, tokenFile } = admin;
  return [
    `  Dashboard   ${url}   with the token ${tokenFile === undefined ? 'of the configuration' : `in ${tokenFile}`}`,
  ];
};

/** What a newcomer needs to know, printed once the gateway accepts calls. */
export function startCard(facts: CardFacts): string {
  const { addresses, port, firstUser } = facts;
  const server = addresses[0] ?? '127.0.0.1';
  const user = firstUser?.name ?? facts.users[0] ?? 'NAME';
  const account =
    firstUser === undefined
      ? { lines: [`  Users       ${usersLine(facts)}`], pppd: `user ${user} password 'PASSWORD'` }
      : {
          lines: [
            `  User        ${firstUser.name}`,
            `  Password    ${firstUser.password}   (made on this first start; it is not shown again)`,
          ],
          pppd: `user ${firstUser.name} password '${firstUser.password}'`,
        };
  return [
    '',
    '  PPTP gateway is up',
    '',
    `  Address     ${addresses.join(', ')}   TCP ${port} and GRE (IP protocol 47)`,
    ...account.lines,
    ...(facts.usersFile === undefined ? [] : [`  User file   ${facts.usersFile}`]),
    `  Clients get ${facts.pool}, encryption ${facts.encryption}`,
    ...adminLines(facts),
    '',
    '  Connect from',
    `    Windows   Settings > Network & internet > VPN > Add: server ${server}, type PPTP, user name and password`,
    `              or: Add-VpnConnection -Name pptp -ServerAddress ${server} -TunnelType Pptp -EncryptionLevel Required`,
    `    Linux     pppd pty "pptp ${server} --nolaunchpppd" ${account.pppd} require-mppe-128 noauth nodetach`,
    '              (as root; packages pptp-linux and ppp; then route what you want to reach into ppp0)',
    '    macOS     has no PPTP client since 10.12: use a third-party one, server, user and password as above',
    '',
  ].join('\n');
}
