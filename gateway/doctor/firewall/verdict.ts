import type { Action, Certainty, Chain, Condition, Hook, Packet, Rule, RuleSet, Value } from './model.ts';

/** A rule, or the policy of a chain, that decided. */
export interface Decision {
  readonly chain: Chain;
  /** Undefined: the chain's policy. */
  readonly rule: Rule | undefined;
}

/** What one base chain does to a packet. */
export interface ChainVerdict {
  readonly chain: Chain;
  readonly verdict: 'accept' | 'drop' | 'elsewhere';
  readonly by: Decision;
  /** Rules before the deciding one that may accept it, depending on what the doctor does not know. */
  readonly mayAccept: readonly Decision[];
  /** Rules that name this kind of packet and may drop it. */
  readonly mayDrop: readonly Decision[];
}

/** Chains of chains; deeper ones and longer walks count as unknown. */
const MAX_DEPTH = 16;
const MAX_STEPS = 200_000;

const not = (certainty: Certainty): Certainty => (certainty === 'yes' ? 'no' : certainty === 'no' ? 'yes' : 'maybe');

const known = (packet: Packet, field: Condition['field']): number | string | undefined => {
  switch (field) {
    case 'protocol':
      return packet.protocol;
    case 'source-port':
      return packet.sourcePort;
    case 'destination-port':
      return packet.destinationPort;
    case 'state':
      return packet.state;
    case 'in':
      return packet.in;
    case 'out':
      return packet.out;
    case 'destination-type':
      return packet.destinationType;
    default:
      return undefined;
  }
};

const fits = (actual: number | string, value: Value): boolean => {
  if ('text' in value) {
    const { text } = value;
    return text.endsWith('*') ? String(actual).startsWith(text.slice(0, -1)) : actual === text;
  }
  return typeof actual === 'number' && actual >= value.from && actual <= value.to;
};

const testSource = (source: Packet['source'], values: readonly Value[]): Certainty => {
  if (source === undefined) return 'maybe';
  let result: Certainty = 'no';
  for (const value of values) {
    if ('text' in value) return 'maybe';
    if (value.from <= source.from && value.to >= source.to) return 'yes';
    if (value.to >= source.from && value.from <= source.to) result = 'maybe';
  }
  return result;
};

const test = (packet: Packet, { field, negated, values }: Condition): Certainty => {
  const plain = (): Certainty => {
    if (field === 'other') return 'maybe';
    if (field === 'source') return testSource(packet.source, values);
    const actual = known(packet, field);
    if (actual !== undefined) return values.some((value) => fits(actual, value)) ? 'yes' : 'no';
    const isDevice = field === 'in' || field === 'out';
    return isDevice && values.every((value) => 'text' in value && value.text === 'lo') ? 'no' : 'maybe';
  };
  return negated ? not(plain()) : plain();
};

const SPECIFIC: ReadonlySet<Condition['field']> = new Set(['protocol', 'source-port', 'destination-port']);

const all = (packet: Packet, conditions: readonly Condition[]): Certainty => {
  let result: Certainty = 'yes';
  for (const condition of conditions) {
    const one = test(packet, condition);
    if (one === 'no') return 'no';
    if (one === 'maybe') result = 'maybe';
  }
  return result;
};

/** The rule is about this kind of packet, not about all packets of, say, one address. */
const isSpecific = (packet: Packet, conditions: readonly Condition[]): boolean =>
  conditions.some(
    (condition) => SPECIFIC.has(condition.field) && !condition.negated && test(packet, condition) === 'yes',
  );

/** A list of addresses is not about the kind of packet: it is somebody's decision about these peers. */
const isAboutPeers = (rule: Rule | undefined): boolean =>
  rule?.conditions.some(({ field, negated }) => field === 'source' && !negated) ?? false;

type Result = { readonly kind: ChainVerdict['verdict']; readonly by: Decision } | 'return' | 'end';

class Walk {
  readonly mayAccept: Decision[] = [];
  readonly mayDrop: Decision[] = [];
  private steps = 0;
  private readonly chains: ReadonlyMap<string, Chain>;
  private readonly packet: Packet;

  constructor(chains: ReadonlyMap<string, Chain>, packet: Packet) {
    this.chains = chains;
    this.packet = packet;
  }

  /** `certain`: the packet is here for sure. `specific`: a rule on the way here named its kind. */
  chain(chain: Chain, certain: boolean, specific: boolean, depth: number): Result {
    for (const rule of chain.rules) {
      this.steps += 1;
      if (this.steps > MAX_STEPS) return 'end';
      const match = all(this.packet, rule.conditions);
      if (match === 'no') continue;
      const named = specific || isSpecific(this.packet, rule.conditions);
      const result = this.act(rule.action, { chain, rule }, certain && match === 'yes', named, depth);
      if (result !== undefined) return result;
    }
    return 'end';
  }

  /** Undefined: on with the next rule. */
  private act(action: Action, by: Decision, certain: boolean, specific: boolean, depth: number): Result | undefined {
    switch (action.kind) {
      case 'accept':
      case 'drop':
      case 'elsewhere':
        if (certain) return { kind: action.kind, by };
        if (action.kind === 'accept') this.mayAccept.push(by);
        else if (specific && !isAboutPeers(by.rule)) this.mayDrop.push(by);
        return undefined;
      case 'return':
        return certain ? 'return' : undefined;
      case 'none':
        return undefined;
      case 'map':
        return this.map(action, by, certain, specific, depth);
      default:
        return this.jump(action.kind, action.chain, certain, specific, depth);
    }
  }

  private jump(
    kind: 'jump' | 'goto',
    id: string,
    certain: boolean,
    specific: boolean,
    depth: number,
  ): Result | undefined {
    const target = this.chains.get(id);
    if (target === undefined || depth >= MAX_DEPTH) return undefined;
    const result = this.chain(target, certain, specific, depth + 1);
    if (typeof result === 'object') return result;
    return certain && kind === 'goto' ? 'return' : undefined;
  }

  private map(
    { entries }: Extract<Action, { kind: 'map' }>,
    by: Decision,
    certain: boolean,
    specific: boolean,
    depth: number,
  ): Result | undefined {
    for (const { conditions, action } of entries) {
      const match = all(this.packet, conditions);
      if (match === 'no') continue;
      const named = specific || isSpecific(this.packet, conditions);
      const result = this.act(action, by, certain && match === 'yes', named, depth);
      if (result !== undefined || match === 'yes') return result;
    }
    return undefined;
  }
}

/** What every base chain of these hooks does to the packet, in the order of the rule set. */
export const judge = ({ chains }: RuleSet, hooks: readonly Hook[], packet: Packet): readonly ChainVerdict[] => {
  const byId = new Map(chains.map((chain) => [chain.id, chain]));
  return chains
    .filter(({ hook }) => hook !== undefined && hooks.includes(hook))
    .map((chain) => {
      const walk = new Walk(byId, packet);
      const result = walk.chain(chain, true, false, 0);
      const { mayAccept, mayDrop } = walk;
      return typeof result === 'object'
        ? { chain, verdict: result.kind, by: result.by, mayAccept, mayDrop }
        : { chain, verdict: chain.policy, by: { chain, rule: undefined }, mayAccept, mayDrop };
    });
};
