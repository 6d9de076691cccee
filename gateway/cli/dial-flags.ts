import { ConfigError, type ConfigProblem } from '../../config/problems.ts';
import { GatewayError } from '../../core/errors.ts';

/** What `--auth` may name; "eap" is EAP with the methods of the configuration. */
const METHODS = ['ms-chap-v2', 'eap-tls', 'eap-ms-chap-v2', 'eap', 'ms-chap-v1', 'eap-md5', 'chap-md5', 'pap'] as const;

/**
 * `--auth` as keys of the configuration: "eap-md5" is EAP with that method alone. Throws CONFIG_INVALID when a name is
 * none of a method.
 */
export const authentication = (list: string): readonly string[] => {
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !METHODS.some((method) => method === name));
  if (unknown !== undefined) {
    const what = unknown === '' ? 'a name is missing' : `there is no method "${unknown}"`;
    throw new GatewayError('CONFIG_INVALID', `--auth ${list}: ${what}; write one or more of ${METHODS.join(', ')}.`);
  }
  const inEap = names.filter((name) => name.startsWith('eap-')).map((name) => name.slice('eap-'.length));
  const methods = new Set(names.map((name) => (name.startsWith('eap-') ? 'eap' : name)));
  return [`auth.methods=${[...methods].join(',')}`, ...(inEap.length === 0 ? [] : [`eap.methods=${inEap.join(',')}`])];
};

const FLAG_OF: Readonly<Record<string, string>> = {
  'mppe.policy': '--mppe',
  'mppe.strengths': '--strength',
  'auth.methods': '--auth',
  'eap.methods': '--auth',
  'tun.mtu': '--mtu',
  'tun.name': '--tun',
};

/**
 * The problems of a configuration in the words of the one who typed `dial`: flags in place of the keys they set. What the
 * operator set by `--set` keeps its name. Other errors come back as they are.
 */
export const inFlagNames = (error: unknown, set: readonly string[]): unknown => {
  if (!(error instanceof ConfigError)) return error;
  const byHand = set.map((assignment) => assignment.split('=')[0]?.trim());
  const flags = Object.entries(FLAG_OF).filter(([key]) => !byHand.includes(key));
  const reword = (problem: ConfigProblem): ConfigProblem => {
    const { key, message } = problem;
    const text = flags.reduce((said, [name, flag]) => said.replaceAll(`${name} is `, `${flag} is `), message);
    const flag = flags.find(([name]) => name === key)?.[1];
    return flag === undefined
      ? { ...problem, message: text }
      : { key: flag, message: text.replace(' from flag --set is not', ' is not') };
  };
  return new ConfigError(error.problems.map(reword), error.code === 'CONFIG_FILE' ? 'CONFIG_FILE' : 'CONFIG_INVALID');
};
