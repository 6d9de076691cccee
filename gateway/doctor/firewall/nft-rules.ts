import { addressRange, addressValue } from './address-range.ts';
import { has, type Json, listOf, member, numberOf, parseJson, textOf } from './json.ts';
import {
  type Action,
  type Chain,
  type Condition,
  exactly,
  type Field,
  type Hook,
  type MapEntry,
  protocolNumber,
  type Rule,
  type RuleSet,
  type Value,
} from './model.ts';

const HOOKS: readonly Hook[] = ['ingress', 'prerouting', 'input', 'forward', 'output', 'postrouting'];
/** Families whose chains see IPv4. */
const FAMILIES: ReadonlySet<string> = new Set(['ip', 'inet', 'netdev']);
const UNKNOWN: Condition = { field: 'other', negated: false, values: [] };

/** The output of `nft -j list ruleset`; undefined when it is none. */
export const parseNftRuleSet = (json: string): RuleSet | undefined => {
  const objects = member(parseJson(json), 'nftables');
  if (!Array.isArray(objects)) return undefined;
  const sets = namedSets(objects);
  const chains: Chain[] = [];
  for (const object of objects) {
    const chain = parseChain(member(object, 'chain'));
    if (chain !== undefined) chains.push({ ...chain, rules: rulesOf(objects, chain.id, sets) });
  }
  return { chains, assignsPptpHelper: assignsHelper(objects), opaqueTables: opaqueTables(objects) };
};

type Sets = ReadonlyMap<string, readonly Json[]>;

const place = (object: Json): string => `${textOf(member(object, 'family'))} ${textOf(member(object, 'table'))}`;

/** Elements of named sets and maps by "family table @name". */
const namedSets = (objects: readonly Json[]): Sets => {
  const sets = new Map<string, readonly Json[]>();
  for (const object of objects) {
    for (const kind of ['set', 'map']) {
      const one = member(object, kind);
      const name = textOf(member(one, 'name'));
      if (name !== undefined) sets.set(`${place(one)} @${name}`, listOf(member(one, 'elem')));
    }
  }
  return sets;
};

const parseChain = (chain: Json): Omit<Chain, 'rules'> | undefined => {
  const family = textOf(member(chain, 'family'));
  const name = textOf(member(chain, 'name'));
  if (family === undefined || name === undefined || !FAMILIES.has(family)) return undefined;
  const hook = HOOKS.find((one) => one === member(chain, 'hook'));
  return {
    id: `${place(chain)} ${name}`,
    tool: 'nft',
    text: `nftables table ${place(chain)}, chain ${name}`,
    hook,
    policy: member(chain, 'policy') === 'drop' ? 'drop' : 'accept',
  };
};

const rulesOf = (objects: readonly Json[], chainId: string, sets: Sets): readonly Rule[] => {
  const rules: Rule[] = [];
  for (const object of objects) {
    const rule = member(object, 'rule');
    if (rule === undefined || `${place(rule)} ${textOf(member(rule, 'chain'))}` !== chainId) continue;
    rules.push(parseRule(rule, rules.length + 1, sets));
  }
  return rules;
};

const parseRule = (rule: Json, number: number, sets: Sets): Rule => {
  const comment = textOf(member(rule, 'comment'));
  const handle = numberOf(member(rule, 'handle'));
  const known = { sets, place: place(rule) };
  const conditions: Condition[] = [];
  let action: Action = { kind: 'none' };
  for (const statement of listOf(member(rule, 'expr'))) {
    conditions.push(...conditionsOf(statement, known));
    action = actionOf(statement, known) ?? action;
  }
  const handleText = handle === undefined ? '' : `, handle ${handle}`;
  const quoted = comment === undefined ? '' : ` "${comment}"`;
  return { text: `rule ${number}${quoted}${handleText}`, conditions, action };
};

interface Known {
  readonly sets: Sets;
  readonly place: string;
}

/** Statements that look at more than the doctor can. */
const OPAQUE = ['xt', 'limit', 'quota', 'ct count', 'meter', 'connlimit'];

