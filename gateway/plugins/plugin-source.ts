/** Where a plug-in is from. */
export interface PluginSource {
  /** `built-in`: every gateway has it; `shipped`: comes with the gateway, loaded by name. */
  readonly kind: 'built-in' | 'shipped' | 'package' | 'path' | 'given';
  /** As PPTP_PLUGINS names it. */
  readonly specifier?: string;
  /** Of the package.json that it belongs to. */
  readonly packageName?: string;
  readonly version?: string;
  /** The module. */
  readonly file?: string;
}

export const BUILT_IN: PluginSource = { kind: 'built-in' };
/** Handed over by the program that makes the gateway. */
export const GIVEN: PluginSource = { kind: 'given' };

/** The plug-in and where it is from, for people: `"acme" (package pptp-acme 1.2.0)`. */
export const fullName = (name: string, { kind, specifier, packageName, version }: PluginSource): string => {
  const quoted = `"${name}"`;
  if (kind === 'built-in') return `the built-in ${quoted}`;
  if (kind === 'shipped' || kind === 'given') return quoted;
  const owner =
    packageName === undefined ? specifier : [packageName, version].filter((one) => one !== undefined).join(' ');
  return owner === undefined ? quoted : `${quoted} (${packageName === undefined ? owner : `package ${owner}`})`;
};
