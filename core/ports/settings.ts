/** What a setting may be. Text of the environment and typed values of a file go through the same `parse`. */
export interface SettingKind<T> {
  /** Completes "must be ...". */
  readonly expected: string;
  /** Undefined: refused. */
  parse(value: unknown): T | undefined;
}

/**
 * One setting of a plug-in. Of the plug-in `acme-directory` the setting `baseUrl` is `PPTP_ACME_DIRECTORY_BASE_URL` in the
 * environment, `PPTP_ACME_DIRECTORY_BASE_URL_FILE` names a file that holds it, and in the configuration file it is
 * `pluginOptions.acme-directory.baseUrl`.
 */
export interface Setting<T> {
  readonly kind: SettingKind<T>;
  /** A sentence for the table of settings. */
  readonly doc: string;
  /** Where nothing is set; `default: undefined` makes it optional. A setting without this key must be set. */
  readonly default?: T;
  /** Never shown. */
  readonly secret?: boolean;
  /** A reload brings a new value into force: the plug-in finds it in the third argument of `register`. */
  readonly live?: boolean;
  /** Of a live setting: false where this one change needs a restart all the same. Absent: none does. */
  liveFor?(from: T, to: T): boolean;
}

export type Settings<Options> = { readonly [Name in keyof Options]: Setting<Options[Name]> };
