/** What every refused verb looks like: one clear line, the exit code of its error code, the same in JSON. */
import * as assert from 'uvu/assert';
import { ERROR_CODES, type ErrorCode } from '../../protocol/errors.js';
import type { Agent } from '../support/agent.js';
import type { Ended } from '../support/process.js';

/** `potluck: <what failed>: <why> (<code>)`, then perhaps `try: <command>`, and not a word more. */
const LINES = /^potluck: [^\n]+: [^\n]+ \(([A-Z_]+)\)\n(?:try: [^\n]+\n)?$/;

/** Runs the verb both ways and checks how it is refused; answers the line for people. */
export async function refuses(agent: Agent, code: ErrorCode, ...args: readonly string[]): Promise<string> {
  const line = lineOf(await agent.text(...args), code, args);
  const answer = await agent.cli(...args);
  const verb = args.join(' ');
  assert.is(
    answer.code,
    ERROR_CODES[code].exit,
    `${verb} --json: exit ${answer.code}\n${answer.stdout}${answer.stderr}`,
  );
  const { error } = answer.json as { error: { code: string; message: string } };
  assert.is(error.code, code, verb);
  assert.not.match(error.message, /\n|^\s*at /m, verb);
  return line;
}

export function lineOf(ended: Ended, code: ErrorCode, args: readonly string[]): string {
  const said = `${args.join(' ')}: exit ${ended.code}\n${ended.stdout}${ended.stderr}`;
  assert.is(LINES.exec(ended.stderr)?.[1], code, said);
  assert.is(ended.code, ERROR_CODES[code].exit, said);
  assert.is(ended.stdout, '', said);
  return ended.stderr;
}
