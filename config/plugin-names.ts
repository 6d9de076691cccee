/** `baseUrl` and `acme-directory` are `BASE_URL` and `ACME_DIRECTORY`. */
const upperSnake = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toUpperCase();

/** How the environment names of a plug-in's settings begin. */
export const pluginPrefix = (plugin: string): string => `PPTP_${upperSnake(plugin)}_`;

/** The environment name of a plug-in's setting. */
export const settingEnv = (plugin: string, setting: string): string => `${pluginPrefix(plugin)}${upperSnake(setting)}`;
