/** The command line as people and scripts start it: a process of its own, against a fake agent. */
import { fileURLToPath } from 'node:url';
import { run, start, type Child, type Ended } from './process.js';
import type { Case } from './spec.js';

export const PROGRAM = fileURLToPath(new URL('../../tui/main.js', import.meta.url));

/** Runs one verb to its end. */
export function potluck(env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Ended> {
  return run(process.execPath, [PROGRAM, ...args], { env, limitMs: 20_000 });
}

/** Starts a verb that goes on, and ends it with the case. */
export function following(t: Case, env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Child> {
  return start(t, process.execPath, [PROGRAM, ...args], { env });
}
