import type { GatewayConfig } from '../../../config/types.ts';
import { type Finding, reporter } from '../finding.ts';

/** What of a user matters here; never a secret. */
export interface KnownUser {
  readonly name: string;
  readonly disabled?: boolean;
  readonly storesPassword?: boolean;
  readonly mustChange?: boolean;
}

export type UsersFacts =
  | { readonly kind: 'missing' }
  /** What reading it threw: open to others, not JSON, a mistake in an entry. */
  | { readonly kind: 'unusable'; readonly message: string }
  | { readonly kind: 'users'; readonly users: readonly KnownUser[] };

const { ok, warn, fail } = reporter('users');
const MICROSOFT = ['ms-chap-v2', 'ms-chap-v1'];

/** Methods, those within EAP as "eap-md5". */
const methodsOf = ({ auth, eap }: GatewayConfig): readonly string[] =>
  auth.methods.flatMap((name) => (name === 'eap' ? eap.methods.map((inner) => `eap-${inner}`) : [name]));

const needsReadable = (method: string): boolean => method === 'chap-md5' || method === 'eap-md5';
const canChange = (method: string): boolean => MICROSOFT.includes(method) || method === 'eap-ms-chap-v2';

/** Whether somebody in the users file could log in, by one of the methods that are offered. */
export const checkUsers = (facts: UsersFacts, config: GatewayConfig): readonly Finding[] => {
  const { file, source } = config.users;
  if (source === 'plugins') return [ok('Only plug-ins know users (PPTP_USERS_FROM=plugins).')];
  const elsewhere = config.plugins.length > 0;
  if (facts.kind === 'missing') {
    return [
      elsewhere
        ? ok(`There is no users file ${file}; plug-ins may know the users.`)
        : warn(
            `There is no users file ${file}: the next start makes one with a first user.`,
            'Add users with "pptp-gateway users add NAME".',
          ),
    ];
  }
  if (facts.kind === 'unusable') return [fail(`The users file ${file} cannot be used.`, facts.message)];
  const active = facts.users.filter(({ disabled }) => disabled !== true);
  if (active.length === 0) {
    const how = facts.users.length === 0 ? 'has no user' : `has ${facts.users.length} users, all of them disabled`;
    const message = `The users file ${file} ${how}.`;
    const advice = 'Add one with "pptp-gateway users add NAME".';
    return [elsewhere ? warn(message, `${advice} Plug-ins may know others.`) : fail(message, advice)];
  }
  return [
    ok(`The users file ${file} has ${active.length} ${active.length === 1 ? 'user' : 'users'} that may come in.`),
    ...unusable(active, config),
  ];
};

const MOST_NAMES = 5;
const names = (users: readonly KnownUser[]): string => {
  const shown = users.slice(0, MOST_NAMES).map(({ name }) => JSON.stringify(name));
  return shown.join(', ') + (users.length > MOST_NAMES ? ` and ${users.length - MOST_NAMES} more` : '');
};

/** Users that no method which is offered can serve. */
const unusable = (active: readonly KnownUser[], config: GatewayConfig): readonly Finding[] => {
  const methods = methodsOf(config);
  const findings: Finding[] = [];
  const hashed = active.filter(({ storesPassword }) => storesPassword !== true);
  if (hashed.length > 0 && methods.length > 0 && methods.every(needsReadable)) {
    findings.push(
      fail(
        `${methods.join(' and ')} need passwords that are stored readably, which ${names(hashed)} lack.`,
        'Offer ms-chap-v2 (PPTP_AUTH_METHODS), or set their passwords again with "pptp-gateway users passwd NAME --store-password".',
      ),
    );
  } else if (hashed.length > 0 && methods.some(needsReadable)) {
    const weak = methods.filter(needsReadable).join(' and ');
    findings.push(
      warn(
        `${names(hashed)} cannot log in with ${weak}, which need passwords that are stored readably.`,
        'Set their passwords again with "pptp-gateway users passwd NAME --store-password", or offer only other methods.',
      ),
    );
  }
  const expired = active.filter(({ mustChange }) => mustChange === true);
  if (expired.length > 0 && !methods.some(canChange)) {
    findings.push(
      warn(
        `The passwords of ${names(expired)} have expired, and no method that is offered can change them.`,
        'Offer ms-chap-v2, or set new passwords with "pptp-gateway users passwd NAME".',
      ),
    );
  }
  return findings;
};
