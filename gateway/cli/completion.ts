import { type ArgumentModel, allVerbs, type OptionModel, type VerbModel } from './model.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What is asked of the running gateway while one types. */
export const LIVE_VALUES = ['sessions', 'users'] as const;
export type LiveValues = (typeof LIVE_VALUES)[number];

type Values =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'files' }
  | { readonly kind: 'live'; readonly live: LiveValues }
  | { readonly kind: 'none' };

const FILES = /file|folder/;

/** What can stand for a value or an argument, by its name and the verb it belongs to. */
const valuesOf = (path: string, name: string, choices: readonly string[], flag?: string): Values => {
  if (choices.length > 0) return { kind: 'words', words: choices };
  if (FILES.test(name)) return { kind: 'files' };
  if (name === 'session' || flag === '--tunnel') return { kind: 'live', live: 'sessions' };
  const isNew = path === 'users add';
  if ((name === 'name' && path.startsWith('users ') && !isNew) || (flag === '--user' && path !== 'dial')) {
    return { kind: 'live', live: 'users' };
  }
  return { kind: 'none' };
};

const ofOption = (path: string, { value = '', choices, names }: OptionModel): Values =>
  valuesOf(path, value, choices, names[0]);
const ofArgument = (path: string, { name, choices }: ArgumentModel): Values => valuesOf(path, name, choices);

/** For single quotes of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const HELP: OptionModel = {
  flags: '-h, --help',
  names: ['--help', '-h'],
  description: 'display help for command',
  value: undefined,
  choices: [],
  fallback: undefined,
  mandatory: false,
  group: undefined,
};
const optionsOf = (verb: VerbModel): readonly OptionModel[] => [...verb.options, HELP];
const lastWord = ({ path }: VerbModel): string => path.split(' ').at(-1) ?? '';
const slashed = (path: string): string => path.replaceAll(' ', '/');

interface Table {
  /** "sessions/list" behind "sessions" and the word "list". */
  readonly steps: readonly (readonly [from: string, word: string])[];
  readonly flags: readonly (readonly [path: string, names: readonly string[]])[];
  /** By path and option. */
  readonly values: readonly (readonly [key: string, values: Values])[];
  /** What stands where an argument or a verb does. */
  readonly words: readonly (readonly [path: string, values: Values])[];
}

const tableOf = (model: VerbModel): Table => {
  const verbs = [model, ...allVerbs(model)];
  return {
    steps: verbs.flatMap((verb) => verb.verbs.map((below) => [slashed(verb.path), lastWord(below)] as const)),
    flags: verbs.map((verb) => [slashed(verb.path), optionsOf(verb).flatMap(({ names }) => names)] as const),
    values: verbs.flatMap((verb) =>
      verb.options.flatMap((option) =>
        option.value === undefined
          ? []
          : option.names.map((name) => [`${slashed(verb.path)}:${name}`, ofOption(verb.path, option)] as const),
      ),
    ),
    words: verbs.map((verb) => {
      const [first] = verb.args;
      if (verb.verbs.length > 0)
        return [slashed(verb.path), { kind: 'words', words: verb.verbs.map(lastWord) }] as const;
      return [slashed(verb.path), first === undefined ? { kind: 'none' } : ofArgument(verb.path, first)] as const;
    }),
  };
};

/** How a shell completes with values; `''` is nothing. */
type Speak = (values: Values) => string;

const grouped = (pairs: readonly (readonly [string, string])[]): readonly (readonly [readonly string[], string])[] => {
  const groups = new Map<string, string[]>();
  for (const [key, said] of pairs) groups.set(said, [...(groups.get(said) ?? []), key]);
  return [...groups].map(([said, keys]) => [keys, said] as const);
};

const cases = (pairs: readonly (readonly [string, Values])[], speak: Speak, indent: string): string =>
  grouped(pairs.map(([key, values]) => [key, speak(values)] as const))
    .map(([keys, said]) => `${indent}${keys.map(quoted).join('|')}) ${said === '' ? ':' : said} ;;`)
    .join('\n');

/** The same walk in bash and zsh: `words` up to the one that is typed, from 1 in bash and from 2 in zsh. */
const walk = (steps: Table['steps']): string =>
  `    case "$at/$word" in\n      ${steps
    .map(([from, word]) => quoted(`${from}/${word}`))
    .join('|')}) at="\${at:+$at/}$word" ;;\n    esac`;

