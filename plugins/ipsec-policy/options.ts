import { type IpNetwork, parseIpNetwork } from '../../core/bytes/ip-network.ts';
import { custom, list, text, toggle } from '../../core/ports/setting-kinds.ts';
import type { SettingKind, Settings } from '../../core/ports/settings.ts';

export interface PolicyRule {
  /** Empty: every user. */
  readonly users: readonly string[];
  readonly destinations: readonly IpNetwork[];
}

export interface IpsecPolicyOptions {
  readonly destinations: readonly IpNetwork[];
  readonly users: readonly string[];
  readonly rules: readonly PolicyRule[];
  readonly icmp: boolean;
  readonly dns: boolean;
}

const MOST = 256;

const network = custom<IpNetwork>('a network such as 10.9.0.0/16 or fd00:9::/48, or one address', parseIpNetwork);
const networks = list(network, MOST);
const users = list(text(253), MOST);

const asRule = (value: unknown): PolicyRule | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  const named = users.parse(fields.get('users') ?? []);
  const destinations = networks.parse(fields.get('destinations'));
  fields.delete('users');
  fields.delete('destinations');
  const usable = fields.size === 0 && named !== undefined && destinations !== undefined && destinations.length > 0;
  return usable ? { users: named, destinations } : undefined;
};

const parsed = (value: unknown): unknown => {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
};

const rules: SettingKind<readonly PolicyRule[]> = {
  expected: `a JSON list of at most ${MOST} objects {"users": [names], "destinations": [networks]}`,
  parse: (value) => {
    const items = parsed(value);
    if (!Array.isArray(items) || items.length > MOST) return undefined;
    const all = items.map(asRule);
    const good = all.filter((rule) => rule !== undefined);
    return good.length === all.length ? good : undefined;
  },
};

export const settings: Settings<IpsecPolicyOptions> = {
  destinations: {
    kind: networks,
    doc: 'Networks and hosts that take nothing but IPsec (ESP, AH, IKE) from the tunnels, and send nothing else into them.',
    default: [],
  },
  users: { kind: users, doc: 'Whom `destinations` concerns; empty is everybody.', default: [] },
  rules: {
    kind: rules,
    doc: 'More such destinations, each list for users of its own; a user has the destinations of all rules that name it.',
    default: [],
  },
  icmp: {
    kind: toggle,
    doc: 'Let ICMP pass that says of an IPsec packet that it was too big.',
    default: true,
  },
  dns: { kind: toggle, doc: 'Let DNS (port 53) pass to and from these destinations, too.', default: false },
};
