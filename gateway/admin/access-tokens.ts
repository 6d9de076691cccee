import { createHash, timingSafeEqual } from 'node:crypto';
import type { AdminSettings } from '../../config/types.ts';
import type { Role } from './api/roles.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Who has which role by the token it shows. Tokens themselves are not kept. */
export class AccessTokens {
  readonly #known: readonly { readonly role: Role; readonly digest: Buffer }[];

  /** Empty tokens are nobody's. */
  constructor(tokens: Readonly<Record<Role, string>>) {
    const { admin, operate, read } = tokens;
    this.#known = (
      [
        ['admin', admin],
        ['operate', operate],
        ['read', read],
      ] as const
    )
      .filter(([, token]) => token !== '')
      .map(([role, token]) => ({ role, digest: digest(token) }));
  }

  /** Takes as long for a token that is nearly right as for any other. */
  roleOf(token: string): Role | undefined {
    const given = digest(token);
    let found: Role | undefined;
    for (const { role, digest: known } of this.#known) {
      if (timingSafeEqual(given, known)) found ??= role;
    }
    return found;
  }
}

export const hasTokens = ({ token, operateToken, readToken }: AdminSettings): boolean =>
  token !== '' || operateToken !== '' || readToken !== '';

/** The tokens of a configuration; `made` is the one in the state folder, for a configuration without any. */
export const tokensOf = (settings: AdminSettings, made: string | undefined): AccessTokens =>
  new AccessTokens({
    admin: hasTokens(settings) ? settings.token : (made ?? ''),
    operate: settings.operateToken,
    read: settings.readToken,
  });
