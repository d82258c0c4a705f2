/**
 * The agent's local door without the agent behind it: the real socket, token, proof, HTTP and board, with
 * handlers that a test writes. A method that it did not write fails the call.
 */
import path from 'node:path';
import { openLocalServer, type LocalServer } from '../../agent/api/local-server.js';
import type { LocalHandlers } from '../../agent/api/local-calls.js';
import { Board } from '../../agent/platform/board.js';
import { type Clock, systemClock } from '../../agent/platform/clock.js';
import { silentLog, type Log } from '../../agent/platform/log.js';
import { PotluckError } from '../../protocol/errors.js';
import { LOCAL_METHODS, type LocalMethod } from '../../protocol/local/api.js';
import { type LocalPaths, localPaths } from '../../protocol/local/paths.js';
import { openPrivateFolder } from '../../agent/platform/paths.js';
import type { Case } from './spec.js';
import { temporaryFolder } from './temporary.js';

export interface FakeAgent {
  readonly paths: LocalPaths;
  readonly board: Board;
  readonly server: LocalServer;
  /** The environment in which a client finds it. */
  readonly env: NodeJS.ProcessEnv;
  /** What was asked, in order. */
  readonly asked: { readonly method: LocalMethod; readonly input: unknown }[];
}

export async function openFakeAgent(
  t: Case,
  handlers: Partial<LocalHandlers> = {},
  options: { readonly home?: string; readonly log?: Log; readonly clock?: Clock } = {},
): Promise<FakeAgent> {
  const home = options.home ?? path.join(temporaryFolder(t), 'agent');
  const paths = pathsIn(home);
  openPrivateFolder(home);
  const board = new Board();
  const asked: FakeAgent['asked'] = [];
  const table = Object.fromEntries(
    (Object.keys(LOCAL_METHODS) as LocalMethod[]).map((method) => [
      method,
      async (input: never, signal: AbortSignal) => {
        asked.push({ method, input });
        const handler = handlers[method] as ((input: never, signal: AbortSignal) => Promise<unknown>) | undefined;
        if (handler === undefined) throw new PotluckError('UNSUPPORTED', `the test wrote no ${method}`);
        return handler(input, signal);
      },
    ]),
  ) as unknown as LocalHandlers;
  const { clock = systemClock, log = silentLog } = options;
  const server = await openLocalServer({ paths, board, handlers: table, clock, log });
  t.defer(() => server.close());
  return { paths, board, server, asked, env: envOf(home) };
}

/** The places of an agent whose home this is, whatever this machine's own environment says. */
export function pathsIn(home: string): LocalPaths {
  return localPaths({
    platform: process.platform,
    env: { POTLUCK_HOME: home },
    userHome: path.dirname(home),
    uid: process.getuid?.() ?? -1,
  });
}

export function envOf(home: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LANG: 'C.UTF-8', HOME: path.dirname(home), POTLUCK_HOME: home };
}
