import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIptables } from '../../gateway/doctor/firewall/iptables-rules.ts';
import { type Action, type Chain, exactly, type Packet, type Rule } from '../../gateway/doctor/firewall/model.ts';
import { parseNftRuleSet } from '../../gateway/doctor/firewall/nft-rules.ts';
import { judge } from '../../gateway/doctor/firewall/verdict.ts';
import { ControlDialogue } from '../../gateway/doctor/host/control-dialogue.ts';
import { parseListeners, parseRawSockets, parseRoutes } from '../../gateway/doctor/host/proc-net.ts';
import type { PipeReader } from '../../plugins/control-pptp/byte-pipe.ts';
import { parseGreRefusal } from '../../plugins/io-raw-gre/gre-refusals.ts';

const gre: Packet = { protocol: 47, state: 'new', in: 'eth0', destinationType: 'local' };

/** Words that nft uses, in shapes that it may or may not use. */
const leaf = fc.oneof(
  fc.constantFrom('gre', 'tcp', 'ip', 'inet', 'filter', 'input', '@set', 'state', 'l4proto', 'dport', 'lo', 'c0', 'c1'),
  fc.integer({ min: -1, max: 2000 }),
  fc.constant(null),
  fc.boolean(),
);
const key = fc.constantFrom(
  ...[
    'chain',
    'rule',
    'set',
    'map',
    'expr',
    'match',
    'op',
    'left',
    'right',
    'meta',
    'key',
    'ct',
    'payload',
    'protocol',
  ],
  ...[
    'field',
    'jump',
    'goto',
    'target',
    'drop',
    'accept',
    'vmap',
    'data',
    'elem',
    'val',
    'range',
    'prefix',
    'addr',
    'len',
  ],
  ...['family', 'table', 'name', 'hook', 'policy', 'fib', 'result', 'flags', 'ct helper', 'type', '__proto__', '|'],
);
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    leaf,
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(key, tie('json'), { maxKeys: 5 }),
  ),
}));

/** A rule set whose chains are real, so that what is in the rules is looked at. */
const ruleSet = fc
  .array(fc.record({ chain: fc.constantFrom('c0', 'c1'), expr: fc.array(json, { maxLength: 4 }) }), { maxLength: 6 })
  .map((rules) => ({
    nftables: [
      ...['c0', 'c1'].map((name) => ({ chain: { family: 'ip', table: 'filter', name, hook: 'input' } })),
      ...rules.map((rule) => ({ rule: { family: 'ip', table: 'filter', ...rule } })),
    ],
  }));

describe('rules of other programs', () => {
  it('whatever nft prints is a rule set with a verdict, or none', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          ruleSet.map((one) => JSON.stringify(one)),
        ),
        (text) => {
          const rules = parseNftRuleSet(text);
          if (rules === undefined) return;
          for (const { verdict } of judge(rules, ['input'], gre))
            expect(['accept', 'drop', 'elsewhere']).toContain(verdict);
        },
      ),
    );
  });

  it('whatever iptables-save prints has a verdict', () => {
    const option = fc.constantFrom(
      '-p',
      'gre',
      '!',
      '-j',
      'DROP',
      '-g',
      'own',
      '-m',
      '--dport',
      '1:2',
      '-s',
      '1.2.3.4/33',
      '"',
      '-i',
    );
    const line = fc.oneof(
      fc.string(),
      fc.array(option, { maxLength: 8 }).map((words) => `-A INPUT ${words.join(' ')}`),
      fc.array(option, { maxLength: 8 }).map((words) => `-A own ${words.join(' ')}`),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const rules = parseIptables(['*filter', ':INPUT DROP [0:0]', ':own - [0:0]', ...lines].join('\n'));
        expect(judge(rules, ['input'], gre).length).toBeGreaterThan(0);
      }),
    );
  });

  it('where everything is known, the first rule that fits decides', () => {
    const rule = fc.record({
      protocols: fc.array(fc.constantFrom(6, 17, 47), { minLength: 1, maxLength: 3 }),
      negated: fc.boolean(),
      kind: fc.constantFrom<('accept' | 'drop' | 'none')[]>('accept', 'drop', 'none'),
    });
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 8 }), fc.constantFrom('accept', 'drop'), (specs, policy) => {
        const rules = specs.map(({ protocols, negated, kind }, at): Rule => {
          const action: Action = { kind };
          const condition = { field: 'protocol', negated, values: protocols.map(exactly) } as const;
          return { text: `rule ${at}`, conditions: [condition], action };
        });
        const chain: Chain = { id: 'c', tool: 'nft', text: 'c', hook: 'input', policy, rules };
        const [judged] = judge({ chains: [chain], assignsPptpHelper: false, opaqueTables: [] }, ['input'], gre);
        const deciding = specs.find(
          ({ protocols, negated, kind }) => kind !== 'none' && protocols.includes(47) !== negated,
        );
        expect(judged?.verdict).toBe(deciding?.kind ?? policy);
        expect([judged?.mayAccept, judged?.mayDrop]).toEqual([[], []]);
      }),
    );
  });
});

describe('what the doctor reads', () => {
  it('tables of /proc in any shape', () => {
    const word = fc.oneof(fc.constantFrom('0A', '00000000:06BB', 'eth0', '0003', '00FFFFFF'), fc.string());
    const table = fc
      .array(fc.array(word, { maxLength: 12 }).map((row) => row.join(' ')))
      .map((rows) => rows.join('\n'));
    fc.assert(
      fc.property(table, (text) => {
        for (const { prefixLength } of parseRoutes(text)) expect(prefixLength).toBeLessThanOrEqual(32);
        parseListeners(text);
        parseRawSockets(text, 47);
      }),
    );
  });

  it('any packet on the ICMP socket', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (packet) => {
        const refusal = parseGreRefusal(packet);
        if (refusal !== undefined) expect(packet.length).toBeGreaterThanOrEqual(48);
      }),
    );
  });

  it('any octets from a server, in any pieces, end the question or do nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 6 }), async (pieces) => {
        let reader: PipeReader | undefined;
        const dialogue = new ControlDialogue({
          write: () => undefined,
          end: () => undefined,
          abort: () => undefined,
          read: (one) => {
            reader = one;
          },
        });
        const answer = dialogue.ask({ kind: 'echo-request', identifier: 1 }, 'echo-reply', 60_000);
        for (const piece of pieces) reader?.bytes(piece);
        reader?.closed('over');
        expect(['silence', 'echo-reply']).toContain((await answer).kind);
      }),
    );
  });
});
