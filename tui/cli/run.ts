/**
 * One run of `potluck`: finds the verb, reads its arguments, runs its command, and turns whatever happens
 * into an exit code and at most one line on stderr.
 */
import { homedir } from 'node:os';
import { PotluckError, toPotluckError } from '../../protocol/errors.js';
import { localPaths, surroundingsOf } from '../../protocol/local/paths.js';
import { openAgentClient } from '../client/agent-client.js';
import { Arguments, readArguments } from './arguments.js';
import { commandOf } from './commands.js';
import type { Context, Installation } from './context.js';
import { findVerb } from './find-verb.js';
import { Output } from './output.js';
import type { Verb } from './verbs.js';

/** @returns the exit code */
export async function runCli(argv: readonly string[], installation: Installation): Promise<number> {
  // A reader that has seen enough (`| head`) ends us quietly.
  process.stdout.on('error', (thrown: NodeJS.ErrnoException) => process.exit(thrown.code === 'EPIPE' ? 0 : 1));
  const json = argv.includes('--json');
  const out = new Output({ json, stdout: process.stdout, stderr: process.stderr, env: process.env });
  const asked = argv.map((word) => ({ '-h': '--help', '-V': 'version', '--version': 'version' })[word] ?? word);
  let name = argv.length === 0 ? 'ui' : (argv.find((word) => !word.startsWith('-')) ?? 'help');
  try {
    if (argv.length === 0) return await openUi(installation, out);
    const { verb, rest } = findVerb(asked);
    name = verb.words.join(' ');
    if (name === 'agent' && !rest.includes('--help')) return await becomeAgent(installation, rest);
    return await runVerb(verb, rest, installation, out);
  } catch (thrown) {
    const error = toPotluckError(thrown);
    if (error.code === 'INTERNAL' && process.env['POTLUCK_LOG'] === 'debug') out.trace(thrown);
    return out.fail(name, error.code === 'USAGE' ? withUsageHint(error, name) : error);
  }
}

async function runVerb(verb: Verb, rest: readonly string[], installation: Installation, out: Output): Promise<number> {
  const args = readArguments(verb, rest);
  const load = commandOf(verb.words);
  if (args.has('help') || load === null) {
    const { help } = await import('./commands/help.js');
    await help(contextOf(new Arguments(verb.words, new Map()), installation, out, AbortSignal.abort()));
    return 0;
  }
  const command = await load();
  const ended = new AbortController();
  const context = contextOf(args, installation, out, ended.signal);
  try {
    return (await command(context)) ?? 0;
  } finally {
    ended.abort();
    context.agent.close();
  }
}

function contextOf(args: Arguments, installation: Installation, out: Output, signal: AbortSignal): Context {
  const paths = localPaths(surroundingsOf(process, homedir()));
  const agent = openAgentClient(paths);
  return { args, out, paths, installation, agent, signal, call: (method, input) => agent.call(method, input, signal) };
}

/** The agent takes the place of this process; on Windows it is a child with our streams. */
async function becomeAgent(installation: Installation, flags: readonly string[]): Promise<number> {
  const { becomeProgram } = await import('./become.js');
  return becomeProgram(installation.agent, flags);
}

async function openUi(installation: Installation, out: Output): Promise<number> {
  const { showUi } = await import('./show-ui.js');
  await showUi(installation, contextOf(new Arguments([], new Map()), installation, out, new AbortController().signal));
  return 0;
}

function withUsageHint(error: PotluckError, name: string): PotluckError {
  if (error.hint !== undefined) return error;
  return new PotluckError('USAGE', error.message, { hint: `potluck help ${name}`, cause: error });
}
