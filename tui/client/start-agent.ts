/**
 * Starts this user's agent in the background, where none runs, and waits until it answers.
 *
 * It outlives the program that started it: a session of its own, no terminal, what it prints in a file of the
 * home. That file is also where the reason stands when it does not come up.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { PotluckError } from '../../protocol/errors.js';
import { AGENT_START_MAX_MS } from '../../protocol/limits.js';
import type { LocalPaths } from '../../protocol/local/paths.js';
import { connectAgent } from './connect.js';

const ASK_AGAIN_MS = 50;
/** Of the last line of the log that is shown. */
const REASON_MAX_CHARS = 300;

/**
 * @param program  the agent's main file
 * @param flags  of `potluck agent`
 * @returns whether one was started; false when one answered already
 * @throws PotluckError FAILED with the last line that the agent printed; NOT_ALLOWED; the signal's reason
 */
export async function startAgent(
  paths: LocalPaths,
  program: string,
  flags: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  if (await answers(paths, signal)) return false;
  mkdirSync(paths.home, { recursive: true, mode: 0o700 });
  const child = launch(paths, program, flags);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(AGENT_START_MAX_MS)]);
  const end = { why: null as string | null };
  child.once('error', (thrown) => (end.why = thrown.message));
  child.once('exit', () => (end.why ??= lastLine(paths.startLog) || 'it ended without a word'));
  try {
    while (!(await answers(paths, limit))) {
      if (end.why !== null) throw new PotluckError('FAILED', `the agent did not start: ${end.why}`);
      await pause(ASK_AGAIN_MS, limit);
    }
    return true;
  } catch (thrown) {
    signal.throwIfAborted();
    if (!limit.aborted) throw thrown;
    const said = lastLine(paths.startLog);
    const why = `the agent does not answer after ${AGENT_START_MAX_MS / 1000} s${said && `: ${said}`}`;
    throw new PotluckError('FAILED', why, { hint: `read ${paths.log}`, cause: thrown });
  } finally {
    child.removeAllListeners();
  }
}

async function answers(paths: LocalPaths, signal: AbortSignal): Promise<boolean> {
  try {
    (await connectAgent(paths, signal)).destroy();
    return true;
  } catch (thrown) {
    if (thrown instanceof PotluckError && thrown.code === 'NO_AGENT') return false;
    throw thrown;
  }
}

function launch(paths: LocalPaths, program: string, flags: readonly string[]): ChildProcess {
  const log = openSync(paths.startLog, 'w', 0o600);
  try {
    const child = spawn(process.execPath, [program, ...flags], {
      cwd: paths.home,
      detached: true,
      stdio: ['ignore', log, log],
      windowsHide: true,
    });
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/** The last line of a small file, without what a terminal would obey; empty when there is none. */
function lastLine(file: string): string {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // The agent ended before it printed anything.
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const said = lines.findLast((line) => line.startsWith('potluck: ')) ?? lines.at(-1) ?? '';
  return said
    .replace(/^potluck: /, '')
    .replaceAll(/\p{Cc}/gu, '·')
    .slice(0, REASON_MAX_CHARS);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
