/** `potluck` without a verb: the terminal UI, with an agent behind it. */
import { PotluckError } from '../../protocol/errors.js';
import { startAgent } from '../client/start-agent.js';
import type { Context, Installation } from './context.js';

/**
 * Starts an agent in the background where none runs, and says so; where that fails the UI says why and
 * offers it again.
 */
export async function showUi(installation: Installation, { agent, paths, out, signal }: Context): Promise<void> {
  if (!process.stdout.isTTY || !process.stdin.isTTY) {
    throw new PotluckError('USAGE', 'the terminal UI needs a terminal', { hint: 'potluck help' });
  }
  const start = (until: AbortSignal): Promise<boolean> => startAgent(paths, installation.agent, [], until);
  try {
    const slow = setTimeout(() => out.say('Starting the agent of this PC …'), 150);
    const started = await start(signal).finally(() => clearTimeout(slow));
    if (started)
      out.say('The agent of this PC was started in the background; `potluck service install` does so at each log-in.');
  } catch (thrown) {
    if (!(thrown instanceof PotluckError) || thrown.code !== 'FAILED') throw thrown;
    out.say(`potluck: ${thrown.message}`);
  }
  await installation.openUi({
    client: agent,
    paths,
    startAgent: start,
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
  });
  agent.close();
}
