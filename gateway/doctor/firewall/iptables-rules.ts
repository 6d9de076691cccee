import { addressValue } from './address-range.ts';
import {
  type Action,
  type Chain,
  type Condition,
  exactly,
  type Field,
  type Hook,
  protocolNumber,
  type Rule,
  type RuleSet,
  type Value,
} from './model.ts';

const HOOKS: Readonly<Record<string, Hook>> = {
  PREROUTING: 'prerouting',
  INPUT: 'input',
  FORWARD: 'forward',
  OUTPUT: 'output',
  POSTROUTING: 'postrouting',
};
const TARGETS: Readonly<Record<string, Action>> = {
  ACCEPT: { kind: 'accept' },
  DROP: { kind: 'drop' },
  REJECT: { kind: 'drop' },
  RETURN: { kind: 'return' },
  DNAT: { kind: 'elsewhere' },
  REDIRECT: { kind: 'elsewhere' },
  TPROXY: { kind: 'elsewhere' },
  NFQUEUE: { kind: 'elsewhere' },
  QUEUE: { kind: 'elsewhere' },
  MASQUERADE: { kind: 'accept' },
  SNAT: { kind: 'accept' },
};

/** The output of `iptables-save`, of both kinds of iptables. Lines that are not understood count as unknown conditions. */
export const parseIptables = (text: string): RuleSet => {
  const chains = new Map<string, Chain & { readonly rules: Rule[] }>();
  let table = 'filter';
  let assignsPptpHelper = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const declared = /^:(\S+) (\S+)/.exec(line);
    if (declared !== null) {
      const [, name = '', policy = ''] = declared;
      const id = `${table} ${name}`;
      const base = policy === '-' ? undefined : HOOKS[name];
      const text = `iptables table ${table}, chain ${name}`;
      chains.set(id, {
        id,
        tool: 'iptables',
        text,
        hook: base,
        policy: policy === 'DROP' ? 'drop' : 'accept',
        rules: [],
      });
    }
    const added = /^(?:\[\d+:\d+\] )?-A (\S+)(.*)$/.exec(line);
    if (added === null) continue;
    const [, name = '', rest = ''] = added;
    const chain = chains.get(`${table} ${name}`);
    if (chain === undefined) continue;
    const words = wordsOf(rest);
    chain.rules.push(parseRule(words, chain.rules.length + 1, table));
    const helper = words.indexOf('--helper');
    if (words.includes('CT') && helper >= 0 && words[helper + 1] === 'pptp') assignsPptpHelper = true;
  }
  // Extensions that go on with the next rule (LOG, MARK, CT, ...) look like jumps, and are no chains.
  const known = (rule: Rule): Rule =>
    'chain' in rule.action && !chains.has(rule.action.chain) ? { ...rule, action: { kind: 'none' } } : rule;
  return {
    chains: [...chains.values()].map((chain) => ({ ...chain, rules: chain.rules.map(known) })),
    assignsPptpHelper,
    opaqueTables: [],
  };
};

/** Words, with "..." as one. */
const wordsOf = (text: string): readonly string[] =>
  [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map((match) => (match[1] ?? match[2] ?? '').replace(/\\(.)/g, '$1'));

/** Options with one value that are no condition. */
const SILENT: ReadonlySet<string> = new Set(['-m', '--match', '--comment', '--reject-with', '--helper']);

const FIELDS: Readonly<Record<string, Field>> = {
  '-p': 'protocol',
  '--protocol': 'protocol',
  '-i': 'in',
  '-o': 'out',
  '-s': 'source',
  '--sport': 'source-port',
  '--sports': 'source-port',
  '--dport': 'destination-port',
  '--dports': 'destination-port',
  '--ctstate': 'state',
  '--state': 'state',
  '--dst-type': 'destination-type',
};

const parseRule = (words: readonly string[], number: number, table: string): Rule => {
  const conditions: Condition[] = [];
  let action: Action = { kind: 'none' };
  let comment: string | undefined;
  let negated = false;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const value = words[at + 1] ?? '';
    if (word === '!') {
      negated = true;
      continue;
    }
    if (word === '-j' || word === '-g') {
      action = targetOf(word, value, table);
      // What follows are the target's own options.
      const own = words.indexOf('--comment', at);
      if (own >= 0) comment = words[own + 1];
      break;
    }
    if (word === '--comment') comment = value;
    const field = FIELDS[word];
    if (field !== undefined) conditions.push({ field, negated, values: valuesOf(field, value) });
    // `--match-set NAME src`: a list of peers, known to nobody here.
    else if (word === '--match-set') conditions.push({ field: 'source', negated, values: [{ text: value }] });
    else if (word.startsWith('-') && !SILENT.has(word)) conditions.push({ field: 'other', negated, values: [] });
    if (field !== undefined || SILENT.has(word)) at += 1;
    negated = false;
  }
  return { text: `rule ${number}${comment === undefined ? '' : ` "${comment}"`}`, conditions, action };
};

const targetOf = (word: string, target: string, table: string): Action => {
  const builtIn = TARGETS[target];
  return builtIn ?? { kind: word === '-g' ? 'goto' : 'jump', chain: `${table} ${target}` };
};

const valuesOf = (field: Field, text: string): readonly Value[] => {
  switch (field) {
    case 'protocol':
      return text === 'all' ? [{ from: 0, to: 255 }] : [exactly(protocolNumber(text))];
    case 'source':
      return text.split(',').map(addressValue);
    case 'source-port':
    case 'destination-port':
      return text.split(',').map(portsOf);
    case 'in':
    case 'out':
      return [{ text: text.replace(/\+$/, '*') }];
    default:
      return text.split(',').map((one) => ({ text: one.toLowerCase() }));
  }
};

/** "1723", "1700:1800", ":1023", "1024:". */
const portsOf = (text: string): Value => {
  const [from = '', to] = text.split(':');
  if (to === undefined) return exactly(Number(from));
  return { from: from === '' ? 0 : Number(from), to: to === '' ? 65_535 : Number(to) };
};