const conditionsOf = (statement: Json, known: Known): readonly Condition[] => {
  if (OPAQUE.some((name) => has(statement, name))) return [UNKNOWN];
  const match = member(statement, 'match');
  if (match === undefined) return [];
  const op = textOf(member(match, 'op'));
  if (op !== '==' && op !== '!=' && op !== 'in') return [UNKNOWN];
  return matchOf(member(match, 'left'), member(match, 'right'), op === '!=', known);
};

const matchOf = (left: Json, right: Json, negated: boolean, known: Known): readonly Condition[] => {
  const subject = subjectOf(left);
  if (subject === undefined) return [UNKNOWN];
  const values = valuesOf(subject.field, right, known);
  const isKnown = subject.field !== 'other' && values !== undefined;
  return [...implied(subject), isKnown ? { field: subject.field, negated, values } : UNKNOWN];
};

/** "tcp dport" looks at TCP only. */
const implied = ({ protocol }: Subject): readonly Condition[] =>
  protocol === undefined ? [] : [{ field: 'protocol', negated: false, values: [exactly(protocol)] }];

interface Subject {
  readonly field: Field;
  readonly protocol?: number;
}

const META: Readonly<Record<string, Field>> = {
  l4proto: 'protocol',
  iifname: 'in',
  iif: 'in',
  oifname: 'out',
  oif: 'out',
};

const subjectOf = (left: Json): Subject | undefined => {
  const key = textOf(member(left, 'meta', 'key'));
  if (key !== undefined) return { field: META[key] ?? 'other' };
  if (member(left, 'ct', 'key') === 'state') return { field: 'state' };
  if (member(left, 'fib', 'result') === 'type') {
    const flags = listOf(member(left, 'fib', 'flags'));
    return { field: flags.length === 1 && flags[0] === 'daddr' ? 'destination-type' : 'other' };
  }
  const header = textOf(member(left, 'payload', 'protocol'));
  const field = textOf(member(left, 'payload', 'field'));
  if (header === undefined || field === undefined) return undefined;
  if (header === 'ip') return { field: field === 'protocol' ? 'protocol' : field === 'saddr' ? 'source' : 'other' };
  const port = field === 'dport' ? 'destination-port' : field === 'sport' ? 'source-port' : 'other';
  if (header === 'th') return { field: port };
  // Of headers that are no protocol of IPv4 nothing can match, which number 255 says.
  return { field: port, protocol: protocolNumber(header === 'ip6' ? '255' : header) };
};

/** Undefined: not to be worked out. */
const valuesOf = (field: Field, right: Json, known: Known): readonly Value[] | undefined => {
  const named = textOf(right);
  if (named?.startsWith('@') === true) return elementsOf(field, known.sets.get(`${known.place} ${named}`));
  if (has(right, 'set')) return elementsOf(field, member(right, 'set'));
  if (has(right, '|')) return elementsOf(field, member(right, '|'));
  if (Array.isArray(right)) return elementsOf(field, right);
  const value = asValue(field, right);
  return value === undefined ? undefined : [value];
};

const elementsOf = (field: Field, elements: Json): readonly Value[] | undefined => {
  // Some addresses, whichever: still a condition on who sends.
  const unknown = field === 'source' ? [{ text: 'a set' }] : undefined;
  if (!Array.isArray(elements)) return unknown;
  const values: Value[] = [];
  for (const element of elements) {
    const bare = has(element, 'elem') ? member(element, 'elem', 'val') : element;
    const value = asValue(field, bare);
    if (value === undefined) return unknown;
    values.push(value);
  }
  return values;
};

const asValue = (field: Field, value: Json): Value | undefined => {
  const range = listOf(member(value, 'range'));
  if (range.length === 2) return rangeOf(field, range[0], range[1]);
  const address = textOf(member(value, 'prefix', 'addr'));
  if (address !== undefined) return addressRange(address, numberOf(member(value, 'prefix', 'len')) ?? Number.NaN);
  if (typeof value === 'number') return exactly(value);
  const text = textOf(value);
  if (text === undefined) return undefined;
  if (field === 'protocol') return exactly(protocolNumber(text));
  return field === 'source' ? addressValue(text) : { text };
};

