import type { Argument, Command, Option } from 'commander';

export interface OptionModel {
  /** "-w, --write <file>" */
  readonly flags: string;
  /** "--write", and "-w". */
  readonly names: readonly string[];
  readonly description: string;
  /** "file"; undefined where it takes none. */
  readonly value: string | undefined;
  readonly choices: readonly string[];
  readonly fallback: string | undefined;
  readonly mandatory: boolean;
  /** Heading in the help; undefined: the verb's own. */
  readonly group: string | undefined;
}

export interface ArgumentModel {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  readonly variadic: boolean;
  readonly choices: readonly string[];
}

/** A verb as its documentation and the completion of shells need it. */
export interface VerbModel {
  /** "sessions list"; '' is the program. */
  readonly path: string;
  readonly summary: string;
  readonly args: readonly ArgumentModel[];
  readonly options: readonly OptionModel[];
  readonly verbs: readonly VerbModel[];
}

const plainValue = (value: unknown): string | undefined => {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  return undefined;
};

const optionModel = (option: Option): OptionModel => ({
  flags: option.flags,
  names: [option.long, option.short].filter((name) => typeof name === 'string'),
  description: option.description,
  value: option.required || option.optional ? (/[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1] ?? 'value') : undefined,
  choices: option.argChoices ?? [],
  fallback: plainValue(option.defaultValue),
  mandatory: option.mandatory,
  group: option.helpGroupHeading,
});

const argumentModel = (argument: Argument): ArgumentModel => ({
  name: argument.name(),
  description: argument.description,
  required: argument.required,
  variadic: argument.variadic,
  choices: argument.argChoices ?? [],
});

/** What a program consists of, as commander has it. */
export const modelOf = (command: Command, path = ''): VerbModel => ({
  path,
  summary: command.description(),
  args: command.registeredArguments.map(argumentModel),
  options: command.options.filter(({ hidden }) => !hidden).map(optionModel),
  verbs: command.commands.map((verb) => modelOf(verb, path === '' ? verb.name() : `${path} ${verb.name()}`)),
});

/** All verbs below, those that only hold others too, each before what is below it. */
export const allVerbs = (model: VerbModel): readonly VerbModel[] =>
  model.verbs.flatMap((verb) => [verb, ...allVerbs(verb)]);

/** "sessions kick [session]" */
export const usageOf = ({ path, args, options, verbs }: VerbModel): string => {
  const names = args.map(({ name, required, variadic }) => {
    const text = variadic ? `${name}...` : name;
    return required ? `<${text}>` : `[${text}]`;
  });
  const mandatory = options.filter((option) => option.mandatory).map(({ flags }) => flags);
  const more = options.length > mandatory.length ? ['[options]'] : [];
  const below = verbs.length > 0 ? ['<verb>'] : [];
  return [path, ...names, ...mandatory, ...more, ...below].join(' ');
};
