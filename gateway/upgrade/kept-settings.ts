/**
 * Parts of the configuration that tunnels, devices and the host are made of. With tunnels up they cannot become others: the
 * gateway has to be started again for that.
 */
const KEPT = [
  'workers',
  'stateDir',
  'listen.address',
  'listen.port',
  'pool',
  'network',
  'tun',
  'gre.driver',
  'gre.window',
  'mppe.policy',
  'mppe.mppc',
  'filters',
  'plugins',
  'dial.server',
] as const;

/** A value of a configuration by its dotted name. */
export const valueAt = (config: object, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>(
      (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
      config,
    );

/** Which of them the two configurations differ in. */
export const keptThatDiffer = (before: object, next: object): readonly string[] =>
  KEPT.filter((path) => JSON.stringify(valueAt(before, path)) !== JSON.stringify(valueAt(next, path)));