/** Behind the walk, the same in both: what can stand behind the option before, or else flags or words of the verb. */
const choice = ({ flags, values, words }: Table, speak: Speak, speakValue: Speak): string => {
  const names = flags.map(([path, all]) => [path, { kind: 'words', words: all }] as const);
  return `  case "$at:$before" in
${cases(values, speakValue, '    ')}
    *)
      if [[ $typed == -* ]]; then
        case "$at" in
${cases(names, speak, '          ')}
        esac
      else
        case "$at" in
${cases(words, speak, '          ')}
        esac
      fi
      ;;
  esac`;
};

const bash = (program: string, table: Table): string => {
  const speak: Speak = (values) => {
    if (values.kind === 'words') return `words=${quoted(values.words.join(' '))}`;
    if (values.kind === 'files') return 'files=1';
    return values.kind === 'live' ? `words="$("$command" completion --values ${values.live} 2>/dev/null)"` : '';
  };
  return `# bash completion of ${program}; made by "${program} completion bash".
_pptp_gateway() {
  local command="\${COMP_WORDS[0]}" typed="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}"
  local at='' word words='' files='' index
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
${walk(table.steps)}
  done
${choice(table, speak, (values) => speak(values) || "words=''")}
  local IFS=$' \\t\\n'
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    IFS=$'\\n'
    COMPREPLY=($(compgen -f -- "$typed"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$typed"))
  fi
}
complete -F _pptp_gateway ${program}
`;
};

const zsh = (program: string, table: Table): string => {
  const speak: Speak = (values) => {
    if (values.kind === 'words') return `compadd -- ${values.words.map(quoted).join(' ')}`;
    if (values.kind === 'files') return '_files';
    return values.kind === 'live'
      ? `compadd -- \${(f)"$("\${words[1]}" completion --values ${values.live} 2>/dev/null)"}`
      : '';
  };
  return `#compdef ${program}
# zsh completion of ${program}; made by "${program} completion zsh".
_pptp_gateway() {
  local at='' word before="\${words[CURRENT - 1]}" typed="\${words[CURRENT]}" index
  for ((index = 2; index < CURRENT; index++)); do
    word="\${words[index]}"
${walk(table.steps)}
  done
${choice(table, speak, speak)}
}
# Loaded from a folder of fpath it is called at once, by the name of its file; sourced it says what it is for.
case "\${funcstack[1]}" in
  _pptp_gateway|_${program}) _pptp_gateway "$@" ;;
  *) compdef _pptp_gateway ${program} ;;
esac
`;
};

const fishQuoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

const fish = (program: string, model: VerbModel): string => {
  const verbs = [model, ...allVerbs(model)];
  const { steps } = tableOf(model);
  const speak: Speak = (values) => {
    if (values.kind === 'words') return `-xa ${fishQuoted(values.words.join(' '))}`;
    if (values.kind === 'files') return '-rF';
    if (values.kind === 'live')
      return `-xa ${fishQuoted(`(${program} completion --values ${values.live} 2>/dev/null)`)}`;
    return '-x';
  };
  const line = (verb: VerbModel, rest: string): string =>
    `complete -c ${program} -n ${fishQuoted(`__pptp_gateway_at ${fishQuoted(slashed(verb.path))}`)} ${rest}`;
  const ofVerb = (verb: VerbModel): readonly string[] => [
    ...verb.verbs.map((below) => line(verb, `-fa ${fishQuoted(lastWord(below))} -d ${fishQuoted(below.summary)}`)),
    ...verb.args.slice(0, 1).map((argument) => {
      const said = speak(ofArgument(verb.path, argument));
      return line(verb, said === '-x' ? '-f' : said.replace(/^-x/, '-f').replace(/^-rF/, '-F'));
    }),
    ...optionsOf(verb).map((option) => {
      const names = option.names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
      const value = option.value === undefined ? '' : ` ${speak(ofOption(verb.path, option))}`;
      return line(verb, `${names.join(' ')}${value} -d ${fishQuoted(option.description)}`);
    }),
  ];
  return `# fish completion of ${program}; made by "${program} completion fish".
function __pptp_gateway_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    switch "$at/$word"
      case ${steps.map(([from, word]) => fishQuoted(`${from}/${word}`)).join(' ')}
        set at (string trim -c / -- "$at/$word")
    end
  end
  test "$at" = "$argv[1]"
end
complete -c ${program} -f
${verbs.flatMap(ofVerb).join('\n')}
`;
};

/** The script that a shell loads; all of it is made of the program. */
export const completionScript = (shell: Shell, program: string, model: VerbModel): string => {
  if (shell === 'fish') return fish(program, model);
  return (shell === 'bash' ? bash : zsh)(program, tableOf(model));
};
