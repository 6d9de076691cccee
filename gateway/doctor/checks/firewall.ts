import type { GatewayConfig } from '../../../config/types.ts';
import { ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { IP_PROTOCOL } from '../../../core/wire/ipv4.ts';
import { type Finding, reporter } from '../finding.ts';
import type { Chain, Hook, Packet, RuleSet } from '../firewall/model.ts';
import { type ChainVerdict, type Decision, judge } from '../firewall/verdict.ts';

export interface FirewallFacts {
  /** Rules of nftables; iptables-nft's are among them. `missing`: no program `nft`. Otherwise why they cannot be read. */
  readonly nft: RuleSet | 'missing' | { readonly refused: string };
  /** Rules of the old iptables, which nftables does not show; undefined where there are none. */
  readonly legacy: RuleSet | undefined;
  /** The outer interface, where it is known. */
  readonly outer: string | undefined;
}

const { ok, warn, fail } = reporter('firewall');

const INWARDS: readonly Hook[] = ['ingress', 'prerouting', 'input'];
const OUTWARDS: readonly Hook[] = ['output', 'postrouting'];
const THROUGH: readonly Hook[] = ['prerouting', 'forward', 'postrouting'];

/** The other port of a control connection: any that clients choose. */
const CLIENT_PORT = 50_000;

interface Subject {
  /** "GRE (IP protocol 47) to the gateway". */
  readonly what: string;
  readonly hooks: readonly Hook[];
  readonly packet: Packet;
  /** The match that lets it pass, for nft and for iptables. */
  readonly nft: string;
  readonly iptables: string;
  /** That some of it is refused is what operators want here. */
  readonly partial?: 'as-wanted';
}

const GRE_IN = 'GRE (IP protocol 47) to the gateway';
const GRE_OUT = 'GRE (IP protocol 47) from the gateway';

const subjects = (
  { listen, tun, pool, network }: GatewayConfig,
  outer: string | undefined,
  knowsPptp: boolean,
): readonly Subject[] => {
  const arrives = { ...(outer === undefined ? {} : { in: outer }), destinationType: 'local' } as const;
  const leaves = outer === undefined ? {} : { out: outer };
  const { gre, tcp } = IP_PROTOCOL;
  const device = tun.name.replace('%d', '0');
  const inside = tun.name.replace('%d', '*');
  const first = pool.range.network;
  const last = ipv4(first + 2 ** (32 - pool.range.prefixLength) - 1);
  const towards = network.intranetInterface ?? outer;
  return [
    {
      what: GRE_IN,
      hooks: INWARDS,
      packet: { protocol: gre, state: knowsPptp ? 'related' : 'new', ...arrives },
      nft: 'meta l4proto 47',
      iptables: '-p 47',
    },
    {
      what: GRE_OUT,
      hooks: OUTWARDS,
      packet: { protocol: gre, state: 'established', ...leaves },
      nft: 'meta l4proto 47',
      iptables: '-p 47',
    },
    {
      what: `TCP to port ${listen.port}`,
      hooks: INWARDS,
      packet: { protocol: tcp, sourcePort: CLIENT_PORT, destinationPort: listen.port, state: 'new', ...arrives },
      nft: `tcp dport ${listen.port}`,
      iptables: `-p tcp --dport ${listen.port}`,
    },
    {
      what: `TCP from port ${listen.port}`,
      hooks: OUTWARDS,
      packet: { protocol: tcp, sourcePort: listen.port, destinationPort: CLIENT_PORT, state: 'established', ...leaves },
      nft: `tcp sport ${listen.port}`,
      iptables: `-p tcp --sport ${listen.port}`,
    },
    {
      what: "what clients send into the intranet (the host's forwarding)",
      hooks: THROUGH,
      packet: {
        state: 'new',
        in: device,
        source: { from: first, to: last },
        destinationType: 'unicast',
        ...(towards === undefined ? {} : { out: towards }),
      },
      nft: `iifname "${inside}"`,
      iptables: `-i ${inside.replace('*', '+')}`,
      partial: 'as-wanted',
    },
  ];
};

/** "nftables table inet filter, chain input, rule 4 "no gre", handle 2"; "..., its policy". */
const nameOf = ({ chain, rule }: Decision): string => `${chain.text}, ${rule?.text ?? 'its policy'}`;

const letIn = (chain: Chain, { nft, iptables }: Subject): string => {
  if (chain.tool === 'nft') return `nft insert rule ${chain.id} ${nft} accept`;
  const [table = '', name = ''] = chain.id.split(' ');
  return `iptables -t ${table} -I ${name} ${iptables} -j ACCEPT`;
};

const KEEP = 'and keep the rule over a reboot (the file of the firewall)';

/** The worst that one chain does to it; undefined when it lets it pass. */
const findingOf = (subject: Subject, judged: ChainVerdict): Finding | undefined => {
  const { chain, verdict, by, mayAccept, mayDrop } = judged;
  const remedy = `Let it pass first (${letIn(chain, subject)}), ${KEEP}.`;
  if (verdict === 'elsewhere')
    return fail(`${subject.what} is sent elsewhere by ${nameOf(by)}.`, 'Take that rule away, or exempt this host.');
  if (verdict === 'drop' && mayAccept.length === 0) return fail(`${subject.what} is dropped by ${nameOf(by)}.`, remedy);
  if (subject.partial === 'as-wanted') return undefined;
  const [some] = mayAccept;
  if (verdict === 'drop' && some !== undefined)
    return warn(
      `${subject.what} passes only where ${nameOf(some)} lets it; the rest is dropped by ${nameOf(by)}.`,
      remedy,
    );
  const [risk] = mayDrop;
  if (risk === undefined) return undefined;
  return warn(
    `${subject.what} may be dropped by ${nameOf(risk)}.`,
    `See whether that rule fits your clients. ${remedy}`,
  );
};

/** GRE comes in only where conntrack's helper vouches for it; undefined where there are no rules to be read. */
export const acceptsRelatedGreOnly = (facts: FirewallFacts): boolean | undefined => {
  const rules = ruleSets(facts);
  if (rules.length === 0) return undefined;
  const where = facts.outer === undefined ? {} : { in: facts.outer };
  const drops = (state: Packet['state']): boolean => {
    const packet: Packet = { protocol: IP_PROTOCOL.gre, destinationType: 'local', state, ...where };
    return rules.some((one) => judge(one, INWARDS, packet).some(({ verdict }) => verdict === 'drop'));
  };
  return drops('new') && !drops('related');
};

/** Whether one of the findings says already that the firewall keeps GRE out, or in. */
export const saysGreIsFiltered = (findings: readonly Finding[]): boolean =>
  findings.some(
    ({ severity, message }) => severity === 'fail' && [GRE_IN, GRE_OUT].some((gre) => message.startsWith(gre)),
  );

export const ruleSets = ({ nft, legacy }: FirewallFacts): readonly RuleSet[] => [
  ...(typeof nft === 'object' && 'chains' in nft ? [nft] : []),
  ...(legacy === undefined ? [] : [legacy]),
];

/** Whether the packet filter of this host lets PPTP pass, rule by rule. `knowsPptp`: connection tracking relates GRE to calls. */
export const checkFirewall = (facts: FirewallFacts, config: GatewayConfig, knowsPptp: boolean): readonly Finding[] => {
  const findings: Finding[] = [];
  const { nft, legacy, outer } = facts;
  if (nft === 'missing' && legacy === undefined)
    findings.push(
      warn(
        'The firewall rules cannot be read: the program nft is not installed.',
        'Install it: apt-get install nftables.',
      ),
    );
  else if (typeof nft === 'object' && 'refused' in nft)
    findings.push(warn(`The firewall rules cannot be read (${nft.refused}).`, 'Run the doctor as root.'));
  const opaque = ruleSets(facts).flatMap(({ opaqueTables }) => opaqueTables);
  if (opaque.length > 0)
    findings.push(
      warn(
        `Rules of iptables in the table ${opaque.join(' and ')} cannot be read: the program iptables-save is not installed here.`,
        'Run the doctor where these rules were made (the host of the container), or install iptables.',
      ),
    );
  for (const subject of subjects(config, outer, knowsPptp)) {
    for (const rules of ruleSets(facts)) {
      const verdicts = judge(rules, subject.hooks, subject.packet);
      for (const judged of verdicts) findings.push(...[findingOf(subject, judged)].filter((one) => one !== undefined));
    }
  }
  if (findings.length > 0) return findings;
  const chains = ruleSets(facts).flatMap((rules) => rules.chains.filter(({ hook }) => hook !== undefined)).length;
  const looked = chains === 0 ? 'There are no firewall rules' : `${chains} base chains were looked at`;
  return [ok(`${looked}: GRE and TCP port ${config.listen.port} pass, and clients are forwarded.`)];
};
