import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLES } from '../../../../gateway/cli/examples.ts';
import { manPage } from '../../../../gateway/cli/man-page.ts';
import { allVerbs, type VerbModel } from '../../../../gateway/cli/model.ts';
import { buildProgram, PROGRAM, programModel } from '../../../../gateway/cli/program.ts';
import { cliPage } from '../../../../gateway/cli/reference.ts';
import { VERBS } from '../../../../gateway/cli/verbs.ts';
import { runVerb } from '../../../support/fake-gateway.ts';
import { memoryTerminal } from '../../../support/memory-terminal.ts';

const fromRoot = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../../${path}`, import.meta.url)), 'utf8');
const { version } = JSON.parse(fromRoot('package.json'));

let model: VerbModel;
beforeAll(async () => {
  model = await programModel();
});

describe('what is made of the program', () => {
  it('is in docs/cli.md as it is (node setup/docs.mjs writes it)', () => {
    expect(fromRoot('docs/cli.md')).toBe(cliPage(PROGRAM, model));
  });

  it('is in the man page as it is (node setup/docs.mjs writes it)', () => {
    expect(fromRoot('deploy/man/pptp-gateway.1')).toBe(manPage(PROGRAM, version, model));
  });

  it('has every verb, flag and exit code in the man page, and no line that roff would take for a request of its own', () => {
    const page = manPage(PROGRAM, '9.9', model);
    const known = new Set(['TH', 'SH', 'SS', 'TP', 'PP', 'B', 'I', 'nh', '\\"']);
    for (const line of page.split('\n')) {
      const request = /^[.']\s*(\\"|[A-Za-z]+)?/.exec(line);
      if (request !== null) expect(known).toContain(request[1]);
    }
    const plain = page.replaceAll('\\-', '-');
    for (const verb of allVerbs(model)) {
      if (verb.verbs.length === 0) expect(plain).toContain(`${PROGRAM} ${verb.path}`);
      for (const { names } of verb.options) expect(plain).toContain(names[0]);
    }
  });

  it('has nothing of this machine in it', () => {
    expect(cliPage(PROGRAM, model)).not.toMatch(/\/(home|work|root)\//);
  });
});

describe('the verbs', () => {
  it.each(VERBS.map(({ name }) => name))('%s is loaded alone, and is what its name says', async (name) => {
    const nothing = async (): Promise<never> => expect.unreachable();
    const services = {
      version: '1',
      env: {},
      terminal: memoryTerminal(),
      runGateway: nothing,
      dial: nothing,
      examine: nothing,
      openUsers: nothing,
    };
    const program = await buildProgram(services, () => undefined, name);
    expect(program.commands.map((command) => command.name())).toEqual([name]);
  });

  it('all say what they are for, and so do their flags', () => {
    for (const verb of allVerbs(model)) {
      expect(verb.summary, verb.path).toMatch(/^[A-Z].*\.$/);
      for (const { description, flags } of verb.options) expect(description, `${verb.path} ${flags}`).not.toBe('');
    }
  });

  it('have --json where they print something for people', () => {
    const without = allVerbs(model).filter(
      ({ verbs, options }) => verbs.length === 0 && !options.some(({ names }) => names.includes('--json')),
    );
    expect(without.map(({ path }) => path)).toEqual([
      'run',
      'dial',
      'users add',
      'users passwd',
      'users expire',
      'users remove',
      'capture',
      'trace stop',
      'plugins new',
      'healthcheck',
      'completion',
    ]);
  });
});

describe('examples', () => {
  /** A verb and the words behind it. */
  const read = (line: string): { readonly verb: VerbModel | undefined; readonly words: readonly string[] } => {
    const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
    const verbs = allVerbs(model);
    const two = verbs.find(({ path }) => path === words.slice(0, 2).join(' '));
    if (two !== undefined) return { verb: two, words: words.slice(2) };
    return { verb: verbs.find(({ path }) => path === words[0]), words: words.slice(1) };
  };

  it.each([...EXAMPLES].flatMap(([path, all]) => all.map(({ line, what }) => [line, path, what] as const)))(
    '%s is of its verb and uses flags that there are',
    (line, path, what) => {
      const { verb, words } = read(line);
      expect(verb?.path).toBe(path);
      expect(what).not.toBe('');
      const names = verb?.options.flatMap((option) => option.names) ?? [];
      for (const word of words.filter((one) => /^--?[a-z]/.test(one) && !words.includes(`--sort ${one}`))) {
        if (words[words.indexOf(word) - 1] !== '--sort') expect(names).toContain(word);
      }
    },
  );

  it('stand below the help', async () => {
    const { code, text } = await runVerb(['sessions', 'kick', '--help'], {});
    expect(code).toBe(0);
    expect(text).toContain('Examples:');
    expect((await runVerb(['--help'], {})).text).toMatch(/Exit codes:\n {2}0 +done/);
  });
});
