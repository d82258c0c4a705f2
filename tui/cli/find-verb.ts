/** From a command line to the verb that is meant. Pure. */
import { PotluckError } from '../../protocol/errors.js';
import { nearest } from './nearest.js';
import { type Verb, VERBS } from './verbs.js';

export interface Found {
  readonly verb: Verb;
  /** What follows the verb's words. */
  readonly rest: readonly string[];
}

/**
 * @param argv  begins with the verb; options of every verb may stand before it
 * @throws PotluckError USAGE, with what was probably meant
 */
export function findVerb(argv: readonly string[]): Found {
  const at = argv.findIndex((word) => !word.startsWith('-'));
  if (at < 0) return { verb: verbOf(['help']), rest: argv.filter((word) => word !== '--help') };
  const [first = '', second = ''] = argv.slice(at);
  const before = argv.slice(0, at);
  const one = VERBS.find(({ words }) => words.length === 1 && words[0] === first);
  if (one !== undefined) return { verb: one, rest: [...before, ...argv.slice(at + 1)] };
  const two = VERBS.find(({ words }) => words.length === 2 && words[0] === first && words[1] === second);
  if (two !== undefined) return { verb: two, rest: [...before, ...argv.slice(at + 2)] };
  if (argv.includes('--help') && verbsOf(first).length > 0) return { verb: verbOf(['help']), rest: [first] };
  throw unknown(first, second);
}

/** The verbs of a noun: those of `share` are `share add`, `share list` … */
export function verbsOf(noun: string): Verb[] {
  return VERBS.filter(({ words }) => words.length === 2 && words[0] === noun);
}

export function verbOf(words: readonly string[]): Verb {
  const found = VERBS.find((verb) => verb.words.join(' ') === words.join(' '));
  if (found === undefined) throw unknown(words[0] ?? '', words[1] ?? '');
  return found;
}

function unknown(first: string, second: string): PotluckError {
  const group = verbsOf(first).map(({ words }) => words[1] ?? '');
  if (group.length === 0) {
    const meant = nearest(first, [...new Set(VERBS.map(({ words }) => words[0] ?? ''))]);
    return new PotluckError('USAGE', `no such verb${meant === null ? '' : `, did you mean ${meant}?`}`, {
      hint: 'potluck help',
    });
  }
  const missing = second === '' || second.startsWith('-');
  const meant = missing ? null : nearest(second, group);
  const what = missing ? 'one more word is needed' : `${second} is no verb of it`;
  const which = meant === null ? `: ${group.join(', ')}` : `, did you mean ${first} ${meant}?`;
  return new PotluckError('USAGE', what + which, { hint: `potluck help ${first}` });
}