const rangeOf = (field: Field, from: Json, to: Json): Value | undefined => {
  const low = asValue(field, from);
  const high = asValue(field, to);
  if (low === undefined || high === undefined || 'text' in low || 'text' in high) return undefined;
  return { from: low.from, to: high.to };
};

const actionOf = (statement: Json, known: Known): Action | undefined => {
  if (has(statement, 'accept')) return { kind: 'accept' };
  if (has(statement, 'drop') || has(statement, 'reject')) return { kind: 'drop' };
  if (has(statement, 'return')) return { kind: 'return' };
  if (['dnat', 'redirect', 'tproxy', 'queue', 'fwd', 'synproxy'].some((name) => has(statement, name)))
    return { kind: 'elsewhere' };
  for (const kind of ['jump', 'goto'] as const) {
    const target = textOf(member(statement, kind, 'target'));
    if (target !== undefined) return { kind, chain: `${known.place} ${target}` };
  }
  return has(statement, 'vmap') ? mapOf(member(statement, 'vmap'), known) : undefined;
};

const mapOf = (vmap: Json, known: Known): Action => {
  const subject = subjectOf(member(vmap, 'key'));
  const data = member(vmap, 'data');
  const named = textOf(data);
  const elements = named === undefined ? member(data, 'set') : known.sets.get(`${known.place} ${named}`);
  const entries: MapEntry[] = [];
  for (const element of listOf(elements)) {
    const [key, verdict] = listOf(element);
    const action = actionOf(verdict, known);
    if (action === undefined) continue;
    const conditions = subject === undefined ? [UNKNOWN] : [...implied(subject), keyOf(subject.field, key)];
    entries.push({ conditions, action });
  }
  return { kind: 'map', entries };
};

const keyOf = (field: Field, key: Json): Condition => {
  const value = asValue(field, has(key, 'elem') ? member(key, 'elem', 'val') : key);
  return field === 'other' || value === undefined ? UNKNOWN : { field, negated: false, values: [value] };
};

/** nft has no JSON for what iptables added to its rules, comments included. */
const opaqueTables = (objects: readonly Json[]): readonly string[] => {
  const rules = objects.map((object) => member(object, 'rule')).filter((rule) => member(rule, 'family') === 'ip');
  const opaque = rules.filter((rule) => listOf(member(rule, 'expr')).some((statement) => has(statement, 'xt')));
  return [...new Set(opaque.map((rule) => textOf(member(rule, 'table')) ?? ''))];
};

const assignsHelper = (objects: readonly Json[]): boolean => {
  const helpers = new Set(
    objects
      .map((object) => member(object, 'ct helper'))
      .filter((helper) => member(helper, 'type') === 'pptp')
      .map((helper) => `${place(helper)} ${textOf(member(helper, 'name'))}`),
  );
  return objects
    .map((object) => member(object, 'rule'))
    .some((rule) =>
      listOf(member(rule, 'expr')).some((statement) =>
        helpers.has(`${place(rule)} ${textOf(member(statement, 'ct helper'))}`),
      ),
    );
};

/** The rule set with the tables that iptables keeps in nftables as `iptables-save` shows them. */
export const withIptables = (rules: RuleSet, saved: RuleSet): RuleSet => {
  const tableOf = (chain: Chain): string => chain.id.split(' ')[0] ?? '';
  const shown = new Set(saved.chains.map(tableOf));
  const isReplaced = (table: string): boolean => rules.opaqueTables.includes(table) && shown.has(table);
  const kept = rules.chains.filter(({ id }) => {
    const [family = '', table = ''] = id.split(' ');
    return family !== 'ip' || !isReplaced(table);
  });
  return {
    chains: [...kept, ...saved.chains.filter((chain) => isReplaced(tableOf(chain)))],
    assignsPptpHelper: rules.assignsPptpHelper || saved.assignsPptpHelper,
    opaqueTables: rules.opaqueTables.filter((table) => !isReplaced(table)),
  };
};
