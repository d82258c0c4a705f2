/**
 * What a verb takes, as data, and the reading of a command line by it. Pure.
 *
 * The table of verbs, the help, the completions and this parser are one description, so none can promise what
 * another does not know.
 */
import { parseArgs } from 'node:util';
import { PotluckError } from '../../protocol/errors.js';
import { nearest } from './nearest.js';

export interface Argument {
  readonly name: string;
  readonly optional?: boolean;
  /** Takes one or more; only the last argument may. */
  readonly many?: boolean;
}

export interface Option {
  readonly name: string;
  /** What stands for the value in the help; a flag when left out. */
  readonly value?: string;
  /** The value may be left out, and then is given as `--name=VALUE`. */
  readonly valueOptional?: boolean;
  readonly many?: boolean;
  readonly help: string;
}

export interface Syntax {
  /** One word, or a noun and a verb. */
  readonly words: readonly string[];
  readonly args: readonly Argument[];
  readonly options: readonly Option[];
}

/** What was typed after the verb's own words. */
export class Arguments {
  readonly positionals: readonly string[];
  readonly #options: ReadonlyMap<string, readonly (string | true)[]>;

  constructor(positionals: readonly string[], options: ReadonlyMap<string, readonly (string | true)[]>) {
    this.positionals = positionals;
    this.#options = options;
  }

  /** The nth argument, which the syntax guarantees. */
  at(index: number): string {
    const found = this.positionals[index];
    if (found === undefined) throw new PotluckError('USAGE', 'an argument is missing');
    return found;
  }

  has(option: string): boolean {
    return this.#options.has(option);
  }

  /** The value given last; null when there is none. */
  value(option: string): string | null {
    const last = this.#options.get(option)?.at(-1);
    return typeof last === 'string' ? last : null;
  }

  values(option: string): string[] {
    return (this.#options.get(option) ?? []).filter((value) => value !== true);
  }
}

/** Taken by every verb. */
export const COMMON_OPTIONS: readonly Option[] = [
  { name: 'json', help: 'print one JSON document instead of text' },
  { name: 'help', help: 'how this verb is used' },
];

/**
 * @param typed  what follows the verb's words
 * @throws PotluckError USAGE, which names what is wrong
 */
export function readArguments(syntax: Syntax, typed: readonly string[]): Arguments {
  const known = [...syntax.options, ...COMMON_OPTIONS];
  const { tokens } = parseArgs({
    args: [...typed],
    options: Object.fromEntries(
      known.map((option) => {
        const takesNext = option.value !== undefined && option.valueOptional !== true;
        return [option.name, { type: takesNext ? ('string' as const) : ('boolean' as const) }];
      }),
    ),
    allowPositionals: true,
    allowNegative: false,
    strict: false,
    tokens: true,
  });
  const positionals: string[] = [];
  const options = new Map<string, (string | true)[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const name = token.rawName === '-h' ? 'help' : token.name;
    const option = token.rawName.startsWith('--') || token.rawName === '-h' ? known.find((o) => o.name === name) : null;
    if (!option) throw unknownOption(token.rawName, known);
    const value = valueOf(option, token.value, token.inlineValue === true);
    options.set(name, [...(options.get(name) ?? []), value]);
  }
  if (!options.has('help')) checkCount(syntax.args, positionals);
  return new Arguments(positionals, options);
}

function valueOf(option: Option, value: string | undefined, isInline: boolean): string | true {
  const shown = `--${option.name}`;
  if (option.value === undefined) {
    if (value !== undefined) throw new PotluckError('USAGE', `${shown} takes no value`);
    return true;
  }
  if (value === undefined && option.valueOptional === true) return true;
  // Almost always a forgotten value; one that does begin so can be written --option=-value.
  if (value === undefined || value === '' || (!isInline && /^-./.test(value))) {
    throw new PotluckError('USAGE', `${shown} needs a value: ${shown} ${option.value}`);
  }
  return value;
}

function unknownOption(typed: string, known: readonly Option[]): PotluckError {
  const meant = nearest(
    typed,
    known.map(({ name }) => `--${name}`),
  );
  return new PotluckError('USAGE', `unknown option ${typed}${meant === null ? '' : `, did you mean ${meant}?`}`);
}

function checkCount(args: readonly Argument[], positionals: readonly string[]): void {
  const missing = args.find((arg, index) => arg.optional !== true && positionals[index] === undefined);
  if (missing !== undefined) throw new PotluckError('USAGE', `${missing.name} is missing`);
  if (args.at(-1)?.many !== true && positionals.length > args.length) {
    throw new PotluckError('USAGE', `one argument too many: ${positionals[args.length] ?? ''}`);
  }
  const empty = positionals.findIndex((value) => value === '');
  if (empty >= 0) throw new PotluckError('USAGE', `${(args[empty] ?? args.at(-1))?.name ?? 'an argument'} is empty`);
}
