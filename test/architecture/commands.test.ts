import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { OptionModel, VerbModel } from '../../gateway/cli/model.ts';
import { PROGRAM, programModel } from '../../gateway/cli/program.ts';

/** Pages, and files with comments, that tell somebody what to type. */
const below = (folder: string, ends: RegExp): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => ends.test(name) && !/(^|\/)(node_modules|dist)\//.test(name))
    .map((name) => join(folder, name));
const PAGES = [
  ...['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md'],
  // What is made of the program needs no look.
  ...below('docs', /(?<!^cli)\.md$/),
  ...below('deploy', /(\.md|\.ya?ml|\.conf|\.env|README\.Debian|Dockerfile)$/),
  ...below('examples', /\.md$/),
];

/** What stands before a command of ours where one is typed: nothing, settings, another program that runs it. */
const BEFORE = /(?:^\s*|[`$|;&(]\s*|\bnpx |\bexec (?:-it )?[\w/-]+ (?:-- )?)(?:[A-Z][A-Z0-9_]*=\S* )*(?:npx )?$/;

/** Lines that are typed as they are: of Markdown those in fences, elsewhere those that are indented or comments. */
const typedLines = (text: string, isMarkdown: boolean): readonly string[] => {
  let fenced = false;
  return text
    .replaceAll(/\s*\\\n\s*/g, ' ')
    .split('\n')
    .flatMap((line) => {
      if (line.startsWith('```')) fenced = !fenced;
      return (isMarkdown ? fenced : /^(#|\s\s)/.test(line)) ? [line.replace(/^[\s#]+/, '')] : [];
    });
};

const inCode = (text: string): readonly string[] => [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);

/** Commands of a page without the program's name; comments, and what they are piped into, cut off. */
const commandsOf = (text: string, isMarkdown = true): readonly string[] =>
  [...typedLines(text, isMarkdown), ...inCode(text)].flatMap((line) =>
    [...line.matchAll(new RegExp(`${PROGRAM} `, 'g'))].flatMap(({ index }) => {
      if (!BEFORE.test(line.slice(0, index))) return [];
      const rest = line.slice(index + PROGRAM.length + 1);
      return [rest.split(/\s+#|\s*[|;<>&)`]/, 1)[0]?.trim() ?? ''];
    }),
  );
const commandsIn = (page: string): readonly string[] => commandsOf(readFileSync(page, 'utf8'), page.endsWith('.md'));

const wordsOf = (command: string): readonly string[] =>
  [...command.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) => word);

const optionOf = (verb: VerbModel, word: string): OptionModel | undefined =>
  verb.options.find(({ names }) => names.includes(word.split('=', 1)[0] ?? ''));

/** What the program would not take of a command; undefined where it takes it. */
const complaint = (program: VerbModel, command: string): string | undefined => {
  let words = wordsOf(command);
  let verb = program;
  for (;;) {
    const next = verb.verbs.find(({ path }) => path === `${verb.path} ${words[0]}`.trim());
    if (next === undefined) break;
    verb = next;
    words = words.slice(1);
  }
  // The one verb that may be left out.
  if (verb.path === 'trace') verb = verb.verbs.find(({ path }) => path === 'trace start') ?? verb;
  if (words[0] === 'VERB' || words[0] === '--help' || words[0] === '--version') return undefined;
  if (verb.path === '' || (verb.verbs.length > 0 && words.length > 0)) return `no verb ${words[0]}`;
  let given = 0;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (!/^-\w|^--\w/.test(word)) {
      given += 1;
      continue;
    }
    const option = optionOf(verb, word);
    if (option === undefined) return `no option ${word}`;
    const inside = option.value !== undefined && !word.includes('=');
    if (inside) at += 1;
    if (inside && words[at] === undefined) return `${word} without a value`;
  }
  const most = verb.args.some(({ variadic }) => variadic) ? Number.POSITIVE_INFINITY : verb.args.length;
  return given > most ? `${given} words, and ${verb.path} takes ${most}` : undefined;
};

describe('what pages tell to type', () => {
  let program: VerbModel;
  beforeAll(async () => {
    program = await programModel();
  });

  test('the look finds commands, and mistakes in them', () => {
    const fence = [
      '```sh',
      'npx pptp-gateway users add bob \\',
      '  --generate  # prints it',
      'A=b pptp-gateway stats | cat',
    ];
    expect(commandsOf([...fence, 'kubectl exec ds/x -- pptp-gateway pools', '```'].join('\n'))).toEqual([
      ...['users add bob --generate', 'stats', 'pools'],
    ]);
    expect(commandsOf('pptp-gateway takes calls; ask `pptp-gateway status`')).toEqual(['status']);
    expect(commandsOf('# First:\n#   pptp-gateway pools\nx: pptp-gateway y', false)).toEqual(['pools']);
    expect(commandsOf('```\nkubectl -n pptp-gateway get x; systemctl edit pptp-gateway now\n```')).toEqual([]);
    expect(complaint(program, 'users add bob --generate --address=10.99.0.7')).toBeUndefined();
    expect(complaint(program, 'user add bob')).toBe('no verb user');
    expect(complaint(program, 'users add bob --genrate')).toBe('no option --genrate');
    expect(complaint(program, 'users add bob tom')).toBe('2 words, and users add takes 1');
    expect(complaint(program, 'users add bob --address')).toBe('--address without a value');
  });

  test.each(PAGES)('%s', (page) => {
    const commands = commandsIn(page);
    const wrong = commands.flatMap((command) => {
      const why = complaint(program, command);
      return why === undefined ? [] : [`${command}: ${why}`];
    });
    expect(wrong).toEqual([]);
  });

  test('are many', () => {
    const all = PAGES.flatMap(commandsIn);
    expect(all.length).toBeGreaterThan(150);
  });
});
