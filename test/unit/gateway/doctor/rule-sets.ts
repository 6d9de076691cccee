import type { RuleSet } from '../../../../gateway/doctor/firewall/model.ts';
import { parseNftRuleSet } from '../../../../gateway/doctor/firewall/nft-rules.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Objects as `nft -j list ruleset` prints them. */
export const nft = (...objects: readonly Json[]): RuleSet => {
  const rules = parseNftRuleSet(JSON.stringify({ nftables: [{ metainfo: { json_schema_version: 1 } }, ...objects] }));
  if (rules === undefined) throw new Error('no rule set');
  return rules;
};

/** A base chain of table inet filter, or with `hook` undefined one that is jumped to. */
export const chain = (name: string, hook: string | undefined = name, policy = 'accept'): Json => ({
  chain: {
    family: 'inet',
    table: 'filter',
    name,
    handle: 1,
    ...(hook === undefined ? {} : { type: 'filter', hook, prio: 0, policy }),
  },
});

let handles = 10;
export const rule = (chainName: string, ...expr: readonly Json[]): Json => {
  handles += 1;
  return { rule: { family: 'inet', table: 'filter', chain: chainName, handle: handles, expr } };
};

export const accept: Json = { accept: null };
export const drop: Json = { drop: null };
export const jump = (target: string): Json => ({ jump: { target } });

export const match = (left: Json, right: unknown, op = '=='): Json => ({ match: { op, left, right } });
export const meta = (key: string): Json => ({ meta: { key } });
export const field = (protocol: string, name: string): Json => ({ payload: { protocol, field: name } });

export const isGre = match(meta('l4proto'), 'gre');
export const isControl = match(field('tcp', 'dport'), 1723);
export const isKnown = match({ ct: { key: 'state' } }, ['established', 'related'], 'in');
