/** `help`, `version`: what needs no agent. */
import { PotluckError } from '../../../protocol/errors.js';
import { PROGRAM_VERSION, WIRE_VERSION } from '../../../protocol/version.js';
import { completionsFor, SHELLS } from '../completions.js';
import type { Context } from '../context.js';
import { helpOf, overview, verbsNamed } from '../help.js';
import { readChoice } from '../units.js';

export async function help({ args, out }: Context): Promise<void> {
  const verbs = verbsNamed(args.positionals);
  if (args.positionals.length > 0 && verbs.length === 0) {
    throw new PotluckError('USAGE', `${args.positionals.join(' ')}: no such verb`, { hint: 'potluck help' });
  }
  const text = verbs.length === 0 ? overview() : helpOf(verbs);
  await out.result({ help: text }, () => text);
}

export async function completions({ args, out }: Context): Promise<void> {
  const shell = readChoice('SHELL', args.at(0), SHELLS);
  const text = completionsFor(shell);
  await out.result({ shell, text }, () => text.trimEnd());
}

export async function version({ out }: Context): Promise<void> {
  const facts = {
    version: PROGRAM_VERSION,
    wire: WIRE_VERSION,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
  };
  await out.result(facts, () => `potluck ${facts.version} (wire ${facts.wire}, Node ${facts.node}, ${facts.platform})`);
}
