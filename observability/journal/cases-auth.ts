import type { Case } from './explain.ts';
import type { Facts } from './facts.ts';
import type { CaseName, Finding } from './finding.ts';

const where = (facts: Facts): string =>
  `In authentication${facts.record.method === undefined ? '' : ` by ${facts.record.method}`}, between ${facts.client} and the user store of the gateway.`;

const failed = (facts: Facts, name: CaseName, what: string, todo: readonly string[], code?: string): Finding => ({
  case: name,
  severity: 'failure',
  what,
  where: where(facts),
  todo,
  ...(code === undefined ? {} : { code }),
});

const refusedBecause =
  (denial: string, name: CaseName, what: (facts: Facts) => string, todo: readonly string[], code: string): Case =>
  (facts) =>
    facts.denial === denial && !facts.phaseDone('auth') ? failed(facts, name, what(facts), todo, code) : undefined;

/** Of a call that this gateway makes: the server does not say which of the two is wrong. */
const refusedThere: Case = (facts) => {
  if (facts.record.role !== 'client' || facts.denial !== 'bad-credentials' || facts.phaseDone('auth')) return undefined;
  return {
    case: 'wrong-password',
    severity: 'failure',
    what: `The server ${facts.client} does not know ${facts.user}, or takes the password for a wrong one.`,
    where: 'In authentication, at the server that this gateway dials.',
    todo: [
      'Compare PPTP_DIAL_USER and PPTP_DIAL_PASSWORD (or its file) with the user on the server; some servers want a domain in front of the name.',
      'If the server is this gateway on the other site: `pptp-gateway explain` there says which of the two is wrong.',
    ],
    code: 'MS-CHAP E=691, authentication failure',
  };
};

const unknownUser: Case = (facts) => {
  if (facts.denial !== 'bad-credentials' || facts.knownUser !== false || facts.phaseDone('auth')) return undefined;
  return failed(
    facts,
    'unknown-user',
    `No user store knows the user ${facts.user}. The client is told the same as for a wrong password.`,
    [
      'Compare the name with `pptp-gateway users list`. Upper and lower case, and a domain in front of it, do not matter there.',
      'Add the user: `pptp-gateway users add NAME`.',
    ],
    'MS-CHAP E=691, authentication failure',
  );
};

const wrongPassword = refusedBecause(
  'bad-credentials',
  'wrong-password',
  (facts) =>
    `The user ${facts.user} gave a wrong password${facts.knownUser === true ? '' : ', or there is no such user'}.`,
  [
    'Type the password again on the client; old clients send what they once saved.',
    'Set a new one: `pptp-gateway users passwd NAME`.',
    'Many of these from one address are somebody who guesses: see the fail2ban filter in deploy/fail2ban.',
  ],
  'MS-CHAP E=691, authentication failure',
);

const expired = refusedBecause(
  'expired',
  'password-expired',
  (facts) => `The password of ${facts.user} has expired, and it was not changed during the call.`,
  [
    'Windows asks for a new password when the call is made with MS-CHAP; other clients cannot change it.',
    'Or set a new one: `pptp-gateway users passwd NAME`.',
  ],
  'MS-CHAP E=648, password expired',
);

const locked = refusedBecause(
  'locked',
  'account-locked',
  (facts) => `The account of ${facts.user} is locked.`,
  ['Take "disabled" from the user in the user file, or unlock the account in the back-end that keeps it.'],
  'MS-CHAP E=647, account disabled',
);

const unavailable = refusedBecause(
  'unavailable',
  'user-store-unavailable',
  () => 'No user store could judge the log-in: it failed, or none can check this method.',
  [
    'Look for auth.backend-failed in the log.',
    'chap-md5 and EAP-MD5 need the password itself: `pptp-gateway users passwd NAME --store-password`.',
    'Check the user file: `pptp-gateway users list`.',
  ],
  'unavailable',
);

const weakProof = refusedBecause(
  'proof-refused',
  'weak-proof-refused',
  () => 'The client proved itself with a LAN Manager hash only, which is never accepted.',
  ['Have the client use MS-CHAP-V2; very old clients have a setting to send the Windows NT response.'],
  'proof-refused',
);

const noCommon: Case = (facts) => {
  const ours = facts.settings.authMethods.join(', ');
  const agreed = /no common (authentication )?method/i;
  const rejected = /rejects the protocol it agreed/;
  if (facts.error !== 'authentication-failed' || !facts.says(new RegExp(`${agreed.source}|${rejected.source}`, 'i'))) {
    return undefined;
  }
  return {
    case: 'no-common-authentication',
    severity: 'failure',
    what: `The client and the gateway have no authentication method in common: ${facts.detail}.`,
    where: 'In LCP or EAP, before any password was sent.',
    todo: [
      `The gateway allows ${ours} (PPTP_AUTH_METHODS). Allow MS-CHAP-V2 in the settings of the client: that is the safe way.`,
      'An old client may know only pap, chap-md5 or ms-chap-v1: they can be added to PPTP_AUTH_METHODS, and are weak.',
    ],
    code: 'LCP Configure-Nak / Configure-Reject of Authentication-Protocol (3)',
  };
};

const notFinished: Case = (facts) => {
  const over = facts.error === 'authentication-failed' || (facts.over && facts.phase?.name === 'auth');
  if (!over || facts.phaseDone('auth')) return undefined;
  return failed(
    facts,
    'authentication-not-finished',
    `The client did not finish to authenticate: ${facts.detail}.`,
    [
      'A person may still have been typing: PPTP_AUTH_TIMEOUT is the time there is.',
      'If the client hung up at once, look at its log: it may not trust the answer of the gateway (wrong password on its side, or another server).',
      'Large EAP-TLS messages do not arrive on paths that drop fragments: try PPTP_MRU 1400 or less.',
    ],
    facts.error,
  );
};

const notAdmitted: Case = (facts) => {
  const refused = facts.note('session.refused');
  if (refused === undefined || (facts.error !== 'not-admitted' && facts.record.end?.reason !== 'administrative')) {
    return undefined;
  }
  const { policy = 'a policy', denial = 'not-admitted' } = refused.fields;
  const byGateway = policy === 'gateway';
  return {
    case: 'not-admitted',
    severity: 'failure',
    what: byGateway
      ? `The profile of ${facts.user} asks for what this gateway cannot do: ${facts.endDetail}.`
      : `The policy ${policy} does not let ${facts.user} in: ${facts.endDetail}.`,
    where: byGateway
      ? 'In the gateway, after a good log-in.'
      : `In the plug-in with the policy ${policy}, after a good log-in.`,
    todo: byGateway
      ? ['Change what the user store says of this user, or the setting that the sentence names.']
      : [
          `Look at the settings of the plug-in (\`pptp-gateway plugins list\` shows which has ${policy}).`,
          'With the word `unavailable` the policy itself failed: look for plugin.failed in the log.',
        ],
    code: denial,
  };
};

export const AUTH_CASES: readonly Case[] = [
  notAdmitted,
  noCommon,
  refusedThere,
  unknownUser,
  wrongPassword,
  expired,
  locked,
  unavailable,
  weakProof,
  notFinished,
];
