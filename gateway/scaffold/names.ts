import { pluginPrefix } from '../../config/plugin-names.ts';

/** What the files of a new package are written with. */
export interface ScaffoldNames {
  /** Of the package: `@acme/pptp-directory`. */
  readonly package: string;
  /** Of the plug-in: `pptp-directory`. */
  readonly plugin: string;
  /** `PptpDirectory`. */
  readonly class: string;
  /** `PPTP_PPTP_DIRECTORY_`: how the environment names of its settings begin. */
  readonly prefix: string;
  /** Folder of the gateway that writes the package. */
  readonly gateway: string;
  /** Its version. */
  readonly version: string;
}

const PACKAGE = /^(?:@[a-z0-9][a-z0-9._-]*\/)?([a-z][a-z0-9]*(?:-[a-z0-9]+)*)$/;
const LONGEST = 64;

/** Undefined when `name` cannot be that of a package and, behind its scope, that of a plug-in. */
export const scaffoldNames = (name: string, gateway: string, version: string): ScaffoldNames | undefined => {
  const plugin = PACKAGE.exec(name)?.[1];
  if (plugin === undefined || name.length > LONGEST) return undefined;
  const words = plugin.split('-').map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`);
  return { package: name, plugin, class: words.join(''), prefix: pluginPrefix(plugin), gateway, version };
};
