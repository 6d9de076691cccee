import type { AdminSettings } from '../../config/types.ts';
import { hasTokens } from './access-tokens.ts';
import { tokenFilePath } from './token-file.ts';

/** Where a browser finds the dashboard, once it listens there. */
export const adminUrl = (
  { tlsCert }: Pick<AdminSettings, 'tlsCert'>,
  { address, port }: Pick<AdminSettings, 'address' | 'port'>,
): string => {
  const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
  return `${tlsCert === 'none' ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}/`;
};

/** For the operator: where, and where the token is; undefined without a listener. */
export const adminAccess = (
  admin: AdminSettings,
  stateDir: string,
): { readonly url: string; readonly tokenFile: string | undefined } | undefined =>
  admin.port === 0
    ? undefined
    : { url: adminUrl(admin, admin), tokenFile: hasTokens(admin) ? undefined : tokenFilePath(stateDir) };
