/** The help, written from the table of verbs. Pure. */
import { COMMON_OPTIONS, type Option } from './arguments.js';
import { verbsOf } from './find-verb.js';
import { type Section, type Verb, VERBS } from './verbs.js';

const SECTIONS: readonly Section[] = ['Life cycle', 'Workgroup', 'Peers', 'Files', 'Printers', 'Help'];

/** `get PEER/SHARE/PATH… [--to FOLDER]` without the options of every verb. */
export function usageOf(verb: Verb): string {
  const args = verb.args.map(({ name, optional, many }) => {
    const shown = many === true ? `${name}…` : name;
    return optional === true ? `[${shown}]` : shown;
  });
  return ['potluck', ...verb.words, ...args, ...(verb.options.length > 0 ? ['[options]'] : [])].join(' ');
}

export function overview(): string {
  const width = Math.max(...VERBS.map((verb) => shortUsage(verb).length));
  const sections = SECTIONS.map((section) => {
    const lines = VERBS.filter((verb) => verb.section === section).map(
      (verb) => `  ${shortUsage(verb).padEnd(width)}  ${verb.help}`,
    );
    return `${section}\n${lines.join('\n')}`;
  });
  return [
    'potluck: the PCs of an office share folders and printers',
    'Without a verb it opens the terminal UI.',
    ...sections,
    'Every verb takes --json (one JSON document) and --help.',
    'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no agent, 4 not found, 5 not allowed, 6 offline,\n' +
      '            7 cancelled, 8 integrity, 9 no space',
    'POTLUCK_HOME: where the agent keeps everything; POTLUCK_LOG=debug: a log with more in it',
  ].join('\n\n');
}

/** How one verb, or every verb of a noun, is used. */
export function helpOf(verbs: readonly Verb[]): string {
  if (verbs.length !== 1) return verbs.map((verb) => `${usageOf(verb)}\n  ${verb.help}`).join('\n\n');
  const [verb] = verbs as [Verb];
  const options = [...verb.options, ...COMMON_OPTIONS];
  const width = Math.max(...options.map((option) => optionText(option).length));
  const lines = options.map((option) => `  ${optionText(option).padEnd(width)}  ${option.help}`);
  const examples = (verb.examples ?? []).map((example) => `  ${example}`);
  return [
    usageOf(verb),
    `${verb.help.charAt(0).toUpperCase()}${verb.help.slice(1)}.`,
    lines.join('\n'),
    ...(examples.length > 0 ? [`For example:\n${examples.join('\n')}`] : []),
  ].join('\n\n');
}

/** The verbs that these words name: one, or all of a noun; none when there is no such. */
export function verbsNamed(words: readonly string[]): Verb[] {
  const exact = VERBS.filter((verb) => verb.words.join(' ') === words.join(' '));
  return exact.length > 0 || words.length !== 1 ? exact : verbsOf(words[0] ?? '');
}

function shortUsage(verb: Verb): string {
  return usageOf(verb)
    .replace(/^potluck /, '')
    .replace(/ \[options\]$/, '');
}

function optionText({ name, value, valueOptional }: Option): string {
  if (value === undefined) return `--${name}`;
  return valueOptional === true ? `--${name}[=${value}]` : `--${name} ${value}`;
}
