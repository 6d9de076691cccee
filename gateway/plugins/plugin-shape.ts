import { type GatewayPlugin, PLUGIN_API } from '../../core/ports/plugin.ts';

/** Versions of the plug-in interface that this gateway supports. */
export const SUPPORTED_API = { oldest: 2, newest: PLUGIN_API } as const;

/** What a plug-in's options are, as far as the loader is concerned. */
export type AnyPlugin = GatewayPlugin<Readonly<Record<string, unknown>> | undefined>;

const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const SETTING = /^[a-z][A-Za-z0-9]*$/;
const LONGEST_NAME = 64;

const isObject = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';
const field = (value: unknown, name: string): unknown => (isObject(value) ? Reflect.get(value, name) : undefined);
const isFunction = (value: unknown): boolean => typeof value === 'function';

/** Why a plug-in of that interface cannot be used here, and what to do; undefined where it can. */
export const apiProblem = (api: unknown): string | undefined => {
  const { oldest, newest } = SUPPORTED_API;
  const here = oldest === newest ? `plug-in interface ${newest}` : `plug-in interfaces ${oldest} to ${newest}`;
  if (api === undefined) {
    return `it does not say which plug-in interface it was made for, and this gateway has ${here}: its author must set "api" to that number (PLUGIN_API of pptp-gateway/core)`;
  }
  if (typeof api !== 'number' || !Number.isInteger(api)) {
    return `its "api" must be the number of a plug-in interface, and this gateway has ${here}: see definePlugin`;
  }
  if (api < oldest) {
    return `it was made for plug-in interface ${api}, and this gateway has ${here}: install a newer version of the plug-in, or an older gateway`;
  }
  if (api > newest) {
    return `it was made for plug-in interface ${api}, and this gateway has ${here}: install an older version of the plug-in, or a newer gateway`;
  }
  return undefined;
};

/** What is wrong with the form of something that says it is a plug-in of an interface that we have. */
export const shapeProblems = (plugin: unknown): readonly string[] => {
  const problems: string[] = [];
  const check = (right: boolean, what: string): void => {
    if (!right) problems.push(what);
  };
  const name = field(plugin, 'name');
  const requires = field(plugin, 'requires');
  check(
    typeof name === 'string' && name.length <= LONGEST_NAME && NAME.test(name),
    '"name" must be lower-case letters, digits and hyphens',
  );
  check(isFunction(field(plugin, 'register')), '"register" must be a function');
  check(
    requires === undefined || (Array.isArray(requires) && requires.every((one) => typeof one === 'string')),
    '"requires" must be a list of names of plug-ins',
  );
  for (const late of ['check', 'checkHere']) {
    check(isAbsentOr('function', field(plugin, late)), `"${late}" must be a function`);
  }
  problems.push(...settingsProblems(field(plugin, 'settings')), ...liveProblems(plugin));
  return problems;
};

const settingsProblems = (settings: unknown): readonly string[] => {
  if (settings === undefined) return [];
  if (!isObject(settings) || Array.isArray(settings)) return ['"settings" must be an object of settings'];
  return Object.entries(settings).flatMap(([name, setting]) => {
    if (!SETTING.test(name)) return [`the setting "${name}" must be named with letters and digits, like baseUrl`];
    const kind = field(setting, 'kind');
    return isFunction(field(kind, 'parse')) && typeof field(kind, 'expected') === 'string'
      ? []
      : [`the setting "${name}" must have a "kind" (see kinds of pptp-gateway/core)`];
  });
};

/** A value that nobody could see come into force would be told as changed. */
const liveProblems = (plugin: unknown): readonly string[] => {
  const [settings, register] = [field(plugin, 'settings'), field(plugin, 'register')];
  if (!isObject(settings)) return [];
  const all = Object.entries(settings);
  const named = (of: readonly (readonly [string, unknown])[]): string => of.map(([name]) => `"${name}"`).join(', ');
  const live = all.filter(([, setting]) => field(setting, 'live') === true);
  const vague = all.filter(([, setting]) => !isAbsentOr('boolean', field(setting, 'live')));
  const wrong = all.filter(([, setting]) => !isAbsentOr('function', field(setting, 'liveFor')));
  const taken: unknown = isFunction(register) ? field(register, 'length') : undefined;
  return [
    ...(vague.length === 0 ? [] : [`"live" of ${named(vague)} must be true or false`]),
    ...(wrong.length === 0 ? [] : [`"liveFor" of ${named(wrong)} must be a function`]),
    ...(live.length > 0 && typeof taken === 'number' && taken < 3
      ? [
          `the settings ${named(live)} say "live: true", but "register" does not take the third argument that brings new values: write register(bindings, options, live), or leave "live" out`,
        ]
      : []),
  ];
};

const isAbsentOr = (type: 'boolean' | 'function', value: unknown): boolean =>
  value === undefined || typeof value === type;

/** Something that at least says that it is a plug-in. */
const isCandidate = (value: unknown): boolean => isObject(value) && ('register' in value || 'api' in value);

/** The plug-in that a module exports by default; what CommonJS output has there is looked through. */
export const defaultExport = (module: unknown): unknown => {
  const first = field(module, 'default');
  return isCandidate(first) ? first : (field(first, 'default') ?? first);
};

/** Nothing is wrong with it. */
export const isPlugin = (plugin: unknown): plugin is AnyPlugin =>
  apiProblem(field(plugin, 'api')) === undefined && shapeProblems(plugin).length === 0;

/** Why it is no plug-in that can be used; undefined where it is one. */
export const whyNoPlugin = (plugin: unknown): string | undefined => {
  if (!isCandidate(plugin)) return 'its default export is not a plug-in (see definePlugin)';
  return apiProblem(field(plugin, 'api')) ?? (shapeProblems(plugin).join('; ') || undefined);
};
