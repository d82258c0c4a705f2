#!/usr/bin/env node
/**
 * `potluck agent`: runs the agent in the foreground until SIGTERM or SIGINT.
 *
 * Prints one line when it is ready, and nothing else on stdout; what fails at the start is one line on
 * stderr and an exit code of the CLI's contract.
 */
import { parseArgs } from 'node:util';
import { toPotluckError, ERROR_CODES, PotluckError } from '../protocol/errors.js';
import { CLOSE_MAX_MS, NAME_MAX_BYTES, PORT_MIN } from '../protocol/limits.js';
import { type Agent, type AgentOptions, openAgent } from './agent.js';
import { pathsOfThisAgent } from './platform/paths.js';

interface Flags extends Omit<AgentOptions, 'paths'> {
  readonly json: boolean;
  readonly allowRoot: boolean;
}

const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

try {
  const { json, allowRoot, ...options } = readFlags(process.argv.slice(2));
  refuseRoot(allowRoot);
  await runAgent({ ...options, paths: pathsOfThisAgent() }, json);
} catch (thrown) {
  fail(thrown);
}

async function runAgent(options: AgentOptions, json: boolean): Promise<void> {
  // Before anything is opened, so that a signal during the start also ends in an orderly way.
  const stop = new AbortController();
  for (const name of STOP_SIGNALS) process.on(name, () => stop.abort());
  const stopped = new Promise<void>((resolve) =>
    stop.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  let agent = await openAgent(options);
  let trouble = 0;
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (thrown: unknown) => {
      agent.trouble(event, thrown);
      trouble += 1;
      if (trouble > TROUBLE_MAX_COUNT) process.exit(1);
    });
  }
  sayReady(agent, json);
  while (!stop.signal.aborted) {
    await Promise.race([stopped, agent.rekeyed]);
    if (stop.signal.aborted) break;
    // It gave up its key: as another PC, in no workgroup, it begins anew at the same port.
    const { port } = agent.ready;
    await agent.close();
    agent = await openAgent({ ...options, port: options.port === null ? null : port });
  }
  // What does not close in time is cut: a log-off waits for nobody.
  setTimeout(() => process.exit(0), CLOSE_MAX_MS).unref();
  await agent.close();
  process.exit(0);
}

function sayReady({ ready: { id, name, port, addresses } }: Agent, json: boolean): void {
  if (json) console.log(JSON.stringify({ event: 'ready', id, name, port, addresses }));
  else console.log(`ready: ${name} (${id.slice(0, 7)}) on ${addresses.join(', ') || `port ${port}`}`);
}

/** More than this is no accident: the supervisor starts a fresh agent. */
const TROUBLE_MAX_COUNT = 5;

function readFlags(args: string[]): Flags {
  const { values } = parse(args);
  const port = values.port === undefined ? null : Number(values.port);
  if (port !== null && !(port === 0 || (Number.isInteger(port) && port >= PORT_MIN && port <= 65_535))) {
    throw new PotluckError('USAGE', `--port ${values.port}: a port from ${PORT_MIN} to 65535, or 0 for any free one`);
  }
  if (values.name !== undefined && (values.name === '' || Buffer.byteLength(values.name) > NAME_MAX_BYTES)) {
    throw new PotluckError('USAGE', `--name: 1 to ${NAME_MAX_BYTES} bytes`);
  }
  return {
    json: values.json,
    allowRoot: values['allow-root'],
    name: values.name ?? null,
    port,
    listen: values.listen ?? null,
    discovery: !values['no-discovery'],
    peers: values.peer,
    loopback: values.loopback,
    logLevel: process.env['POTLUCK_LOG'] === 'debug' ? 'debug' : 'info',
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        'allow-root': { type: 'boolean', default: false },
        name: { type: 'string' },
        port: { type: 'string' },
        listen: { type: 'string' },
        'no-discovery': { type: 'boolean', default: false },
        peer: { type: 'string', multiple: true, default: [] },
        loopback: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
  } catch (thrown) {
    throw new PotluckError('USAGE', thrown instanceof Error ? thrown.message : String(thrown), {
      hint: 'potluck help agent',
    });
  }
}

/** An agent of the administrator would read and write with rights that no coworker should borrow. */
function refuseRoot(allowed: boolean): void {
  if (allowed || process.getuid?.() !== 0) return;
  throw new PotluckError('NOT_ALLOWED', 'the agent does not run as root: it would share with all of root’s rights', {
    hint: 'start it as an ordinary user, or add --allow-root if this is meant',
  });
}

function fail(thrown: unknown): never {
  const error = toPotluckError(thrown);
  const cause = error.code === 'INTERNAL' && thrown instanceof Error ? `: ${thrown.message}` : '';
  if (process.argv.includes('--json')) console.log(JSON.stringify({ error: error.toWire() }));
  console.error(`potluck: agent: ${error.message}${cause} (${error.code})`);
  if (error.hint !== undefined) console.error(`try: ${error.hint}`);
  process.exit(ERROR_CODES[error.code].exit);
}
