import { definePlugin, kinds, PLUGIN_API, TOKENS } from 'pptp-gateway/core';
import { onlyTo } from './only-to.ts';
import { tokenCard } from './token-card.ts';
import { TokenUsers } from './token-users.ts';
import { fromBase32 } from './totp.ts';

interface Token {
  readonly name: string;
  readonly secret: Uint8Array;
}

const token = kinds.custom('NAME:SECRET, the secret in Base32 and of 80 bits at least', (text): Token | undefined => {
  const [, name, encoded = ''] = /^([^:]+):([A-Za-z2-7]+)$/.exec(text) ?? [];
  const secret = fromBase32(encoded);
  return name === undefined || secret === undefined ? undefined : { name, secret };
});

/** EAP-GTC with codes of tokens, users who have such tokens, and what these users may reach. */
export default definePlugin({
  name: 'one-time-password',
  api: PLUGIN_API,
  requires: ['auth-eap'],
  settings: {
    tokens: { kind: kinds.list(token, 10_000, 1), doc: 'Users and the secrets of their tokens.', secret: true },
    hosts: { kind: kinds.list(kinds.ipv4Address), doc: 'Hosts that these users may reach.', default: [] },
  },
  register({ bind }, { tokens, hosts }) {
    const secrets = new Map(tokens.map(({ name, secret }) => [name, secret]));
    bind(TOKENS.EapMethod).toConstantValue(tokenCard);
    bind(TOKENS.Authenticator).toResolvedValue((clock) => new TokenUsers(secrets, clock), [TOKENS.WallClock]);
    bind(TOKENS.Stage).toConstantValue(onlyTo(hosts, (identity) => secrets.has(identity)));
  },
});
